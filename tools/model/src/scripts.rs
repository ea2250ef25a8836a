//! The Lua scripts: each is one step, for Redis runs a script undisturbed. A method bears its script's name.

use crate::{
    config::{Config, Mutation},
    state::{
        Attempt, Draws, HOLDS, Hold, HoldState, LOWERS, Made, Memory, RESERVATIONS, Read, Redis, RedisShard,
        SHARDS, Seen, Shard, State, Status,
    },
};

/// What `redraw.lua` answers.
pub(crate) enum Redraw {
    Redrawn(Draws),
    Changed,
    TooFew,
}

/// What `withdraw.lua` answers.
pub(crate) enum Withdraw {
    Withdrawn { draws: Draws, deadline: u8 },
    TooFew,
    NotLoaded,
}

impl State {
    /// A deadline that this hold never had before, nor ever will again.
    fn next_deadline(&mut self, id: usize) -> u8 {
        let deadlines = match self.reservations.get_mut(id) {
            Some(reservation) => &mut reservation.deadlines,
            None => &mut self.withdrawals[id - RESERVATIONS],
        };
        *deadlines += 1;
        *deadlines
    }

    fn count_return(&mut self, id: usize) {
        if let Some(reservation) = self.reservations.get_mut(id) {
            reservation.returns = (reservation.returns + 1).min(2);
        }
    }

    /// Removes a hold and returns its seats.
    fn return_hold(&mut self, id: usize) {
        let Some(redis) = &mut self.redis else { return };
        let draws = std::mem::take(&mut redis.holds[id]).draws;
        redis.move_seats(draws, 1);
        self.count_return(id);
    }

    /// `expire.lua`, and `expire_overdue` in `lib/seats.lua`.
    pub(crate) fn expire(&mut self, config: &Config) {
        for id in 0..HOLDS {
            let Some(redis) = &self.redis else { return };
            let hold = redis.holds[id];
            let ends = hold.state == HoldState::Held
                || hold.state == HoldState::Confirming && config.lacks(Mutation::ExpireConfirming);
            if ends && hold.overdue {
                self.return_hold(id);
            }
        }
    }

    /// `reserve.lua`.
    pub(crate) fn reserve(&mut self, config: &Config, id: usize, start: usize) {
        let Some(redis) = &self.redis else { return };
        let request = config.requests[id];
        if self.answered & 1 << request.key != 0 {
            self.reservations[id].made = Made::Replayed;
            return;
        }
        if redis.draft {
            return;
        }
        if redis.free() < request.seats as i8 {
            self.expire(config);
        }
        let Some(redis) = &mut self.redis else { return };
        if redis.free() < request.seats as i8 {
            return;
        }
        let (draws, price) = (redis.draw(request.seats, start), redis.price);
        redis.move_seats(draws, -1);
        redis.holds[id] = Hold { state: HoldState::Held, draws, price, deadline: 0, overdue: false };
        self.answered |= 1 << request.key;
        let reservation = &mut self.reservations[id];
        reservation.made = Made::Held;
        reservation.quoted = price;
        reservation.born = self.losses;
    }

    /// `begin.lua`; none if there is no hold to confirm.
    pub(crate) fn begin(&mut self, id: usize) -> Option<Hold> {
        let redis = self.redis.as_ref()?;
        let hold = redis.holds[id];
        if hold.state == HoldState::Gone || hold.state == HoldState::Held && (hold.overdue || redis.draft) {
            return None;
        }
        let deadline = self.next_deadline(id);
        let hold = Hold { state: HoldState::Confirming, deadline, overdue: false, ..hold };
        self.redis.as_mut()?.holds[id] = hold;
        Some(hold)
    }

    /// `unbegin.lua`. Which of the hold's confirms began last is told by the deadline here.
    pub(crate) fn unbegin(&mut self, config: &Config, id: usize, deadline: u8, is_first: bool) {
        let Some(redis) = &mut self.redis else { return };
        let hold = &mut redis.holds[id];
        let is_alone = is_first && hold.deadline == deadline || config.lacks(Mutation::UnbeginIgnoresOthers);
        if hold.state == HoldState::Confirming && is_alone {
            *hold = Hold { state: HoldState::Held, deadline: 0, overdue: false, ..*hold };
        }
    }

    /// `finish.lua`; without draws whatever the hold has was committed.
    pub(crate) fn finish(&mut self, config: &Config, id: usize, committed: Option<Draws>) {
        let Some(redis) = &mut self.redis else { return };
        let hold = std::mem::take(&mut redis.holds[id]);
        if hold.state == HoldState::Gone {
            if config.lacks(Mutation::FinishWithoutHold) {
                redis.apply(committed.unwrap_or_default());
            }
            return;
        }
        if committed.is_some_and(|draws| draws != hold.draws) && !config.lacks(Mutation::FinishIgnoresDraws) {
            redis.move_seats(hold.draws, 1);
            return;
        }
        redis.apply(hold.draws);
    }

