//! Sweep: what the janitor does for one event. Safe to repeat, and for two janitors at once.

use std::hash::{DefaultHasher, Hash, Hasher};

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::time::Instant;

use super::Conservation;
use crate::Protocol;
use domain::{
    error::Error,
    event::Event,
    inventory::{Draw, InventoryShard},
    popularity::rank,
};
use stores::redis::scripts::{OverdueConfirm, Swept};

/// Confirms settled at once.
const SETTLES_AT_ONCE: usize = 16;
/// How long after its sales an event stays in Redis.
const UNLOAD_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sweep {
    /// Holds that ran out and returned their seats.
    pub holds_expired: u32,
    /// Confirms that were committed but not finished: finished now.
    pub confirms_finished: u32,
    /// Confirms that were begun but never committed: their seats returned.
    pub confirms_undone: u32,
    /// Confirms that could not be settled because a store failed.
    pub confirms_failed: u32,
    /// Where the seats of the events that Redis knows are.
    pub seats: Conservation,
    /// Shards whose free seats in Redis were wrong, and are right now.
    pub shards_repaired: u32,
    /// Seats that Redis took for free and were not.
    pub seats_too_many: u32,
    /// Seats that were free and Redis did not know.
    pub seats_too_few: u32,
    /// Shards that could not be judged yet: a commit is under way, or was a moment ago.
    pub shards_waiting: u32,
    /// Events whose popularity was wrong: a process ended between a sale and its counting.
    pub ranks_corrected: u32,
    /// Events whose facts in Redis were old.
    pub events_refreshed: u32,
    /// Events that Redis forgot, because their sales are over.
    pub events_unloaded: u32,
    /// Shards whose past hours of sales were moved to the day items.
    pub shards_hours_moved: u32,
    /// Shards whose past hours could not be moved because a store failed. A later sweep does it.
    pub shards_hours_failed: u32,
    /// How late the latest overdue confirm was, in ms.
    pub oldest_overdue_ms: u64,
}

impl Sweep {
    /// Adds what another sweep did.
    pub fn add(&mut self, other: Self) {
        self.holds_expired += other.holds_expired;
        self.confirms_finished += other.confirms_finished;
        self.confirms_undone += other.confirms_undone;
        self.confirms_failed += other.confirms_failed;
        self.seats.add(other.seats);
        self.shards_repaired += other.shards_repaired;
        self.seats_too_many += other.seats_too_many;
        self.seats_too_few += other.seats_too_few;
        self.shards_waiting += other.shards_waiting;
        self.ranks_corrected += other.ranks_corrected;
        self.events_refreshed += other.events_refreshed;
        self.events_unloaded += other.events_unloaded;
        self.shards_hours_moved += other.shards_hours_moved;
        self.shards_hours_failed += other.shards_hours_failed;
        self.oldest_overdue_ms = self.oldest_overdue_ms.max(other.oldest_overdue_ms);
    }
}

/// Expires overdue holds of an event, settles overdue confirms and reconciles its shards, until then at the latest;
/// the next sweep goes on. `event` may be a little old: it is used only to bring older facts in Redis up to date, and to see whether
/// its sales are over.
pub async fn sweep(
    protocol: &Protocol,
    event: &Event,
    now: Timestamp,
    until: Instant,
) -> Result<Sweep, Error> {
    let mut done = Sweep::default();
    loop {
        let Some(swept) = protocol.redis.expire(event.id).await? else {
            if is_turn_of(event, now) {
                let inventory = protocol.store.inventory(event.id, event.shards).await?;
                move_hours(protocol, event, &inventory, now, until, &mut done).await;
            }
            return Ok(done);
        };
        done.holds_expired += swept.expired;
        let mut settled = stream::iter(swept.overdue.clone())
            .map(|overdue| settle(protocol, event, overdue, now))
            .buffer_unordered(SETTLES_AT_ONCE);
        let mut failed = false;
        while let Some(one) = settled.next().await {
            failed |= one.confirms_failed > 0;
            done.add(one);
        }
        if !swept.more {
            catch_up(protocol, event, &swept, now, &mut done).await?;
            if done.events_unloaded == 0 {
                reconcile(protocol, event, now, until, &mut done).await?;
            }
            return Ok(done);
        }
        if failed || Instant::now() >= until {
            return Ok(done);
        }
    }
}

/// A confirm began and nobody ended it. DynamoDB knows whether it was committed. One that fails must not keep the
/// others waiting.
async fn settle(protocol: &Protocol, event: &Event, overdue: OverdueConfirm, now: Timestamp) -> Sweep {
    let oldest_overdue_ms = u64::try_from(now.as_millisecond() - overdue.deadline).unwrap_or(0);
    let mut done = Sweep { oldest_overdue_ms, ..Sweep::default() };
    match finish_or_undo(protocol, event, &overdue).await {
        Ok(Settled::Finished) => done.confirms_finished = 1,
        Ok(Settled::Undone) => done.confirms_undone = 1,
        Ok(Settled::Elsewhere) => {}
        Err(error) => {
            done.confirms_failed = 1;
            tracing::error!(id = %overdue.id, %error, "a confirm could not be settled");
        }
    }
    done
}

enum Settled {
    Finished,
    Undone,
    /// Somebody else was first, or the buyer confirms again.
    Elsewhere,
}

