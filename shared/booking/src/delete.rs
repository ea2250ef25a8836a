//! Delete: a draft goes, with its inventory and its prices, as if it had never been.
//!
//! Only a draft of which no seat was ever sold can go: a booking must find its event, a cancelled one, too. A draft sells
//! nothing ([`super::replace_event()`]), so what its shards say of bookings can't change while it is one; the version of the
//! event makes sure that it is.
//!
//! First the event is marked in DynamoDB (`store::deletion`): from then on there is no such event for anybody. Then what
//! belongs to it goes from Redis and from DynamoDB, and the marked item last. Broken off anywhere, the same request finds the
//! mark and goes on.

use jiff::Timestamp;

use super::versions::stale;
use crate::{Protocol, audit};
use domain::{
    audit::{Actor, AuditEntry},
    error::Error,
    event::{Event, EventStatus},
    id::EventId,
};

/// Deletes a draft if it is still at the `expected` version. The mark is audited, if an admin makes it: whoever goes on after
/// that only ends what was done.
pub async fn delete_draft(
    protocol: &Protocol,
    id: EventId,
    expected: impl Fn(&Event) -> bool,
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(event) = protocol.store.event(id).await? else {
        return go_on(protocol, id).await;
    };
    if !expected(&event) {
        return Err(Error::StaleVersion { current: event.version });
    }
    if event.details.status != EventStatus::Draft {
        return Err(Error::EventNotDraft);
    }
    let inventory = match protocol.store.inventory(id, &event.shards).await {
        Ok(inventory) => inventory,
        // Somebody else is deleting it: its shards go one part after the other.
        Err(_) if protocol.store.event(id).await?.is_none() => return go_on(protocol, id).await,
        Err(error) => return Err(error),
    };
    if inventory.iter().any(|shard| shard.bookings > 0 || shard.sold + shard.pending > 0) {
        return Err(Error::EventHasBookings);
    }
    let entry = by.map(|by| AuditEntry::deleted(by, &event, Timestamp::now()));
    if protocol.store.mark_deleted(&event, now, entry.as_ref()).await? {
        audit::log(entry.as_ref());
        return delete_marked(protocol, &event).await;
    }
    // Somebody changed it, or deletes it, too; or it was our own try, whose answer got lost.
    match stale(protocol, id).await {
        Err(Error::EventNotFound) => go_on(protocol, id).await,
        changed => Err(changed?),
    }
}

/// Goes on where somebody broke off after the mark.
async fn go_on(protocol: &Protocol, id: EventId) -> Result<(), Error> {
    let event = protocol.store.half_deleted_event(id).await?.ok_or(Error::EventNotFound)?;
    delete_marked(protocol, &event).await
}

async fn delete_marked(protocol: &Protocol, event: &Event) -> Result<(), Error> {
    catalogue::retract(&protocol.catalogue, event).await?;
    protocol.store.delete_shards(event.id, event.shards.numbers()).await?;
    protocol.store.delete_event_and_parts(event).await
}
