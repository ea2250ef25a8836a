//! The token of an `Authorization` header (RFC 6750).

use accounts::tokens::{AccessClaims, Tokens};
use axum::http::HeaderValue;
use domain::error::Error;
use jiff::Timestamp;

use crate::problem::Problem;

/// What the token of an `Authorization` header says.
pub(super) fn bearer_claims(header: Option<&HeaderValue>, tokens: &Tokens) -> Result<AccessClaims, Problem> {
    let Some(header) = header else {
        return Err(Problem::unauthorized("The Authorization header is missing.", "Bearer"));
    };
    let (scheme, token) = header.to_str().ok().and_then(|text| text.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::unauthorized("The Authorization header must be: Bearer <token>.", "Bearer"));
    }
    tokens.verify_access(token.trim(), Timestamp::now()).map_err(|error| {
        tracing::debug!(%error, "token refused");
        Error::TokenEnded.into()
    })
}
