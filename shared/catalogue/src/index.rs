//! The list of upcoming published events: an index of start and words in memory, the events from Redis.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::{Shown, is_without_redis, measure, show};
use crate::Catalogue;
use domain::{
    error::Error,
    event::{UpcomingEvent, Words},
    id::EventId,
};
use stores::{
    redis::scripts::{COPY_TTL, CatalogueKept, List},
    waiting::Waiting,
};
use telemetry::names;

/// How long a list that is there waits for the one that will replace it. What was begun then is begun again by whoever has
/// the next turn.
const REFRESH_WAIT_MAX: Duration = Duration::from_millis(500);
/// Looks for one page: the list may change while it is being looked for.
const LOOKS_MAX: usize = 4;

/// Which of the upcoming events are wanted.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Only those that start then or later.
    pub from: Option<Timestamp>,
    /// Only those that start then or earlier.
    pub to: Option<Timestamp>,
    /// Only those with these words in their name or venue.
    pub words: Option<Words>,
    /// Only those that stand behind this one.
    pub after: Option<Place>,
}

/// An event's place in the list: by start, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    starts_at: Timestamp,
    id: EventId,
}

/// A part of the list.
#[derive(Debug)]
pub struct Listed {
    /// The events, in the list's order.
    pub items: Vec<Shown>,
    /// Where the next part starts, if there is one.
    pub next: Option<Place>,
}

/// Upcoming published events by start, at most `limit`.
pub async fn upcoming(
    catalogue: &Catalogue,
    search: &Search,
    limit: usize,
    now: Timestamp,
) -> Result<Listed, Error> {
    let mut index = present(catalogue, None).await?;
    let mut looks = 1;
    loop {
        let (ids, next) = index.page(search, limit, now);
        let (generation, shown) =
            tokio::join!(catalogue.redis.catalogue_generation(), show::events(catalogue, &ids));
        let is_present = match &generation {
            Ok(generation) => generation.as_deref() == Some(index.generation.as_str()),
            // Then there is nothing newer to be had.
            Err(_) => true,
        };
        if is_present || looks == LOOKS_MAX {
            let mut shown = shown?;
            let items =
                ids.iter().filter_map(|id| shown.remove(id)).filter(|shown| shown.event.is_listed(now));
            return Ok(Listed { items: items.collect(), next });
        }
        index = present(catalogue, Some(&index)).await?;
        looks += 1;
    }
}

/// All upcoming published events; the list may be a moment old.
pub(super) async fn all_upcoming(catalogue: &Catalogue, now: Timestamp) -> Result<Vec<UpcomingEvent>, Error> {
    let index = present(catalogue, None).await?;
    Ok(index.events.iter().filter(|event| event.is_upcoming(now)).cloned().collect())
}

/// The index that a process has, if it has one.
#[derive(Debug, Default)]
pub(super) struct Kept {
    index: Mutex<Option<Arc<Index>>>,
    /// One request of a process reads it; the others wait for that.
    reading: tokio::sync::Mutex<()>,
}

/// All upcoming published events, by start and id.
#[derive(Debug)]
struct Index {
    events: Vec<UpcomingEvent>,
    /// The list in Redis that it was made from; `None` without Redis.
    list: Option<String>,
    generation: String,
    fresh_until: Instant,
}

impl Index {
    /// The list with what changed since it was read. `known` was made from the same list, where Redis did not send it anew.
    fn new(kept: CatalogueKept, known: Option<&Index>) -> Self {
        // While another request reads the list anew, this one asks again soon, not with every look.
        let fresh_for = kept.fresh_for().max(Duration::from_millis(500)).min(kept.usable_for);
        // Each change tells all that is new of its event, so those that `known` has already do no harm.
        let list = kept.list.or_else(|| Some(known?.events.clone())).unwrap_or_default();
        let mut events: HashMap<EventId, UpcomingEvent> =
            list.into_iter().map(|event| (event.id, event)).collect();
        for (change, is_listed) in kept.changes {
            // Of the same version the list knows more than the change: when sales close.
            if events.get(&change.id).is_some_and(|known| known.version >= change.version) {
                continue;
            }
            if is_listed {
                events.insert(change.id, change);
            } else {
                events.remove(&change.id);
            }
        }
        Self::of(events.into_values().collect(), Some(kept.name), kept.generation, fresh_for)
    }

