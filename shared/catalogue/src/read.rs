//! What is counted in DynamoDB.

use std::collections::HashMap;

use super::Shown;
use domain::{
    error::Error,
    event::{Event, UpcomingEvent},
    id::EventId,
    inventory::InventoryShard,
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
    let wanted: Vec<_> = events.iter().map(|event| (event.id, event.shards)).collect();
    let mut inventories: HashMap<EventId, Vec<InventoryShard>> = HashMap::new();
    for (event, shard) in store.inventory_of_events(&wanted).await? {
        inventories.entry(event).or_default().push(shard);
    }
    for (event, shards) in wanted {
        let mut found = inventories.remove(&event).unwrap_or_default();
        if found.len() == usize::from(shards) {
            found.sort_unstable_by_key(|shard| shard.shard);
            inventories.insert(event, found);
        } else {
            tracing::error!(event_id = %event, found = found.len(), shards, "shards of an event are missing");
        }
    }
    Ok(inventories)
}

/// Seats of these shards that are not sold.
pub(super) fn unsold(shards: &[InventoryShard]) -> u32 {
    shards.iter().map(|shard| shard.unsold).sum()
}

/// The rank of each event, by the tickets that DynamoDB counts.
pub(super) async fn ranks(store: &Store, events: &[UpcomingEvent]) -> Result<Vec<(EventId, i64)>, Error> {
    let shards: Vec<_> = events.iter().map(|event| (event.id, event.shards)).collect();
    let mut sold = HashMap::new();
    for (event, shard) in store.inventory_of_events(&shards).await? {
        *sold.entry(event).or_default() += shard.sold;
    }
    let ranks = events
        .iter()
        .map(|event| (event.id, rank(sold.get(&event.id).copied().unwrap_or(0), event.starts_at)));
    Ok(ranks.collect())
}
