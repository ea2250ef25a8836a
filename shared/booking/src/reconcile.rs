//! Reconcile: the second half of what the janitor does for an event. Redis' free seats are held against DynamoDB, and
//! repaired. Safe to repeat, and for two janitors at once.

use domain::{error::Error, event::Event, inventory::InventoryShard};
use stores::redis::scripts::Reconciled;

use crate::{Conservation, Protocol};

/// What was found for an event that Redis knows.
#[derive(Clone, Debug)]
pub struct Reconciliation {
    /// The event as DynamoDB has it.
    pub event: Event,
    /// Its shards, read with strong consistency.
    pub inventory: Vec<InventoryShard>,
    /// Where its seats were when the stores were read.
    pub seats: Conservation,
    /// What was repaired; `None` if Redis loaded the event anew meanwhile.
    pub reconciled: Option<Reconciled>,
}

/// Holds Redis' free seats of an event against DynamoDB, and repairs them. Redis is read first: see `reconcile.lua`. `None` if
/// Redis does not know the event, or it was deleted.
pub async fn reconcile(protocol: &Protocol, event: &Event) -> Result<Option<Reconciliation>, Error> {
    let Some(seen) = protocol.redis.inventory(event.id).await? else { return Ok(None) };
    // The list that the janitor goes by may lag behind a raised capacity.
    let Some(event) = protocol.store.event(event.id).await? else { return Ok(None) };
    let inventory = protocol.store.inventory(event.id, &event.shards).await?;
    let seats = Conservation::of(&seen, &inventory);
    let grace_ms = protocol.confirm_grace_ms;
    let reconciled = protocol.redis.reconcile(event.id, &seen, &inventory, grace_ms).await?;
    if let Some(found) = reconciled
        && found.repaired > 0
    {
        tracing::warn!(event_id = %event.id, ?found, "Redis had other free seats than DynamoDB");
    }
    Ok(Some(Reconciliation { event, inventory, seats, reconciled }))
}
