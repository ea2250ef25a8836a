//! GET /health and GET /openapi.json

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use http_api::{
    App, Problem,
    headers::{cacheable, text_answer},
    openapi::IfNoneMatchHeader,
    problem::RETRY_AFTER_SECONDS,
};
use serde::Serialize;
use stores::dynamodb::AskedTable;
use utoipa::ToSchema;

/// The OpenAPI document of all functions together, generated from the code (`make openapi`). A test keeps it in step.
pub const OPENAPI_JSON: &str = include_str!("../openapi.json");

/// The document changes with a deployment only.
const DOCUMENT_CACHE_SECONDS: u32 = 300;

/// How the service is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`; `degraded` without Redis: browsing works, booking waits; `down` without DynamoDB.
    #[schema(example = "ok")]
    status: &'static str,
    /// The truth: `up` or `down`.
    #[schema(example = "up")]
    dynamodb: &'static str,
    /// The fast copy: `up` or `down`.
    #[schema(example = "up")]
    redis: &'static str,
}

http_api::problems! { HealthProblems:
    TryAgain: "nothing answered in time",
}

/// Whether each store answers.
#[utoipa::path(
    get, path = "/health", operation_id = "get_health", tag = "Service",
    responses(
        (status = 200, description = "DynamoDB answers.", body = Health),
        (status = 503, description = "DynamoDB is out of reach.", body = Health,
         example = json!({ "status": "down", "dynamodb": "down", "redis": "up" })),
        HealthProblems,
    ),
)]
pub(crate) async fn health(State(app): State<Arc<App>>) -> impl IntoResponse {
    let (dynamodb, redis) =
        tokio::join!(app.store.is_reachable(AskedTable::Events), app.redis.is_reachable());
    let word = |up| if up { "up" } else { "down" };
    let (code, status) = match (dynamodb, redis) {
        (true, true) => (StatusCode::OK, "ok"),
        (true, false) => (StatusCode::OK, "degraded"),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "down"),
    };
    let mut answer =
        (code, Json(Health { status, dynamodb: word(dynamodb), redis: word(redis) })).into_response();
    if code == StatusCode::SERVICE_UNAVAILABLE {
        answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
    }
    answer
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "get_openapi", tag = "Service",
    params(IfNoneMatchHeader),
    responses(
        (status = 200, description = "The OpenAPI document of the whole API.", body = serde_json::Value,
         headers(("ETag" = String), ("Cache-Control" = String))),
        (status = 304, description = "Nothing has changed.", headers(("ETag" = String))),
    ),
)]
pub(crate) async fn openapi() -> Result<Response, Problem> {
    Ok(cacheable(DOCUMENT_CACHE_SECONDS, text_answer("application/json", OPENAPI_JSON)?))
}
