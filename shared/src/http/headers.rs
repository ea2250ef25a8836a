//! Headers that change what a request does: `Idempotency-Key`, `If-Match`, `If-None-Match`; and those that say how
//! an answer may be cached.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use axum_extra::{
    TypedHeader,
    headers::{ETag, HeaderMapExt, IfMatch, IfNoneMatch},
};

use super::problem::Problem;

/// How long a cache may still give out an old answer while it asks for a new one, in seconds (RFC 5861).
const STALE_WHILE_REVALIDATE_SECONDS: u32 = 5;
const IDEMPOTENCY_KEY_CHARS_MAX: usize = 255;

/// The `Idempotency-Key` of a request that requires one.
#[derive(Clone, Debug)]
pub struct IdempotencyKey(pub String);

/// The `Idempotency-Key` of a request that may have one.
#[derive(Clone, Debug)]
pub struct OptionalIdempotencyKey(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        idempotency_key(parts)?.map(Self).ok_or_else(key_required)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OptionalIdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        idempotency_key(parts).map(Self)
    }
}

pub(super) fn key_required() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_required", "An Idempotency-Key header is required")
        .detail("Send a new one, a UUID for example, with each new request, and the same with each retry.")
}

fn idempotency_key(parts: &Parts) -> Result<Option<String>, Problem> {
    let Some(value) = parts.headers.get("idempotency-key") else {
        return Ok(None);
    };
    let bytes = value.as_bytes();
    if (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic) {
        Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
    } else {
        Err(Problem::bad_parameter(
            "Idempotency-Key",
            format!("must have 1 to {IDEMPOTENCY_KEY_CHARS_MAX} visible ASCII characters"),
        ))
    }
}

/// Marks an answer that was given before.
pub fn replayed(mut response: Response, replayed: bool) -> Response {
    if replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// The entity tag of a version.
pub fn version_tag(version: u64) -> Result<ETag, crate::Error> {
    tag(&format!("\"{version}\""))
}

/// The entity tag of an answer without a version: weak, from its content.
pub fn content_tag(content: &[u8]) -> Result<ETag, crate::Error> {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(content);
    tag(&format!("W/\"{:016x}\"", hasher.finish()))
}

fn tag(text: &str) -> Result<ETag, crate::Error> {
    text.parse().map_err(|_| crate::Error::Internal(format!("{text} is no entity tag").into()))
}

/// An answer that anybody may cache for `max_age_seconds`; 304 without a body if the client has it already.
pub fn cacheable(
    tag: ETag,
    max_age_seconds: u32,
    if_none_match: Option<TypedHeader<IfNoneMatch>>,
    body: impl IntoResponse,
) -> Response {
    let unchanged = if_none_match.is_some_and(|TypedHeader(known)| !known.precondition_passes(&tag));
    let mut response =
        if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { body.into_response() };
    response.headers_mut().typed_insert(tag);
    let caching =
        format!("public, max-age={max_age_seconds}, stale-while-revalidate={STALE_WHILE_REVALIDATE_SECONDS}");
    if let Ok(value) = HeaderValue::from_str(&caching) {
        response.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    response
}

/// The `If-Match` of a change; 428 without (RFC 6585, section 3).
#[derive(Clone, Debug)]
pub struct RequiredIfMatch(pub IfMatch);

impl<S: Send + Sync> FromRequestParts<S> for RequiredIfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // The typed header takes anything, and what is no tag for one that never matches: a client that forgot the
        // quotes would be told that its version is old.
        let well_formed = parts.headers.get_all(header::IF_MATCH).iter().all(is_tags);
        match parts.headers.typed_try_get::<IfMatch>() {
            Ok(Some(if_match)) if well_formed => Ok(Self(if_match)),
            Ok(None) => Err(if_match_required()),
            _ => Err(Problem::bad_parameter("If-Match", "must be an entity tag, like \"1\"")),
        }
    }
}

pub(super) fn if_match_required() -> Problem {
    Problem::new(StatusCode::PRECONDITION_REQUIRED, "if_match_required", "An If-Match header is required")
        .detail("Send the ETag of the version that the change is based on.")
}

/// Whether a header is `*` or a list of entity tags (RFC 9110, section 8.8.3).
fn is_tags(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else { return false };
    let mut rest = text.trim();
    if rest == "*" {
        return true;
    }
    loop {
        let tag = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"');
        let Some((content, behind)) = tag.and_then(|tag| tag.split_once('"')) else { return false };
        if !content.bytes().all(|byte| byte.is_ascii_graphic()) {
            return false;
        }
        match behind.trim_start().strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None => return behind.trim_start().is_empty(),
        }
    }
}
