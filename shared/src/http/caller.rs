//! Who is calling: authorisation as an argument. A handler that takes a [`Caller`] is for signed-in users, one
//! that takes an [`Admin`] for admins.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, header, request::Parts},
};

use super::{problem::Problem, token::AccessClaims};
use crate::{
    App,
    domain::{id::UserId, user::Role},
};

/// A signed-in user.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Whose request it is.
    pub user_id: UserId,
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
        Ok(Self { user_id: claims(parts, app)?.sub })
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

/// What the request's token says; the token alone decides, no store is asked.
fn claims(parts: &Parts, app: &App) -> Result<AccessClaims, Problem> {
    let Some(header) = parts.headers.get(header::AUTHORIZATION) else {
        return Err(Problem::unauthorized("The Authorization header is missing.", "Bearer"));
    };
    let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::unauthorized("The Authorization header must be: Bearer <token>.", "Bearer"));
    }
    app.tokens.verify_access(token.trim()).map_err(|error| {
        tracing::debug!(%error, "token refused");
        Problem::unauthorized(
            "The token is not valid, or no longer. Sign in again.",
            r#"Bearer error="invalid_token""#,
        )
    })
}
