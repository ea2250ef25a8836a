//! GET /events

use std::sync::Arc;

use axum::{extract::State, response::Response};
use catalogue::{self, Search, Shown};
use domain::event::Words;
use http_api::{
    App, Problem, QueryParams,
    cursor::{from_cursor, to_cursor},
    fields::{Fields, Read, text},
    headers::{cacheable, json_answer},
    openapi::{IfNoneMatchHeader, ParameterProblems, StoreProblems},
    query::{limit, page_items, range, words},
    views::{EventList, EventView},
};
use jiff::Timestamp;
use utoipa::IntoParams;

use crate::CACHE_SECONDS;

/// Which events.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Only events that have every word of this in their name or venue, in any case, with accents or without.
    #[param(min_length = 1, max_length = 200, example = "open air")]
    q: Option<String>,
    /// Only events that start then or later.
    from: Option<Timestamp>,
    /// Only events that start then or earlier.
    to: Option<Timestamp>,
    /// Items in the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

impl Read for ListParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        let q = words(fields);
        let (from, to) = range(fields, ["from", "to"], None);
        Some(Self { q, from, to, limit: limit(fields), cursor: fields.optional("cursor", text) })
    }
}

/// Lists published events by start time: those still to come, and those on sale although they have started.
#[utoipa::path(
    get, path = "/events", tag = "Events",
    params(ListParams, IfNoneMatchHeader),
    responses(
        (status = 200, description = "A page of events.", body = EventList,
         headers(("ETag" = String), ("Cache-Control" = String))),
        (status = 304, description = "Nothing has changed.", headers(("ETag" = String))),
        ParameterProblems, StoreProblems,
    ),
)]
pub(crate) async fn list_events(
    State(app): State<Arc<App>>,
    QueryParams(params): QueryParams<ListParams>,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let limit = page_items(params.limit);
    // The list with its filters: a cursor is good for no other.
    let list = format!("events {:?} {:?} {:?}", params.q, params.from, params.to);
    let after = from_cursor(&app.tokens, &list, params.cursor.as_deref())?;
    let words = params.q.as_deref().map(Words::of);
    let search = Search { from: params.from, to: params.to, words, after };
    let page = catalogue::upcoming(&app.catalogue, &search, limit, now).await?;
    let items = page.items.into_iter().map(|Shown { event, available }| EventView::new(event, &available));
    let list = EventList { items: items.collect(), next_cursor: to_cursor(&app.tokens, &list, page.next)? };
    Ok(cacheable(CACHE_SECONDS, json_answer(&list)?))
}
