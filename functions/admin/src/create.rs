//! POST /admin/events

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use jiff::Timestamp;
use shared::{
    App, Error,
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
pub(crate) async fn create_event(
    State(app): State<Arc<App>>,
    _: Admin,
    JsonBody(input): JsonBody<EventInput>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    let event =
        protocol::create_event(&app, input.details(None, now)?, now).await.map_err(|error| match error {
            // Unlike elsewhere, the same request again may do the same again.
            error @ Error::Unavailable { .. } => Problem::from(error)
                .detail("The event may have been created or not: look at the list before you send it again."),
            error => error.into(),
        })?;
    let location = format!("/events/{}", event.id);
    // Nothing is held or sold yet; no store is asked, so nothing can fail any more.
    let available = event.details.capacity;
    let mut response = tagged(event, available)?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
