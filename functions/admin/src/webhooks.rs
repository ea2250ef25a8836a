//! /admin/webhooks: the endpoints.

use std::sync::Arc;

use administration::webhooks::{EndpointInput, create_endpoint, replace_endpoint};
use axum::{
    Json,
    extract::State,
    http::{HeaderName, StatusCode, header},
};
use domain::{
    error::Error,
    id::WebhookId,
    time::{show, show_or_null},
    webhook::{DisabledBecause, Endpoint, EndpointStatus},
};
use http_api::{
    Admin, App, JsonBody, PathId, Problem,
    openapi::{AdminProblems, BodyProblems, StoreProblems},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

http_api::problems! {
    /// Errors of every route about webhooks.
    pub(crate) WebhooksProblems:
    NoWebhooks: "the service runs without a table for them",
}

http_api::problems! {
    /// Errors of every route about one webhook.
    pub(crate) WebhookProblems:
    WebhookNotFound: "there is none, or none any more",
}

http_api::problems! { CreateProblems:
    TooManyWebhooks: "there are 20",
}

/// All endpoints.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookList)]
pub(crate) struct EndpointList {
    /// In the order in which they were made.
    items: Vec<EndpointView>,
}

/// An endpoint, as admins see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct EndpointView {
    /// UUIDv7.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// Where it is told.
    #[schema(example = "https://till.example/hook")]
    url: String,
    /// What it is told; null for all there is.
    #[schema(example = json!(["booking.confirmed", "booking.cancelled"]))]
    types: Option<Vec<String>>,
    /// What it is for.
    #[schema(example = "The till")]
    description: Option<String>,
    /// Whether it is told anything.
    status: EndpointStatus,
    /// Why it is told nothing any more, where no admin wanted that: `gone`, it answered 410; `failing`, it failed for five days.
    disabled_because: Option<DisabledBecause>,
    /// Since when every try failed; null while tries succeed.
    #[serde(serialize_with = "show_or_null")]
    failing_since: Option<Timestamp>,
    /// When it was made. What happened before is not told.
    #[serde(serialize_with = "show")]
    created_at: Timestamp,
}

impl From<Endpoint> for EndpointView {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            id: endpoint.id.to_string(),
            url: endpoint.url,
            types: Some(endpoint.types).filter(|types| !types.is_empty()),
            description: endpoint.description,
            status: endpoint.status,
            disabled_because: endpoint.disabled_because,
            failing_since: endpoint.failing_since,
            created_at: endpoint.created_at,
        }
    }
}

/// An endpoint that was made just now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedWebhook)]
pub(crate) struct CreatedEndpoint {
    /// The endpoint.
    #[serde(flatten)]
    endpoint: EndpointView,
    /// What its messages are signed with. It is shown now and never again.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    secret: String,
}

/// Makes an endpoint that is told what happens, by the Standard Webhooks specification.
///
/// Each message is a signed `POST` with `webhook-id`, `webhook-timestamp` and `webhook-signature`. Any 2xx within 5 s is an answer;
/// otherwise it is tried again, ten times in three days. After 410, or five days of failure, the endpoint is disabled.
///
/// There are 20 at most. If the answer was lost, so is the secret: look at the list, and remove it or have its secret changed.
#[utoipa::path(
    post, path = "/admin/webhooks", tag = "Admin", security(("bearer" = [])),
    request_body = EndpointInput,
    responses(
        (status = 201, description = "The endpoint is made.", body = CreatedEndpoint, headers(("Location" = String))),
        BodyProblems, AdminProblems, StoreProblems, WebhooksProblems, CreateProblems,
    ),
)]
pub(crate) async fn create_webhook(
    State(app): State<Arc<App>>,
    admin: Admin,
    JsonBody(input): JsonBody<EndpointInput>,
) -> Result<(StatusCode, [(HeaderName, String); 1], Json<CreatedEndpoint>), Problem> {
    let (endpoint, secret) = create_endpoint(&app, input, admin.user_id, Timestamp::now()).await?;
    tracing::info!(webhook_id = %endpoint.id, admin_id = %admin.user_id, "an endpoint of webhooks is made");
    let location = [(header::LOCATION, format!("/admin/webhooks/{}", endpoint.id))];
    let created = CreatedEndpoint { endpoint: endpoint.into(), secret: secret.reveal().to_owned() };
    Ok((StatusCode::CREATED, location, Json(created)))
}

/// All endpoints, without their secrets.
#[utoipa::path(
    get, path = "/admin/webhooks", tag = "Admin", security(("bearer" = [])),
    responses(
        (status = 200, description = "The endpoints.", body = EndpointList),
        AdminProblems, StoreProblems, WebhooksProblems,
    ),
)]
pub(crate) async fn list_webhooks(
    State(app): State<Arc<App>>,
    _: Admin,
) -> Result<Json<EndpointList>, Problem> {
    let items = app.store.endpoints().await?.into_iter().map(EndpointView::from);
    Ok(Json(EndpointList { items: items.collect() }))
}

/// One endpoint, without its secret.
#[utoipa::path(
    get, path = "/admin/webhooks/{id}", tag = "Admin", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id.")),
    responses(
        (status = 200, description = "The endpoint.", body = EndpointView),
        AdminProblems, StoreProblems, WebhooksProblems, WebhookProblems,
    ),
)]
pub(crate) async fn get_webhook(
    State(app): State<Arc<App>>,
    _: Admin,
    PathId(id): PathId<WebhookId>,
) -> Result<Json<EndpointView>, Problem> {
    Ok(Json(app.store.endpoint(id).await?.ok_or(Error::WebhookNotFound)?.into()))
}

/// Writes an endpoint anew, all of it but its secret.
///
/// What has made it fail so far is forgotten.
#[utoipa::path(
    put, path = "/admin/webhooks/{id}", tag = "Admin", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id.")),
    request_body = EndpointInput,
    responses(
        (status = 200, description = "The endpoint as it is now.", body = EndpointView),
        BodyProblems, AdminProblems, StoreProblems, WebhooksProblems, WebhookProblems,
    ),
)]
pub(crate) async fn replace_webhook(
    State(app): State<Arc<App>>,
    admin: Admin,
    PathId(id): PathId<WebhookId>,
    JsonBody(input): JsonBody<EndpointInput>,
) -> Result<Json<EndpointView>, Problem> {
    let endpoint = replace_endpoint(&app, id, input).await?;
    tracing::info!(webhook_id = %id, admin_id = %admin.user_id, status = ?endpoint.status, "an endpoint of webhooks is changed");
    Ok(Json(endpoint.into()))
}

/// Removes an endpoint.
///
/// What it has not been told yet it is never told: within a minute or two that is `dropped`.
#[utoipa::path(
    delete, path = "/admin/webhooks/{id}", tag = "Admin", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id.")),
    responses(
        (status = 204, description = "The endpoint is gone."),
        AdminProblems, StoreProblems, WebhooksProblems, WebhookProblems,
    ),
)]
pub(crate) async fn delete_webhook(
    State(app): State<Arc<App>>,
    admin: Admin,
    PathId(id): PathId<WebhookId>,
) -> Result<StatusCode, Problem> {
    if !app.store.remove_endpoint(id, Timestamp::now()).await? {
        return Err(Error::WebhookNotFound.into());
    }
    tracing::info!(webhook_id = %id, admin_id = %admin.user_id, "an endpoint of webhooks is removed");
    Ok(StatusCode::NO_CONTENT)
}
