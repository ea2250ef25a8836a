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

use super::{
    Conservation,
    versions::stale,
    withdrawals::{Withdrawal, settle, withdraw},
};
use crate::{Protocol, audit};
use domain::{
    audit::{Actor, AuditEntry},
    error::{Error, GaveUp},
    event::{Event, EventDetails},
    inventory::of_area,
    pricing::PriceChange,
};

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
        match withdraw(protocol, event, area.key, area.capacity, now).await {
            Ok(Some(Withdrawal::Whole(whole))) => withdrawn.push(whole),
            other => {
                settle(protocol, &withdrawn).await;
                return match other? {
                    Some(Withdrawal::TooFew(_)) => Err(why_too_few(protocol, event).await?),
                    _ => Ok(None),
                };
            }
        }
    }
    let inventory = protocol.store.inventory(event.id, &event.shards).await?;
    if inventory.iter().any(|shard| shard.sold + shard.pending > 0) {
        settle(protocol, &withdrawn).await;
        return Err(Error::EventHasBookings);
    }
    let draft = event.replaced(event.details_with(details, &[]));
    let prices = PriceChange::by_admin(event, &draft, now);
    // If it is not known whether that was written, the seats stay withdrawn until the janitor knows.
    let entry = by.map(|by| AuditEntry::changed(by, event, &draft, Timestamp::now()));
    if !protocol.store.replace_event_adding(event, &draft, &prices, &[], &[], entry.as_ref()).await? {
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
    if seats.sold + seats.pending > 0 || seats.held > 0 {
        return Ok(Error::EventHasBookings);
    }
    tracing::warn!(event_id = %event.id, free = seats.free, capacity = seats.capacity, "none is sold or held, and not all are free");
    Ok(Error::GaveUp(GaveUp::DisagreeingStores))
}
