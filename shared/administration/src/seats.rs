//! Where the seats of events are.

use domain::{error::Error, event::Event, id::EventId, inventory::InventoryShard};
use http_api::App;
use stores::redis::UnsoldSeats;

use crate::{RateSales, by_rate};

/// Where the seats of an event are: sold by DynamoDB, the truth; held and available by Redis, where it knows the event.
pub struct Seats {
    /// All there are.
    pub capacity: u64,
    /// Those in confirmed bookings.
    pub sold: u64,
    /// Those held now.
    pub held: u32,
    /// Those that can be had now.
    pub available: u32,
    /// Those in confirmed bookings, by rate.
    pub by_rate: Vec<RateSales>,
}

/// The events, each with its seats. No event is loaded into Redis for that.
pub async fn with_seats(app: &App, events: Vec<Event>) -> Result<Vec<(Event, Seats)>, Error> {
    let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
    let (inventories, unsold) = tokio::join!(app.store.with_inventory(events), app.redis.unsold_seats(&ids));
    let unsold = match unsold {
        Err(error) if error.is_without_redis() => {
            tracing::warn!(%error, "capacity is shown without holds");
            vec![None; ids.len()]
        }
        unsold => unsold?,
    };
    let with_unsold = inventories?.into_iter().zip(unsold);
    Ok(with_unsold
        .map(|((event, inventory), unsold)| {
            let seats = Seats::new(&event, &inventory, unsold);
            (event, seats)
        })
        .collect())
}

impl Seats {
    fn new(event: &Event, inventory: &[InventoryShard], unsold: Option<UnsoldSeats>) -> Self {
        let sum = |of: fn(&InventoryShard) -> u32| inventory.iter().map(|shard| u64::from(of(shard))).sum();
        let unsold = unsold.unwrap_or_else(|| UnsoldSeats {
            free: inventory.iter().map(|shard| shard.unsold).sum(),
            held: 0,
        });
        Self {
            capacity: sum(|shard| shard.capacity),
            sold: sum(|shard| shard.sold),
            held: unsold.held,
            available: unsold.free,
            by_rate: by_rate(event, inventory),
        }
    }
}
