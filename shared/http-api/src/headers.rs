//! Headers that change what a request does: `Idempotency-Key`, and those of the modules that stand here by name.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, request::Parts},
    response::Response,
};

use super::{code::Code, problem::Problem};
use domain::field_error::Wrong;

pub use super::{
    if_match::{IfMatch, RequiredIfMatch},
    validators::{cacheable, event_answer, json_answer, text_answer},
};

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
    Problem::new(Code::IdempotencyKeyRequired)
        .detail("Send a new one, a UUID for example, with each new request, and the same with each retry.")
}

/// A comma is in no key: API Gateway makes one line of several, with commas between, and whoever sends two keys must hear of it
/// there, too.
fn idempotency_key(parts: &Parts) -> Result<Option<String>, Problem> {
    let mut lines = parts.headers.get_all("idempotency-key").iter();
    let Some(key) = lines.next().map(HeaderValue::as_bytes) else {
        return Ok(None);
    };
    let is_key = |byte: &u8| byte.is_ascii_graphic() && *byte != b',';
    let is_bounded = (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&key.len());
    if is_bounded && key.iter().all(is_key) && lines.next().is_none() {
        Ok(Some(String::from_utf8_lossy(key).into_owned()))
    } else {
        Err(Problem::bad_parameter("Idempotency-Key", Wrong::NoKey))
    }
}

/// Marks an answer that was given before.
pub fn replayed(mut response: Response, replayed: bool) -> Response {
    if replayed {
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
    }
    response
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

    proptest! {
        #[test]
        fn an_idempotency_key_is_taken_as_it_is_or_refused(value in prop_oneof!["[!-+--~]{1,255}".prop_map(String::into_bytes), any::<Vec<u8>>()]) {
            prop_assume!(HeaderValue::from_bytes(&value).is_ok());
            let fits = (1..=255).contains(&value.len())
                && value.iter().all(|byte| byte.is_ascii_graphic() && *byte != b',');
            match extract::<IdempotencyKey>(parts("idempotency-key", std::slice::from_ref(&value))) {
                Ok(IdempotencyKey(key)) => prop_assert!(fits && key.as_bytes() == value),
                Err(problem) => prop_assert!(!fits && problem.code() == Code::InvalidParameter),
            }
        }
    }

    #[test]
    fn two_keys_are_none_in_two_lines_or_in_one() {
        for lines in [&["a", "b"][..], &["a", "a"], &["a,b"], &["a, b"], &["a", ""]] {
            let lines: Vec<Vec<u8>> = lines.iter().map(|line| line.as_bytes().to_vec()).collect();
            let refused = extract::<OptionalIdempotencyKey>(parts("idempotency-key", &lines)).unwrap_err();
            assert_eq!(refused.code(), Code::InvalidParameter, "{lines:?}");
        }
    }
}
