//! The requests that take several steps: confirm, cancel, and the change of capacity. Whoever calls these has
//! looked that it is their turn.

use crate::{
    config::{Config, Mutation},
    dynamo::{Commit, Removed},
    scripts::{Redraw, Withdraw},
    state::{
        Attempt, AttemptAt, Follow, FollowAt, HoldState, Lower, LowerAt, RESERVATIONS, SHARDS, State, Status,
    },
};

/// Names the raise among the changes that restock remembers.
const RAISE: u8 = 1 << RESERVATIONS;

impl Attempt {
    pub(crate) fn done() -> Self {
        Self { at: AttemptAt::Done, ..Self::default() }
    }
}

impl Follow {
    pub(crate) fn done() -> Self {
        Self { at: FollowAt::Done, ..Self::default() }
    }
}

impl Lower {
    pub(crate) fn done() -> Self {
        Self { at: LowerAt::Done, ..Self::default() }
    }
}

impl State {
    /// Confirm's first step, and its first again after somebody changed the hold.
    pub(crate) fn confirm_begins(&mut self, id: usize, attempt: usize) {
        let before = self.attempts[id][attempt];
        let is_first = self.has(id, HoldState::Held);
        self.attempts[id][attempt] = match self.begin(id) {
            Some(hold) => Attempt {
                at: AttemptAt::Commit,
                draws: hold.draws,
                price: hold.price,
                deadline: hold.deadline,
                is_first,
                redrawn: before.redrawn,
                ..Attempt::default()
            },
            // The buyer is answered from the booking, if there is one.
            None => Attempt::done(),
        };
    }

    /// The rate limit's answer came after begin's.
    pub(crate) fn confirm_is_refused(&mut self, config: &Config, id: usize, attempt: usize) {
        let Attempt { deadline, is_first, .. } = self.attempts[id][attempt];
        self.unbegin(config, id, deadline, is_first);
        self.attempts[id][attempt] = Attempt::done();
    }

    /// Confirm's commit.
    pub(crate) fn confirm_commits(&mut self, config: &Config, id: usize, attempt: usize, reply_lost: bool) {
        let before = self.attempts[id][attempt];
        let current = self.dynamo.price;
        let price = if config.lacks(Mutation::ChargeCurrentPrice) { current } else { before.price };
        let committed = self.dynamo.commit(config, id, before.draws, price);
        if matches!(committed, Commit::Refused(_)) {
            // It shows that Redis had lost data.
            self.becomes_upset();
        }
        self.attempts[id][attempt] = match committed {
            // Nobody is there any more to hear the answer.
            _ if before.late => Attempt::done(),
            Commit::Committed if reply_lost => Attempt { at: AttemptAt::Ask, ..before },
            Commit::Committed | Commit::AlreadyBooked => self.about_to_finish(id, before),
            Commit::Refused(_) if before.redrawn => Attempt::done(),
            Commit::Refused(left) => Attempt { at: AttemptAt::Redraw, left, ..before },
        };
    }

    /// A lost reply is not a failure: ask by id.
    pub(crate) fn confirm_asks(&mut self, id: usize, attempt: usize) {
        let before = self.attempts[id][attempt];
        let booked = self.dynamo.bookings[id].status != Status::Absent;
        self.attempts[id][attempt] = if booked { self.about_to_finish(id, before) } else { Attempt::done() };
    }

    fn about_to_finish(&self, id: usize, before: Attempt) -> Attempt {
        let draws = self.dynamo.bookings[id].draws;
        Attempt { at: AttemptAt::Finish, draws, deadline: before.deadline, ..Attempt::default() }
    }

    pub(crate) fn confirm_redraws(
        &mut self,
        config: &Config,
        id: usize,
        attempt: usize,
        start: usize,
        again: bool,
    ) {
        let before = self.attempts[id][attempt];
        let answer = self.redraw(config, id, before, start);
        if again {
            return;
        }
        if matches!(answer, Redraw::Redrawn(_)) {
            // Another attempt may still commit the draws that are free again.
            self.becomes_upset();
        }
        self.attempts[id][attempt] = match answer {
            Redraw::Redrawn(draws) => Attempt {
                at: AttemptAt::Commit,
                draws,
                deadline: self.reservations[id].deadlines,
                redrawn: true,
                left: [None; SHARDS],
                ..before
            },
            Redraw::Changed if before.redrawn => Attempt::done(),
            Redraw::Changed => Attempt { redrawn: true, ..Attempt::default() },
            Redraw::TooFew => Attempt::done(),
        };
    }

    pub(crate) fn confirm_finishes(&mut self, config: &Config, id: usize, attempt: usize, again: bool) {
        let draws = self.attempts[id][attempt].draws;
        self.finish(config, id, Some(draws));
        if !again {
            self.attempts[id][attempt] = Attempt::done();
        }
    }

