//! Accounts: register, sign in, change the password or set a forgotten one, verify or change the address, see and change the
//! account, erase it. And the pages that links in mails lead to.

mod change_email;
mod change_password;
mod erase;
mod forgot_password;
mod login;
mod me;
mod pages;
mod problems;
mod register;
mod rename;
mod reset_password;
mod sent;
mod signed_in;
mod verify_email;

use http_api::{App, limit::Counted};

use domain::user::User;
use serde::Serialize;
use utoipa::ToSchema;

http_api::routes![
    App:
    [register::register = Counted::SIGN_IN],
    [login::login = Counted::SIGN_IN],
    [change_password::change_password = Counted::SIGN_IN],
    [forgot_password::show_forgot_password with query, forgot_password::forgot_password = Counted::SIGN_IN.by_form()],
    [reset_password::show_reset_password with query, reset_password::reset_password = Counted::SIGN_IN.by_form()],
    [verify_email::show_verify_email with query, verify_email::verify_email = Counted::SIGN_IN.by_form()],
    [verify_email::resend_verification = Counted::SIGN_IN],
    [change_email::change_email = Counted::SIGN_IN],
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
    /// Whether a mail to the address proved that its owner gets it.
    email_verified: bool,
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
            email_verified: user.email_verified_at.is_some(),
            role: user.role,
            created_at: user.created_at,
        }
    }
}
