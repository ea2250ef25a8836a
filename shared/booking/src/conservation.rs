//! Conservation: where seats are, by both stores.

use futures::future::try_join_all;
use jiff::Timestamp;
use serde::Serialize;

use crate::Protocol;
use domain::{
    error::Error,
    event::Event,
    id::{AreaKey, AreaNumber, EventId},
    inventory::{InventoryShard, of_area},
};
use stores::redis::{InventorySeen, ShardSeen};

/// Where seats are. At rest all others make up the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Conservation {
    /// Seats in all, by DynamoDB.
    pub capacity: i64,
    /// Seats sold, by DynamoDB.
    pub sold: i64,
    /// Seats of pending bookings, by DynamoDB.
    pub pending: i64,
    /// Seats held, by Redis.
    pub held: i64,
    /// Seats whose confirm has begun and not ended, by Redis.
    pub in_flight: i64,
    /// Seats that can be held, by Redis.
    pub free: i64,
}

impl Conservation {
    /// Where an area's seats are, by what the two stores said.
    pub(super) fn of(seen: &InventorySeen, inventory: &[InventoryShard]) -> Self {
        let by_redis = |of: fn(&ShardSeen) -> i64| seen.shards().iter().map(of).sum::<i64>();
        let by_dynamodb =
            |of: fn(&InventoryShard) -> u32| inventory.iter().map(|shard| i64::from(of(shard))).sum();
        let in_flight = by_redis(|shard| shard.confirming);
        Self {
            capacity: by_dynamodb(|shard| shard.capacity),
            sold: by_dynamodb(|shard| shard.sold),
            pending: by_dynamodb(|shard| shard.pending),
            held: by_redis(|shard| shard.held) - in_flight,
            in_flight,
            free: by_redis(|shard| shard.free),
        }
    }

    /// What the sum has too little, or, below zero, too much.
    pub fn drift(&self) -> i64 {
        self.capacity - self.sold - self.pending - self.held - self.in_flight - self.free
    }

    /// Adds the seats of another area, or another event.
    pub fn add(&mut self, other: Self) {
        self.capacity += other.capacity;
        self.sold += other.sold;
        self.pending += other.pending;
        self.held += other.held;
        self.in_flight += other.in_flight;
        self.free += other.free;
    }
}

/// An event, its shards, and where its seats are.
#[derive(Clone, Debug)]
pub struct Counted {
    /// The event.
    pub event: Event,
    /// Its shards, by DynamoDB, read last.
    pub inventory: Vec<InventoryShard>,
    /// Where its seats are.
    pub seats: Conservation,
    /// The same of each area that it has or had, by the areas' numbers.
    pub by_area: Vec<(AreaNumber, Conservation)>,
}

/// Reads where an event's seats are. The stores are read one after the other, so a sale that goes on shows. Redis need not
/// know a draft, nor an event that sells nothing any more: then all that is unsold is free.
pub async fn conservation(protocol: &Protocol, id: EventId, now: Timestamp) -> Result<Counted, Error> {
    let event = protocol.store.event(id).await?.ok_or(Error::EventNotFound)?;
    let may_sell = event.may_sell(now);
    let areas = event.area_keys().map(|area| seen_of(protocol, &event, area, may_sell));
    let seen = try_join_all(areas).await?;
    let inventory = protocol.store.inventory(id, &event.shards).await?;
    let by_area = event.area_keys().zip(seen).map(|(area, seen)| {
        let of_area = of_area(&inventory, area.number);
        let seats = match seen {
            Some(seen) => Conservation::of(&seen, of_area),
            None => {
                let seats = Conservation::of(&InventorySeen::default(), of_area);
                Conservation { free: seats.capacity - seats.sold - seats.pending, ..seats }
            }
        };
        (area.number, seats)
    });
    let by_area: Vec<_> = by_area.collect();
    let mut seats = Conservation::default();
    by_area.iter().for_each(|(_, of_area)| seats.add(*of_area));
    Ok(Counted { event, inventory, seats, by_area })
}

/// What Redis thinks of an area, which is loaded if its event may sell.
async fn seen_of(
    protocol: &Protocol,
    event: &Event,
    area: AreaKey,
    may_sell: bool,
) -> Result<Option<InventorySeen>, Error> {
    match protocol.redis.inventory(area).await? {
        None if may_sell => {
            catalogue::load(&protocol.catalogue, event, area.number).await?;
            Ok(Some(protocol.redis.inventory(area).await?.unwrap_or_default()))
        }
        seen => Ok(seen),
    }
}
