//! Events as people see them: from Redis, or from DynamoDB if Redis has no copy.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use futures::future::{join_all, try_join_all};
use jiff::Timestamp;
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    Shown, is_without_redis, measure, outage,
    read::{inventories, unsold},
};
use crate::Catalogue;
use domain::{error::Error, event::Event, id::EventId};
use stores::{
    redis::scripts::{Show, Turn},
    waiting::Waiting,
};
use telemetry::names;

/// How long an answer that is there waits for the one that will replace it. DynamoDB takes a tenth of this.
const REFRESH_WAIT_MAX: Duration = Duration::from_millis(100);

/// An event, whatever its status; `None` if there is no such event.
pub async fn event(catalogue: &Catalogue, id: EventId) -> Result<Option<Shown>, Error> {
    Ok(events(catalogue, &[id]).await?.remove(&id))
}

/// Those of these events that exist, whatever their status.
pub async fn events(catalogue: &Catalogue, ids: &[EventId]) -> Result<HashMap<EventId, Shown>, Error> {
    let shown = from_redis(catalogue, ids).await;
    if is_without_redis(&shown) { outage::events(catalogue, ids).await } else { shown }
}

async fn from_redis(catalogue: &Catalogue, ids: &[EventId]) -> Result<HashMap<EventId, Shown>, Error> {
    let mut waiting_for = Waiting::new();
    let mut found = HashMap::with_capacity(ids.len());
    let mut asked = ids.to_vec();
    let mut is_first_look = true;
    loop {
        let answers = try_join_all(asked.iter().map(|id| catalogue.redis.show(*id))).await?;
        let mut turns = Vec::new();
        let mut waiting = Vec::new();
        for (id, answer) in asked.into_iter().zip(answers) {
            match answer {
                Show::Shown(event, available) => {
                    found.insert(id, Shown { event, available });
                }
                Show::Ageing(event, available, turn) => {
                    found.insert(id, Shown { event, available });
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
            measure(names::COPIES_SHOWN, found.len());
            measure(names::COPIES_MISSED, waiting.len());
        }
        if !turns.is_empty() {
            let reading = read(catalogue, &turns);
            let read = match waiting.is_empty() {
                // What is there already waits for what is newer for a moment only; whose turn it was, it ends by itself.
                true => timeout(REFRESH_WAIT_MAX, reading).await.unwrap_or_else(|_| Ok(Vec::new())),
                false => reading.await,
            };
            match read {
                // What does not exist needs no waiting for.
                Ok(missing) => waiting.retain(|id| !missing.contains(id)),
                // What is ageing can be shown all the same.
                Err(error) if waiting.is_empty() => tracing::warn!(%error, "events could not be read anew"),
                Err(error) => return Err(error),
            }
        } else if !waiting.is_empty() {
            waiting_for.a_moment().await?;
        }
        if waiting.is_empty() {
            return Ok(found);
        }
        asked = waiting;
    }
}

/// Reads events from DynamoDB, keeps them in Redis, and ends the turns. Answers which of them do not exist.
async fn read(catalogue: &Catalogue, turns: &[(EventId, Turn)]) -> Result<Vec<EventId>, Error> {
    let ended = read_and_keep(catalogue, turns).await;
    // Keeping a copy has ended its turn.
    let told = match &ended {
        Ok(missing) => join_all(missing.iter().map(|id| catalogue.redis.missing(*id))).await,
        Err(_) => join_all(turns.iter().map(|(id, _)| catalogue.redis.end_turn(*id))).await,
    };
    for error in told.into_iter().filter_map(Result::err) {
        tracing::debug!(%error, "a turn ends by itself");
    }
    ended
}

async fn read_and_keep(catalogue: &Catalogue, turns: &[(EventId, Turn)]) -> Result<Vec<EventId>, Error> {
    let (started, now) = (Instant::now(), Timestamp::now());
    let ids: Vec<EventId> = turns.iter().map(|(id, _)| *id).collect();
    let events = catalogue.store.events(&ids).await?;
    measure(names::COPIES_REFILLED, events.len());
    let is_loaded: HashMap<EventId, bool> = turns.iter().map(|(id, turn)| (*id, turn.is_loaded)).collect();
    let unloaded: Vec<&Event> =
        events.iter().filter(|event| !is_loaded.get(&event.id).copied().unwrap_or(false)).collect();
    let mut inventory = inventories(&catalogue.store, &unloaded).await?;
    let kept = events.iter().map(|event| {
        let shards = inventory.remove(&event.id);
        async move {
            let unsold = match shards {
                Some(shards) if event.may_sell(now) && shards.len() == usize::from(event.shards) => {
                    catalogue.redis.load(event, &shards, &Uuid::now_v7().to_string()).await?;
                    None
                }
                shards => shards.map(|shards| unsold(&shards)),
            };
            catalogue.redis.keep(event, unsold, started.elapsed()).await
        }
    });
    try_join_all(kept).await?;
    Ok(ids.into_iter().filter(|id| !events.iter().any(|event| event.id == *id)).collect())
}
