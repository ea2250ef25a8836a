//! Conservation: where an event's seats are, by both stores.

use super::load;
use crate::{
    App,
    domain::{error::Error, id::EventId},
};

/// Where an event's seats are. At rest the last four make up the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conservation {
    /// Seats in all, by DynamoDB.
    pub capacity: u32,
    /// Seats sold, by DynamoDB.
    pub sold: u32,
    /// Seats held, by Redis.
    pub held: i64,
    /// Seats whose confirm has begun and not ended, by Redis.
    pub in_flight: i64,
    /// Seats that can be held, by Redis.
    pub free: i64,
}

/// Reads where an event's seats are. The stores are read one after the other, so a sale that goes on shows.
pub async fn conservation(app: &App, id: EventId) -> Result<Conservation, Error> {
    let event = app.store.event(id).await?.ok_or(Error::EventNotFound)?;
    let seen = match app.redis.inventory_seen(id).await? {
        Some(seen) => seen,
        None => {
            load(app, &event).await?;
            app.redis.inventory_seen(id).await?.unwrap_or_default()
        }
    };
    let inventory = app.store.inventory(id, event.shards).await?;
    let sum = |of: fn(&crate::redis::ShardSeen) -> i64| seen.shards().iter().map(of).sum::<i64>();
    let in_flight = sum(|shard| shard.confirming);
    Ok(Conservation {
        capacity: inventory.iter().map(|shard| shard.capacity).sum(),
        sold: inventory.iter().map(|shard| shard.sold).sum(),
        held: sum(|shard| shard.held) - in_flight,
        in_flight,
        free: sum(|shard| shard.free),
    })
}
