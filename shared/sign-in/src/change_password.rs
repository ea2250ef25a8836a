//! Changing the password.
//!
//! An answer may get lost, so the same request may come again. By then its token has ended, by that very change, and its
//! `current_password` is the one before. It is answered alike if it proves both: the password that the account has, and the
//! one that was replaced by it, less than a day ago. Nothing is changed then.
//!
//! That gives nobody more than signing in would:
//! - Who knows both passwords can sign in anyway. The hash of the one before opens nothing else, and goes at the first
//!   sign-in after a day.
//! - Each request is an attempt to tell the account's password: it waits as one, and counts as a wrong one unless it proves
//!   something.
//! - A token that has ended, but not expired, is let through here for this question alone. To all else that it could ask about
//!   the account the answer is that it has ended, whatever its passwords are.

use domain::{error::Error, time::to_whole_ms, user::User};
use http_api::{
    App, Caller, ClientAddress, FormerCaller,
    fields::{Fields, Read},
};
use jiff::Timestamp;
use secrecy::SecretString;
use utoipa::ToSchema;

use crate::{
    account::account,
    admin::is_admins,
    password, policy,
    security_event::{SecurityEvent, try_password},
};

/// Another password.
#[derive(ToSchema)]
pub struct PasswordChange {
    /// The one to replace.
    #[schema(value_type = String, example = "correct horse battery")]
    current_password: SecretString,
    /// 8 to 128 characters, none of them a control character; not one of the most common passwords, nor the address.
    #[schema(value_type = String, example = "four quiet green bicycles", min_length = 8, max_length = 128)]
    new_password: SecretString,
}

impl Read for PasswordChange {
    fn read(fields: &mut Fields) -> Option<Self> {
        let current_password = fields.required("current_password", password::secret);
        let new_password = fields.required("new_password", |value| {
            let new_password = password::secret(value)?;
            policy::check(&new_password, None).map(|()| new_password)
        });
        Some(Self { current_password: current_password?, new_password: new_password? })
    }
}

/// What the passwords of a request prove.
enum Proof {
    /// The current one is the account's.
    Current(User),
    /// The same request was done before.
    Done(User),
}

/// Changes the caller's password. All tokens that were got with the old one end.
///
/// # Errors
/// `InvalidCredentials`, `PasswordIsASetting`, `TooManyAttempts`, a field that can't be accepted, or as the stores have it.
pub async fn change_password(
    app: &App,
    FormerCaller { caller, has_ended }: FormerCaller,
    change: PasswordChange,
    from: ClientAddress,
) -> Result<(), Error> {
    if is_admins(app, &caller.email) {
        return Err(Error::PasswordIsASetting);
    }
    policy::check(&change.new_password, Some(&caller.email))
        .map_err(|wrong| Error::invalid_field("new_password", wrong))?;

    let now = to_whole_ms(Timestamp::now());
    let attempt = try_password(app, &caller.email, from, Some(caller.user_id)).await?;
    let proof = prove(app, &caller, has_ended, &change, now).await;
    if let Ok(None) = proof {
        SecurityEvent::PasswordFailed.tell(Some(caller.user_id));
    }
    let proof = attempt.judge(proof).await.map_err(|error| refusal(error, has_ended))?;
    match proof {
        Proof::Current(user) => replace(app, &caller, user, change, now).await?,
        // Whoever did it may not have come so far as to tell Redis.
        Proof::Done(user) => accounts::end_tokens_again(&app.accounts, &user, now).await,
    }
    Ok(())
}

/// A token that has ended learns nothing but that.
fn refusal(error: Error, has_ended: bool) -> Error {
    match error {
        Error::InvalidCredentials if has_ended => Error::TokenEnded,
        error => error,
    }
}

async fn replace(
    app: &App,
    caller: &Caller,
    user: User,
    change: PasswordChange,
    now: Timestamp,
) -> Result<(), Error> {
    let hash = password::hash(change.new_password.clone()).await?;
    if accounts::change_password(&app.accounts, &user, &hash, now).await? {
        SecurityEvent::PasswordChanged.tell(Some(user.id));
        return Ok(());
    }
    // Somebody else changed it meanwhile: the same request, or another one.
    match account(app, caller).await? {
        Some(user) if is_done(&user, &change, now).await? => Ok(()),
        _ => Err(Error::InvalidCredentials),
    }
}

/// What the request proves; nothing, if it proves nothing that matters to its token.
async fn prove(
    app: &App,
    caller: &Caller,
    has_ended: bool,
    change: &PasswordChange,
    now: Timestamp,
) -> Result<Option<Proof>, Error> {
    let user = account(app, caller).await?;
    if !has_ended {
        let hash = user.as_ref().and_then(|user| user.password_hash.clone());
        if password::verify(&change.current_password, hash).await?.is_right {
            return Ok(user.map(Proof::Current));
        }
    }
    match user {
        Some(user) if is_done(&user, change, now).await? => Ok(Some(Proof::Done(user))),
        _ => Ok(None),
    }
}

/// Whether this very change was made lately.
async fn is_done(user: &User, change: &PasswordChange, now: Timestamp) -> Result<bool, Error> {
    let Some(before) = user.password_before(now).cloned() else { return Ok(false) };
    // Both, whatever the first says: how long it takes must not tell which one is wrong.
    let was_current = password::verify(&change.current_password, Some(before)).await?;
    let is_new = password::verify(&change.new_password, user.password_hash.clone()).await?;
    Ok(was_current.is_right && is_new.is_right)
}
