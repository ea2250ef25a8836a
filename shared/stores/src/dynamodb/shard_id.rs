//! The key of an inventory shard.

use domain::id::EventId;

/// The key of an inventory shard.
#[must_use]
pub fn shard_id(event: EventId, shard: u16) -> String {
    format!("{event}#{shard}")
}
