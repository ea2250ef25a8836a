//! What the scripts do in Redis, each in one step.

use super::{
    Config, Guard, SHARDS,
    state::{Differs, Hold, RETURNING, Read, Redis, RedisShard, Shard, State, Status},
};

impl State {
    fn move_seats(&mut self, config: &Config, id: usize, sign: i8) {
        let Some(redis) = &mut self.redis else { return };
        for (shard, seats) in config.draws_of(id) {
            redis.shards[shard].free += sign * seats;
        }
    }

    fn apply(&mut self, config: &Config, id: usize) {
        let Some(redis) = &mut self.redis else { return };
        for (shard, _) in config.draws_of(id) {
            redis.shards[shard].applied += 1;
        }
    }

    /// What Redis makes of a shard: what is pending is no longer unsold, and that is all that it knows of it.
    fn unsold(config: &Config, shard: Shard) -> i8 {
        shard.unsold + if config.lacks(Guard::PendingIsTaken) { shard.pending } else { 0 }
    }

    /// `load.lua`: nothing if Redis is loaded.
    pub(super) fn load(&mut self, config: &Config, read: Read) {
        let shards = read.map(|shard| RedisShard {
            free: Self::unsold(config, shard),
            applied: shard.version,
            ..RedisShard::default()
        });
        self.redis.get_or_insert(Redis { shards, restocked: 0 });
    }

    pub(super) fn has_free(&self, config: &Config, id: usize) -> bool {
        self.redis
            .is_some_and(|redis| config.draws_of(id).all(|(shard, seats)| redis.shards[shard].free >= seats))
    }

    /// `reserve.lua`.
    pub(super) fn reserve(&mut self, config: &Config, id: usize) {
        if !self.reserved[id] && self.has_free(config, id) {
            self.move_seats(config, id, -1);
            (self.holds[id], self.reserved[id]) = (Hold::Held, true);
        }
    }

    /// `finish.lua`: nothing, if the hold is gone.
    pub(super) fn finish(&mut self, config: &Config, id: usize) {
        if std::mem::take(&mut self.holds[id]) != Hold::None {
            self.apply(config, id);
        }
    }

    /// `expire.lua`, and `settle.lua` after the booking was read: a hold's time is over. It may be over at any moment, but while a call
    /// for it is within its grace.
    pub(super) fn end(&mut self, config: &Config, id: usize) {
        let exists = match self.bookings[id].status {
            Status::Absent => false,
            Status::Confirmed => true,
            Status::Pending | Status::Closing | Status::Expired | Status::Cancelled => {
                !config.lacks(Guard::SettleFindsAny)
            }
        };
        match self.holds[id] {
            Hold::Confirming if exists => self.finish(config, id),
            Hold::Held | Hold::Confirming => {
                self.move_seats(config, id, 1);
                self.holds[id] = Hold::None;
            }
            Hold::None => {}
        }
    }

    /// `restock.lua`: a booking's seats came back in DynamoDB. The other half of its commit may still be to come.
    pub(super) fn restock(&mut self, config: &Config, id: usize, epoch: Option<u8>) {
        let is_other = epoch != self.epoch() && !config.lacks(Guard::RestockAsksEpoch);
        let Some(redis) = self.redis.as_mut().filter(|_| !is_other) else { return };
        if redis.restocked & 1 << id != 0 && !config.lacks(Guard::RestockRemembers) {
            return;
        }
        redis.restocked |= 1 << id;
        self.move_seats(config, id, 1);
        self.apply(config, id);
    }

    /// Seats of a shard that are held, and whether a hold that is being confirmed draws on it.
    pub(super) fn held(&self, config: &Config, shard: usize) -> (i8, bool) {
        let holds = config.by_number().filter(|(id, _)| self.holds[*id] != Hold::None);
        holds.fold((0, false), |(held, is_confirming), (id, request)| {
            let seats = request.draws[shard];
            (held + seats, is_confirming || seats > 0 && self.holds[id] == Hold::Confirming)
        })
    }

    /// `reconcile.lua`, on each shard by itself.
    pub(super) fn reconcile(&mut self, config: &Config, (epoch, seen): (u8, [u8; SHARDS]), read: Read) {
        let late_calls = if config.late { !RETURNING } else { 0 };
        let late_returners = if config.lacks(Guard::GraceCoversReturns) { RETURNING } else { 0 };
        let waits_for = self.under_way() & !late_calls & !late_returners;
        if self.epoch() != Some(epoch) {
            return;
        }
        for shard in config.shards() {
            let (held, is_confirming) = self.held(config, shard);
            let (version, applied) = (read[shard].version, seen[shard]);
            let Some(redis) = &mut self.redis else { return };
            let copy = &mut redis.shards[shard];
            if copy.applied != applied {
                continue;
            }
            let right = RedisShard {
                free: Self::unsold(config, read[shard]) - held,
                applied: version,
                differs: None,
            };
            let remembered =
                copy.differs.filter(|differs| (differs.version, differs.applied) == (version, applied));
            if version == applied {
                *copy = right;
            } else if is_confirming {
                // Only settle knows whether such a hold's seats are taken.
            } else if config.lacks(Guard::AdoptWaits)
                || remembered.is_some_and(|differs| differs.waits_for == 0)
            {
                *copy = right;
            } else if remembered.is_none() {
                copy.differs = Some(Differs { version, applied, waits_for });
            }
        }
    }

    /// Redis goes, with its holds.
    pub(super) fn lose(&mut self) {
        self.redis = None;
        self.losses += 1;
        self.holds.fill(Hold::None);
    }
}
