//! POST /login

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use shared::{
    App, Error,
    config::AdminAccount,
    domain::{
        email::Email,
        id::UserId,
        time::to_whole_ms,
        user::{Role, User},
    },
    http::{
        JsonBody, Problem,
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
    #[schema(example = "correct horse battery")]
    password: String,
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

/// Signs in. Takes the same time whether the address has an account or not.
#[utoipa::path(
    post, path = "/login", tag = "Accounts",
    request_body = Credentials,
    responses(
        (status = 200, description = "Signed in.", body = SignedIn),
        (status = 401, description = "`invalid_credentials`: unknown address or wrong password.", body = ProblemBody,
         content_type = "application/problem+json"),
        BodyProblems, StoreProblems,
    ),
)]
pub(crate) async fn login(
    State(app): State<Arc<App>>,
    JsonBody(credentials): JsonBody<Credentials>,
) -> Result<impl IntoResponse, Problem> {
    let email = Email::parse(&credentials.email).map_err(|_| Error::InvalidCredentials)?;
    let now = Timestamp::now();
    let user = match &app.config.admin {
        Some(admin) if admin.email == email => sign_in_admin(&app, admin, credentials.password, now).await?,
        _ => sign_in(&app, &email, credentials.password).await?,
    };
    let access_token = app.tokens.issue_access(&user, now)?;
    Ok(Json(SignedIn {
        access_token,
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_SECONDS,
        user: user.into(),
    }))
}

async fn sign_in(app: &App, email: &Email, password: String) -> Result<User, Error> {
    let user = app.store.user_by_email(email).await?;
    let hash = user.as_ref().and_then(|user| user.password_hash.clone());
    match user {
        // Only the admin of the settings is an admin: an account left over from older settings is not.
        Some(user) if password::verify(password.clone(), hash.clone()).await? => {
            Ok(User { role: Role::User, ..user })
        }
        Some(_) => Err(Error::InvalidCredentials),
        None => {
            password::verify(password, None).await?;
            Err(Error::InvalidCredentials)
        }
    }
}

/// The admin's password is a setting, so it needs no hash. The account exists for its id, and is made at the first
/// sign-in.
async fn sign_in_admin(
    app: &App,
    admin: &AdminAccount,
    password: String,
    now: Timestamp,
) -> Result<User, Error> {
    let right: bool = password.as_bytes().ct_eq(admin.password.expose_secret().as_bytes()).into();
    // For the same time as any other sign-in.
    password::verify(password, None).await?;
    if !right {
        return Err(Error::InvalidCredentials);
    }
    let account = User {
        email: admin.email.clone(),
        id: UserId::new(),
        name: None,
        role: Role::Admin,
        password_hash: None,
        created_at: to_whole_ms(now),
    };
    match app.store.create_user(&account).await {
        Ok(()) => Ok(account),
        Err(Error::EmailTaken) => {
            let known = app.store.user_by_email(&admin.email).await?.ok_or(Error::InvalidCredentials)?;
            Ok(User { role: Role::Admin, ..known })
        }
        Err(error) => Err(error),
    }
}
