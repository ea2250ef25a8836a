//! GET /admin/events/capacity_utilization

use std::sync::Arc;

use axum::{extract::State, response::IntoResponse};
use domain::{
    event::Event,
    id::EventId,
    inventory::InventoryShard,
    time::{show, shown},
};
use http_api::{
    Admin, App, Problem, QueryParams,
    csv::{Table, Wanted, text},
    cursor::{from_cursor_if, to_cursor},
    fields::{self, Fields, Read},
    openapi::{AdminProblems, ParameterProblems, StoreProblems},
    query::{limit, page_items, range},
};
use jiff::Timestamp;
use serde::Serialize;
use stores::{
    dynamodb::{EventsFilter, is_place_by_start},
    redis::UnsoldSeats,
};
use utoipa::{IntoParams, ToSchema};

use crate::numbers::ratio;

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
    name: String,
    /// When it starts.
    #[serde(serialize_with = "show")]
    starts_at: Timestamp,
    /// Seats in all.
    capacity: u64,
    /// Seats in confirmed bookings, by DynamoDB, the truth.
    sold: u64,
    /// Seats held now, by Redis; 0 where Redis does not know the event, and nobody holds any.
    held: u64,
    /// Seats that can be had now, by Redis; all that are not sold where Redis does not know the event. The two stores are
    /// read at once: during a sale the three may be off by what happens between.
    available: u64,
    /// `sold / capacity`.
    utilization: f64,
}

/// How full events are: a page by start time, the fullest first within it. All events are there: drafts, cancelled and
/// past ones, too.
#[utoipa::path(
    get, path = "/admin/events/capacity_utilization", operation_id = "list_capacity_utilization", tag = "Admin", security(("bearer" = [])),
    params(
        CapacityParams,
        ("from" = Option<Timestamp>, Query, deprecated, description = "What `starts_from` was called."),
        ("to" = Option<Timestamp>, Query, deprecated, description = "What `starts_to` was called."),
    ),
    responses(
        (status = 200, description = "A page of events.", headers(("Link" = String)),
         content((CapacityList = "application/json"), (String = "text/csv"))),
        ParameterProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn capacity_utilization(
    State(app): State<Arc<App>>,
    _: Admin,
    wanted: Wanted,
    QueryParams(params): QueryParams<CapacityParams>,
) -> Result<impl IntoResponse, Problem> {
    let limit = page_items(params.limit);
    let list = format!("capacity {:?} {:?}", params.starts_from, params.starts_to);
    let start = from_cursor_if(&app.tokens, &list, params.cursor.as_deref(), is_place_by_start)?;
    let filter = EventsFilter { from: params.starts_from, to: params.starts_to, ..EventsFilter::default() };
    let page = app.store.events_by_start(&filter, limit, start).await?;

    let ids: Vec<EventId> = page.items.iter().map(|event| event.id).collect();
    let (inventories, unsold) =
        tokio::join!(app.store.with_inventory(page.items), app.redis.unsold_seats(&ids));
    let unsold = match unsold {
        Err(error) if error.is_without_redis() => {
            tracing::warn!(%error, "capacity is shown without holds");
            vec![None; ids.len()]
        }
        unsold => unsold?,
    };
    let mut items: Vec<EventCapacity> = inventories?
        .into_iter()
        .zip(unsold)
        .map(|((event, inventory), unsold)| EventCapacity::new(event, &inventory, unsold))
        .collect();
    items.sort_by(|one, other| {
        other.utilization.total_cmp(&one.utilization).then(one.starts_at.cmp(&other.starts_at))
    });
    let list = CapacityList { items, next_cursor: to_cursor(&app.tokens, &list, page.next)? };
    Ok(wanted.answer(&list, || table(&list.items), list.next_cursor.as_deref())?)
}

impl EventCapacity {
    fn new(event: Event, inventory: &[InventoryShard], unsold: Option<UnsoldSeats>) -> Self {
        let sum = |of: fn(&InventoryShard) -> u32| inventory.iter().map(|shard| u64::from(of(shard))).sum();
        let (capacity, sold) = (sum(|shard| shard.capacity), sum(|shard| shard.sold));
        let (held, available) = match unsold {
            Some(seats) => (seats.held.into(), seats.free.into()),
            None => (0, sum(|shard| shard.unsold)),
        };
        Self {
            event_id: event.id.to_string(),
            name: event.details.name,
            starts_at: event.details.starts_at,
            capacity,
            sold,
            held,
            available,
            utilization: ratio(sold, capacity),
        }
    }
}

fn table(items: &[EventCapacity]) -> Table {
    let header = ["event_id", "name", "starts_at", "capacity", "sold", "held", "available", "utilization"]
        .map(str::to_owned);
    let rows = items.iter().map(|item| {
        vec![
            item.event_id.clone(),
            text(&item.name),
            shown(item.starts_at),
            item.capacity.to_string(),
            item.sold.to_string(),
            item.held.to_string(),
            item.available.to_string(),
            item.utilization.to_string(),
        ]
    });
    Table { header: header.to_vec(), rows: rows.collect() }
}
