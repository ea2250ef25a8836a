//! Users and what they may do.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{email::Email, id::UserId};

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Books tickets.
    User,
    /// Manages events too.
    Admin,
}

/// A password's hash: Argon2id in PHC string form. Its debug form tells nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash in PHC string form.
    pub fn new(phc: String) -> Self {
        Self(phc)
    }

    /// The hash in PHC string form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// An account. Its key is the email address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// The address that the account signs in with.
    pub email: Email,
    /// The id that its reservations and bookings carry.
    pub id: UserId,
    /// How the person wants to be called.
    pub name: Option<String>,
    /// What the account may do.
    pub role: Role,
    /// None for the admin of the settings, whose password is a setting.
    pub password_hash: Option<PasswordHash>,
    /// How often the password was changed. A token carries it: one with a lower number was issued before the change.
    #[serde(default)]
    pub password_version: u32,
    /// When the password was last changed.
    #[serde(default, with = "jiff::fmt::serde::timestamp::millisecond::optional")]
    pub password_changed_at: Option<Timestamp>,
    /// When the account was made.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_does_not_show_in_debug_output() {
        let shown = format!("{:?}", PasswordHash::new("$argon2id$secret".into()));
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn an_account_from_before_passwords_could_be_changed_is_understood() {
        let account = serde_json::json!({
            "email": "ada@example.com", "id": "0190163d-8694-739b-aea5-966c26f8ad91", "name": null, "role": "user",
            "password_hash": "$argon2id$…", "created_at": 0,
        });
        let user: User = serde_json::from_value(account).unwrap();
        assert_eq!((user.password_version, user.password_changed_at), (0, None));
    }
}
