//! Expire: the first half of what the janitor does for an event. Holds that ran out return their seats, confirms that nobody
//! ended are settled, and Redis hears what it missed of the event. Safe to repeat, and for two janitors at once.

use domain::{booking::Booking, error::Error, event::Event, id::AreaKey};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use jobs::Budget;
use stores::redis::scripts::{OverdueConfirm, Swept};

use crate::Protocol;

/// Confirms settled at once.
const SETTLES_AT_ONCE: usize = 16;
/// How long after its sales an event stays in Redis.
const UNLOAD_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// What was done for an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Holds that ran out and returned their seats.
    pub holds_expired: u32,
    /// Confirms that were committed but not finished: finished now.
    pub confirms_finished: u32,
    /// Confirms that were begun but never committed: their seats returned.
    pub confirms_undone: u32,
    /// Confirms that could not be settled because a store failed.
    pub confirms_failed: u32,
    /// How late the latest overdue confirm was, in ms.
    pub oldest_overdue_ms: u64,
    /// Whether the event's facts in Redis were old, and are present now.
    pub refreshed: bool,
    /// Whether Redis forgot the event, because its sales are over.
    pub unloaded: bool,
}

impl Expired {
    fn add(&mut self, other: Self) {
        self.confirms_finished += other.confirms_finished;
        self.confirms_undone += other.confirms_undone;
        self.confirms_failed += other.confirms_failed;
        self.oldest_overdue_ms = self.oldest_overdue_ms.max(other.oldest_overdue_ms);
    }
}

/// Expires overdue holds of an event and settles overdue confirms, while there is time; the next run goes on. `event` may be a
/// little old: it is used only to bring older facts in Redis up to date, and to see whether its sales are over.
pub async fn expire(
    protocol: &Protocol,
    event: &Event,
    now: Timestamp,
    budget: Budget,
) -> Result<Expired, Error> {
    let mut done = Expired::default();
    for area in event.area_keys() {
        expire_area(protocol, event, area, now, budget, &mut done).await?;
    }
    Ok(done)
}

async fn expire_area(
    protocol: &Protocol,
    event: &Event,
    area: AreaKey,
    now: Timestamp,
    budget: Budget,
    done: &mut Expired,
) -> Result<(), Error> {
    while let Some(swept) = protocol.redis.expire(area).await? {
        done.holds_expired += swept.expired;
        let mut settled = stream::iter(swept.overdue.clone())
            .map(|overdue| settle(protocol, event, overdue, now))
            .buffer_unordered(SETTLES_AT_ONCE);
        while let Some(one) = settled.next().await {
            done.add(one);
        }
        if !swept.more {
            catch_up(protocol, event, area, &swept, now, done).await?;
            break;
        }
        if done.confirms_failed > 0 || budget.is_over() {
            break;
        }
    }
    Ok(())
}

/// A confirm began and nobody ended it. DynamoDB knows whether it was committed. One that fails must not keep the
/// others waiting.
async fn settle(protocol: &Protocol, event: &Event, overdue: OverdueConfirm, now: Timestamp) -> Expired {
    let oldest_overdue_ms = u64::try_from(now.as_millisecond() - overdue.deadline).unwrap_or(0);
    let mut done = Expired { oldest_overdue_ms, ..Expired::default() };
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
        Committed::Booking(booking) => {
            protocol.redis.finish_booking(&booking).await?.then_some(Settled::Finished)
        }
        Committed::Withdrawal => protocol.redis.finish(id, None, None).await?.then_some(Settled::Finished),
        // The deadline is compared: a retry may have begun again since it was read.
        Committed::Nothing => protocol.redis.settle(id, overdue.deadline).await?.then_some(Settled::Undone),
    };
    Ok(ended.unwrap_or(Settled::Elsewhere))
}

/// What DynamoDB knows of an overdue confirm, or of the withdrawal of a lowered capacity or of a new draft.
enum Committed {
    /// A booking of any status: its seats were taken, and if they came back, that is told of by itself.
    Booking(Box<Booking>),
    Withdrawal,
    Nothing,
}

async fn committed(protocol: &Protocol, event: &Event, overdue: &OverdueConfirm) -> Result<Committed, Error> {
    if overdue.user.is_empty() {
        let Some(event) = protocol.store.event(event.id).await? else { return Ok(Committed::Nothing) };
        if event.last_withdrawal_of(overdue.id.area().number) == Some(overdue.id) {
            return Ok(Committed::Withdrawal);
        }
        // It may be a draft now, whose seats nobody may hold: Redis must know that before they return.
        protocol.redis.refresh_areas(&event).await?;
        return Ok(Committed::Nothing);
    }
    let user = overdue.user.parse().map_err(|error| Error::Internal(Box::new(error)))?;
    let booking = protocol.store.booking(user, overdue.id).await?;
    Ok(booking.map_or(Committed::Nothing, |booking| Committed::Booking(Box::new(booking))))
}

/// What Redis may have missed, or need no longer keep.
async fn catch_up(
    protocol: &Protocol,
    event: &Event,
    area: AreaKey,
    swept: &Swept,
    now: Timestamp,
    done: &mut Expired,
) -> Result<(), Error> {
    if swept.event_version < event.version && protocol.redis.refresh(event, area.number).await? {
        done.refreshed = true;
    }
    if event.sales_are_over(now - UNLOAD_AFTER) && protocol.redis.unload(area).await? {
        done.unloaded = true;
    }
    Ok(())
}
