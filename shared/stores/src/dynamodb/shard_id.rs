//! The key of an inventory shard.

use domain::id::EventId;

pub(super) fn shard_id(event: EventId, shard: u16) -> String {
    format!("{event}#{shard}")
}
