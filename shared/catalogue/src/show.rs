//! Events as people see them: from Redis, or from DynamoDB if Redis has no copy.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use futures::future::{join_all, try_join_all};
use jiff::Timestamp;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    Shown, is_without_redis,
    layouts::layout,
    load::available_seats,
    measure, outage,
    read::{Found, inventories, unsold},
};
use crate::Catalogue;
use domain::{
    error::{Error, StoreName},
    event::{Available, Event},
    id::EventId,
    inventory::of_area,
    row::Row,
};
use stores::{
    dynamodb::EventsFound,
    redis::scripts::{Show, Turn},
    waiting::Waiting,
};
use telemetry::names;

/// How long an answer that is there waits for the one that will replace it. DynamoDB takes a tenth of this.
const REFRESH_WAIT_MAX: Duration = Duration::from_millis(100);
/// Times that an event is read for one look: what was just kept is shown, unless Redis has what nobody can go by.
const READS_MAX: usize = 3;

/// An event, whatever its status; `None` if there is no such event.
///
/// # Errors
/// Also when it can't be read.
pub async fn event(catalogue: &Catalogue, id: EventId) -> Result<Option<Shown>, Error> {
    let mut found = look(catalogue, &[id]).await?;
    if found.unreadable.contains(&id) {
        return Err(Error::Internal(format!("event {id} can't be read").into()));
    }
    Ok(found.shown.remove(&id))
}

/// An event with the seats of its areas as they are right now: each area is asked, side by side, where there are several.
///
/// # Errors
/// Also when it can't be read.
pub async fn live_event(catalogue: &Catalogue, id: EventId) -> Result<Option<Shown>, Error> {
    match event(catalogue, id).await? {
        Some(shown) if shown.event.shards.areas().count() > 1 && shown.event.may_sell(Timestamp::now()) => {
            let (_, available) = sum_up(catalogue, &shown.event).await?;
            Ok(Some(Shown { available, ..shown }))
        }
        shown => Ok(shown),
    }
}

/// Those of these events that exist, whatever their status. One that can't be read is left out: it must not hide the others.
pub async fn events(catalogue: &Catalogue, ids: &[EventId]) -> Result<HashMap<EventId, Shown>, Error> {
    Ok(look(catalogue, ids).await?.shown)
}

async fn look(catalogue: &Catalogue, ids: &[EventId]) -> Result<Found, Error> {
    let found = from_redis(catalogue, ids).await;
    if is_without_redis(&found) { outage::events(catalogue, ids).await } else { found }
}

async fn from_redis(catalogue: &Catalogue, ids: &[EventId]) -> Result<Found, Error> {
    let mut waiting_for = Waiting::new();
    let mut found = Found::default();
    let mut reads = 0;
    let mut asked = ids.to_vec();
    let mut is_first_look = true;
    let mut old_sums = Vec::new();
    loop {
        let answers = try_join_all(asked.iter().map(|id| catalogue.redis.shown(*id))).await?;
        let mut turns = Vec::new();
        let mut waiting = Vec::new();
        for (id, answer) in asked.into_iter().zip(answers) {
            match answer {
                Show::Shown(event, seats) => {
                    old_sums.extend(seats.sum_up.then_some(id));
                    found.shown.insert(id, Shown { event, available: seats.seats });
                }
                Show::Ageing(event, seats, turn) => {
                    old_sums.extend(seats.sum_up.then_some(id));
                    found.shown.insert(id, Shown { event, available: seats.seats });
                    turns.push((id, turn));
                }
                Show::Read(turn) => {
                    turns.push((id, turn));
                    waiting.push(id);
                }
                Show::Wait => waiting.push(id),
                Show::Missing => {}
            }
        }
        if std::mem::take(&mut is_first_look) {
            measure(names::COPIES_SHOWN, found.shown.len());
            measure(names::COPIES_MISSED, waiting.len());
        }
        if !turns.is_empty() {
            if reads == READS_MAX {
                return Err(Error::OutOfReach {
                    store: StoreName::Redis,
                    source: "what it keeps can't be shown".into(),
                });
            }
            reads += 1;
            let reading = read(catalogue, &turns);
            let read = match waiting.is_empty() {
                // What is there already waits for what is newer for a moment only; whose turn it was, it ends by itself.
                true => timeout(REFRESH_WAIT_MAX, reading).await.unwrap_or_else(|_| Ok(Default::default())),
                false => reading.await,
            };
            match read {
                // What does not exist, or can't be read, needs no waiting for.
                Ok(read) => {
                    waiting.retain(|id| !read.missing.contains(id) && !read.unreadable.contains(id));
                    found.unreadable.extend(read.unreadable);
                }
                // What is ageing can be shown all the same.
                Err(error) if waiting.is_empty() => tracing::warn!(%error, "events could not be read anew"),
                Err(error) => return Err(error),
            }
        } else if !waiting.is_empty() {
            waiting_for.a_moment().await?;
        }
        if waiting.is_empty() {
            let sums = old_sums.iter().filter_map(|id| found.shown.get(id));
            let sums = try_join_all(sums.map(|shown| sum_up(catalogue, &shown.event))).await?;
            for (id, sum) in sums {
                found.shown.entry(id).and_modify(|shown| shown.available = sum);
            }
            return Ok(found);
        }
        asked = waiting;
    }
}

