//! Registering, signing in, and what people do with their account: for the API and for the pages.

mod account;
mod account_mail;
mod admin;
mod change_email;
mod change_password;
mod erase;
mod password;
mod policy;
mod proof;
mod register;
mod reset;
mod security_event;
mod sign_in;
mod still_open;
mod verify;

use domain::{error::Error, user::User};
use http_api::App;
use jiff::Timestamp;

pub use self::{
    account::{AccountPatch, account, rename},
    admin::check_settings,
    change_email::{EmailChange, LinkTo, Verified, change_email, link_of},
    change_password::{PasswordChange, change_password},
    erase::{Erasure, erase},
    register::{Registered, Registration, register},
    reset::{ForgottenPassword, PasswordReset, forgot_password, reset_password},
    sign_in::{Credentials, sign_in},
    verify::{Verification, resend_verification, verify_email},
};

/// An access token for somebody who proved to be that user.
///
/// # Errors
/// When it can't be signed.
pub async fn access_token(app: &App, user: &User, now: Timestamp) -> Result<String, Error> {
    accounts::end_tokens_again(&app.accounts, user, now).await;
    app.tokens.issue_access(user, now)
}
