//! GET /docs: the API document as a page for people, which `build/` wrote.

use axum::{
    http::{HeaderValue, header},
    response::Response,
};
use http_api::{
    Problem,
    headers::{cacheable, text_answer},
    openapi::IfNoneMatchHeader,
};

/// The page changes with a deployment only.
const PAGE_CACHE_SECONDS: u32 = 300;
const PAGE: &str = include_str!(concat!(env!("OUT_DIR"), "/docs.html"));
const POLICY: &str = include_str!(concat!(env!("OUT_DIR"), "/docs.csp"));

/// This document as a page for people.
#[utoipa::path(
    get, path = "/docs", operation_id = "get_docs", tag = "Service",
    params(IfNoneMatchHeader),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html; charset=utf-8",
         headers(("ETag" = String), ("Content-Security-Policy" = String))),
        (status = 304, description = "Nothing has changed.",
         headers(("ETag" = String), ("Content-Security-Policy" = String))),
    ),
)]
pub(crate) async fn docs() -> Result<Response, Problem> {
    let mut answer = cacheable(PAGE_CACHE_SECONDS, text_answer("text/html; charset=utf-8", PAGE)?);
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(answer)
}