    fn of(
        mut events: Vec<UpcomingEvent>,
        list: Option<String>,
        generation: String,
        fresh_for: Duration,
    ) -> Self {
        events.sort_unstable_by_key(place);
        Self { events, list, generation, fresh_until: Instant::now() + fresh_for }
    }

    /// The events of a page, and where the next one starts.
    fn page(&self, search: &Search, limit: usize, now: Timestamp) -> (Vec<EventId>, Option<Place>) {
        let first = self.events.partition_point(|event| {
            search.from.is_some_and(|from| event.starts_at < from) || Some(place(event)) <= search.after
        });
        let mut found = self.events[first..]
            .iter()
            .take_while(|event| search.to.is_none_or(|to| event.starts_at <= to))
            .filter(|event| event.is_upcoming(now))
            .filter(|event| search.words.as_ref().is_none_or(|words| words.are_in(&event.searched)));
        let page: Vec<&UpcomingEvent> = found.by_ref().take(limit).collect();
        let next = found.next().and(page.last()).map(|last| place(last));
        (page.into_iter().map(|event| event.id).collect(), next)
    }
}

fn place(event: &UpcomingEvent) -> Place {
    Place { starts_at: event.starts_at, id: event.id }
}

/// The present index; another one than `old`, if that is known to be an old one.
async fn present(catalogue: &Catalogue, old: Option<&Arc<Index>>) -> Result<Arc<Index>, Error> {
    let kept = &catalogue.index;
    let good = || {
        let index = kept.index.lock().clone()?;
        let is_good = index.fresh_until > Instant::now() && old.is_none_or(|old| !Arc::ptr_eq(old, &index));
        is_good.then_some(index)
    };
    if let Some(index) = good() {
        return Ok(index);
    }
    let _reading = kept.reading.lock().await;
    if let Some(index) = good() {
        return Ok(index);
    }
    let known = kept.index.lock().clone();
    let found = from_redis(catalogue, known.as_deref()).await;
    let index = match found {
        Err(_) if is_without_redis(&found) => {
            tracing::warn!("without Redis the list of events is read from DynamoDB");
            Index::of(catalogue.store.upcoming(Timestamp::now()).await?, None, String::new(), COPY_TTL)
        }
        found => found?,
    };
    let index = Arc::new(index);
    *kept.index.lock() = Some(Arc::clone(&index));
    Ok(index)
}

async fn from_redis(catalogue: &Catalogue, known: Option<&Index>) -> Result<Index, Error> {
    let mut waiting_for = Waiting::new();
    loop {
        match catalogue.redis.listed(known.and_then(|index| index.list.as_deref())).await? {
            List::Listed(kept, false) => return Ok(Index::new(kept, known)),
            List::Listed(kept, true) => match timeout(REFRESH_WAIT_MAX, read(catalogue)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the list of events could not be read anew");
                    return Ok(Index::new(kept, known));
                }
                Err(_) => return Ok(Index::new(kept, known)),
            },
            List::Read => read(catalogue).await?,
            List::Wait => waiting_for.a_moment().await?,
        }
    }
}

/// Reads the list from DynamoDB and keeps it in Redis.
async fn read(catalogue: &Catalogue) -> Result<(), Error> {
    let started = Instant::now();
    let list = catalogue.store.upcoming(Timestamp::now()).await?;
    catalogue.redis.keep_list(&list, &Uuid::now_v7().to_string(), started.elapsed()).await?;
    measure(names::LISTS_REFILLED, 1);
    Ok(())
}
