//! GET /events/{id}

use std::sync::Arc;

use axum::{extract::State, response::Response};
use catalogue::{self, Shown};
use domain::{error::Error, event::EventStatus, id::EventId};
use http_api::{
    App, PathId, Problem,
    headers::{cacheable, event_answer},
    openapi::{EventProblems, IfNoneMatchHeader, StoreProblems},
    views::EventWithAreas,
};

use crate::CACHE_SECONDS;

/// One event, with the seats that can be had right now. Past and cancelled events are shown too, drafts are not.
#[utoipa::path(
    get, path = "/events/{id}", tag = "Events",
    params(
        ("id" = uuid::Uuid, Path, description = "The event's id."),
        IfNoneMatchHeader,
    ),
    responses(
        (status = 200, description = "The event.", body = EventWithAreas,
         headers(("ETag" = String), ("Cache-Control" = String))),
        (status = 304, description = "Nothing has changed, the available seats included.", headers(("ETag" = String))),
        EventProblems, StoreProblems,
    ),
)]
pub(crate) async fn get_event(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
) -> Result<Response, Problem> {
    let shown = catalogue::live_event(&app.catalogue, id).await?;
    let shown = shown.filter(|shown| shown.event.details.status != EventStatus::Draft);
    let Shown { event, available } = shown.ok_or(Error::EventNotFound)?;
    Ok(cacheable(CACHE_SECONDS, event_answer(&EventWithAreas::new(event, &available))?))
}
