//! What is counted in DynamoDB.

use std::collections::HashMap;

use domain::{
    error::Error,
    event::{Event, UpcomingEvent},
    id::EventId,
    inventory::InventoryShard,
    popularity::rank,
};
use stores::dynamodb::Store;

/// The shards of each event, in their order.
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
        let found = inventories.entry(event).or_default();
        found.sort_unstable_by_key(|shard| shard.shard);
        if found.len() != usize::from(shards) {
            let found = found.len();
            return Err(Error::Internal(format!("event {event} has {found} of {shards} shards").into()));
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