async fn finish_or_undo(
    protocol: &Protocol,
    event: &Event,
    overdue: &OverdueConfirm,
) -> Result<Settled, Error> {
    let id = overdue.id;
    let ended = match committed(protocol, event, overdue).await? {
        Committed::Booking(draws) => {
            protocol.redis.finish(id, Some(&draws)).await?.then_some(Settled::Finished)
        }
        Committed::Withdrawal => protocol.redis.finish(id, None).await?.then_some(Settled::Finished),
        // The deadline is compared: a retry may have begun again since it was read.
        Committed::Nothing => protocol.redis.settle(id, overdue.deadline).await?.then_some(Settled::Undone),
    };
    Ok(ended.unwrap_or(Settled::Elsewhere))
}

/// What DynamoDB knows of an overdue confirm, or of the withdrawal of a lowered capacity or of a new draft.
enum Committed {
    Booking(Vec<Draw>),
    Withdrawal,
    Nothing,
}

async fn committed(protocol: &Protocol, event: &Event, overdue: &OverdueConfirm) -> Result<Committed, Error> {
    if overdue.user.is_empty() {
        let Some(event) = protocol.store.event(event.id).await? else { return Ok(Committed::Nothing) };
        if event.last_withdrawal == Some(overdue.id) {
            return Ok(Committed::Withdrawal);
        }
        // It may be a draft now, whose seats nobody may hold: Redis must know that before they return.
        protocol.redis.refresh(&event).await?;
        return Ok(Committed::Nothing);
    }
    let user = overdue.user.parse().map_err(|error| Error::Internal(Box::new(error)))?;
    let booking = protocol.store.booking(user, overdue.id).await?;
    Ok(booking.map_or(Committed::Nothing, |booking| Committed::Booking(booking.draws)))
}

/// What Redis may have missed, or need no longer keep.
async fn catch_up(
    protocol: &Protocol,
    event: &Event,
    swept: &Swept,
    now: Timestamp,
    done: &mut Sweep,
) -> Result<(), Error> {
    if swept.event_version < event.version && protocol.redis.refresh(event).await? {
        done.events_refreshed += 1;
    }
    if event.sales_are_over(now - UNLOAD_AFTER) && protocol.redis.unload(event.id).await? {
        done.events_unloaded += 1;
    }
    Ok(())
}

/// Holds Redis' free seats against DynamoDB, and repairs them. Redis is read first: see `reconcile.lua`.
/// The inventory being read, its past hours of sales are moved, too.
async fn reconcile(
    protocol: &Protocol,
    event: &Event,
    now: Timestamp,
    until: Instant,
    done: &mut Sweep,
) -> Result<(), Error> {
    let (seen, rank_seen) =
        tokio::try_join!(protocol.redis.inventory(event.id), protocol.redis.popularity(event.id))?;
    let Some(seen) = seen else { return Ok(()) };
    // The list that the janitor goes by may lag behind a raised capacity.
    let Some(event) = protocol.store.event(event.id).await? else { return Ok(()) };
    let inventory = protocol.store.inventory(event.id, event.shards).await?;
    done.seats.add(Conservation::of(&seen, &inventory));
    let sold = inventory.iter().map(|shard| shard.sold).sum();
    if event.is_listed(now)
        && protocol.redis.correct(event.id, rank_seen, rank(sold, event.details.starts_at)).await?
    {
        done.ranks_corrected += 1;
    }
    let grace_ms = protocol.confirm_grace_ms;
    if let Some(reconciled) = protocol.redis.reconcile(event.id, &seen, &inventory, grace_ms).await? {
        done.shards_repaired += reconciled.repaired;
        done.seats_too_many += reconciled.seats_too_many;
        done.seats_too_few += reconciled.seats_too_few;
        done.shards_waiting += reconciled.waiting;
        if reconciled.repaired > 0 {
            tracing::warn!(event_id = %event.id, ?reconciled, "Redis had other free seats than DynamoDB");
        }
    }
    move_hours(protocol, &event, &inventory, now, until, done).await;
    Ok(())
}

/// Whether the hours of an event that Redis does not know are moved in this minute. It sells nothing now, so once an
/// hour is enough; the minute is another one in each hour, so that no rhythm of long runs misses it for good.
fn is_turn_of(event: &Event, now: Timestamp) -> bool {
    const MINUTES: u64 = 60;
    let minute = u64::try_from(now.as_second() / 60).unwrap_or(0);
    let mut hasher = DefaultHasher::new();
    (event.id, minute / MINUTES).hash(&mut hasher);
    hasher.finish() % MINUTES == minute % MINUTES
}

/// Moves the past hours of an event's shards to the day items. Nothing depends on when, so a failure is only counted,
/// and the rest is left to the next sweep.
async fn move_hours(
    protocol: &Protocol,
    event: &Event,
    inventory: &[InventoryShard],
    now: Timestamp,
    until: Instant,
    done: &mut Sweep,
) {
    // One after the other: they all add to the event's day item, and transactions that meet there hold each other up.
    for shard in inventory {
        match protocol.store.move_hours(event, shard, now).await {
            Ok(moved) => done.shards_hours_moved += u32::from(moved),
            Err(error) => {
                done.shards_hours_failed += 1;
                tracing::warn!(event_id = %event.id, shard = shard.shard, %error, "hours of sales were not moved");
                return;
            }
        }
        if Instant::now() >= until {
            return;
        }
    }
}
