//! GET /admin/events/capacity_utilization

use std::sync::Arc;

use administration::{
    AreaSeats, RateSales, Seats, areas_in_one_field, in_one_field, numbers::ratio, with_seats,
};
use axum::{extract::State, response::IntoResponse};
use domain::{
    error::Error,
    event::Event,
    page::PageKey,
    time::{show, shown},
};
use http_api::{
    Admin, App, Problem,
    csv::{Asked, FileName, FormParams, List, Part, text},
    cursor::from_cursor_if,
    fields::{self, Fields, Read},
    openapi::{AdminProblems, ParameterProblems, StoreProblems},
    query::{limit, range},
};
use jiff::Timestamp;
use serde::Serialize;
use stores::dynamodb::{EventsFilter, is_place_by_start, place_of};
use utoipa::{IntoParams, ToSchema};

const COLUMNS: [&str; 17] = [
    "event_id",
    "name",
    "starts_at",
    "capacity",
    "sold",
    "held",
    "available",
    "utilization",
    "sold_by_rate",
    "revenue_by_rate",
    "capacity_by_area",
    "sold_by_area",
    "held_by_area",
    "available_by_area",
    "revenue_by_area",
    "pending",
    "pending_by_area",
];

/// Which events, and which page.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CapacityParams {
    /// Only events that start then or later.
    starts_from: Option<Timestamp>,
    /// Only events that start then or earlier.
    starts_to: Option<Timestamp>,
    /// Items in the page.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl Read for CapacityParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (from, to) = range(fields, ["starts_from", "starts_to"], Some(["from", "to"]));
        let (limit, cursor) = (limit(fields), fields.optional("cursor", fields::text));
        Some(Self { starts_from: from, starts_to: to, limit, cursor })
    }
}

/// A page of events by start time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CapacityList {
    /// Fullest first within the page; the pages follow each other by start time.
    items: Vec<EventCapacity>,
    /// Send it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// How full an event is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventCapacity {
    /// UUIDv7.
    #[schema(value_type = uuid::Uuid)]
    event_id: String,
    /// What it is called.
    #[schema(example = "Open Air 2031")]
    name: String,
    /// When it starts.
    #[serde(serialize_with = "show")]
    starts_at: Timestamp,
    /// Seats in all.
    #[schema(example = 500)]
    capacity: u64,
    /// Seats in confirmed bookings, by DynamoDB, the truth.
    #[schema(example = 170)]
    sold: u64,
    /// Seats of pending bookings, by DynamoDB.
    #[schema(example = 0)]
    pending: u64,
    /// Seats held now, by Redis; 0 where Redis does not know the event, and nobody holds any.
    #[schema(example = 8)]
    held: u64,
    /// Seats that can be had now, by Redis; all that are neither sold nor pending where Redis does not know the event. The two stores are
    /// read at once: during a sale the three may be off by what happens between.
    #[schema(example = 322)]
    available: u64,
    /// `sold / capacity`.
    #[schema(example = 0.34)]
    utilization: f64,
    /// What was sold at each rate, in the order of the event's; they come to `sold`.
    by_rate: Vec<RateSales>,
    /// The same of each area, in the order in which they are shown.
    by_area: Vec<AreaSeats>,
}

/// How full events are: a page by start time, the fullest first within it. All events are there: drafts, cancelled and
/// past ones, too. As CSV without `limit` they are not in pages, and by start time.
#[utoipa::path(
    get, path = "/admin/events/capacity_utilization", operation_id = "list_capacity_utilization", tag = "Admin", security(("bearer" = [])),
    params(
        CapacityParams,
        FormParams,
        ("from" = Option<Timestamp>, Query, deprecated, description = "What `starts_from` was called."),
        ("to" = Option<Timestamp>, Query, deprecated, description = "What `starts_to` was called."),
    ),
    responses(
        (status = 200, description = "A page of events; as CSV without `limit` all of them.",
         headers(("Link" = String), ("Content-Disposition" = String)),
         content((CapacityList = "application/json"), (String = "text/csv"))),
        ParameterProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn capacity_utilization(
    State(app): State<Arc<App>>,
    _: Admin,
    Asked { params, wanted }: Asked<CapacityParams>,
) -> Result<impl IntoResponse, Problem> {
    let CapacityParams { starts_from: from, starts_to: to, limit, cursor } = params;
    let name = format!("capacity {from:?} {to:?}");
    let start = from_cursor_if(&app.tokens, &name, cursor.as_deref(), is_place_by_start)?;
    let filter = EventsFilter { from, to, ..EventsFilter::default() };
    let items = wanted.items_at_once(limit);
    let mut first = capacities(&app, &filter, items, start).await?;
    if !wanted.is_whole(limit) {
        first.items.sort_by(|(one, _), (other, _)| {
            other.utilization.total_cmp(&one.utilization).then(one.starts_at.cmp(&other.starts_at))
        });
    }
    let list = List {
        tokens: &app.tokens,
        name: &name,
        limit,
        columns: &COLUMNS,
        row,
        file_name: FileName::new("capacity").with_range(from, to).at(Timestamp::now()),
    };
    let more = async |place| capacities(&app, &filter, items, Some(place)).await;
    wanted.list(list, first, more, |items, next_cursor| CapacityList { items, next_cursor }).await
}

async fn capacities(
    app: &App,
    filter: &EventsFilter,
    limit: usize,
    start: Option<PageKey>,
) -> Result<Part<EventCapacity>, Error> {
    let page = app.store.events_by_start(filter, limit, start).await?;
    let items = with_seats(app, page.items).await?.into_iter().map(|(event, seats)| {
        let place = place_of(&event);
        (EventCapacity::new(event, seats), place)
    });
    Ok(Part { items: items.collect(), next: page.next })
}

impl EventCapacity {
    fn new(event: Event, seats: Seats) -> Self {
        Self {
            event_id: event.id.to_string(),
            name: event.details.name,
            starts_at: event.details.starts_at,
            capacity: seats.capacity,
            sold: seats.sold,
            pending: seats.pending,
            held: seats.held.into(),
            available: seats.available.seats.into(),
            utilization: ratio(seats.sold, seats.capacity),
            by_rate: seats.by_rate,
            by_area: seats.by_area,
        }
    }
}

fn row(item: &EventCapacity) -> Vec<String> {
    vec![
        item.event_id.clone(),
        text(&item.name),
        shown(item.starts_at),
        item.capacity.to_string(),
        item.sold.to_string(),
        item.held.to_string(),
        item.available.to_string(),
        item.utilization.to_string(),
        in_one_field(&item.by_rate, |sales| sales.sold),
        in_one_field(&item.by_rate, |sales| sales.revenue),
        areas_in_one_field(&item.by_area, |seats| seats.capacity),
        areas_in_one_field(&item.by_area, |seats| seats.sold),
        areas_in_one_field(&item.by_area, |seats| seats.held),
        areas_in_one_field(&item.by_area, |seats| seats.available),
        areas_in_one_field(&item.by_area, |seats| seats.revenue),
        item.pending.to_string(),
        areas_in_one_field(&item.by_area, |seats| seats.pending),
    ]
}
