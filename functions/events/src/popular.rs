//! GET /events/popular

use std::sync::Arc;

use axum::{extract::State, response::IntoResponse};
use axum_extra::{TypedHeader, headers::IfNoneMatch};
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    App,
    catalogue::{self, Shown},
    http::{
        Problem,
        openapi::{IfNoneMatchHeader, StoreProblems},
        views::EventView,
    },
};
use utoipa::ToSchema;

/// How many events are shown.
const POPULAR_EVENTS: usize = 5;

/// The most popular events.
#[derive(Serialize, ToSchema)]
pub(crate) struct PopularEvents {
    /// Most tickets sold first.
    items: Vec<EventView>,
}

/// The 5 upcoming published events with most tickets sold.
#[utoipa::path(
    get, path = "/events/popular", tag = "Events",
    params(IfNoneMatchHeader),
    responses(
        (status = 200, description = "At most 5 events, most tickets sold first.", body = PopularEvents,
         headers(("ETag" = String), ("Cache-Control" = String))),
        (status = 304, description = "Nothing has changed.", headers(("ETag" = String))),
        StoreProblems,
    ),
)]
pub(crate) async fn popular_events(
    State(app): State<Arc<App>>,
    if_none_match: Option<TypedHeader<IfNoneMatch>>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    let popular = catalogue::popular(&app, POPULAR_EVENTS, now).await?;
    let items = popular.into_iter().map(|Shown { event, available }| EventView::new(event, available));
    crate::list::answer(if_none_match, &PopularEvents { items: items.collect() })
}
