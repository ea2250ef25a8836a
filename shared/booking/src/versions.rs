//! What each change of an event makes of it, and what it says when somebody else was first.

use crate::Protocol;
use domain::{error::Error, id::EventId};

/// The refusal of a change that was based on another version than the current one.
pub(super) async fn stale(protocol: &Protocol, id: EventId) -> Result<Error, Error> {
    let event = protocol.store.event(id).await?.ok_or(Error::EventNotFound)?;
    Ok(Error::StaleVersion { current: event.version })
}
