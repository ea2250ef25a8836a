//! The popular events: those with most tickets sold, right after each sale.

use jiff::Timestamp;

use super::{Shown, events, index::all_upcoming, is_without_redis, measure, popular_outage, read::ranks};
use crate::Catalogue;
use domain::{error::Error, id::EventId};
use stores::waiting::Waiting;
use telemetry::names;

/// Ranks looked at together: the wanted events, and some that turn out to be cancelled or over.
const LOOK_AT: usize = 10;
/// Times that tickets are counted, hoping for a moment without a sale. After that, a sale in between may not be in the
/// ranks until the janitor corrects them.
const COUNTS_MAX: usize = 3;

/// The upcoming published events with most tickets sold, at most `count`; of two with the same sales the earlier first.
pub async fn popular(catalogue: &Catalogue, count: usize, now: Timestamp) -> Result<Vec<Shown>, Error> {
    let found = from_redis(catalogue, count, now).await;
    if is_without_redis(&found) { popular_outage::popular(catalogue, count, now).await } else { found }
}

async fn from_redis(catalogue: &Catalogue, count: usize, now: Timestamp) -> Result<Vec<Shown>, Error> {
    let last: Vec<EventId> = catalogue.popular.lock().clone();
    let (first, shown) = tokio::join!(catalogue.redis.popular(0, LOOK_AT), events(catalogue, &last));
    let (mut ranked, mut shown) = (first?, shown?);
    if ranked.is_empty() {
        count_anew(catalogue, now).await?;
        ranked = catalogue.redis.popular(0, LOOK_AT).await?;
    }
    catalogue.popular.lock().clone_from(&ranked);
    let mut found = Vec::with_capacity(count);
    let mut looked_at = 0;
    let mut gone = Vec::new();
    loop {
        let unknown: Vec<EventId> = ranked.iter().copied().filter(|id| !shown.contains_key(id)).collect();
        if !unknown.is_empty() {
            shown.extend(events(catalogue, &unknown).await?);
        }
        for id in &ranked {
            match shown.remove(id) {
                // Ranks move: one may be met again on the next page.
                Some(event) if found.iter().any(|known: &Shown| known.event.id == event.event.id) => {}
                Some(event) if event.event.is_listed(now) => found.push(event),
                Some(event) if event.event.is_upcoming(now) => {}
                _ => gone.push(*id),
            }
        }
        looked_at += ranked.len();
        if found.len() >= count || ranked.len() < LOOK_AT {
            break;
        }
        ranked = catalogue.redis.popular(looked_at, LOOK_AT).await?;
    }
    if !gone.is_empty() {
        catalogue.redis.drop_from_popular(&gone).await?;
    }
    found.truncate(count);
    Ok(found)
}

/// Redis has no ranks: one caller counts the tickets of all upcoming events in DynamoDB, the others wait.
async fn count_anew(catalogue: &Catalogue, now: Timestamp) -> Result<(), Error> {
    let mut waiting_for = Waiting::new();
    while catalogue.redis.popular(0, 1).await?.is_empty() {
        let upcoming = all_upcoming(catalogue, now).await?;
        if upcoming.is_empty() {
            return Ok(());
        }
        if !catalogue.redis.take_popular_turn().await? {
            waiting_for.a_moment().await?;
            continue;
        }
        // Somebody's turn may have ended since we looked.
        if !catalogue.redis.popular(0, 1).await?.is_empty() {
            return catalogue.redis.end_popular_turn().await;
        }
        for counts in 1..=COUNTS_MAX {
            let before = catalogue.redis.sales_generation().await?;
            let ranks = ranks(&catalogue.store, &upcoming).await?;
            measure(names::RANKS_REFILLED, 1);
            if catalogue.redis.rank(&ranks, before, counts == COUNTS_MAX).await? {
                break;
            }
        }
    }
    Ok(())
}
