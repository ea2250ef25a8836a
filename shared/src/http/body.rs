//! JSON bodies: at most 16 KiB, no unknown fields, every complaint with its field.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::IntoResponse,
};
use serde::de::DeserializeOwned;

use super::{json, problem::Problem};

/// What a request body may have.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// A request body of type `T`. An empty body is the same as `{}`.
#[derive(Clone, Debug)]
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = has_json_type(request.headers());
        let bytes = Bytes::from_request(request, state).await.map_err(unreadable)?;
        if bytes.is_empty() {
            return json::parse(b"{}").map(Self);
        }
        if !is_json {
            return Err(not_json());
        }
        json::parse(&bytes).map(Self)
    }
}

/// Whether the body claims to be JSON; one that claims nothing is taken as JSON.
fn has_json_type(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    let media_type = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
        || (media_type.to_ascii_lowercase().starts_with("application/")
            && media_type.to_ascii_lowercase().ends_with("+json"))
}

fn unreadable(rejection: BytesRejection) -> Problem {
    if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        malformed_body()
    }
}

pub(super) fn not_json() -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body must be JSON")
        .detail("Send it with Content-Type: application/json.")
}

pub(super) fn too_large() -> Problem {
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large")
        .detail(format!("It may have at most {BODY_BYTES_MAX} bytes."))
}

pub(super) fn malformed_body() -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_body", "The body could not be read")
}
