//! What is counted in DynamoDB.

use std::collections::{BTreeMap, HashMap};

use super::Shown;
use domain::{
    error::Error,
    event::{Available, Event, UpcomingEvent},
    id::{AreaNumber, EventId},
    inventory::{InventoryShard, place_of_shard},
    popularity::rank,
};
use stores::dynamodb::Store;

/// Events that were looked for.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) shown: HashMap<EventId, Shown>,
    /// Those that exist and can't be read.
    pub(super) unreadable: Vec<EventId>,
}

/// The shards of each event, in their order. An event that lacks one, or one of whose can't be read, is logged and left out.
pub(super) async fn inventories(
    store: &Store,
    events: &[&Event],
) -> Result<HashMap<EventId, Vec<InventoryShard>>, Error> {
    let wanted: Vec<_> = events.iter().map(|event| (event.id, &event.shards)).collect();
    let mut inventories = store.inventory_of_events(&wanted).await?;
    // One that has lost shards can't be judged; the log says so.
    inventories.retain(|id, found| {
        wanted.iter().any(|(wanted, shards)| wanted == id && shards.count() == found.len())
    });
    Ok(inventories)
}

/// Seats of these shards that are not sold.
pub(super) fn unsold(shards: &[InventoryShard]) -> Available {
    let mut by_area: BTreeMap<AreaNumber, u32> = BTreeMap::new();
    for shard in shards {
        *by_area.entry(place_of_shard(shard.shard).0).or_default() += shard.unsold;
    }
    Available::by_area(by_area.into_iter().collect())
}

/// The rank of each event, by the tickets that DynamoDB counts.
pub(super) async fn ranks(store: &Store, events: &[UpcomingEvent]) -> Result<Vec<(EventId, i64)>, Error> {
    let shards: Vec<_> = events.iter().map(|event| (event.id, &event.shards)).collect();
    let inventories = store.inventory_of_events(&shards).await?;
    let sold = |event| inventories.get(&event).into_iter().flatten().map(|shard| shard.sold).sum();
    Ok(events.iter().map(|event| (event.id, rank(sold(event.id), event.starts_at))).collect())
}
