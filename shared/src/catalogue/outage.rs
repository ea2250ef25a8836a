//! Browsing while Redis is out of reach: from DynamoDB, with what was read kept in memory for a moment.

use std::{cmp::Reverse, collections::HashMap, time::Duration};

use jiff::Timestamp;
use tokio::{sync::Mutex, time::Instant};

use super::{
    Shown,
    index::all_upcoming,
    measure,
    popular::count,
    show::{inventories, unsold},
};
use crate::{
    App,
    domain::{error::Error, event::Event, id::EventId},
    telemetry::names,
};

/// How long an event is shown as it was read; seats that can be had may be others by then.
const EVENT_TTL: Duration = Duration::from_secs(2);
/// How long the popular events stay the same: to find them takes a read of all upcoming events.
const POPULAR_TTL: Duration = Duration::from_secs(30);
/// Popular events to choose from, should some be cancelled meanwhile.
const POPULAR_KEPT: usize = 20;
/// Events kept at most.
const EVENTS_MAX: usize = 2_000;

/// What was read. One request of a process reads at a time; the others wait, and find what it read.
#[derive(Debug, Default)]
pub(super) struct Kept {
    events: Mutex<HashMap<EventId, (Instant, Option<Shown>)>>,
    popular: Mutex<Option<(Instant, Vec<EventId>)>>,
}

/// Those of these events that exist. Held seats count as available: only Redis knows them.
pub(super) async fn events(app: &App, ids: &[EventId]) -> Result<HashMap<EventId, Shown>, Error> {
    let mut kept = app.catalogue.outage.events.lock().await;
    let now = Instant::now();
    kept.retain(|_, (read_at, _)| now - *read_at < EVENT_TTL);
    if kept.len() > EVENTS_MAX {
        kept.clear();
    }
    let missing: Vec<EventId> = ids.iter().copied().filter(|id| !kept.contains_key(id)).collect();
    if !missing.is_empty() {
        tracing::warn!(events = missing.len(), "without Redis, events are read from DynamoDB");
        measure(names::OUTAGE_READS, missing.len());
        let mut read = read(app, &missing).await?;
        kept.extend(missing.into_iter().map(|id| (id, (now, read.remove(&id)))));
    }
    let shown = |id: &EventId| Some((*id, kept.get(id)?.1.clone()?));
    Ok(ids.iter().filter_map(shown).collect())
}

/// Forgets an event that this process just changed.
pub(super) async fn forget(app: &App, id: EventId) {
    app.catalogue.outage.events.lock().await.remove(&id);
}

async fn read(app: &App, ids: &[EventId]) -> Result<HashMap<EventId, Shown>, Error> {
    let events = app.store.events(ids).await?;
    let inventory = inventories(app, &events.iter().collect::<Vec<&Event>>()).await?;
    let available = |event: &Event| inventory.get(&event.id).map_or(0, |shards| unsold(shards));
    Ok(events.into_iter().map(|event| (event.id, Shown { available: available(&event), event })).collect())
}

/// The upcoming published events with most tickets sold, at most `count_max`.
pub(super) async fn popular(app: &App, count_max: usize, now: Timestamp) -> Result<Vec<Shown>, Error> {
    let ids = {
        let mut kept = app.catalogue.outage.popular.lock().await;
        match &*kept {
            Some((counted_at, ids)) if counted_at.elapsed() < POPULAR_TTL => ids.clone(),
            _ => {
                let mut ranks = count(app, &all_upcoming(app, now).await?).await?;
                ranks.sort_unstable_by_key(|(_, rank)| Reverse(*rank));
                ranks.truncate(POPULAR_KEPT);
                let ids: Vec<EventId> = ranks.into_iter().map(|(id, _)| id).collect();
                *kept = Some((Instant::now(), ids.clone()));
                ids
            }
        }
    };
    let mut shown = events(app, &ids).await?;
    let upcoming = ids.iter().filter_map(|id| shown.remove(id)).filter(|shown| shown.event.is_listed(now));
    Ok(upcoming.take(count_max).collect())
}
