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
    domain::{
        event::{Event, EventDetails, EventStatus},
        id::EventId,
        inventory::new_shards,
    },
    http::{
        Admin, JsonBody, Problem,
        openapi::{AdminProblems, BodyProblems, StoreProblems},
        views::EventView,
    },
};

use crate::{input::EventInput, tagged};

/// Ids tried: two events created in the same millisecond may draw the same.
const IDS_TRIED_MAX: usize = 5;

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
    let event = create_event(&app, input.try_into()?, now).await?;
    let location = format!("/events/{}", event.id);
    let mut response = tagged(&app, event, now).await?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn create_event(app: &App, details: EventDetails, now: Timestamp) -> Result<Event, Error> {
    details.check(None, now)?;
    if details.status == EventStatus::Cancelled {
        return Err(Error::invalid_field("status", "must be draft or published for a new event"));
    }
    let inventory = new_shards(details.capacity, app.config.seats_per_shard);
    let shards = u16::try_from(inventory.len()).map_err(|error| Error::Internal(Box::new(error)))?;
    for _ in 0..IDS_TRIED_MAX {
        let event = Event::new(EventId::new(now), details.clone(), shards, now);
        if app.store.create_event(&event, &inventory).await? {
            return Ok(event);
        }
    }
    Err(Error::Unavailable { store: "DynamoDB", source: "no free event id was found".into() })
}
