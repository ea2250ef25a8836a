//! GET /admin/events/{id}/inventory

use std::sync::Arc;

use administration::RateSales;
use axum::{Json, extract::State, response::IntoResponse};
use booking::{self, Conservation, Counted};
use domain::{id::EventId, inventory::of_area};
use http_api::{
    Admin, App, PathId, Problem,
    openapi::{AdminProblems, EventProblems, StoreProblems},
};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// Where an event's seats are. At rest, `capacity = sold + pending + held + in_flight + free`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Inventory {
    /// UUIDv7.
    #[schema(value_type = uuid::Uuid)]
    event_id: String,
    /// Seats in all.
    #[schema(example = 500)]
    capacity: i64,
    /// Seats sold, by DynamoDB, the truth.
    #[schema(example = 170)]
    sold: i64,
    /// Seats of pending bookings, by DynamoDB.
    #[schema(example = 0)]
    pending: i64,
    /// Seats held, by Redis.
    #[schema(example = 8)]
    held: i64,
    /// Seats whose confirm has begun and not ended, by Redis.
    #[schema(example = 1)]
    in_flight: i64,
    /// Seats that can be held, by Redis.
    #[schema(example = 321)]
    free: i64,
    /// What the sum has too little, or, below zero, too much. Not 0 for a moment while a confirm or a cancel is under
    /// way; not 0 for longer than the janitor takes, two minutes, only if something is wrong.
    #[schema(example = 0)]
    drift: i64,
    /// What was sold at each rate, in the order of the event's; they come to `sold`.
    by_rate: Vec<RateSales>,
    /// The same of each area, in the order in which they are shown.
    by_area: Vec<AreaInventory>,
}

/// Where an area's seats are, likewise.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AreaInventory {
    /// The area's id; `general` of an event that names none.
    #[schema(example = "floor")]
    area: String,
    /// What it is called.
    #[schema(example = "Floor")]
    name: String,
    /// Seats in it.
    #[schema(example = 500)]
    capacity: i64,
    /// Seats sold.
    #[schema(example = 170)]
    sold: i64,
    /// Seats of pending bookings.
    #[schema(example = 0)]
    pending: i64,
    /// Seats held.
    #[schema(example = 8)]
    held: i64,
    /// Seats whose confirm has begun and not ended.
    #[schema(example = 1)]
    in_flight: i64,
    /// Seats that can be held.
    #[schema(example = 321)]
    free: i64,
    /// What the sum has too little, or, below zero, too much.
    #[schema(example = 0)]
    drift: i64,
    /// What the seats in `sold` cost, in minor units of the event's currency.
    #[schema(example = 765_000)]
    revenue: u64,
}

impl AreaInventory {
    fn of(counted: &Counted) -> Vec<Self> {
        let areas = counted.event.areas().into_iter().map(|area| {
            let number = area.key.number;
            let seats = counted.by_area.iter().find(|(of, _)| *of == number).map(|(_, seats)| *seats);
            let seats = seats.unwrap_or_default();
            let (drift, Conservation { capacity, sold, pending, held, in_flight, free }) =
                (seats.drift(), seats);
            let revenue = of_area(&counted.inventory, number).iter().map(|shard| shard.revenue).sum();
            let (area, name) = (area.id.to_owned(), area.name.to_owned());
            Self { area, name, capacity, sold, pending, held, in_flight, free, drift, revenue }
        });
        areas.collect()
    }
}

/// Where an event's seats are: shows that none is lost.
#[utoipa::path(
    get, path = "/admin/events/{id}/inventory", operation_id = "get_inventory", tag = "Admin", security(("bearer" = [])),
    params(("id" = uuid::Uuid, Path, description = "The event's id.")),
    responses(
        (status = 200, description = "Where the seats are.", body = Inventory),
        EventProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn show_inventory(
    State(app): State<Arc<App>>,
    _: Admin,
    PathId(id): PathId<EventId>,
) -> Result<impl IntoResponse, Problem> {
    let counted = booking::conservation(&app.protocol, id, Timestamp::now()).await?;
    let (by_area, Counted { event, inventory, seats, .. }) = (AreaInventory::of(&counted), counted);
    let (drift, Conservation { capacity, sold, pending, held, in_flight, free }) = (seats.drift(), seats);
    let by_rate = administration::by_rate(&event, &inventory);
    Ok(Json(Inventory {
        event_id: id.to_string(),
        capacity,
        sold,
        pending,
        held,
        in_flight,
        free,
        drift,
        by_rate,
        by_area,
    }))
}
