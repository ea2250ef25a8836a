//! What is done with an endpoint: try it, change its secret.

use std::sync::Arc;

use administration::webhooks::rotate_secret;
use axum::{Json, extract::State, http::StatusCode};
use domain::{delivery::Delivery, error::Error, id::WebhookId};
use http_api::{
    Admin, App, PathId, Problem,
    openapi::{AdminProblems, StoreProblems},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::webhooks::{WebhookProblems, WebhooksProblems};

/// A ping that is on its way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ping {
    /// Its `webhook-id`, by which what came of it is found: `GET /admin/deliveries?message_id=`.
    #[schema(example = "ping_01980a5e-7b1c-7000-8000-000000000000_1893456000000")]
    message_id: String,
}

/// The secret that signs from now on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewSecret {
    /// It is shown now and never again.
    #[schema(example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    secret: String,
}

/// Sends a `ping` to an endpoint, which is a delivery as any other.
#[utoipa::path(
    post, path = "/admin/webhooks/{id}/test", tag = "Admin", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id.")),
    responses(
        (status = 202, description = "It is on its way.", body = Ping),
        AdminProblems, StoreProblems, WebhooksProblems, WebhookProblems,
    ),
)]
pub(crate) async fn test_webhook(
    State(app): State<Arc<App>>,
    _: Admin,
    PathId(id): PathId<WebhookId>,
) -> Result<(StatusCode, Json<Ping>), Problem> {
    app.store.endpoint(id).await?.ok_or(Error::WebhookNotFound)?;
    let ping = Delivery::ping(id, Timestamp::now());
    app.store.ask_for_delivery(&ping, true).await?;
    Ok((StatusCode::ACCEPTED, Json(Ping { message_id: ping.message_id })))
}

/// Gives an endpoint another secret.
///
/// The one before signs beside it for 24 hours, so that a receiver has time to learn the new one.
#[utoipa::path(
    post, path = "/admin/webhooks/{id}/rotate", tag = "Admin", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The endpoint's id.")),
    responses(
        (status = 200, description = "Another secret signs.", body = NewSecret),
        AdminProblems, StoreProblems, WebhooksProblems, WebhookProblems,
    ),
)]
pub(crate) async fn rotate_webhook(
    State(app): State<Arc<App>>,
    admin: Admin,
    PathId(id): PathId<WebhookId>,
) -> Result<Json<NewSecret>, Problem> {
    let secret = rotate_secret(&app, id, Timestamp::now()).await?;
    tracing::info!(webhook_id = %id, admin_id = %admin.user_id, "an endpoint of webhooks has another secret");
    Ok(Json(NewSecret { secret: secret.reveal().to_owned() }))
}
