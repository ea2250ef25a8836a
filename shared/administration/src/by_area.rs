//! Where the seats of an event's areas are, and what each sold.

use domain::{event::Area, inventory::InventoryShard};
use serde::Serialize;
use utoipa::ToSchema;

use crate::numbers::ratio;

/// Where an area's seats are, and what it sold.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AreaSeats {
    /// The area's id; `general` of an event that names none.
    #[schema(example = "floor")]
    pub area: String,
    /// What it is called.
    #[schema(example = "Floor")]
    pub name: String,
    /// Seats in it.
    #[schema(example = 500)]
    pub capacity: u64,
    /// Seats in confirmed bookings, by DynamoDB, the truth.
    #[schema(example = 170)]
    pub sold: u64,
    /// Seats of pending bookings, by DynamoDB.
    #[schema(example = 0)]
    pub pending: u64,
    /// Seats held now, those whose confirm has begun among them, by Redis.
    #[schema(example = 8)]
    pub held: u64,
    /// Seats that can be had now, by Redis.
    #[schema(example = 322)]
    pub available: u64,
    /// `sold / capacity`.
    #[schema(example = 0.34)]
    pub utilization: f64,
    /// What the seats in `sold` cost, in minor units of the event's currency.
    #[schema(example = 765_000)]
    pub revenue: u64,
}

impl AreaSeats {
    /// Those of an area with these shards, of whose seats so many are held and available.
    pub(crate) fn new(area: &Area<'_>, shards: &[InventoryShard], held: u32, available: u32) -> Self {
        let sum = |of: fn(&InventoryShard) -> u32| shards.iter().map(|shard| u64::from(of(shard))).sum();
        let (capacity, sold) = (sum(|shard| shard.capacity), sum(|shard| shard.sold));
        Self {
            area: area.id.to_owned(),
            name: area.name.to_owned(),
            capacity,
            sold,
            pending: sum(|shard| shard.pending),
            held: held.into(),
            available: available.into(),
            utilization: ratio(sold, capacity),
            revenue: shards.iter().map(|shard| shard.revenue).sum(),
        }
    }
}

/// As one field of CSV: `floor 12, balcony 4`, by a number of each.
pub fn areas_in_one_field(areas: &[AreaSeats], number: fn(&AreaSeats) -> u64) -> String {
    areas.iter().map(|seats| format!("{} {}", seats.area, number(seats))).collect::<Vec<_>>().join(", ")
}
