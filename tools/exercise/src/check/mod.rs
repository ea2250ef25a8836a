//! The checks: all the time that no shard is oversold; at rest that both stores agree with each other, with what every
//! buyer was answered, and with the mails and webhooks that they got.

mod last_seats;
mod stories;
pub(crate) mod telling;

use std::{collections::HashMap, sync::Arc, time::Duration};

use domain::{
    booking::{Booking, BookingStatus},
    id::{AreaKey, EventId, ReservationId},
    inventory::Shards,
};
use janitor::Sweep;
use jiff::Timestamp;
use kit::Failure;
use tokio::time::{Instant, sleep};

use crate::{
    people::Session,
    verdict::Verdict,
    world::{GRACE_SECONDS, HOLD_TTL_SECONDS, World},
};

const LOOK_EVERY: Duration = Duration::from_millis(400);
/// A difference that is seen late waits for another grace, and a withdrawal for one of its own.
const AT_REST_WITHIN: Duration = Duration::from_secs(60);
const SWEEP_EVERY: Duration = Duration::from_millis(500);

/// Looks again and again whether anything is wrong already, until it is dropped.
pub(crate) async fn watch(world: Arc<World>) {
    loop {
        for event in &world.events {
            // While Redis is down there is nothing to see.
            if let Ok(wrong) = look(&world, *event).await {
                for wrong in wrong {
                    world.history.violation(format!("event {event} in the middle of the run: {wrong}"));
                }
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

/// As long as Redis forgets nothing, it never takes a seat for free that is not.
pub(crate) fn no_seats_too_many(world: &World, report: &janitor::Report) {
    if world.redis_remembers && report.done.seats_too_many > 0 {
        world.history.violation(format!("Redis forgot nothing and had too many free seats: {report:?}"));
    }
}

/// Waits until nothing moves any more: holds have run out, and two sweeps found nothing to do.
pub(crate) async fn come_to_rest(world: &World) -> Result<(), Failure> {
    sleep(Duration::from_secs(HOLD_TTL_SECONDS + GRACE_SECONDS)).await;
    let deadline = Instant::now() + AT_REST_WITHIN;
    let mut quiet = 0;
    while quiet < 2 {
        // A state that Redis has lost is only made again when somebody asks.
        for event in &world.events {
            booking::conservation(&world.truth.protocol, *event, Timestamp::now()).await?;
        }
        let report = janitor::run(&world.truth, Timestamp::now()).await?;
        no_seats_too_many(world, &report);
        let idle = janitor::Report {
            events_swept: world.events.len() as u32,
            complete: true,
            // Where the seats are is told even when there is nothing to do.
            done: Sweep { seats: report.done.seats, ..Sweep::default() },
            ..janitor::Report::default()
        };
        quiet = if report == idle { quiet + 1 } else { 0 };
        if Instant::now() > deadline {
            world.history.violation(format!("the janitor does not come to rest: {report:?}"));
            return Ok(());
        }
        sleep(SWEEP_EVERY).await;
    }
    Ok(())
}

/// Everything that can be said at rest.
pub(crate) async fn everything(
    world: &World,
    session: &Session,
    verdict: &mut Verdict,
) -> Result<(), Failure> {
    check_ledger(world).await?;
    last_seats::sell(world, session).await?;
    let bookings = check_ledger(world).await?;
    telling::tell_the_rest(world).await?;
    verdict.mails = telling::check_mails(world, &bookings).await?;
    verdict.webhooks = telling::check_webhooks(world, &bookings);
    let bookings: HashMap<ReservationId, Booking> =
        bookings.into_iter().map(|booking| (booking.id, booking)).collect();
    stories::check(world, &bookings);
    if world.redis_remembers {
        for refused in world.faults.broken_promises() {
            world.history.violation(format!("Redis forgot nothing and promised sold seats\n      {refused}"));
        }
    }
    let confirmed = bookings.values().filter(|booking| booking.status == BookingStatus::Confirmed);
    verdict.bookings = bookings.len() as u64;
    verdict.seats_sold = confirmed.map(|booking| u64::from(booking.quantity)).sum();
    Ok(())
}

/// Every seat is accounted for; answers with all bookings.
async fn check_ledger(world: &World) -> Result<Vec<Booking>, Failure> {
    let ledger = world.ledger();
    let bookings = ledger.bookings().await?;
    for wrong in ledger.check(&bookings).await? {
        world.history.violation(wrong);
    }
    if let Some(event) = world.to_cancel {
        check_cancelled(world, event).await?;
    }
    Ok(bookings)
}

/// The event that the admin cancelled is so to the end: that its bookings are, the stories say.
async fn check_cancelled(world: &World, id: EventId) -> Result<(), Failure> {
    let event = world.truth.store.event(id).await?.ok_or("the event is gone")?;
    let is_finished = event.cancellation.is_some_and(|cancellation| cancellation.finished_at.is_some());
    let shards = world.truth.store.inventory(id, &event.shards).await?;
    if !is_finished || shards.iter().any(|shard| !shard.closed || shard.sold + shard.pending > 0) {
        world.history.violation(format!("event {id} is not cancelled to the end at rest: {shards:?}"));
    }
    Ok(())
}

/// What can be said of an event at any moment. Redis is read before and after DynamoDB: where it stayed the same and
/// knows of every commit, the seats must add up, unless it has forgotten something.
async fn look(world: &World, event: EventId) -> Result<Vec<String>, Failure> {
    let kept = world.truth.store.event(event).await?.ok_or("the event is gone")?;
    let mut wrong = Vec::new();
    for area in kept.area_keys() {
        look_at_area(world, area, &kept.shards, &mut wrong).await?;
    }
    Ok(wrong)
}

async fn look_at_area(
    world: &World,
    area: AreaKey,
    shards: &Shards,
    wrong: &mut Vec<String>,
) -> Result<(), Failure> {
    let before = world.truth.redis.inventory(area).await?;
    let inventory = world.truth.store.inventory_of_area(area, shards).await?;
    let after = world.truth.redis.inventory(area).await?;
    for shard in inventory {
        if shard.sold > shard.capacity || shard.sold + shard.pending + shard.unsold != shard.capacity {
            wrong.push(format!("sold, pending and unsold are not the capacity: {shard:?}"));
        }
        let Some(before) = before.as_ref().map(|seen| seen.shard(shard.shard)) else { continue };
        if before.applied > shard.version {
            wrong.push(format!("Redis knows of commits that never were: {before:?} {shard:?}"));
        }
        let stayed = after.as_ref().is_some_and(|after| after.shard(shard.shard) == before);
        let seats = before.free + before.held + i64::from(shard.sold + shard.pending);
        if world.redis_remembers
            && stayed
            && before.applied == shard.version
            && seats != i64::from(shard.capacity)
        {
            wrong.push(format!("the seats do not add up: {before:?} {shard:?}"));
        }
    }
    Ok(())
}
