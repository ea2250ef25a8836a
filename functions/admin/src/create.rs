//! POST /admin/events

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use jiff::Timestamp;
use shared::{
    App,
    http::{
        Admin, JsonBody, Problem,
        openapi::{AdminProblems, BodyProblems, StoreProblems},
        views::EventView,
    },
    protocol,
};

use crate::{input::EventInput, tagged};

/// Creates an event. Its `price` starts at `base_price`.
#[utoipa::path(
    post, path = "/admin/events", tag = "Admin", security(("bearer" = [])),
    request_body = EventInput,
    responses(
        (status = 201, description = "The event is created.", body = EventView,
         headers(("Location" = String), ("ETag" = String))),
        BodyProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    _: Admin,
    JsonBody(input): JsonBody<EventInput>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    let event = protocol::create_event(&app, input.details(None, now)?, now).await?;
    let location = format!("/events/{}", event.id);
    let mut response = tagged(&app, event, now).await?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