    /// Cancel reads the booking and the epoch before it commits.
    pub(crate) fn cancel_reads(&mut self, config: &Config, cancel: usize) {
        let booking = self.dynamo.bookings[config.cancels[cancel]];
        let open = booking.status == Status::Confirmed
            || booking.status == Status::Cancelled && config.lacks(Mutation::CancelRestocksAgain);
        self.cancels[cancel] = if open { self.about_to_commit(0) } else { Follow::done() };
    }

    fn about_to_commit(&self, event_version: u8) -> Follow {
        let epoch = self.redis.map(|redis| redis.epoch);
        Follow { at: FollowAt::Commit, epoch, event_version, late: false }
    }

    pub(crate) fn cancel_commits(&mut self, config: &Config, cancel: usize) {
        let first = self.dynamo.cancel(config.cancels[cancel]);
        let before = self.cancels[cancel];
        self.cancels[cancel] = before.after_commit(first || config.lacks(Mutation::CancelRestocksAgain));
    }

    pub(crate) fn cancel_restocks(&mut self, config: &Config, cancel: usize, again: bool) {
        let id = config.cancels[cancel];
        let epoch = self.cancels[cancel].epoch;
        self.restock(config, 1 << id, epoch, self.dynamo.bookings[id].draws);
        if !again {
            self.cancels[cancel] = Follow::done();
        }
    }

    pub(crate) fn raise_reads(&mut self) {
        self.raise = self.about_to_commit(self.dynamo.event_version);
    }

    pub(crate) fn raise_commits(&mut self, config: &Config) {
        let added = config.raise.unwrap_or_default();
        let done = self.dynamo.raise(self.raise.event_version, added);
        self.raise = self.raise.after_commit(done);
    }

    pub(crate) fn raise_restocks(&mut self, config: &Config, again: bool) {
        let added = config.raise.unwrap_or_default();
        self.restock(config, RAISE, self.raise.epoch, added);
        if !again {
            self.raise = Follow::done();
        }
    }

    pub(crate) fn lower_reads(&mut self, config: &Config, lower: usize) {
        let Self { dynamo, lowers, .. } = self;
        let before = dynamo.last_withdrawal.filter(|_| !config.lacks(Mutation::LowerSkipsFinish));
        let at = if before.is_some() { LowerAt::FinishBefore } else { LowerAt::Withdraw };
        lowers[lower] = Lower { at, event_version: dynamo.event_version, before, ..Lower::default() };
    }

    pub(crate) fn lower_finishes_before(&mut self, config: &Config, lower: usize) {
        if let Some(before) = self.lowers[lower].before {
            self.finish(config, usize::from(before), None);
        }
        self.lowers[lower].before = None;
        self.lowers[lower].at = LowerAt::Withdraw;
    }

    pub(crate) fn lower_withdraws(&mut self, config: &Config, lower: usize, again: bool) {
        let unpublishes = config.unpublishes(lower);
        let wanted = if unpublishes { self.lowers[lower].wanted } else { config.lowers[lower] };
        let answer = self.withdraw(config, RESERVATIONS + lower, wanted);
        if again {
            return;
        }
        let before = self.lowers[lower];
        self.lowers[lower] = match answer {
            Withdraw::Withdrawn { draws, deadline } => {
                let at = if unpublishes { LowerAt::Look } else { LowerAt::Commit };
                Lower { at, wanted: 0, draws, deadline, ..before }
            }
            Withdraw::TooFew => Lower::done(),
            Withdraw::NotLoaded => Lower::default(),
        };
    }

    pub(crate) fn lower_commits(&mut self, lower: usize) {
        let before = self.lowers[lower];
        let removed = self.dynamo.lower(RESERVATIONS + lower, before.event_version, before.draws);
        self.lowers[lower] = match removed {
            _ if before.late => Lower::done(),
            Removed::Done => Lower { at: LowerAt::Finish, event_version: 0, ..before },
            Removed::Refused => Lower { at: LowerAt::Settle, event_version: 0, ..before },
        };
    }

    pub(crate) fn lower_finishes(&mut self, config: &Config, lower: usize, again: bool) {
        self.finish(config, RESERVATIONS + lower, Some(self.lowers[lower].draws));
        if !again {
            self.lowers[lower] = Lower::done();
        }
    }

    pub(crate) fn lower_settles(&mut self, config: &Config, lower: usize, again: bool) {
        self.settle(config, RESERVATIONS + lower, self.lowers[lower].deadline);
        if !again {
            self.lowers[lower] = Lower::done();
        }
    }
}

impl Follow {
    fn after_commit(self, done: bool) -> Self {
        if done && !self.late && self.epoch.is_some() {
            Self { at: FollowAt::Restock, epoch: self.epoch, ..Self::default() }
        } else {
            Self::done()
        }
    }
}
