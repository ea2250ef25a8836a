//! Sweep: what the janitor does for one event. Safe to repeat, and for two janitors at once.

use jiff::{SignedDuration, Timestamp};

use crate::{
    App,
    domain::{error::Error, event::Event, inventory::Draw},
    redis::scripts::{OverdueConfirm, Swept},
};

/// Calls of `expire.lua` for one event in one sweep; each looks at up to 500 holds.
const EXPIRE_CALLS_MAX: usize = 200;
/// How long after its sales an event stays in Redis.
const UNLOAD_AFTER: SignedDuration = SignedDuration::from_hours(1);

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sweep {
    /// Holds that ran out and returned their seats.
    pub holds_expired: u32,
    /// Confirms that were committed but not finished: finished now.
    pub confirms_finished: u32,
    /// Confirms that were begun but never committed: their seats returned.
    pub confirms_undone: u32,
    /// Events whose facts in Redis were old.
    pub events_refreshed: u32,
    /// Events that Redis forgot, because their sales are over.
    pub events_unloaded: u32,
    /// How late the latest overdue confirm was, in ms.
    pub oldest_overdue_ms: u64,
}

/// Expires overdue holds of an event and settles overdue confirms. `event` may be a little old: it is used only
/// to bring older facts in Redis up to date, and to see whether its sales are over.
pub async fn sweep(app: &App, event: &Event, now: Timestamp) -> Result<Sweep, Error> {
    let mut done = Sweep::default();
    for _ in 0..EXPIRE_CALLS_MAX {
        let Some(swept) = app.redis.expire(event.id).await? else {
            return Ok(done);
        };
        done.holds_expired += swept.expired;
        for overdue in &swept.overdue {
            settle(app, event, overdue, now, &mut done).await?;
        }
        if !swept.more {
            catch_up(app, event, &swept, now, &mut done).await?;
            break;
        }
    }
    Ok(done)
}

/// A confirm began and nobody ended it. DynamoDB knows whether it was committed.
async fn settle(
    app: &App,
    event: &Event,
    overdue: &OverdueConfirm,
    now: Timestamp,
    done: &mut Sweep,
) -> Result<(), Error> {
    let late_ms = u64::try_from(now.as_millisecond() - overdue.deadline).unwrap_or(0);
    done.oldest_overdue_ms = done.oldest_overdue_ms.max(late_ms);
    let id = overdue.id;
    if let Some(draws) = committed_draws(app, event, overdue).await? {
        app.redis.finish(id, &draws).await?;
        done.confirms_finished += 1;
        tracing::info!(%id, "finished a confirm that had been committed");
    } else if app.redis.settle(id, overdue.deadline).await? {
        // The deadline was compared: a retry may have begun again since it was read.
        done.confirms_undone += 1;
        tracing::info!(%id, "undid a confirm that was never committed");
    }
    Ok(())
}

/// The draws that DynamoDB committed for an overdue confirm, or for the withdrawal of a lowered capacity.
async fn committed_draws(
    app: &App,
    event: &Event,
    overdue: &OverdueConfirm,
) -> Result<Option<Vec<Draw>>, Error> {
    if overdue.user.is_empty() {
        let event = app.store.event(event.id).await?;
        let committed = event.is_some_and(|event| event.last_withdrawal == Some(overdue.id));
        return Ok(committed.then(|| overdue.draws.clone()));
    }
    let user = overdue.user.parse().map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(app.store.booking(user, overdue.id).await?.map(|booking| booking.draws))
}

/// What Redis may have missed, or need no longer keep.
async fn catch_up(
    app: &App,
    event: &Event,
    swept: &Swept,
    now: Timestamp,
    done: &mut Sweep,
) -> Result<(), Error> {
    if swept.event_version < event.version && app.redis.refresh(event).await? {
        done.events_refreshed += 1;
    }
    if event.sales_are_over(now - UNLOAD_AFTER) && app.redis.unload(event.id).await? {
        done.events_unloaded += 1;
    }
    Ok(())
}
