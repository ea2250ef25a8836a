//! Accounts: register, sign in, change the password, see and change the account, erase it.

mod change_password;
mod erase;
mod login;
mod me;
mod problems;
mod register;
mod rename;
mod signed_in;

use http_api::{App, limit::Counted};

use domain::user::User;
use serde::Serialize;
use utoipa::ToSchema;

http_api::routes![
    App:
    [register::register = Counted::SIGN_IN],
    [login::login = Counted::SIGN_IN],
    [change_password::change_password = Counted::SIGN_IN],
    [me::show_me, rename::rename_me, erase::erase_me = Counted::SIGN_IN],
];

/// An account, as clients see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
struct UserView {
    /// UUIDv7.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// Normalised: no white space around it, in lower case, its domain in Unicode.
    #[schema(example = "ada@example.com")]
    email: String,
    /// How the person wants to be called.
    #[schema(example = "Ada")]
    name: Option<String>,
    /// `user` or `admin`.
    role: domain::user::Role,
    /// When the account was made.
    #[serde(serialize_with = "domain::time::show")]
    created_at: jiff::Timestamp,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            email: user.email.to_string(),
            name: user.name,
            role: user.role,
            created_at: user.created_at,
        }
    }
}
