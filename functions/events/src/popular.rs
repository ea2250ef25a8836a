//! GET /events/popular

use std::sync::Arc;

use axum::{extract::State, response::Response};
use catalogue::{self, Shown};
use http_api::{
    App, Problem,
    headers::{cacheable, json_answer},
    openapi::{IfNoneMatchHeader, StoreProblems},
    views::EventView,
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::CACHE_SECONDS;

/// How many events are shown.
const POPULAR_EVENTS: usize = 5;

/// The most popular events.
#[derive(Serialize, ToSchema)]
pub(crate) struct PopularEvents {
    /// Most tickets sold first.
    items: Vec<EventView>,
}

/// The 5 published events, still to come or on sale, with most tickets sold.
#[utoipa::path(
    get, path = "/events/popular", operation_id = "list_popular_events", tag = "Events",
    params(IfNoneMatchHeader),
    responses(
        (status = 200, description = "At most 5 events, most tickets sold first.", body = PopularEvents,
         headers(("ETag" = String), ("Cache-Control" = String))),
        (status = 304, description = "Nothing has changed.", headers(("ETag" = String))),
        StoreProblems,
    ),
)]
pub(crate) async fn popular_events(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let popular = catalogue::popular(&app.catalogue, POPULAR_EVENTS, now).await?;
    let items = popular.into_iter().map(|Shown { event, available }| EventView::new(event, &available));
    Ok(cacheable(CACHE_SECONDS, json_answer(&PopularEvents { items: items.collect() })?))
}
