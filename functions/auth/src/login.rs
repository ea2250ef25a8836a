//! POST /login

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use shared::{
    App, Error, accounts,
    config::AdminAccount,
    domain::{
        email::Email,
        id::UserId,
        time::to_whole_ms,
        user::{Role, User},
    },
    http::{
        ClientAddress, JsonBody, Problem,
        openapi::{BodyProblems, ProblemBody, StoreProblems},
        token::ACCESS_TOKEN_SECONDS,
    },
};
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use crate::{UserView, password};

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// The account's address, in any case.
    #[schema(example = "ada@example.com")]
    email: String,
    /// Its password.
    #[schema(value_type = String, example = "correct horse battery")]
    password: SecretString,
}

/// Signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedIn {
    /// Send it as `Authorization: Bearer <access_token>`.
    #[schema(example = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl")]
    access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds that the token is good for.
    #[schema(example = 3600)]
    expires_in: i64,
    user: UserView,
}

/// Signs in. Takes the same time whether the address has an account or not. After some wrong passwords the next attempt
/// must wait.
#[utoipa::path(
    post, path = "/login", tag = "Accounts",
    request_body = Credentials,
    responses(
        (status = 200, description = "Signed in.", body = SignedIn),
        (status = 401, description = "`invalid_credentials`: unknown address or wrong password.", body = ProblemBody,
         content_type = "application/problem+json"),
        (status = 429, description = "`rate_limited`; `too_many_attempts`: too many passwords were wrong, of this account or from this \
         network; wait for `Retry-After`.", body = ProblemBody, content_type = "application/problem+json"),
        BodyProblems, StoreProblems,
    ),
)]
pub(crate) async fn login(
    State(app): State<Arc<App>>,
    from: ClientAddress,
    JsonBody(credentials): JsonBody<Credentials>,
) -> Result<impl IntoResponse, Problem> {
    let email = Email::parse(&credentials.email).map_err(|_| Error::InvalidCredentials)?;
    let now = Timestamp::now();
    let attempt = accounts::try_password(&app, &email, from).await?;
    let signed_in = match &app.config.admin {
        Some(admin) if admin.email == email => sign_in_admin(&app, admin, credentials.password, now).await,
        _ => sign_in(&app, &email, credentials.password).await,
    };
    let user = attempt.judge(signed_in).await?;
    accounts::end_tokens_again(&app, &user, now).await;
    let access_token = app.tokens.issue_access(&user, now)?;
    Ok(Json(SignedIn {
        access_token,
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_SECONDS,
        user: user.into(),
    }))
}

/// The account, if the password is right.
async fn sign_in(app: &App, email: &Email, password: SecretString) -> Result<Option<User>, Error> {
    let user = app.store.user_by_email(email).await?;
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    let verdict = password::verify(&password, hash).await?;
    let Some(user) = user.filter(|_| verdict.is_right) else {
        return Ok(None);
    };
    if verdict.is_weak {
        strengthen(app, &user, password).await?;
    }
    // Only the admin of the settings is an admin: an account left over from older settings is not.
    Ok(Some(User { role: Role::User, ..user }))
}

/// Hashes a password anew that was hashed when less was asked for.
async fn strengthen(app: &App, user: &User, password: SecretString) -> Result<(), Error> {
    let hash = password::hash(password).await?;
    if let Err(error) = app.store.strengthen_password(user, &hash).await {
        tracing::warn!(user_id = %user.id, %error, "a weak hash stays until the next sign-in");
    }
    Ok(())
}

/// The admin, if the password is right. It is a setting, so it needs no hash. The account exists for its id, and is made
/// at the first sign-in.
async fn sign_in_admin(
    app: &App,
    admin: &AdminAccount,
    password: SecretString,
    now: Timestamp,
) -> Result<Option<User>, Error> {
    let is_right: bool =
        password.expose_secret().as_bytes().ct_eq(admin.password.expose_secret().as_bytes()).into();
    // For the same time as any other sign-in.
    password::verify(&password, None).await?;
    if !is_right {
        return Ok(None);
    }
    let account = User {
        email: admin.email.clone(),
        id: UserId::new(),
        name: None,
        role: Role::Admin,
        password_hash: None,
        password_version: 0,
        password_changed_at: None,
        created_at: to_whole_ms(now),
    };
    match app.store.create_user(&account).await {
        Ok(()) => Ok(Some(account)),
        Err(Error::EmailTaken) => {
            let known = app.store.user_by_email(&admin.email).await?;
            Ok(known.map(|known| User { role: Role::Admin, ..known }))
        }
        Err(error) => Err(error),
    }
}
