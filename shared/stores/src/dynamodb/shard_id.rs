//! The key of an inventory shard.

use domain::{id::EventId, inventory::ShardNumber};

/// The key of an inventory shard.
#[must_use]
pub fn shard_id(event: EventId, shard: ShardNumber) -> String {
    format!("{event}#{shard}")
}
