//! Browsing while Redis is out of reach: from DynamoDB, with what was read kept in memory for a moment.

use std::{collections::HashMap, time::Duration};

use tokio::{sync::Mutex, time::Instant};

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

/// What was read. One request of a process reads at a time; the others wait, and find what it read.
#[derive(Debug, Default)]
pub(super) struct Kept {
    events: Mutex<HashMap<EventId, (Instant, Option<Shown>)>>,
}

/// Those of these events that exist. Held seats count as available: only Redis knows them.
pub(super) async fn events(catalogue: &Catalogue, ids: &[EventId]) -> Result<Found, Error> {
    let mut unreadable = Vec::new();
    let mut kept = catalogue.outage.events.lock().await;
    let now = Instant::now();
    kept.retain(|_, (read_at, _)| now - *read_at < EVENT_TTL);
    if kept.len() > EVENTS_MAX {
        kept.clear();
    }
    let missing: Vec<EventId> = ids.iter().copied().filter(|id| !kept.contains_key(id)).collect();
    if !missing.is_empty() {
        tracing::warn!(events = missing.len(), "without Redis, events are read from DynamoDB");
        measure(names::OUTAGE_READS, missing.len());
        let mut read = read(catalogue, &missing).await?;
        let readable = missing.into_iter().filter(|id| !read.unreadable.contains(id));
        kept.extend(readable.map(|id| (id, (now, read.shown.remove(&id)))));
        unreadable = read.unreadable;
    }
    let shown = |id: &EventId| Some((*id, kept.get(id)?.1.clone()?));
    Ok(Found { shown: ids.iter().filter_map(shown).collect(), unreadable })
}

/// Forgets an event that this process just changed.
pub(super) async fn forget(catalogue: &Catalogue, id: EventId) {
    catalogue.outage.events.lock().await.remove(&id);
}

async fn read(catalogue: &Catalogue, ids: &[EventId]) -> Result<Found, Error> {
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
