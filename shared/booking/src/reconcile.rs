//! Reconcile: the second half of what the janitor does for an event. Redis' free seats are held against DynamoDB, and
//! repaired. Safe to repeat, and for two janitors at once.

use domain::{
    error::Error,
    event::Event,
    id::AreaKey,
    inventory::{InventoryShard, of_area},
    row::Row,
};
use futures::future::try_join_all;
use stores::redis::{InventorySeen, scripts::Reconciled};

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
    /// What was repaired; `None` if Redis loaded all that it knows of the event anew meanwhile.
    pub reconciled: Option<Reconciled>,
}

/// Holds Redis' free seats of an event against DynamoDB, area by area, and repairs them. Redis is read first: see `reconcile.lua`.
/// `None` if Redis knows no area of the event, or it was deleted.
pub async fn reconcile(protocol: &Protocol, event: &Event) -> Result<Option<Reconciliation>, Error> {
    let seen = event
        .area_keys()
        .map(async |area| Ok::<_, Error>(protocol.redis.inventory(area).await?.map(|seen| (area, seen))));
    let seen: Vec<(AreaKey, InventorySeen)> = try_join_all(seen).await?.into_iter().flatten().collect();
    if seen.is_empty() {
        return Ok(None);
    }
    // The list that the janitor goes by may lag behind a raised capacity.
    let Some(event) = protocol.store.event(event.id).await? else { return Ok(None) };
    let inventory = protocol.store.inventory(event.id, &event.shards).await?;
    let layout = catalogue::layout(&protocol.catalogue, &event).await?;
    let mut seats = Conservation::default();
    let mut reconciled = None;
    for (area, seen) in seen {
        let of_area = of_area(&inventory, area.number);
        seats.add(Conservation::of(&seen, of_area));
        let rows: Vec<&Row> = layout.rows_of(area.number).collect();
        add_missing_rows(protocol, area, &seen, of_area, &rows).await?;
        let found = protocol.redis.reconcile(area, &seen, of_area, &rows, protocol.confirm_grace_ms).await?;
        if let Some(found) = found
            && found.repaired > 0
        {
            tracing::warn!(event_id = %event.id, area = area.number, ?found, "Redis had other free seats than DynamoDB");
        }
        reconciled = match (reconciled, found) {
            (Some(before), Some(found)) => Some(sum(before, found)),
            (before, found) => before.or(found),
        };
    }
    Ok(Some(Reconciliation { event, inventory, seats, reconciled }))
}

/// Rows that nobody told Redis of.
async fn add_missing_rows(
    protocol: &Protocol,
    area: AreaKey,
    seen: &InventorySeen,
    inventory: &[InventoryShard],
    rows: &[&Row],
) -> Result<(), Error> {
    let known = seen.shards().len();
    if known >= rows.len() {
        return Ok(());
    }
    let has = u16::try_from(known).unwrap_or(u16::MAX);
    let inventory = inventory.get(known..).unwrap_or_default();
    protocol.redis.add_rows(area, &seen.epoch, has, inventory, &rows[known..]).await.map(|_| ())
}

fn sum(one: Reconciled, other: Reconciled) -> Reconciled {
    Reconciled {
        repaired: one.repaired + other.repaired,
        seats_too_many: one.seats_too_many + other.seats_too_many,
        seats_too_few: one.seats_too_few + other.seats_too_few,
        waiting: one.waiting + other.waiting,
    }
}
