//! GET /events/popular

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use axum::{extract::State, response::IntoResponse};
use axum_extra::{TypedHeader, headers::IfNoneMatch};
use jiff::Timestamp;
use serde::Serialize;
use shared::{
    App, Error,
    domain::event::Event,
    http::{Problem, openapi::StoreProblems, views::EventView},
    protocol::available_seats,
    store::EventsFilter,
};
use utoipa::ToSchema;

/// How many events are shown.
const POPULAR_EVENTS: usize = 5;
/// Events read at once.
const PAGE_EVENTS: usize = 200;

/// The most popular events.
#[derive(Serialize, ToSchema)]
pub(crate) struct PopularEvents {
    /// Most tickets sold first.
    items: Vec<EventView>,
}

/// The 5 upcoming published events with most tickets sold.
#[utoipa::path(
    get, path = "/events/popular", tag = "Events",
    params(("If-None-Match" = Option<String>, Header, description = "ETag of an answer known already.")),
    responses(
        (status = 200, description = "At most 5 events, most tickets sold first.", body = PopularEvents,
         headers(("ETag" = String), ("Cache-Control" = String))),
        (status = 304, description = "Nothing has changed."),
        StoreProblems,
    ),
)]
pub(crate) async fn popular_events(
    State(app): State<Arc<App>>,
    if_none_match: Option<TypedHeader<IfNoneMatch>>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    let events = most_sold(&app, now).await?;
    let available = available_seats(&app, &events, now).await?;
    let items =
        events.into_iter().zip(available).map(|(event, seats)| EventView::new(event, seats)).collect();
    crate::list::answer(if_none_match, &PopularEvents { items })
}

/// Reads the inventory of all upcoming events and keeps the best; ties go to the earlier start.
async fn most_sold(app: &App, now: Timestamp) -> Result<Vec<Event>, Error> {
    let filter = EventsFilter { from: Some(now), published_only: true, ..EventsFilter::default() };
    let mut best: Vec<(u32, Event)> = Vec::new();
    let mut start = None;
    loop {
        let page = app.store.events_by_start(&filter, PAGE_EVENTS, start).await?;
        let shards: Vec<_> = page.items.iter().map(|event| (event.id, event.shards)).collect();
        let mut sold = HashMap::new();
        for (event, shard) in app.store.inventory_of_events(&shards).await? {
            *sold.entry(event).or_default() += shard.sold;
        }
        best.extend(page.items.into_iter().map(|event| (sold.get(&event.id).copied().unwrap_or(0), event)));
        best.sort_by_key(|(sold, event)| (Reverse(*sold), event.details.starts_at));
        best.truncate(POPULAR_EVENTS);
        start = page.next;
        if start.is_none() {
            return Ok(best.into_iter().map(|(_, event)| event).collect());
        }
    }
}
