//! What each change of an event makes of it, and what it says when somebody else was first.

use crate::Protocol;
use domain::{
    error::Error,
    event::{Event, EventDetails},
    id::EventId,
};

/// The event with all its new details, but so much capacity.
pub(super) fn with_capacity(event: &Event, details: &EventDetails, capacity: u32) -> Event {
    event.replaced(EventDetails { capacity, ..details.clone() })
}

/// The refusal of a change that was based on another version than the current one.
pub(super) async fn stale(protocol: &Protocol, id: EventId) -> Result<Error, Error> {
    let event = protocol.store.event(id).await?.ok_or(Error::EventNotFound)?;
    Ok(Error::StaleVersion { current: event.version })
}
