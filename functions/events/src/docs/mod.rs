//! GET /docs: the API document as a page for people. It is written here from the document, needs no script and
//! nothing from another host.

mod curl;
mod operation;
mod page;
mod schema;

use std::sync::LazyLock;

use axum::{
    http::{HeaderValue, header},
    response::Response,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::http::{
    Problem,
    headers::{cacheable, text_answer},
    openapi::IfNoneMatchHeader,
    service::OPENAPI_JSON,
};

/// The page changes with a deployment only.
const PAGE_CACHE_SECONDS: u32 = 300;
const STYLE: &str = include_str!("style.css");

/// The page, written once in a process.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let document: Value = serde_json::from_str(OPENAPI_JSON).unwrap_or_default();
    page::page(&document, STYLE).into_string()
});

/// Nothing is loaded or run but the page's own style, which its hash names (CSP Level 3).
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
});

/// This document as a page for people.
#[utoipa::path(
    get, path = "/docs", tag = "Service",
    params(IfNoneMatchHeader),
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html; charset=utf-8",
         headers(("ETag" = String), ("Content-Security-Policy" = String))),
        (status = 304, description = "Nothing has changed.",
         headers(("ETag" = String), ("Content-Security-Policy" = String))),
    ),
)]
pub(crate) async fn docs() -> Result<Response, Problem> {
    let mut answer = cacheable(PAGE_CACHE_SECONDS, text_answer("text/html; charset=utf-8", &PAGE)?);
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(answer)
}
