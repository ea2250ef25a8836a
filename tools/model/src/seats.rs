//! The seats that Redis counts: how they are drawn, moved and held. Part of the scripts (`lib/seats.lua`, `lib/draw.lua`).

use crate::{
    config::{Config, Mutation},
    state::{Draws, HOLDS, Hold, HoldState, Left, Redis, SHARDS},
};

impl Redis {
    /// Seats free in all, as `state` has them.
    pub(crate) fn free(&self) -> i8 {
        self.shards.iter().map(|shard| shard.free).sum()
    }

    /// Seats held on a shard, by holds of either state.
    pub(crate) fn held(&self, shard: usize) -> i8 {
        self.holds.iter().map(|hold| hold.draws[shard] as i8).sum()
    }

    pub(crate) fn move_seats(&mut self, draws: Draws, sign: i8) {
        for (shard, seats) in self.shards.iter_mut().zip(draws) {
            shard.free += sign * seats as i8;
        }
    }

    /// `draw` in `lib/draw.lua`; `start` is the random shard to look at first.
    pub(crate) fn draw(&self, wanted: u8, start: usize) -> Draws {
        let mut draws = [0; SHARDS];
        let count = usize::from(self.count);
        let free = |shard: &usize| self.shards[*shard].free;
        let order: Vec<usize> = (0..count).map(|step| (start + step) % count).collect();
        if let Some(shard) = order.iter().find(|shard| free(shard) >= wanted as i8) {
            draws[*shard] = wanted;
            return draws;
        }
        let mut fullest_first = order;
        fullest_first.sort_by_key(|shard| -free(shard));
        let mut left = wanted;
        for shard in fullest_first {
            draws[shard] = left.min(free(&shard).max(0) as u8);
            left -= draws[shard];
        }
        draws
    }

    /// What `withdraw.lua` takes out of sale: the fullest shards give about the same each, and what uneven shards could not
    /// give in equal shares, the fullest give.
    pub(crate) fn shares(&self, wanted: u8) -> Draws {
        let free = (0..usize::from(self.count)).map(|shard| (shard, self.shards[shard].free.max(0) as u8));
        let mut givers: Vec<(usize, u8)> = free.filter(|(_, free)| *free > 0).collect();
        givers.sort_by_key(|(_, free)| std::cmp::Reverse(*free));
        let (mut draws, mut left) = ([0; SHARDS], wanted);
        for (n, (shard, free)) in givers.iter().enumerate() {
            draws[*shard] = left.div_ceil((givers.len() - n) as u8).min(*free);
            left -= draws[*shard];
        }
        for (shard, free) in givers {
            let more = left.min(free - draws[shard]);
            draws[shard] += more;
            left -= more;
        }
        draws
    }
}

impl Redis {
    /// Each drawn shard knows of one commit more.
    pub(crate) fn apply(&mut self, draws: Draws) {
        for (shard, _) in self.shards.iter_mut().zip(draws).filter(|(_, seats)| *seats > 0) {
            shard.applied += 1;
        }
    }

    /// Shards that are drawn on exist.
    pub(crate) fn cover(&mut self, draws: Draws) {
        for (index, _) in draws.iter().enumerate().filter(|(_, seats)| **seats > 0) {
            self.count = self.count.max(index as u8 + 1);
        }
    }
}

impl Redis {
    /// Of a refused shard come back only as many seats as DynamoDB has left; the others do not exist.
    pub(crate) fn take_missing(&mut self, config: &Config, draws: Draws, left: [Option<Left>; SHARDS]) {
        for ((shard, left), drawn) in self.shards.iter_mut().zip(left).zip(draws) {
            let Some(Left { unsold, version }) = left else { continue };
            let missing = (drawn as i8 - unsold as i8).max(0);
            // A shard that lacks no commit counts right already, be it below zero: what is missing must not be taken
            // out of it a second time.
            if config.lacks(Mutation::RedrawTakesTwice) {
                shard.free -= missing;
            } else if shard.applied < version {
                shard.free -= missing.min((shard.free - unsold as i8).max(0));
            }
        }
    }

    /// Expires the holds that another copy has expired, but for one.
    pub(crate) fn keep_expired(&mut self, expired: Self, kept: usize) {
        for id in (0..HOLDS).filter(|id| *id != kept && expired.holds[*id].state == HoldState::Gone) {
            let draws = std::mem::take(&mut self.holds[id]).draws;
            self.move_seats(draws, 1);
        }
    }
}

impl Hold {
    pub(crate) fn is_confirming_on(&self, shard: usize) -> bool {
        self.state == HoldState::Confirming && self.draws[shard] > 0
    }
}
