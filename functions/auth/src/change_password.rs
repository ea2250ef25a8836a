//! POST /password

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use shared::{
    App, Error, accounts,
    domain::{time::to_whole_ms, user::User},
    http::{
        Caller, ClientAddress, JsonBody, Problem,
        openapi::{BodyProblems, ProblemBody, StoreProblems},
    },
};
use utoipa::ToSchema;

use crate::{password, policy};

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The one to replace.
    #[schema(value_type = String, example = "correct horse battery")]
    current_password: SecretString,
    /// 8 to 128 characters; not one of the most common passwords, nor the address.
    #[schema(value_type = String, example = "four quiet green bicycles", min_length = 8, max_length = 128)]
    new_password: SecretString,
}

/// Changes the caller's password. All tokens that were got with the old one end, this request's too: within 5 s
/// everywhere, or, while Redis is out of reach, when they expire. Sign in again with the new one.
#[utoipa::path(
    post, path = "/password", tag = "Accounts", security(("bearer" = [])),
    request_body = PasswordChange,
    responses(
        (status = 204, description = "The password is changed; sign in again."),
        (status = 401, description = "`invalid_credentials`: the current password is wrong, which counts like a wrong \
         one at sign-in; `unauthorized`: no token, or one that is not valid.", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 409, description = "`password_is_a_setting`: the admin's password is changed in the settings.",
         body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "`rate_limited`; `too_many_attempts`: too many passwords were wrong, of this account or from this \
         network; wait for `Retry-After`.", body = ProblemBody, content_type = "application/problem+json"),
        BodyProblems, StoreProblems,
    ),
)]
pub(crate) async fn change_password(
    State(app): State<Arc<App>>,
    caller: Caller,
    from: ClientAddress,
    JsonBody(change): JsonBody<PasswordChange>,
) -> Result<StatusCode, Problem> {
    if app.config.admin.as_ref().is_some_and(|admin| admin.email == caller.email) {
        return Err(Error::PasswordIsASetting.into());
    }
    policy::check(&change.new_password, Some(&caller.email))
        .map_err(|message| Error::invalid_field("new_password", message))?;

    let attempt = accounts::try_password(&app, &caller.email, from).await?;
    let user = attempt.judge(account(&app, &caller, &change.current_password).await).await?;

    let now = to_whole_ms(Timestamp::now());
    let hash = password::hash(change.new_password).await?;
    if !app.store.change_password(&user, &hash, now).await? {
        // Somebody else changed it meanwhile, so that the current one is another.
        return Err(Error::InvalidCredentials.into());
    }
    accounts::end_tokens(&app, &User { password_version: user.password_version + 1, ..user }).await;
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's account, if that is its password.
async fn account(app: &App, caller: &Caller, password: &SecretString) -> Result<Option<User>, Error> {
    let user = app.store.user_by_email(&caller.email).await?.filter(|user| user.id == caller.user_id);
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let is_right = password::verify(password, hash).await?.is_right;
    Ok(user.filter(|_| is_right))
}
