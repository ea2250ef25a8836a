//! Where the seats of events are.

use std::collections::HashMap;

use domain::{
    error::Error,
    event::{Available, Event},
    id::AreaKey,
    inventory::{InventoryShard, of_area},
};
use http_api::App;
use stores::redis::UnsoldSeats;

use crate::{AreaSeats, RateSales, by_rate};

/// Where the seats of an event are: sold by DynamoDB, the truth; held and available by Redis, where it knows the event.
pub struct Seats {
    /// All there are.
    pub capacity: u64,
    /// Those in confirmed bookings.
    pub sold: u64,
    /// Those of pending bookings, by DynamoDB.
    pub pending: u64,
    /// Those held now.
    pub held: u32,
    /// Those that can be had now.
    pub available: Available,
    /// Those in confirmed bookings, by rate.
    pub by_rate: Vec<RateSales>,
    /// The same of each area.
    pub by_area: Vec<AreaSeats>,
}

/// The events, each with its seats. No event is loaded into Redis for that.
pub async fn with_seats(app: &App, events: Vec<Event>) -> Result<Vec<(Event, Seats)>, Error> {
    let areas: Vec<AreaKey> = events.iter().flat_map(Event::area_keys).collect();
    let (inventories, unsold) =
        tokio::join!(app.store.with_inventory(events), app.redis.unsold_seats(&areas));
    let unsold = match unsold {
        Err(error) if error.is_without_redis() => {
            tracing::warn!(%error, "capacity is shown without holds");
            Vec::new()
        }
        unsold => unsold?,
    };
    let known = areas.into_iter().zip(unsold).filter_map(|(area, unsold)| Some((area, unsold?)));
    let known: HashMap<AreaKey, UnsoldSeats> = known.collect();
    let with_seats = inventories?.into_iter().map(|(event, inventory)| {
        let seats = Seats::new(&event, &inventory, &known);
        (event, seats)
    });
    Ok(with_seats.collect())
}

impl Seats {
    fn new(event: &Event, inventory: &[InventoryShard], known: &HashMap<AreaKey, UnsoldSeats>) -> Self {
        let sum = |of: fn(&InventoryShard) -> u32| inventory.iter().map(|shard| u64::from(of(shard))).sum();
        let unsold = |area: AreaKey| {
            known.get(&area).copied().unwrap_or_else(|| UnsoldSeats {
                free: of_area(inventory, area.number).iter().map(|shard| shard.unsold).sum(),
                held: 0,
            })
        };
        let available = event.area_keys().map(|area| (area.number, unsold(area).free)).collect();
        let by_area = event.areas().into_iter().map(|area| {
            let UnsoldSeats { free, held } = unsold(area.key);
            AreaSeats::new(&area, of_area(inventory, area.key.number), held, free)
        });
        Self {
            capacity: sum(|shard| shard.capacity),
            sold: sum(|shard| shard.sold),
            pending: sum(|shard| shard.pending),
            held: event.area_keys().map(|area| unsold(area).held).sum(),
            available: Available::by_area(available),
            by_rate: by_rate(event, inventory),
            by_area: by_area.collect(),
        }
    }
}