/// Counts the seats of an event's areas, and keeps the counts for a moment.
async fn sum_up(catalogue: &Catalogue, event: &Event) -> Result<(EventId, Available), Error> {
    let seats = available_seats(catalogue, std::slice::from_ref(event), Timestamp::now()).await?;
    let sum = seats.into_iter().next().unwrap_or_default();
    if let Err(error) = catalogue.redis.keep_sum(event.id, &sum).await {
        tracing::debug!(event_id = %event.id, %error, "a sum is not kept");
    }
    Ok((event.id, sum))
}

/// What became of events that were read.
#[derive(Debug, Default)]
struct Read {
    /// Those that do not exist.
    missing: Vec<EventId>,
    /// Those that exist and can't be read.
    unreadable: Vec<EventId>,
}

/// Reads events from DynamoDB, keeps them in Redis, and ends the turns.
async fn read(catalogue: &Catalogue, turns: &[(EventId, Turn)]) -> Result<Read, Error> {
    let ended = read_and_keep(catalogue, turns).await;
    // Keeping a copy has ended its turn.
    let told = match &ended {
        Ok(read) => {
            let missing = join_all(read.missing.iter().map(|id| catalogue.redis.missing(*id)));
            let unreadable = join_all(read.unreadable.iter().map(|id| catalogue.redis.end_turn(*id)));
            let (mut told, unreadable) = tokio::join!(missing, unreadable);
            told.extend(unreadable);
            told
        }
        Err(_) => join_all(turns.iter().map(|(id, _)| catalogue.redis.end_turn(*id))).await,
    };
    for error in told.into_iter().filter_map(Result::err) {
        tracing::debug!(%error, "a turn ends by itself");
    }
    ended
}

async fn read_and_keep(catalogue: &Catalogue, turns: &[(EventId, Turn)]) -> Result<Read, Error> {
    let (started, now) = (Instant::now(), Timestamp::now());
    let ids: Vec<EventId> = turns.iter().map(|(id, _)| *id).collect();
    let EventsFound { mut events, mut unreadable } = catalogue.store.events(&ids).await?;
    let known = events.iter().map(|event| event.id).chain(unreadable.iter().copied());
    let known: HashSet<EventId> = known.collect();
    let unloaded: HashSet<EventId> =
        turns.iter().filter(|(_, turn)| !turn.is_loaded).map(|(id, _)| *id).collect();
    let counted: Vec<&Event> = events.iter().filter(|event| unloaded.contains(&event.id)).collect();
    let mut inventory = inventories(&catalogue.store, &counted).await?;
    // Without its shards an event can't be shown.
    events.retain(|event| {
        let is_whole = !unloaded.contains(&event.id) || inventory.contains_key(&event.id);
        unreadable.extend((!is_whole).then_some(event.id));
        is_whole
    });
    measure(names::COPIES_REFILLED, events.len());
    let kept = events.iter().map(|event| {
        let shards = inventory.remove(&event.id);
        async move {
            let unsold = match shards {
                Some(shards) if event.may_sell(now) && shards.len() == event.shards.count() => {
                    let layout = match layout(catalogue, event).await {
                        // One event that can't be read takes down no list of others.
                        Err(Error::Internal(error)) => {
                            tracing::error!(defect = true, event_id = %event.id, %error, "an event's layout can't be read");
                            return Ok(Some(event.id));
                        }
                        layout => layout?,
                    };
                    let areas = event.shards.areas().map(|area| {
                        let shards = of_area(&shards, area);
                        let rows: Vec<&Row> = layout.rows_of(area).collect();
                        let epoch = Uuid::now_v7().to_string();
                        async move { catalogue.redis.load(event, area, shards, &rows, &epoch).await }
                    });
                    try_join_all(areas).await?;
                    None
                }
                shards => shards.map(|shards| unsold(&shards)),
            };
            catalogue.redis.keep(event, unsold.as_ref(), started.elapsed()).await?;
            Ok::<_, Error>(None)
        }
    });
    unreadable.extend(try_join_all(kept).await?.into_iter().flatten());
    Ok(Read { missing: ids.into_iter().filter(|id| !known.contains(id)).collect(), unreadable })
}
