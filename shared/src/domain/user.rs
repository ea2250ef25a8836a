//! Users and what they may do.

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
    /// Argon2id in PHC string form; none for the admin of the settings, whose password is a setting.
    pub password_hash: Option<String>,
    /// When the account was made.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
}
