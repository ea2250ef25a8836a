//! GET /admin/events

use std::sync::Arc;

use administration::with_seats;
use axum::{extract::State, response::IntoResponse};
use catalogue::available_seats;
use domain::{
    error::Error,
    event::{AreaDetails, EventStatus, Words, areas_in_one_line},
    money::decimal,
    page::{Page, PageKey},
    rate::in_one_line,
    time::shown,
};
use http_api::{
    Admin, App, Problem,
    csv::{self, Asked, FileName, FormParams, List, Part},
    cursor::from_cursor_if,
    fields::{Fields, Read, text, word},
    openapi::{AdminProblems, ParameterProblems, StoreProblems},
    query::{limit, range, words},
    views::{EventList, EventView},
};
use jiff::Timestamp;
use stores::dynamodb::{EventsFilter, is_place_by_start, place_of};
use utoipa::IntoParams;

const COLUMNS: [&str; 25] = [
    "id",
    "name",
    "venue",
    "starts_at",
    "ends_at",
    "sales_open_at",
    "sales_close_at",
    "cancel_until",
    "status",
    "capacity",
    "available",
    "base_price",
    "base_price_decimal",
    "price",
    "price_decimal",
    "currency",
    "max_per_booking",
    "max_per_user",
    "min_percent",
    "max_percent",
    "version",
    "description",
    "time_zone",
    "rates",
    "areas",
];

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

    fn file_name(&self, now: Timestamp) -> FileName {
        let mut name = FileName::new("events");
        for part in [self.status.map(EventStatus::as_str), self.q.as_deref()].into_iter().flatten() {
            name = name.with(part);
        }
        name.with_range(self.starts_from, self.starts_to).at(now)
    }
}

/// Lists all events by start time: drafts, cancelled and past ones too.
///
/// With `status` or `q` a page may have fewer than `limit`, even none, and yet not be the last.
#[utoipa::path(
    get, path = "/admin/events", tag = "Admin", security(("bearer" = [])),
    params(AllEventsParams, FormParams),
    responses(
        (status = 200, description = "A page of events; as CSV without `limit` all of them.",
         headers(("Link" = String), ("Content-Disposition" = String)),
         content((EventList = "application/json"), (String = "text/csv"))),
        ParameterProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn list_all_events(
    State(app): State<Arc<App>>,
    _: Admin,
    Asked { params, wanted }: Asked<AllEventsParams>,
) -> Result<impl IntoResponse, Problem> {
    let (filter, name) = params.filter();
    let start = from_cursor_if(&app.tokens, &name, params.cursor.as_deref(), is_place_by_start)?;
    let (items, is_whole) = (wanted.items_at_once(params.limit), wanted.is_whole(params.limit));
    let read = async |start| events(&app, &filter, items, start, is_whole).await;
    let first = read(start).await?;
    let list = List {
        tokens: &app.tokens,
        name: &name,
        limit: params.limit,
        columns: &COLUMNS,
        row,
        file_name: params.file_name(Timestamp::now()),
    };
    let more = async |place| read(Some(place)).await;
    wanted
        .list(list, first, more, |items, next_cursor| {
            let items = items.into_iter().map(|listed| listed.event).collect();
            EventList { items, next_cursor }
        })
        .await
}

/// An event, and its areas in one line, for a row of CSV.
struct Listed {
    event: EventView,
    areas: String,
}

async fn events(
    app: &App,
    filter: &EventsFilter,
    limit: usize,
    start: Option<PageKey>,
    is_export: bool,
) -> Result<Part<Listed>, Error> {
    let Page { items, next } = app.store.events_by_start(filter, limit, start).await?;
    let with_seats = if is_export {
        // Whoever takes all events with them looks at none: they are not loaded into Redis for that.
        let with_seats = with_seats(app, items).await?;
        with_seats.into_iter().map(|(event, seats)| (event, seats.available)).collect()
    } else {
        let available = available_seats(&app.catalogue, &items, Timestamp::now()).await?;
        items.into_iter().zip(available).collect::<Vec<_>>()
    };
    let items = with_seats.into_iter().map(|(event, available)| {
        let place = place_of(&event);
        let areas = event.areas().iter().map(AreaDetails::from).collect::<Vec<_>>();
        let areas = areas_in_one_line(&areas);
        (Listed { event: EventView::new(event, &available), areas }, place)
    });
    Ok(Part { items: items.collect(), next })
}

fn row(Listed { event, areas }: &Listed) -> Vec<String> {
    let time = |at: Option<Timestamp>| at.map(shown).unwrap_or_default();
    let text = |text: &Option<String>| csv::text(text.as_deref().unwrap_or_default());
    let written = |price: u32| decimal(price.into(), event.currency).unwrap_or_default();
    let percent = |percent: Option<u32>| percent.map(|percent| percent.to_string()).unwrap_or_default();
    vec![
        event.id.clone(),
        csv::text(&event.name),
        text(&event.venue),
        shown(event.starts_at),
        time(event.ends_at),
        time(event.sales_open_at),
        time(event.sales_close_at),
        time(event.cancel_until),
        event.status.as_str().to_owned(),
        event.capacity.to_string(),
        event.available.to_string(),
        event.base_price.to_string(),
        written(event.base_price),
        event.price.to_string(),
        written(event.price),
        event.currency.to_owned(),
        event.max_per_booking.to_string(),
        event.max_per_user.to_string(),
        percent(event.pricing.map(|pricing| pricing.min_percent)),
        percent(event.pricing.map(|pricing| pricing.max_percent)),
        event.version.to_string(),
        text(&event.description),
        text(&event.time_zone),
        csv::text(in_one_line(&event.rates)),
        csv::text(areas),
    ]
}
