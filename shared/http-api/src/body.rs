//! JSON bodies: at most 16 KiB, no unknown fields, every complaint with its field. And the body of an answer that has none.

use std::{convert::Infallible, error::Error, iter};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::IntoResponse,
};
use futures::stream;
use serde::de::DeserializeOwned;

use super::{code::Code, json, problem::Problem};

/// What a request body may have.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// A request body of type `T`. An empty body is the same as `{}`.
#[derive(Clone, Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = has_json_type(request.headers());
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return json::parse(b"{}").map(Self);
        }
        if !is_json {
            return Err(not_json());
        }
        json::parse(&bytes).map(Self)
    }
}

/// A request body of type `T` that says what is to change and leaves out the rest: a JSON merge patch (RFC 7396). It must
/// say that it is one: what a patch means follows from its media type alone (RFC 5789). An empty body is none: whoever sends it
/// has lost what was to change.
#[derive(Clone, Debug)]
pub struct MergePatch<T>(pub T);

/// The media type of a [`MergePatch`].
pub const MERGE_PATCH_JSON: &str = "application/merge-patch+json";

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for MergePatch<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if media_type(request.headers()).is_none_or(|named| named != MERGE_PATCH_JSON) {
            return Err(not_a_patch());
        }
        json::parse(&read(request, state).await?).map(Self)
    }
}

/// All of a body, unless it is too long. What says so itself is not waited for.
async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > BODY_BYTES_MAX as u64) {
        return Err(too_large());
    }
    Bytes::from_request(request, state).await.map_err(unreadable)
}

/// No body, of which nobody says how long it is. axum says `Content-Length: 0` of one that it knows to be empty: but 204 must say
/// no length, and 304 and an answer to HEAD none but that of the whole answer (RFC 9110, section 8.6).
pub fn without_length() -> Body {
    Body::from_stream(stream::empty::<Result<Bytes, Infallible>>())
}

/// Whether the body claims to be JSON; one that claims nothing is taken as JSON.
fn has_json_type(headers: &HeaderMap) -> bool {
    media_type(headers).is_none_or(|named| {
        named == "application/json" || (named.starts_with("application/") && named.ends_with("+json"))
    })
}

/// The media type that the body claims, without parameters, in lower case.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let named = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or_default();
    Some(named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Why a server breaks off a body that takes too long.
#[derive(Debug, thiserror::Error)]
#[error("the body took too long")]
pub struct TooSlow;

fn unreadable(rejection: BytesRejection) -> Problem {
    let mut causes = iter::successors(rejection.source(), |&cause| cause.source());
    if causes.any(|cause| cause.is::<TooSlow>()) {
        return too_slow();
    }
    if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        malformed_body()
    }
}

pub(super) fn too_slow() -> Problem {
    Problem::new(Code::BodyTooSlow)
}

pub(super) fn not_json() -> Problem {
    Problem::new(Code::UnsupportedMediaType).detail("Send it with Content-Type: application/json.")
}

fn not_a_patch() -> Problem {
    Problem::new(Code::UnsupportedMediaType)
        .detail(format!("Send it with Content-Type: {MERGE_PATCH_JSON}."))
        .header(HeaderName::from_static("accept-patch"), MERGE_PATCH_JSON)
}

pub(super) fn too_large() -> Problem {
    Problem::new(Code::BodyTooLarge).detail(format!("It may have at most {BODY_BYTES_MAX} bytes."))
}

pub(super) fn malformed_body() -> Problem {
    Problem::new(Code::MalformedBody)
}
