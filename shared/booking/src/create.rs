//! Create: a new event with its inventory.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{Protocol, audit};
use domain::{
    audit::{Actor, AuditEntry},
    error::{Error, GaveUp},
    event::{DetailsWithRows, Event, EventDetails},
    id::EventId,
    inventory::{InventoryShard, Shards, new_shards, shards_of_rows},
    request_key::RequestKey,
    row::{LayoutPart, Row, in_parts},
};
use stores::dynamodb::{self, Creation};

/// Ids tried: two events created in the same millisecond may draw the same.
const IDS_TRIED_MAX: usize = 5;

/// An event that was created, and whether this request was answered before.
#[derive(Debug)]
pub struct Created {
    /// The event as it is now.
    pub event: Event,
    /// Whether the same request was answered before.
    pub replayed: bool,
}

/// Makes an event and its inventory in DynamoDB, and shows it to people. Redis hears of its seats when somebody asks.
/// Done again, it makes another event. `by` is the admin who does it, if one does: then it is audited.
pub async fn create_event(
    protocol: &Protocol,
    details: impl Into<DetailsWithRows>,
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<Event, Error> {
    create(protocol, details.into(), None, by, now).await.map(|created| created.event)
}

/// The same, once for each idempotency key: what the key was used for is written in the transaction that makes the event.
/// `EventNotFound` if the event of that key was deleted since. `details` are asked for only if the key is new: what was in
/// the future when the event was created need not be so any more.
pub async fn create_event_once<D: Into<DetailsWithRows>>(
    protocol: &Protocol,
    key: &RequestKey,
    details: impl FnOnce() -> Result<D, Error>,
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<Created, Error> {
    match protocol.store.creation(key, now).await? {
        Some(before) => replay(protocol, key, &before).await,
        None => create(protocol, details()?.into(), Some(key), by, now).await,
    }
}

async fn create(
    protocol: &Protocol,
    DetailsWithRows { details, rows }: DetailsWithRows,
    key: Option<&RequestKey>,
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<Created, Error> {
    details.check(None, now)?;
    let Inventory { shards, inventory, layout } = inventory_of(&details, &rows, protocol.seats_per_shard);
    let layout_parts = u16::try_from(layout.len()).unwrap_or(u16::MAX);
    for _ in 0..IDS_TRIED_MAX {
        let event = Event::new(EventId::new(now), details.clone(), shards.clone(), now);
        let event = Event { layout_parts, ..event };
        let entry = by.map(|by| AuditEntry::created(by, &event, Timestamp::now()));
        match (protocol.store.create_event(&event, &inventory, &layout, key, entry.as_ref()).await?, key) {
            (dynamodb::Created::Done, _) => {
                audit::log(entry.as_ref());
                catalogue::announce(&protocol.catalogue, &event).await;
                clear_broken_creations(protocol, &event, now).await;
                return Ok(Created { event, replayed: false });
            }
            (dynamodb::Created::KeyUsed, Some(key)) => return lose(protocol, key, event, now).await,
            _ => {}
        }
    }
    Err(Error::GaveUp(GaveUp::FindingId))
}

/// What a new event sells from.
struct Inventory {
    shards: Shards,
    /// Its shards, in the order of their numbers.
    inventory: Vec<InventoryShard>,
    layout: Vec<LayoutPart>,
}

/// An area with rows has a shard for each of them, another as many as its capacity is worth.
fn inventory_of(
    details: &EventDetails,
    rows: &BTreeMap<String, Vec<Row>>,
    seats_per_shard: u32,
) -> Inventory {
    let areas: Vec<(u32, Option<&Vec<Row>>)> = match details.areas.as_slice() {
        [] => vec![(details.capacity, None)],
        areas => areas.iter().map(|area| (area.capacity, rows.get(&area.id))).collect(),
    };
    let (mut shards, mut inventory, mut layout) = (Vec::new(), Vec::new(), Vec::new());
    for (area, (capacity, rows)) in (0..).zip(areas) {
        let of_area = match rows {
            Some(rows) => shards_of_rows(area, 0, rows),
            None => new_shards(area, capacity, seats_per_shard),
        };
        layout.extend(rows.map(|rows| (area, rows.as_slice())));
        shards.push(u16::try_from(of_area.len()).unwrap_or(u16::MAX));
        inventory.extend(of_area);
    }
    let layout = in_parts(layout);
    let shards: Shards = shards.into_iter().collect();
    let shards = if layout.is_empty() { shards } else { shards.of_numbered() };
    Inventory { shards, inventory, layout }
}

/// Only creations of large events leave anything behind when they break off, and the next one of that kind clears it away.
async fn clear_broken_creations(protocol: &Protocol, created: &Event, now: Timestamp) {
    if !dynamodb::has_surplus_shards(created) {
        return;
    }
    match protocol.store.clear_broken_creations(now).await {
        Ok(0) => {}
        Ok(creations) => {
            tracing::info!(creations, "shards of events that were never created are cleared away")
        }
        Err(error) => tracing::warn!(%error, "shards of events that were never created stay for now"),
    }
}

/// The same request came twice at once, and the other one was first.
async fn lose(protocol: &Protocol, key: &RequestKey, event: Event, now: Timestamp) -> Result<Created, Error> {
    let first = protocol.store.creation(key, now).await?.ok_or(Error::GaveUp(GaveUp::UnknownKey))?;
    if first.event_id == event.id {
        // It was this very one, whose answer got lost.
        return Ok(Created { event, replayed: false });
    }
    if let Err(error) = protocol.store.clear_surplus(&event).await {
        tracing::warn!(event_id = %event.id, %error, "shards stay without an event until the next large one is created");
    }
    replay(protocol, key, &first).await
}

async fn replay(protocol: &Protocol, key: &RequestKey, before: &Creation) -> Result<Created, Error> {
    if before.fingerprint != key.fingerprint {
        return Err(Error::IdempotencyKeyReused);
    }
    let event = protocol.store.event(before.event_id).await?.ok_or(Error::EventNotFound)?;
    Ok(Created { event, replayed: true })
}
