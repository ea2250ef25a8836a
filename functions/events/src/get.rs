//! GET /events/{id}

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use axum_extra::{TypedHeader, headers::IfNoneMatch};
use shared::{
    App, Error,
    catalogue::{self, Shown},
    domain::{event::EventStatus, id::EventId},
    http::{
        PathId, Problem,
        headers::{cacheable, version_tag},
        openapi::{IfNoneMatchHeader, ProblemBody, StoreProblems},
        views::EventView,
    },
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
        (status = 200, description = "The event.", body = EventView,
         headers(("ETag" = String), ("Cache-Control" = String))),
        (status = 304, description = "The event is still at that version; its available seats may have changed.", headers(("ETag" = String))),
        (status = 404, description = "`event_not_found`.", body = ProblemBody,
         content_type = "application/problem+json"),
        StoreProblems,
    ),
)]
pub(crate) async fn get_event(
    State(app): State<Arc<App>>,
    PathId(id): PathId<EventId>,
    if_none_match: Option<TypedHeader<IfNoneMatch>>,
) -> Result<impl IntoResponse, Problem> {
    let shown = catalogue::event(&app, id).await?;
    let shown = shown.filter(|shown| shown.event.details.status != EventStatus::Draft);
    let Shown { event, available } = shown.ok_or(Error::EventNotFound)?;
    let tag = version_tag(event.version)?;
    Ok(cacheable(tag, CACHE_SECONDS, if_none_match, Json(EventView::new(event, available))))
}