    /// `redraw.lua`. A hold that is gone is made anew.
    pub(crate) fn redraw(&mut self, config: &Config, id: usize, attempt: Attempt, start: usize) -> Redraw {
        let Some(redis) = &mut self.redis else { return Redraw::TooFew };
        let (before, hold) = (*redis, redis.holds[id]);
        let is_gone = hold.state == HoldState::Gone;
        if !is_gone && hold.draws != attempt.draws {
            return Redraw::Changed;
        }
        let seats = attempt.draws.iter().sum::<u8>();
        if !is_gone {
            redis.holds[id].draws = [0; SHARDS];
            redis.move_seats(hold.draws, 1);
            redis.take_missing(config, hold.draws, attempt.left);
        }
        if redis.free() < seats as i8 {
            self.expire(config);
        }
        let Some(redis) = &mut self.redis else { return Redraw::TooFew };
        if redis.free() < seats as i8 {
            if is_gone {
                return Redraw::TooFew;
            }
            if config.lacks(Mutation::RedrawEndsHold) {
                redis.holds[id] = Hold::default();
                self.count_return(id);
            } else {
                // Another attempt may still commit what this hold has: it stays until the janitor settles it.
                let expired = std::mem::replace(redis, before);
                redis.keep_expired(expired, id);
            }
            return Redraw::TooFew;
        }
        let draws = redis.draw(seats, start);
        redis.move_seats(draws, -1);
        let (state, price, deadline) = (HoldState::Confirming, attempt.price, self.next_deadline(id));
        if let Some(redis) = &mut self.redis {
            redis.holds[id] = Hold { state, draws, price, deadline, overdue: false };
        }
        Redraw::Redrawn(draws)
    }

    /// `release.lua`.
    pub(crate) fn release(&mut self, id: usize) {
        self.return_hold(id);
    }

    /// `settle.lua`.
    pub(crate) fn settle(&mut self, config: &Config, id: usize, deadline: u8) {
        let Some(redis) = &self.redis else { return };
        let hold = redis.holds[id];
        let same = hold.deadline == deadline || config.lacks(Mutation::SettleIgnoresDeadline);
        if hold.state != HoldState::Gone && same {
            self.return_hold(id);
        }
    }

    /// `restock.lua`. `change` is a bit that names the change.
    pub(crate) fn restock(&mut self, config: &Config, change: u8, epoch: Option<u8>, draws: Draws) {
        let Some(redis) = &mut self.redis else { return };
        if epoch != Some(redis.epoch) && !config.lacks(Mutation::RestockIgnoresEpoch) {
            return;
        }
        if redis.restocked & change != 0 && !config.lacks(Mutation::RestockNotRemembered) {
            return;
        }
        redis.restocked |= change;
        redis.move_seats(draws, 1);
        redis.apply(draws);
        redis.cover(draws);
    }

    /// `withdraw.lua`.
    pub(crate) fn withdraw(&mut self, config: &Config, id: usize, wanted: u8) -> Withdraw {
        let Some(redis) = &self.redis else { return Withdraw::NotLoaded };
        let found = redis.holds[id];
        if found.state != HoldState::Gone {
            return Withdraw::Withdrawn { draws: found.draws, deadline: found.deadline };
        }
        if redis.free() < wanted as i8 {
            self.expire(config);
        }
        let Some(redis) = &mut self.redis else { return Withdraw::NotLoaded };
        if redis.free() < wanted as i8 {
            return Withdraw::TooFew;
        }
        let draws = redis.shares(wanted);
        redis.move_seats(draws, -1);
        let deadline = self.next_deadline(id);
        if let Some(redis) = &mut self.redis {
            redis.holds[id] =
                Hold { state: HoldState::Confirming, draws, price: 0, deadline, overdue: false };
        }
        Withdraw::Withdrawn { draws, deadline }
    }

    /// `load.lua`.
    pub(crate) fn load(&mut self, config: &Config, event: Read, shards: [Shard; SHARDS]) {
        if self.redis.is_some() && !config.lacks(Mutation::LoadOverLive) {
            return;
        }
        self.epochs += 1;
        let Read { count, price, draft } = event;
        let mut redis = Redis { epoch: self.epochs, price, draft, count, ..Redis::default() };
        for (copy, shard) in redis.shards.iter_mut().zip(shards).take(usize::from(count)) {
            *copy = RedisShard { free: shard.unsold(), applied: shard.version, remembered: None };
        }
        self.redis = Some(redis);
    }

    /// Reconcile's script, as the protocol describes it: acts on each shard whose fence still holds.
    pub(crate) fn reconcile(&mut self, config: &Config, seen: Seen, read: [Shard; SHARDS], waiting: u16) {
        let Some(redis) = &mut self.redis else { return };
        if redis.epoch != seen.epoch {
            return;
        }
        for (index, shard) in read.into_iter().enumerate().filter(|(_, shard)| shard.version > 0) {
            let (held, mut copy) = (redis.held(index), redis.shards[index]);
            let confirming = redis.holds.iter().any(|hold| hold.is_confirming_on(index));
            if copy.applied != seen.applied[index] {
                continue;
            }
            let same = copy
                .remembered
                .filter(|memory| (memory.version, memory.applied) == (shard.version, copy.applied));
            let waited =
                same.is_some_and(|memory| memory.waiting == 0) || config.lacks(Mutation::AdoptAtOnce);
            if shard.version == copy.applied {
                copy = RedisShard { free: shard.unsold() - held, remembered: None, ..copy };
            } else if confirming && !config.lacks(Mutation::AdoptDespiteConfirming)
                || shard.version < copy.applied && config.lacks(Mutation::AdoptOnlyWhenAhead)
            {
                continue;
            } else if waited {
                let free = shard.unsold() - held;
                copy = RedisShard { free, applied: shard.version, remembered: None };
            } else if same.is_none() {
                let (version, applied) = (shard.version, copy.applied);
                copy.remembered = Some(Memory { version, applied, waiting });
            }
            redis.shards[index] = copy;
        }
        let count = read.iter().filter(|shard| shard.version > 0).count();
        redis.count = redis.count.max(count as u8);
    }

    /// Whether what a hold stands for is committed in DynamoDB, so that its seats count as sold already.
    pub(crate) fn is_committed(&self, id: usize) -> bool {
        match id.checked_sub(RESERVATIONS) {
            None => self.dynamo.bookings[id].status != Status::Absent,
            Some(lower) => lower < LOWERS && self.dynamo.withdrawn & 1 << lower != 0,
        }
    }
}
