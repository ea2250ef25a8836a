//! What tells whether an answer is still the same: entity tags, and conditional requests for them (RFC 9110, sections
//! 8.8.3 and 13).
//!
//! A tag covers all that is shown. An event's is strong and begins with its version, `"7.<hash>"`: live seats are in the
//! hash, and a change that was based on any such tag is one of version 7. Where an answer is compressed, the tag says so,
//! `"7.<hash>-gzip"`, because a strong tag must differ between encodings.

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use axum_extra::headers::{ETag, HeaderMapExt, IfNoneMatch};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::{body::without_length, views::EventWithAreas};
use domain::error::Error;

/// How long a cache may still give out an old answer while it asks for a new one, in seconds (RFC 5861).
const STALE_WHILE_REVALIDATE_SECONDS: u32 = 5;

/// An event, with the tag of its version and of all that is shown of it.
pub fn event_answer(event: &EventWithAreas) -> Result<Response, Error> {
    let body = json(event)?;
    let tag = format!("\"{}.{:016x}\"", event.event.version, xxh3_64(&body));
    with_tag(&tag, ([(header::CONTENT_TYPE, "application/json")], body))
}

/// JSON without a version, with a weak tag of its content.
pub fn json_answer(content: &impl Serialize) -> Result<Response, Error> {
    let body = json(content)?;
    let tag = content_tag(&body);
    with_tag(&tag, ([(header::CONTENT_TYPE, "application/json")], body))
}

/// Text of that type, with a weak tag of its content.
pub fn text_answer(
    content_type: &'static str,
    text: impl AsRef<[u8]> + IntoResponse,
) -> Result<Response, Error> {
    let tag = content_tag(text.as_ref());
    // Text says itself that it is plain.
    let mut answer = with_tag(&tag, text)?;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(answer)
}

fn json(content: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(content).map_err(|error| Error::Internal(Box::new(error)))
}

/// XXH3 gives the same for the same content, whatever process and release asks; unlike what `std` hashes with.
fn content_tag(content: &[u8]) -> String {
    format!("W/\"{:016x}\"", xxh3_64(content))
}

fn with_tag(tag: &str, answer: impl IntoResponse) -> Result<Response, Error> {
    let tag = HeaderValue::from_str(tag).map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(([(header::ETAG, tag)], answer).into_response())
}

/// An answer that anybody may cache for `max_age_seconds`.
pub fn cacheable(max_age_seconds: u32, mut answer: Response) -> Response {
    let caching =
        format!("public, max-age={max_age_seconds}, stale-while-revalidate={STALE_WHILE_REVALIDATE_SECONDS}");
    if let Ok(value) = HeaderValue::from_str(&caching) {
        answer.headers_mut().insert(header::CACHE_CONTROL, value);
    }
    answer
}

/// What a client has already, as it says.
#[derive(Debug)]
pub(super) struct Known(Option<IfNoneMatch>);

impl Known {
    /// What the request says. What is no list of tags matches nothing.
    pub(super) fn of(request: &Request) -> Self {
        let is_read = [Method::GET, Method::HEAD].contains(request.method());
        let says = is_read && request.headers().contains_key(header::IF_NONE_MATCH);
        Self(says.then(|| request.headers().typed_get()).flatten())
    }

    /// The answer; without its body, if the client has just this one. It must be compressed already, if it will be.
    pub(super) fn unless_same(self, mut answer: Response) -> Response {
        if answer.status() != StatusCode::OK {
            return answer;
        }
        name_encoding(answer.headers_mut());
        let Some(known) = self.0 else { return answer };
        match answer.headers().typed_get::<ETag>() {
            Some(tag) if !known.precondition_passes(&tag) => not_modified(answer),
            _ => answer,
        }
    }
}

/// Says in the tag how the answer is compressed, if it is.
fn name_encoding(headers: &mut HeaderMap) {
    let Some(encoding) = headers.get(header::CONTENT_ENCODING).and_then(|name| name.to_str().ok()) else {
        return;
    };
    let tag = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()?.strip_suffix('"'));
    let Some(Ok(tag)) = tag.map(|open| HeaderValue::from_str(&format!("{open}-{encoding}\""))) else {
        return;
    };
    headers.insert(header::ETAG, tag);
}

/// 304 with the headers that the whole answer has, but for those that describe its body (RFC 9110, section 15.4.5).
fn not_modified(answer: Response) -> Response {
    let (mut parts, _) = answer.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    for name in [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING] {
        parts.headers.remove(name);
    }
    Response::from_parts(parts, without_length())
}
