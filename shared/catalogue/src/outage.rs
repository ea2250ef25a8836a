//! Browsing while Redis is out of reach: from DynamoDB, with what was read kept in memory for a moment.

use std::time::Duration;

use quick_cache::sync::{Cache, EntryAction, EntryResult};
use tokio::time::Instant;

use super::{
    Shown, measure,
    read::{Found, inventories, unsold},
};
use crate::Catalogue;
use domain::{error::Error, event::Event, id::EventId};
use stores::dynamodb::EventsFound;
use telemetry::names;

/// How long an event is shown as it was read; seats that can be had may be others by then.
const EVENT_TTL: Duration = Duration::from_secs(2);
/// Events kept at most.
const EVENTS_MAX: usize = 2_000;

/// An event as it was read, if there is one, and when that was.
type Read = (Instant, Option<Shown>);

/// What was read. Each event is read by one request of a process at a time; the others that want it wait for that.
#[derive(Debug)]
pub(super) struct Kept {
    events: Cache<EventId, Read>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { events: Cache::new(EVENTS_MAX) }
    }
}

/// Those of these events that exist. Held seats count as available: only Redis knows them.
pub(super) async fn events(catalogue: &Catalogue, ids: &[EventId]) -> Result<Found, Error> {
    let kept = &catalogue.outage.events;
    let mut found = Found::default();
    let mut wanted = ids.to_vec();
    loop {
        let mut turns = Vec::new();
        let mut read_by_others = Vec::new();
        for id in std::mem::take(&mut wanted) {
            match kept.entry(&id, Some(Duration::ZERO), |_, read| if_fresh(read)) {
                EntryResult::Retained(shown) => found.shown.extend(shown.map(|shown| (id, shown))),
                EntryResult::Vacant(turn) | EntryResult::Replaced(turn, _) => turns.push((id, turn)),
                EntryResult::Timeout | EntryResult::Removed(..) => read_by_others.push(id),
            }
        }
        if !turns.is_empty() {
            let own: Vec<EventId> = turns.iter().map(|(id, _)| *id).collect();
            let started = Instant::now();
            let mut read = read(catalogue, &own).await?;
            for (id, turn) in turns {
                // What can't be read is not kept: whoever waits for it tries, too.
                if !read.unreadable.contains(&id) {
                    // Of one that was forgotten meanwhile nothing is kept; this answer may still have it.
                    _ = turn.insert((started, read.shown.get(&id).cloned()));
                }
            }
            found.shown.extend(read.shown.drain());
            found.unreadable.extend(read.unreadable);
        } else if let Some(id) = read_by_others.first() {
            // Nobody waits who has a turn, so that no two wait for each other. If nothing came of the reading, the turn is
            // dropped here, and is had again with those of all the others at once.
            _ = kept.get_value_or_guard_async(id).await;
        } else {
            return Ok(found);
        }
        wanted = read_by_others;
    }
}

/// Forgets an event that this process just changed; what is being read of it is not kept.
pub(super) fn forget(catalogue: &Catalogue, id: EventId) {
    catalogue.outage.events.remove(&id);
}

fn if_fresh((read_at, shown): &Read) -> EntryAction<Option<Shown>> {
    match read_at.elapsed() < EVENT_TTL {
        true => EntryAction::Retain(shown.clone()),
        false => EntryAction::ReplaceWithGuard,
    }
}

async fn read(catalogue: &Catalogue, ids: &[EventId]) -> Result<Found, Error> {
    tracing::warn!(events = ids.len(), "without Redis, events are read from DynamoDB");
    measure(names::OUTAGE_READS, ids.len());
    let EventsFound { events, unreadable } = catalogue.store.events(ids).await?;
    let inventory = inventories(&catalogue.store, &events.iter().collect::<Vec<&Event>>()).await?;
    let mut found = Found { unreadable, ..Found::default() };
    for event in events {
        match inventory.get(&event.id).map(|shards| unsold(shards)) {
            Some(available) => _ = found.shown.insert(event.id, Shown { available, event }),
            None => found.unreadable.push(event.id),
        }
    }
    Ok(found)
}
