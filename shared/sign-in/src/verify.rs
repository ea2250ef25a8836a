//! Verifying an address: whoever has the token of the mail gets mail there. Tokens that move an account come here, too.

use accounts::mailed_tokens::Purpose;
use domain::{error::Error, message::Kind, time::to_whole_ms};
use http_api::{
    App, Caller,
    fields::{Fields, Read, text},
};
use jiff::Timestamp;
use utoipa::ToSchema;

use crate::{
    account::account,
    account_mail,
    change_email::{self, Verified},
    security_event::SecurityEvent,
};

/// What a mail proves.
#[derive(ToSchema)]
pub struct Verification {
    /// The token of the link in the mail.
    #[schema(example = "eyJ0eXAiOiJ2ZXJpZnktZW1haWwifQ.e30.c2lnbmF0dXJl")]
    token: String,
}

impl Read for Verification {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { token: fields.required("token", text)? })
    }
}

/// Notes that the account's owner gets mail at its address; or moves it there, as it was asked for; or takes it back.
///
/// # Errors
/// `MailedTokenEnded`, `EmailTaken`, `NoMail`, or as the store has it.
pub async fn verify_email(
    app: &App,
    Verification { token }: Verification,
    now: Timestamp,
) -> Result<Verified, Error> {
    let (purpose, claims) = change_email::opened(app, &token, now)?;
    match purpose {
        Purpose::Move => return change_email::move_there(app, &claims, now).await,
        Purpose::Undo => return change_email::take_back(app, &claims, now).await,
        Purpose::Verify | Purpose::Reset => {}
    }
    if !app.store.verify_email(&claims.email, claims.sub, claims.password_version, to_whole_ms(now)).await? {
        return Err(Error::MailedTokenEnded);
    }
    SecurityEvent::EmailVerified.tell(Some(claims.sub));
    Ok(Verified::Address)
}

/// Sends the caller the mail again that proves the address, unless it is proved.
///
/// # Errors
/// `AccountNotFound`, `NoMail`, `RateLimited`, or as the stores have it.
pub async fn resend_verification(app: &App, caller: &Caller, now: Timestamp) -> Result<(), Error> {
    let user = account(app, caller).await?.ok_or(Error::AccountNotFound)?;
    if user.email_verified_at.is_some() {
        return Ok(());
    }
    account_mail::ask(app, Kind::AccountVerify, &user.email, Some(&user), now).await
}
