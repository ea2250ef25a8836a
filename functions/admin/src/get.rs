//! GET /admin/events/{id}

use std::sync::Arc;

use axum::{extract::State, response::IntoResponse};
use catalogue::available_seats;
use domain::{
    error::Error,
    event::{Available, Event},
    id::EventId,
};
use http_api::{
    Admin, App, PathId, Problem,
    openapi::{AdminProblems, EventProblems, IfNoneMatchHeader, StoreProblems},
    views::EventWithAreas,
};
use jiff::Timestamp;

use crate::tagged;

/// One event of any status, as the truth has it now. Base a change on its `ETag`.
#[utoipa::path(
    get, path = "/admin/events/{id}", tag = "Admin", security(("bearer" = [])),
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        IfNoneMatchHeader,
    ),
    responses(
        (status = 200, description = "The event.", body = EventWithAreas, headers(("ETag" = String))),
        (status = 304, description = "Nothing has changed, the available seats included.", headers(("ETag" = String))),
        EventProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn get_any_event(
    State(app): State<Arc<App>>,
    _: Admin,
    PathId(id): PathId<EventId>,
) -> Result<impl IntoResponse, Problem> {
    let event = app.store.event(id).await?.ok_or(Error::EventNotFound)?;
    let available = available(&app, &event, Timestamp::now()).await?;
    tagged(event, &available)
}

/// How many seats of an event can be had right now.
pub(crate) async fn available(app: &App, event: &Event, now: Timestamp) -> Result<Available, Error> {
    let available = available_seats(&app.catalogue, std::slice::from_ref(event), now).await?;
    Ok(available.into_iter().next().unwrap_or_default())
}
