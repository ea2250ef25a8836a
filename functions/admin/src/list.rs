//! GET /admin/events

use std::sync::Arc;

use axum::{Json, extract::State, response::IntoResponse};
use catalogue::available_seats;
use domain::event::{EventStatus, Words};
use http_api::{
    Admin, App, Problem, QueryParams,
    cursor::{from_cursor_if, to_cursor},
    fields::{Fields, Read, text, word},
    openapi::{AdminProblems, ParameterProblems, StoreProblems},
    query::{limit, page_items, range, words},
    views::{EventList, EventView},
};
use jiff::Timestamp;
use stores::dynamodb::{EventsFilter, is_place_by_start};
use utoipa::IntoParams;

/// Which page.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Items in the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub(crate) limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    pub(crate) cursor: Option<String>,
}

impl Read for ListParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        Some(Self { limit: limit(fields), cursor: fields.optional("cursor", text) })
    }
}

/// Which events, and which page.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AllEventsParams {
    /// Only events of this status.
    status: Option<EventStatus>,
    /// Only events that have every word of this in their name or venue, in any case, with accents or without.
    #[param(min_length = 1, max_length = 200, example = "open air")]
    q: Option<String>,
    /// Only events that start then or later.
    starts_from: Option<Timestamp>,
    /// Only events that start then or earlier.
    starts_to: Option<Timestamp>,
    /// Items in the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

impl Read for AllEventsParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        let status = fields.optional("status", word(&EventStatus::ALL, EventStatus::as_str));
        let q = words(fields);
        let (starts_from, starts_to) = range(fields, ["starts_from", "starts_to"], None);
        let (limit, cursor) = (limit(fields), fields.optional("cursor", text));
        Some(Self { status, q, starts_from, starts_to, limit, cursor })
    }
}

impl AllEventsParams {
    /// What is asked for, and the list's name with it: a cursor is good for no other.
    fn filter(&self) -> (EventsFilter, String) {
        let Self { status, q, starts_from: from, starts_to: to, .. } = self;
        let list = match (status, q, from, to) {
            // As it was named before there were filters: its cursors are still good.
            (None, None, None, None) => "admin events".to_owned(),
            filters => format!("admin events {filters:?}"),
        };
        let words = q.as_deref().map(Words::of);
        let filter = EventsFilter { status: *status, words, from: *from, to: *to, ..EventsFilter::default() };
        (filter, list)
    }
}

/// Lists all events by start time: drafts, cancelled and past ones too.
///
/// With `status` or `q` a page may have fewer than `limit`, even none, and yet not be the last.
#[utoipa::path(
    get, path = "/admin/events", tag = "Admin", security(("bearer" = [])),
    params(AllEventsParams),
    responses(
        (status = 200, description = "A page of events.", body = EventList),
        ParameterProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn list_all_events(
    State(app): State<Arc<App>>,
    _: Admin,
    QueryParams(params): QueryParams<AllEventsParams>,
) -> Result<impl IntoResponse, Problem> {
    let limit = page_items(params.limit);
    let (filter, list) = params.filter();
    let start = from_cursor_if(&app.tokens, &list, params.cursor.as_deref(), is_place_by_start)?;
    let page = app.store.events_by_start(&filter, limit, start).await?;
    let available = available_seats(&app.catalogue, &page.items, Timestamp::now()).await?;
    Ok(Json(EventList {
        items: page
            .items
            .into_iter()
            .zip(available)
            .map(|(event, seats)| EventView::new(event, seats))
            .collect(),
        next_cursor: to_cursor(&app.tokens, &list, page.next)?,
    }))
}
