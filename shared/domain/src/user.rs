//! Users and what they may do.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{email::Email, id::UserId};

/// How long the request that made an account, or changed its password, may come again and is answered alike.
const REPEATED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

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
    /// The hash of the password before. It counts for a day only ([`User::password_before`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_password_hash: Option<PasswordHash>,
    /// When its owner proved to get mail at the address; none if that was not yet.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub email_verified_at: Option<Timestamp>,
    /// When the account was made.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
}

impl User {
    /// Whether the account is so new that the request which made it may come again.
    pub fn is_new(&self, now: Timestamp) -> bool {
        now.duration_since(self.created_at) < REPEATED_WITHIN
    }

    /// The password that was replaced so lately that the request which did it may come again.
    pub fn password_before(&self, now: Timestamp) -> Option<&PasswordHash> {
        let changed_at = self.password_changed_at?;
        let is_late = now.duration_since(changed_at) >= REPEATED_WITHIN;
        self.previous_password_hash.as_ref().filter(|_| !is_late)
    }
}

/// Somebody as admins see them beside a booking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The user's id.
    pub id: UserId,
    /// The address that the account signs in with.
    pub email: Email,
    /// How the person wants to be called.
    #[serde(default)]
    pub name: Option<String>,
}

/// Tokens of a user that were got with an older password, or before the account was erased, have ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedTokensNote {
    /// The user.
    pub user: UserId,
    /// The lowest version of the password that is still good.
    pub good_from: u32,
    /// When the last older token has expired, in seconds since the Unix epoch.
    pub forget_at: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_does_not_show_in_debug_output() {
        let shown = format!("{:?}", PasswordHash::new("$argon2id$secret".into()));
        assert!(!shown.contains("secret"), "{shown}");
    }

    fn account(more: serde_json::Value) -> User {
        let mut account = serde_json::json!({
            "email": "ada@example.com", "id": "0190163d-8694-739b-aea5-966c26f8ad91", "name": null, "role": "user",
            "password_hash": "$argon2id$…", "created_at": 0,
        });
        account.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(account).unwrap()
    }

    #[test]
    fn a_request_may_come_again_for_a_day() {
        let day = SignedDuration::from_hours(24);
        let second = SignedDuration::from_secs(1);
        let user =
            account(serde_json::json!({ "previous_password_hash": "$before$", "password_changed_at": 0 }));
        let last = Timestamp::UNIX_EPOCH + day - second;
        assert!(user.is_new(last) && user.password_before(last).is_some());
        assert!(!user.is_new(last + second) && user.password_before(last + second).is_none());
    }

    #[test]
    fn an_account_with_what_a_later_release_keeps_is_understood() {
        let user = account(serde_json::json!({ "of_a_later_release": true }));
        assert_eq!(user.email.as_str(), "ada@example.com");
    }

    #[test]
    fn an_account_from_before_passwords_could_be_changed_is_understood() {
        let user = account(serde_json::json!({}));
        assert_eq!((user.password_version, user.password_changed_at), (0, None));
        assert!(user.password_before(Timestamp::UNIX_EPOCH).is_none());
    }
}
