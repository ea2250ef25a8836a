//! Who is calling: authorisation as an argument. A handler that takes a [`Caller`] is for signed-in users, one
//! that takes an [`Admin`] for admins.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
};

use jiff::Timestamp;

use super::{limit::Permit, problem::Problem, token::AccessClaims};
use crate::{
    App, Error,
    domain::{email::Email, id::UserId, user::Role},
};

/// A signed-in user.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose request it is.
    pub user_id: UserId,
    /// The address that they signed in with.
    pub email: Email,
}

/// Somebody who signed in, and may have changed the password since, which ends the token: for the one handler that ends the
/// token of its own request, so that it can answer the same request again. It must not take such a token for more.
#[derive(Clone, Debug)]
pub struct FormerCaller {
    /// Whose request it is.
    pub caller: Caller,
    /// Whether the token has ended before its time.
    pub has_ended: bool,
}

/// A signed-in admin.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Whose request it is.
    pub user_id: UserId,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let claims = claims(parts, app)?;
        Ok(Self { user_id: claims.sub, email: claims.email })
    }
}

impl FromRequestParts<Arc<App>> for FormerCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let claims = signed_claims(parts, app)?;
        let has_ended = match parts.extensions.get::<Permit>() {
            Some(permit) => permit.has_ended().await,
            None => true,
        };
        Ok(Self { caller: Caller { user_id: claims.sub, email: claims.email }, has_ended })
    }
}

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let claims = claims(parts, app)?;
        match claims.role {
            Role::Admin => Ok(Self { user_id: claims.sub }),
            Role::User => Err(forbidden()),
        }
    }
}

pub(super) fn forbidden() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", "Only an admin may do this")
}

/// What the request's token says. The table of users is not asked; whether the token was ended early is found out beside
/// the rate limit (`limit`), which has verified the token already.
fn claims(parts: &Parts, app: &App) -> Result<AccessClaims, Problem> {
    let claims = signed_claims(parts, app)?;
    if let Some(permit) = parts.extensions.get::<Permit>() {
        permit.need_token()?;
    }
    Ok(claims)
}

/// The same of a token that may have been ended early.
fn signed_claims(parts: &Parts, app: &App) -> Result<AccessClaims, Problem> {
    match parts.extensions.get::<Permit>().and_then(Permit::claims) {
        Some(claims) => Ok(claims.clone()),
        // Once more, to say what is wrong with it.
        None => bearer_claims(parts.headers.get(header::AUTHORIZATION), app),
    }
}

/// What the token of an `Authorization` header says.
pub(super) fn bearer_claims(header: Option<&HeaderValue>, app: &App) -> Result<AccessClaims, Problem> {
    let Some(header) = header else {
        return Err(Problem::unauthorized("The Authorization header is missing.", "Bearer"));
    };
    let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::unauthorized("The Authorization header must be: Bearer <token>.", "Bearer"));
    }
    app.tokens.verify_access(token.trim(), Timestamp::now()).map_err(|error| {
        tracing::debug!(%error, "token refused");
        Error::TokenEnded.into()
    })
}
