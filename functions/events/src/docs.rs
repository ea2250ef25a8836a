//! GET /docs and what leads there: the API document as a page for people, which `build/` wrote.

use axum::{
    extract::{Path, rejection::PathRejection},
    http::{HeaderValue, header},
    response::{Redirect, Response},
};
use http_api::{
    Code, Problem,
    headers::{cacheable, text_answer},
    openapi::IfNoneMatchHeader,
};

/// The page changes with a deployment only.
const PAGE_CACHE_SECONDS: u32 = 300;
const PAGE: &str = include_str!(concat!(env!("OUT_DIR"), "/docs.html"));
const POLICY: &str = include_str!(concat!(env!("OUT_DIR"), "/docs.csp"));

http_api::problems! { NoProblems:
    NotFound: "no problem has that code",
}

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

/// Leads to what a problem's code means: the `type` of a problem is this path.
#[utoipa::path(
    get, path = "/problems/{code}", operation_id = "get_problem", tag = "Service",
    params(("code" = String, Path, description = "The problem's code.", example = "sold_out")),
    responses(
        (status = 308, description = "Its place in the page.", headers(("Location" = String))),
        NoProblems,
    ),
)]
pub(crate) async fn problem(code: Result<Path<String>, PathRejection>) -> Result<Redirect, Problem> {
    let known = code.ok().and_then(|Path(code)| Code::ALL.iter().find(|known| known.as_str() == code));
    let known = known.ok_or(Problem::new(Code::NotFound))?;
    Ok(Redirect::permanent(&format!("/docs#problem-{}", known.as_str())))
}
