//! Cursors: where a list goes on. Signed, so that a tampered one is refused, and tied to the list, its filters
//! and its reader, so that one can't be used for another.

use axum::http::StatusCode;
use jsonwebtoken::{Algorithm, Validation};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{problem::Problem, token::Tokens};
use crate::Error;

const CURSOR_TYPE: &str = "cursor";

#[derive(Clone, Serialize, Deserialize)]
struct CursorClaims<K> {
    list: String,
    key: K,
}

/// The cursor of the page that starts after `key`. `list` names the list with its filters and its reader.
pub fn to_cursor<K: Clone + Serialize>(
    tokens: &Tokens,
    list: &str,
    key: Option<K>,
) -> Result<Option<String>, Error> {
    key.map(|key| tokens.sign(CURSOR_TYPE, &CursorClaims { list: list.to_owned(), key })).transpose()
}

/// Where the page of a cursor starts.
pub fn from_cursor<K: Clone + DeserializeOwned>(
    tokens: &Tokens,
    list: &str,
    cursor: Option<&str>,
) -> Result<Option<K>, Problem> {
    let Some(cursor) = cursor else {
        return Ok(None);
    };
    let mut rules = Validation::new(Algorithm::HS256);
    // A cursor does not expire: it names a place, it grants nothing.
    rules.set_required_spec_claims::<&str>(&[]);
    rules.validate_exp = false;
    rules.validate_aud = false;
    match tokens.verify::<CursorClaims<K>>(CURSOR_TYPE, &rules, cursor) {
        Ok(claims) if claims.list == list => Ok(Some(claims.key)),
        _ => Err(invalid_cursor()),
    }
}

pub(super) fn invalid_cursor() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", "The cursor is not one of this list")
        .detail("Use next_cursor as it was given, with the same filters, or start without a cursor.")
}
