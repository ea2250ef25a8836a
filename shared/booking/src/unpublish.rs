//! Unpublish: an event becomes a draft, which only one can of which nobody holds or bought a seat.
//!
//! All seats are drawn out of sale in Redis, in one script for each area, as they are when the capacity is lowered (`withdraw.lua`): that
//! they are all free is what is to be shown. While they are withdrawn nobody can hold one, so nobody can confirm one, on
//! whatever shard. Should Redis take seats for free that are sold, DynamoDB, read now, says so. Then the event is written
//! in DynamoDB, under its version; then Redis learns that it is a draft, and only then are its seats free again.
//!
//! Whoever breaks off in between leaves a withdrawal that the event does not remember, so the janitor settles it as one
//! that was never committed, after bringing Redis' facts up to date: the event is a draft, or it still sells, with all its
//! seats. If Redis loses its data in between, a hold may be made from what is loaded anew. It can't be confirmed any more
//! once Redis knows of the draft.
//!
//! The state stays in Redis until the sales are over: somebody may be about to load it from what was read before, and would
//! bring the published event back.

use futures::future::try_join_all;
use jiff::Timestamp;

use super::{Conservation, versions::stale};
use crate::{Protocol, audit};
use domain::{
    audit::{Actor, AuditEntry},
    error::{Error, GaveUp},
    event::{Area, Event, EventDetails},
    id::ReservationId,
    inventory::{Draw, SHARDS_MAX, of_area},
    pricing::PriceChange,
};
use stores::redis::scripts::Withdraw;

/// Gives the event all its new details but the capacity; they say that it is a draft. `None` if it must be tried again.
pub(super) async fn unpublish(
    protocol: &Protocol,
    event: &Event,
    details: &EventDetails,
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<Option<Event>, Error> {
    let mut withdrawn = Vec::new();
    for area in event.areas() {
        match withdraw(protocol, event, &area, now).await {
            Ok(Some(whole)) => withdrawn.push(whole),
            other => {
                settle(protocol, &withdrawn).await;
                return other.map(|_| None);
            }
        }
    }
    let inventory = protocol.store.inventory(event.id, &event.shards).await?;
    if inventory.iter().any(|shard| shard.sold > 0) {
        settle(protocol, &withdrawn).await;
        return Err(Error::EventHasBookings);
    }
    let draft = event.replaced(event.details_with(details, None));
    let price = PriceChange::by_admin(event, &draft, now);
    // If it is not known whether that was written, the seats stay withdrawn until the janitor knows.
    let entry = by.map(|by| AuditEntry::changed(by, event, &draft, Timestamp::now()));
    if !protocol.store.replace_event_adding(event, &draft, price.as_ref(), &[], entry.as_ref()).await? {
        settle(protocol, &withdrawn).await;
        return Err(stale(protocol, event.id).await?);
    }
    audit::log(entry.as_ref());
    match protocol.redis.refresh_areas(&draft).await {
        Ok(_) => settle(protocol, &withdrawn).await,
        Err(error) => {
            tracing::warn!(event_id = %event.id, %error, "settling a withdrawal is left to the janitor");
        }
    }
    Ok(Some(draft))
}

/// All seats of an area, out of sale until the deadline.
struct Withdrawn {
    id: ReservationId,
    deadline_ms: i64,
}

/// Draws all seats of an area out of sale. `None` if it must be tried again.
async fn withdraw(
    protocol: &Protocol,
    event: &Event,
    area: &Area<'_>,
    now: Timestamp,
) -> Result<Option<Withdrawn>, Error> {
    let id = ReservationId::new(area.key, now);
    let (grace_ms, shards_max) = (protocol.confirm_grace_ms, SHARDS_MAX.into());
    match protocol.redis.withdraw(id, area.capacity, shards_max, grace_ms).await? {
        Withdraw::Withdrawn { draws, deadline_ms } if seats_of(&draws) == area.capacity => {
            Ok(Some(Withdrawn { id, deadline_ms }))
        }
        // Somebody's hold has drawn the same id in the same millisecond, and this is what it holds.
        Withdraw::Withdrawn { .. } => Ok(None),
        Withdraw::TooFew(_) => Err(why_too_few(protocol, event).await?),
        Withdraw::NotLoaded => {
            catalogue::load(&protocol.catalogue, event, area.key.number).await?;
            Ok(None)
        }
    }
}

fn seats_of(draws: &[Draw]) -> u32 {
    draws.iter().map(|draw| draw.seats).sum()
}

async fn settle(protocol: &Protocol, withdrawn: &[Withdrawn]) {
    for Withdrawn { id, deadline_ms } in withdrawn {
        match protocol.redis.settle(*id, *deadline_ms).await {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(event_id = %id.event(), "Redis lost its data while an event became a draft")
            }
            Err(error) => {
                tracing::warn!(event_id = %id.event(), %error, "settling a withdrawal is left to the janitor")
            }
        }
    }
}

/// Why not all seats are free: because some are sold or held, or, not known yet, because some are being confirmed, or are
/// withdrawn by somebody else, or because Redis has not heard of a change.
async fn why_too_few(protocol: &Protocol, event: &Event) -> Result<Error, Error> {
    let (now, seen, inventory) = tokio::try_join!(
        protocol.store.event(event.id),
        try_join_all(event.area_keys().map(|area| protocol.redis.inventory(area))),
        protocol.store.inventory(event.id, &event.shards),
    )?;
    let current = now.ok_or(Error::EventNotFound)?.version;
    if current != event.version {
        return Ok(Error::StaleVersion { current });
    }
    let mut seats = Conservation::default();
    for (area, seen) in event.area_keys().zip(seen) {
        seats.add(Conservation::of(&seen.unwrap_or_default(), of_area(&inventory, area.number)));
    }
    if seats.sold > 0 || seats.held > 0 {
        return Ok(Error::EventHasBookings);
    }
    tracing::warn!(event_id = %event.id, free = seats.free, capacity = seats.capacity, "none is sold or held, and not all are free");
    Ok(Error::GaveUp(GaveUp::DisagreeingStores))
}
