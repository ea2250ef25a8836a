//! The ledger: every seat is accounted for, in both stores, to the last one.

use std::collections::HashMap;

use domain::{
    booking::{Booking, BookingStatus},
    id::{EventId, UserId},
    inventory::InventoryShard,
};
use kit::Failure;
use stores::redis::ShardSeen;

use crate::world::{MAX_PER_USER, World};

/// What the bookings of one shard come to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    sold: u32,
    cancelled: u32,
    revenue: u64,
    bookings: u32,
    cancelled_bookings: u32,
}

/// An event's shards, as DynamoDB has them.
pub(super) async fn inventory(world: &World, event: EventId) -> Result<Vec<InventoryShard>, Failure> {
    let shards = world.truth.store.event(event).await?.ok_or("the event is gone")?.shards;
    Ok(world.truth.store.inventory(event, shards).await?)
}

/// What can be said of an event at any moment. Redis is read before and after DynamoDB: where it stayed the same and
/// knows of every commit, the seats must add up, unless it has forgotten something.
pub(super) async fn look(world: &World, event: EventId) -> Result<Vec<String>, Failure> {
    let before = world.truth.redis.inventory(event).await?;
    let inventory = inventory(world, event).await?;
    let after = world.truth.redis.inventory(event).await?;
    let mut wrong = Vec::new();
    for shard in inventory {
        if shard.sold > shard.capacity || shard.sold + shard.unsold != shard.capacity {
            wrong.push(format!("sold and unsold are not the capacity: {shard:?}"));
        }
        let Some(before) = before.as_ref().map(|seen| seen.shard(shard.shard)) else { continue };
        if before.applied > shard.version {
            wrong.push(format!("Redis knows of commits that never were: {before:?} {shard:?}"));
        }
        let stayed = after.as_ref().is_some_and(|after| after.shard(shard.shard) == before);
        let seats = before.free + before.held + i64::from(shard.sold);
        if world.redis_remembers
            && stayed
            && before.applied == shard.version
            && seats != i64::from(shard.capacity)
        {
            wrong.push(format!("the seats do not add up: {before:?} {shard:?}"));
        }
    }
    Ok(wrong)
}

/// All bookings that there are, whoever's.
pub(super) async fn bookings(world: &World) -> Result<Vec<Booking>, Failure> {
    let mut pages = world
        .dynamodb
        .scan()
        .table_name(&world.truth.config.tables.bookings)
        .consistent_read(true)
        .into_paginator()
        .items()
        .send();
    let mut bookings = Vec::new();
    while let Some(item) = pages.next().await {
        bookings.push(serde_dynamo::from_item(item?)?);
    }
    Ok(bookings)
}

/// Holds the stores against each other, at rest.
pub(super) async fn check(world: &World, bookings: &[Booking]) -> Result<(), Failure> {
    let mut sums: HashMap<(EventId, u16), Sums> = HashMap::new();
    for booking in bookings {
        let is_sold = booking.status == BookingStatus::Confirmed;
        for (index, draw) in booking.draws.iter().enumerate() {
            let sums = sums.entry((booking.event_id, draw.shard)).or_default();
            sums.bookings += u32::from(index == 0);
            if is_sold {
                sums.sold += draw.seats;
                sums.revenue += u64::from(draw.seats) * u64::from(booking.unit_price);
            } else {
                sums.cancelled += draw.seats;
                sums.cancelled_bookings += u32::from(index == 0);
            }
        }
        if booking.draws.iter().map(|draw| draw.seats).sum::<u32>() != booking.quantity {
            world.history.violation(format!("its draws are not its quantity: {booking:?}"));
        }
    }
    for wrong in check_users(world, bookings).await? {
        world.history.violation(wrong);
    }
    for event in &world.events {
        for wrong in check_event(world, *event, &sums).await? {
            world.history.violation(format!("event {event} at rest: {wrong}"));
        }
    }
    Ok(())
}

/// Nobody has more seats than one user may, and each user's seats are counted right.
async fn check_users(world: &World, bookings: &[Booking]) -> Result<Vec<String>, Failure> {
    let mut bought: HashMap<(EventId, UserId), u32> = HashMap::new();
    for booking in bookings {
        let is_sold = booking.status == BookingStatus::Confirmed;
        *bought.entry((booking.event_id, booking.user_id)).or_default() +=
            if is_sold { booking.quantity } else { 0 };
    }
    let mut wrong = Vec::new();
    for ((event, user), seats) in bought {
        let counted = world.truth.store.seats_of_user(event, user).await?;
        if seats > MAX_PER_USER || counted != seats {
            wrong.push(format!("user {user} bought {seats} seats of {event}, {counted} are counted"));
        }
    }
    Ok(wrong)
}

async fn check_event(
    world: &World,
    event: EventId,
    sums: &HashMap<(EventId, u16), Sums>,
) -> Result<Vec<String>, Failure> {
    let mut wrong = Vec::new();
    let inventory = inventory(world, event).await?;
    let seen = world.truth.redis.inventory(event).await?.ok_or("Redis has no state at rest")?;
    let none = Sums::default();
    for shard in &inventory {
        let booked = sums.get(&(event, shard.shard)).unwrap_or(&none);
        let kept = Sums {
            sold: shard.sold,
            cancelled: shard.cancelled,
            revenue: shard.revenue,
            bookings: shard.bookings,
            cancelled_bookings: shard.cancelled_bookings,
        };
        if *booked != kept {
            wrong.push(format!("shard {}: the bookings come to {booked:?}, it says {kept:?}", shard.shard));
        }
        if shard.sold > shard.capacity || shard.sold + shard.unsold != shard.capacity {
            wrong.push(format!("sold and unsold are not the capacity: {shard:?}"));
        }
        let ShardSeen { free, held, confirming, applied } = seen.shard(shard.shard);
        if free + held + i64::from(shard.sold) != i64::from(shard.capacity) {
            wrong.push(format!("free {free} + held {held} + sold are not the capacity: {shard:?}"));
        }
        if (held, confirming) != (0, 0) || applied != shard.version {
            wrong.push(format!("held {held}, confirming {confirming}, applied {applied} at rest: {shard:?}"));
        }
    }
    if seen.shards().len() != inventory.len() {
        wrong.push(format!("Redis knows {} of {} shards", seen.shards().len(), inventory.len()));
    }
    let free: i64 = seen.shards().iter().map(|shard| shard.free).sum();
    let said = world.truth.redis.free_seats(&[event]).await?;
    if said.first().copied().flatten().map(i64::from) != Some(free) {
        wrong.push(format!("the shards have {free} free seats, the event says {said:?}"));
    }
    let capacity: u32 = inventory.iter().map(|shard| shard.capacity).sum();
    let said = world.truth.store.event(event).await?.map(|event| event.details.capacity);
    if said != Some(capacity) {
        wrong.push(format!("the shards have {capacity} seats, the event says {said:?}"));
    }
    Ok(wrong)
}
