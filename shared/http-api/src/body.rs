//! JSON bodies: bounded, no unknown fields, every complaint with its field. Forms. And the body of an answer that has none.

use std::{convert::Infallible, error::Error, iter};

use axum::{
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::IntoResponse,
};
use futures::stream;
use percent_encoding::percent_decode;

use super::{
    code::Code,
    fields::{self, Given, Read, Value},
    json,
    problem::Problem,
};

/// A request body of type `T`. An empty body is the same as `{}`.
#[derive(Clone, Debug)]
pub struct JsonBody<T>(pub T);

impl<T: Read, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = has_json_type(request.headers());
        let bytes = read(request, state, T::BODY_BYTES_MAX).await?;
        let json = json::without_mark(&bytes);
        if json.is_empty() {
            return parsed(Given::new()).map(Self);
        }
        if !is_json {
            return Err(not_json());
        }
        parsed(json::object(json)?).map(Self)
    }
}

/// A request body of type `T` that says what is to change and leaves out the rest: a JSON merge patch (RFC 7396). It must
/// say that it is one: what a patch means follows from its media type alone (RFC 5789). An empty body is none: whoever sends it
/// has lost what was to change.
#[derive(Clone, Debug)]
pub struct MergePatch<T>(pub T);

/// The media type of a [`MergePatch`].
pub const MERGE_PATCH_JSON: &str = "application/merge-patch+json";

impl<T: Read, S: Send + Sync> FromRequest<S> for MergePatch<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if media_type(request.headers()).is_none_or(|named| named != MERGE_PATCH_JSON) {
            return Err(not_a_patch());
        }
        let bytes =
            read(request, state, T::BODY_BYTES_MAX).await.map_err(|problem| match problem.code() {
                Code::UnsupportedMediaType => problem.header(ACCEPT_PATCH, MERGE_PATCH_JSON),
                _ => problem,
            })?;
        parsed(json::object(json::without_mark(&bytes))?).map(Self)
    }
}

/// The fields of a form of a page, as browsers send it: each is a text that may mean a number, too.
///
/// # Errors
/// What keeps it from being read: it is no form, too long, or not UTF-8.
pub async fn form_fields<S: Send + Sync>(
    request: Request,
    state: &S,
    bytes_max: usize,
) -> Result<Given, Problem> {
    if media_type(request.headers()).is_none_or(|named| named != "application/x-www-form-urlencoded") {
        return Err(Problem::new(Code::UnsupportedMediaType)
            .detail("Send it with Content-Type: application/x-www-form-urlencoded."));
    }
    let bytes = read(request, state, bytes_max).await?;
    // What stands for what is not UTF-8 would make two passwords one.
    if percent_decode(&bytes).decode_utf8().is_err() {
        return Err(malformed_body());
    }
    let fields = form_urlencoded::parse(&bytes).into_owned();
    Ok(fields.map(|(name, value)| (name, Value::Parameter(value))).collect())
}

const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

fn parsed<T: Read>(given: Given) -> Result<T, Problem> {
    fields::read(given).map_err(Problem::invalid)
}

/// All of a body, unless it is too long. One that is compressed is not read: who may send how much would have to be said anew.
async fn read<S: Send + Sync>(mut request: Request, state: &S, bytes_max: usize) -> Result<Bytes, Problem> {
    let codings = request.headers().get_all(header::CONTENT_ENCODING);
    if codings.iter().any(|coding| !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity")) {
        return Err(encoded());
    }
    // What says so itself is not waited for.
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: u64| length > bytes_max as u64) {
        return Err(too_large(bytes_max));
    }
    DefaultBodyLimit::max(bytes_max).apply(&mut request);
    Bytes::from_request(request, state).await.map_err(|rejection| unreadable(rejection, bytes_max))
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

/// The media type that the body claims, without parameters, in lower case. Who claims two claims none that is known.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
    let named = lines.next()?.to_str().unwrap_or_default();
    if lines.next().is_some() {
        return Some(String::new());
    }
    Some(named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Why a server breaks off a body that takes too long.
#[derive(Debug, thiserror::Error)]
#[error("the body took too long")]
pub struct TooSlow;

fn unreadable(rejection: BytesRejection, bytes_max: usize) -> Problem {
    let mut causes = iter::successors(rejection.source(), |&cause| cause.source());
    if causes.any(|cause| cause.is::<TooSlow>()) {
        return too_slow();
    }
    if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large(bytes_max)
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
        .header(ACCEPT_PATCH, MERGE_PATCH_JSON)
}

fn encoded() -> Problem {
    Problem::new(Code::UnsupportedMediaType).detail("Send it as it is, without a Content-Encoding.")
}

pub(super) fn too_large(bytes_max: usize) -> Problem {
    Problem::new(Code::BodyTooLarge).detail(format!("It may have at most {bytes_max} bytes."))
}

pub(super) fn malformed_body() -> Problem {
    Problem::new(Code::MalformedBody)
}
