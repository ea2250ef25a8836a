//! Unpublish: an event becomes a draft, which only one can of which nobody holds or bought a seat.
//!
//! All seats are drawn out of sale in Redis, in one script, as they are when the capacity is lowered (`withdraw.lua`): that
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

use jiff::Timestamp;

use super::{
    Conservation,
    versions::{stale, with_capacity},
};
use crate::{Protocol, audit};
use domain::{
    audit::{Actor, AuditEntry},
    error::{Error, GaveUp},
    event::{Event, EventDetails},
    id::ReservationId,
    inventory::{Draw, SHARDS_MAX},
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
    let capacity = event.details.capacity;
    let id = ReservationId::new(event.id, now);
    let grace_ms = protocol.confirm_grace_ms;
    let deadline_ms = match protocol.redis.withdraw(id, capacity, SHARDS_MAX.into(), grace_ms).await? {
        Withdraw::Withdrawn { draws, deadline_ms } if seats_of(&draws) == capacity => deadline_ms,
        // Somebody's hold has drawn the same id in the same millisecond, and this is what it holds.
        Withdraw::Withdrawn { .. } => return Ok(None),
        Withdraw::TooFew(_) => return Err(why_too_few(protocol, event).await?),
        Withdraw::NotLoaded => {
            catalogue::load(&protocol.catalogue, event, 0).await?;
            return Ok(None);
        }
    };
    let inventory = protocol.store.inventory(event.id, &event.shards).await?;
    if inventory.iter().any(|shard| shard.sold > 0) {
        settle(protocol, id, deadline_ms).await;
        return Err(Error::EventHasBookings);
    }
    let draft = with_capacity(event, details, capacity);
    let price = PriceChange::by_admin(event, &draft, now);
    // If it is not known whether that was written, the seats stay withdrawn until the janitor knows.
    let entry = by.map(|by| AuditEntry::changed(by, event, &draft, Timestamp::now()));
    if !protocol.store.replace_event_adding(event, &draft, price.as_ref(), &[], entry.as_ref()).await? {
        settle(protocol, id, deadline_ms).await;
        return Err(stale(protocol, event.id).await?);
    }
    audit::log(entry.as_ref());
    match protocol.redis.refresh_areas(&draft).await {
        Ok(_) => settle(protocol, id, deadline_ms).await,
        Err(error) => {
            tracing::warn!(event_id = %event.id, %error, "settling a withdrawal is left to the janitor");
        }
    }
    Ok(Some(draft))
}

fn seats_of(draws: &[Draw]) -> u32 {
    draws.iter().map(|draw| draw.seats).sum()
}

async fn settle(protocol: &Protocol, id: ReservationId, deadline_ms: i64) {
    match protocol.redis.settle(id, deadline_ms).await {
        Ok(true) => {}
        Ok(false) => {
            tracing::warn!(event_id = %id.event(), "Redis lost its data while an event became a draft")
        }
        Err(error) => {
            tracing::warn!(event_id = %id.event(), %error, "settling a withdrawal is left to the janitor")
        }
    }
}

/// Why not all seats are free: because some are sold or held, or, not known yet, because some are being confirmed, or are
/// withdrawn by somebody else, or because Redis has not heard of a change.
async fn why_too_few(protocol: &Protocol, event: &Event) -> Result<Error, Error> {
    let (now, seen, inventory) = tokio::try_join!(
        protocol.store.event(event.id),
        protocol.redis.inventory(event.id),
        protocol.store.inventory(event.id, &event.shards),
    )?;
    let current = now.ok_or(Error::EventNotFound)?.version;
    if current != event.version {
        return Ok(Error::StaleVersion { current });
    }
    let seats = Conservation::of(&seen.unwrap_or_default(), &inventory);
    if seats.sold > 0 || seats.held > 0 {
        return Ok(Error::EventHasBookings);
    }
    tracing::warn!(event_id = %event.id, free = seats.free, capacity = seats.capacity, "none is sold or held, and not all are free");
    Ok(Error::GaveUp(GaveUp::DisagreeingStores))
}
