//! The password, asked for once more before what can't be taken back easily.

use domain::{error::Error, user::User};
use http_api::{App, Caller, ClientAddress};
use secrecy::SecretString;

use crate::{
    password,
    security_event::{SecurityEvent, try_password},
};

/// The caller's account, if that is its password; a wrong one counts as at sign-in. It takes as long without an account.
///
/// # Errors
/// `InvalidCredentials`, `TooManyAttempts`, or as the stores have it.
pub(crate) async fn prove(
    app: &App,
    caller: &Caller,
    user: Option<User>,
    password: &SecretString,
    from: ClientAddress,
) -> Result<User, Error> {
    let attempt = try_password(app, &caller.email, from, Some(caller.user_id)).await?;
    let proof = compare(user, password).await;
    if let Ok(None) = proof {
        SecurityEvent::PasswordFailed.tell(Some(caller.user_id));
    }
    attempt.judge(proof).await
}

async fn compare(user: Option<User>, password: &SecretString) -> Result<Option<User>, Error> {
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let is_right = password::verify(password, hash).await?.is_right;
    Ok(user.filter(|_| is_right))
}
