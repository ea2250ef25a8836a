//! A forgotten password: a mail to the account's address has a token that sets another one.
//!
//! Nobody learns by it whether an address has an account: the answer is the same, and so is what it takes. The token ends with
//! the password that it replaces, so it works once; its mail proves the address, too.

use accounts::mailed_tokens::Purpose;
use domain::{email::Address, error::Error, message::Kind, time::to_whole_ms, user::User};
use http_api::{
    App,
    fields::{Fields, Read, text},
};
use jiff::Timestamp;
use secrecy::SecretString;
use utoipa::ToSchema;

use crate::{account_mail, admin::is_admins, password, policy, security_event::SecurityEvent};

/// Whose password is forgotten.
#[derive(ToSchema)]
pub struct ForgottenPassword {
    /// The account's address.
    #[schema(value_type = String, example = "ada@example.com", format = "email", max_length = 254)]
    email: Address,
}

impl Read for ForgottenPassword {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { email: fields.required("email", |value| Address::of_account(&text(value)?))? })
    }
}

/// Another password, by the token of a mail.
#[derive(ToSchema)]
pub struct PasswordReset {
    /// The token of the link in the mail.
    #[schema(example = "eyJ0eXAiOiJyZXNldC1wYXNzd29yZCJ9.e30.c2lnbmF0dXJl")]
    token: String,
    /// 8 to 128 characters, none of them a control character; not one of the most common passwords, nor the address.
    #[schema(value_type = String, example = "four quiet green bicycles", min_length = 8, max_length = 128)]
    password: SecretString,
}

impl Read for PasswordReset {
    fn read(fields: &mut Fields) -> Option<Self> {
        let token = fields.required("token", text);
        let password = fields.required("password", |value| {
            let password = password::secret(value)?;
            policy::check(&password, None).map(|()| password)
        });
        Some(Self { token: token?, password: password? })
    }
}

/// Sends a mail that sets another password, if the address has an account with one.
///
/// # Errors
/// `NoMail`, or as the stores have it.
pub async fn forgot_password(app: &App, forgotten: ForgottenPassword, now: Timestamp) -> Result<(), Error> {
    let address = forgotten.email;
    let user = app.store.account_of(&address).await?.filter(|user| has_password_of_its_own(app, user));
    match account_mail::ask(app, Kind::AccountReset, &address.email, user.as_ref(), now).await {
        // Who asks need not be who is asked for.
        Err(Error::RateLimited { .. }) => Ok(()),
        asked => asked,
    }
}

/// Sets another password. All tokens that were got with the old one end.
///
/// # Errors
/// `MailedTokenEnded`, a field that can't be accepted, or as the stores have it.
pub async fn reset_password(app: &App, reset: PasswordReset, now: Timestamp) -> Result<(), Error> {
    let claims = app.tokens.open_mailed(Purpose::Reset, &reset.token, now)?;
    policy::check(&reset.password, Some(&claims.email))
        .map_err(|wrong| Error::invalid_field("password", wrong))?;
    let is_asked_for = |user: &User| {
        user.id == claims.sub
            && user.password_version == claims.password_version
            && has_password_of_its_own(app, user)
    };
    let user = app.store.user_by_email(&claims.email).await?.filter(is_asked_for);
    let user = user.ok_or(Error::MailedTokenEnded)?;
    let now = to_whole_ms(now);
    let hash = password::hash(reset.password).await?;
    if !accounts::change_password(&app.accounts, &user, &hash, now).await? {
        return Err(Error::MailedTokenEnded);
    }
    SecurityEvent::PasswordReset.tell(Some(user.id));
    if let Err(error) = app.store.verify_email(&user.email, user.id, user.password_version + 1, now).await {
        tracing::warn!(user_id = %user.id, %error, "the address has to be verified by a mail of its own");
    }
    Ok(())
}

/// The admin's is a setting.
fn has_password_of_its_own(app: &App, user: &User) -> bool {
    user.password_hash.is_some() && !is_admins(app, &user.email)
}
