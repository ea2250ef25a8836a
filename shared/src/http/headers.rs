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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(name: &str, values: &[Vec<u8>]) -> Parts {
        let mut request = axum::http::Request::builder();
        for value in values {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                request = request.header(name, value);
            }
        }
        request.body(()).unwrap().into_parts().0
    }

    fn extract<T: FromRequestParts<()>>(mut parts: Parts) -> Result<T, T::Rejection> {
        futures::executor::block_on(T::from_request_parts(&mut parts, &()))
    }

    /// Bytes, text that looks like a list of entity tags, or the tags themselves.
    fn some_value() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            any::<Vec<u8>>(),
            "[W/\"*, !-~]{0,24}".prop_map(String::into_bytes),
            "(W/)?\"[!#-~]{0,8}\"(, ?(W/)?\"[!#-~]{0,8}\"){0,3}".prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #[test]
        fn an_idempotency_key_is_taken_as_it_is_or_refused(value in prop_oneof!["[!-~]{1,255}".prop_map(String::into_bytes), any::<Vec<u8>>()]) {
            prop_assume!(HeaderValue::from_bytes(&value).is_ok());
            let fits = (1..=255).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
            match extract::<IdempotencyKey>(parts("idempotency-key", std::slice::from_ref(&value))) {
                Ok(IdempotencyKey(key)) => prop_assert!(fits && key.as_bytes() == value),
                Err(problem) => prop_assert!(!fits && problem.code() == "invalid_parameter"),
            }
        }

        #[test]
        fn if_match_is_tags_or_refused(values in prop::collection::vec(some_value(), 1..3), version: u64) {
            let parts = parts("if-match", &values);
            let is_sent = parts.headers.contains_key("if-match");
            match extract::<RequiredIfMatch>(parts) {
                // Whether it matches or not: it can be asked.
                Ok(RequiredIfMatch(tags)) => drop(tags.precondition_passes(&version_tag(version).unwrap())),
                Err(problem) => {
                    let code = if is_sent { "invalid_parameter" } else { "if_match_required" };
                    prop_assert_eq!(problem.code(), code);
                }
            }
        }

        #[test]
        fn a_version_matches_its_own_tag_and_no_other(version: u64, other: u64) {
            let tag = version_tag(version).unwrap();
            let of = |version: u64| format!("\"0\", \"{version}\"").into_bytes();
            let RequiredIfMatch(own) = extract(parts("if-match", &[of(version)])).unwrap();
            let RequiredIfMatch(others) = extract(parts("if-match", &[of(other)])).unwrap();
            prop_assert!(own.precondition_passes(&tag));
            prop_assert_eq!(others.precondition_passes(&tag), other == version || version == 0);
        }

        #[test]
        fn any_if_none_match_gives_the_answer_or_304(value in some_value(), content: Vec<u8>) {
            let known = parts("if-none-match", &[value]).headers.typed_try_get::<IfNoneMatch>().ok().flatten();
            let answer = cacheable(content_tag(&content).unwrap(), 1, known.map(TypedHeader), content);
            prop_assert!([StatusCode::OK, StatusCode::NOT_MODIFIED].contains(&answer.status()));
            prop_assert!(answer.headers().contains_key(header::ETAG));
        }
    }
}
