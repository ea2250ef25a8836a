//! Unpublish: an event becomes a draft, which withdraws all its seats for a moment. It is asked for as a lowering by
//! [`ALL_SEATS`], and begins like one.

use crate::{
    config::{ALL_SEATS, Config},
    state::{Dynamo, Lower, LowerAt, State},
};

impl Config {
    /// Whether that lowering is to make the event a draft.
    pub(crate) fn unpublishes(&self, lower: usize) -> bool {
        self.lowers[lower] == ALL_SEATS
    }
}

impl Dynamo {
    /// `Store::replace_event_adding` with a draft: whether the event was still at that version.
    fn unpublish(&mut self, expected: u8) -> bool {
        let is_same = self.event_version == expected;
        if is_same {
            self.event_version += 1;
            self.draft = true;
        }
        is_same
    }
}

impl State {
    pub(crate) fn unpublish_reads(&mut self, lower: usize) {
        let Self { dynamo, lowers, .. } = self;
        let wanted = dynamo.shards.iter().map(|shard| shard.capacity).sum();
        lowers[lower] = if dynamo.draft {
            Lower::done()
        } else {
            let event_version = dynamo.event_version;
            Lower { at: LowerAt::Withdraw, event_version, wanted, ..Lower::default() }
        };
    }

    /// All seats are withdrawn; whether any is sold, which Redis may not know, says DynamoDB.
    pub(crate) fn unpublish_looks(&mut self, lower: usize) {
        let sold = self.dynamo.shards.iter().any(|shard| shard.sold > 0);
        let before = self.lowers[lower];
        self.lowers[lower] = if sold {
            Lower { at: LowerAt::Settle, event_version: 0, ..before }
        } else {
            Lower { at: LowerAt::Commit, ..before }
        };
    }

    pub(crate) fn unpublish_commits(&mut self, lower: usize) {
        let before = self.lowers[lower];
        let done = self.dynamo.unpublish(before.event_version);
        let at = if done { LowerAt::Refresh } else { LowerAt::Settle };
        self.lowers[lower] =
            if before.late { Lower::done() } else { Lower { at, event_version: 0, ..before } };
    }

    /// Only when Redis knows of the draft may its seats return.
    pub(crate) fn unpublish_refreshes(&mut self, lower: usize) {
        self.redis.iter_mut().for_each(|redis| redis.draft = true);
        self.lowers[lower].at = LowerAt::Settle;
    }

    /// `refresh.lua` with the event as it is.
    pub(crate) fn refresh(&mut self) {
        let (price, draft) = (self.dynamo.price, self.dynamo.draft);
        self.redis.iter_mut().for_each(|redis| (redis.price, redis.draft) = (price, draft));
    }
}
