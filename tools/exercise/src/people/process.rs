//! Processes that do to a confirm what servers can't be made to do at a chosen moment: one that dies in the middle of it,
//! and one that is slow. Both run the real code.

use std::{future::ready, sync::Arc, time::Duration};

use domain::{
    booking::Booking,
    id::{ReservationId, UserId},
};
use jiff::Timestamp;
use stores::{dynamodb::CommitOutcome, redis::scripts::Begin};

use tokio::time::timeout;

use crate::{
    faults::Fault,
    history::{Act, Outcome, Step},
    world::{GRACE_SECONDS, World},
};

/// The grace of a confirm that is dead before its commit: it needs none, and nobody has to wait for its end.
pub(crate) const DEAD_GRACE_MS: u64 = 2_000;
/// A server breaks a request off then: no commit may come later than the grace.
const REQUEST_TIME_MAX: Duration = Duration::from_millis(8_500);

/// Begins to confirm and dies: before the commit, or after it.
pub(crate) async fn die_confirming(
    world: &Arc<World>,
    user: UserId,
    id: &str,
    commits: bool,
) -> Option<Step> {
    let reservation: ReservationId = id.parse().ok()?;
    let dies = async {
        let grace_ms = if commits { GRACE_SECONDS * 1_000 } else { DEAD_GRACE_MS };
        let begun = world.truth.redis.begin(reservation, user, grace_ms).await;
        // It may have run out, or Redis may be down.
        let Ok(Begin::Begun(hold)) = begun else { return };
        if !commits {
            return world.faults.count(Fault::ConfirmDied);
        }
        let booking = Booking::from_hold(&hold, user, Timestamp::now());
        if let Ok(CommitOutcome::Committed) =
            world.truth.store.commit_booking(&booking, hold.max_per_user).await
        {
            world.faults.count(Fault::ConfirmDiedCommitted);
        }
    };
    Some(unanswered(world, id, dies).await)
}

/// Confirms, slowly between its steps. The answer is lost.
pub(crate) async fn confirm_slowly(world: &Arc<World>, user: UserId, id: &str) -> Option<Step> {
    let reservation: ReservationId = id.parse().ok()?;
    let confirm =
        booking::confirm(&world.slow.protocol, user, reservation, Timestamp::now(), None, ready(Ok(())));
    let confirms = async { _ = timeout(REQUEST_TIME_MAX, confirm).await };
    Some(unanswered(world, id, confirms).await)
}

async fn unanswered(world: &World, id: &str, does: impl Future<Output = ()>) -> Step {
    let (from, losses_before) = (world.history.now(), world.faults.redis_losses());
    does.await;
    let outcome = Outcome::Unknown("never answered");
    world.history.count(Act::Confirm, &outcome);
    Step {
        act: Act::Confirm,
        reservation: Some(id.to_owned()),
        // None of the fleet's.
        server: world.fleet.len(),
        from,
        until: world.history.now(),
        losses: (losses_before, world.faults.redis_losses()),
        outcome,
    }
}
