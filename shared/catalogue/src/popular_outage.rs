//! The popular events while Redis is out of reach.

use std::{cmp::Reverse, time::Duration};

use jiff::Timestamp;
use tokio::{sync::Mutex, time::Instant};

use super::{Catalogue, Shown, index::all_upcoming, outage, read::ranks};
use domain::{error::Error, id::EventId};

/// How long the popular events stay the same: to find them takes a read of all upcoming events.
const POPULAR_TTL: Duration = Duration::from_secs(30);
/// Popular events to choose from, should some be cancelled meanwhile.
const POPULAR_KEPT: usize = 20;

/// What was counted. One request of a process counts at a time; the others wait, and find what it counted.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Option<(Instant, Vec<EventId>)>>);

/// The upcoming published events with most tickets sold, at most `count_max`.
pub(super) async fn popular(
    catalogue: &Catalogue,
    count_max: usize,
    now: Timestamp,
) -> Result<Vec<Shown>, Error> {
    let ids = {
        let mut kept = catalogue.popular_outage.0.lock().await;
        match &*kept {
            Some((counted_at, ids)) if counted_at.elapsed() < POPULAR_TTL => ids.clone(),
            _ => {
                let mut ranks = ranks(&catalogue.store, &all_upcoming(catalogue, now).await?).await?;
                ranks.sort_unstable_by_key(|(_, rank)| Reverse(*rank));
                ranks.truncate(POPULAR_KEPT);
                let ids: Vec<EventId> = ranks.into_iter().map(|(id, _)| id).collect();
                *kept = Some((Instant::now(), ids.clone()));
                ids
            }
        }
    };
    let mut shown = outage::events(catalogue, &ids).await?.shown;
    let upcoming = ids.iter().filter_map(|id| shown.remove(id)).filter(|shown| shown.event.is_listed(now));
    Ok(upcoming.take(count_max).collect())
}
