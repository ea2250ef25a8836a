//! Who is in flight, what time may do, and how a state is tidied so that like states are one.

use crate::{
    action::Process,
    state::{AttemptAt, FollowAt, HOLDS, HoldState, LowerAt, Memory, RESERVATIONS, SHARDS, State, Upset},
};

impl State {
    /// Whether the request has begun and not ended, its process alive or dead with a write on its way.
    pub(crate) fn is_open(&self, process: Process) -> bool {
        match process {
            Process::Attempt { reservation, attempt } => {
                let attempt = self.attempts[reservation][attempt];
                attempt.at != AttemptAt::Done && (attempt.at != AttemptAt::Begin || attempt.redrawn)
            }
            Process::Cancel(cancel) => !matches!(self.cancels[cancel].at, FollowAt::Read | FollowAt::Done),
            Process::Raise => !matches!(self.raise.at, FollowAt::Read | FollowAt::Done),
            Process::Lower(lower) => !matches!(self.lowers[lower].at, LowerAt::Read | LowerAt::Done),
        }
    }

    pub(crate) fn is_late(&self, process: Process) -> bool {
        match process {
            Process::Attempt { reservation, attempt } => self.attempts[reservation][attempt].late,
            Process::Cancel(cancel) => self.cancels[cancel].late,
            Process::Raise => self.raise.late,
            Process::Lower(lower) => self.lowers[lower].late,
        }
    }

    /// Whether its next step is a write to DynamoDB.
    pub(crate) fn is_at_commit(&self, process: Process) -> bool {
        match process {
            Process::Attempt { reservation, attempt } => {
                self.attempts[reservation][attempt].at == AttemptAt::Commit
            }
            Process::Cancel(cancel) => self.cancels[cancel].at == FollowAt::Commit,
            Process::Raise => self.raise.at == FollowAt::Commit,
            Process::Lower(lower) => self.lowers[lower].at == LowerAt::Commit,
        }
    }

    /// The requests whose processes are alive, as bits: a grace period ends none of them sooner.
    pub(crate) fn in_flight(&self) -> u16 {
        Process::all()
            .filter(|process| self.is_open(*process) && !self.is_late(*process))
            .fold(0, |bits, process| bits | process.bit())
    }

    /// Whether nothing is under way any more, not even a late write.
    pub(crate) fn is_quiet(&self) -> bool {
        !Process::all().any(|process| self.is_open(process))
    }

    /// Whether the deadline of a hold may pass now. A held one's may at any moment; a confirming one's not while an
    /// attempt lives that began no later, for grace is longer than any request. (Unless Redis fell back to an
    /// earlier deadline, the hold's is always the latest.)
    pub(crate) fn deadline_may_pass(&self, id: usize) -> bool {
        let Some(redis) = &self.redis else { return false };
        let hold = redis.holds[id];
        match hold.state {
            HoldState::Gone => false,
            _ if hold.overdue => false,
            HoldState::Held => true,
            HoldState::Confirming if id < RESERVATIONS => !self.attempts[id].iter().any(|attempt| {
                !attempt.late
                    && !matches!(attempt.at, AttemptAt::Begin | AttemptAt::Done)
                    && attempt.deadline <= hold.deadline
            }),
            HoldState::Confirming => {
                let lower = self.lowers[id - RESERVATIONS];
                lower.late || matches!(lower.at, LowerAt::Read | LowerAt::Done)
            }
        }
    }

    /// Redis's promises are upset: by an emptied Redis or a late write.
    pub(crate) fn becomes_upset(&mut self) {
        if self.upset != Upset::FellBack {
            self.upset = Upset::Yes { waiting: self.in_flight() };
        }
    }

    /// Puts away what no longer matters.
    pub(crate) fn tidy(&mut self) {
        let in_flight = self.in_flight();
        let forget = |memory: &mut Option<Memory>| {
            if let Some(memory) = memory {
                memory.waiting &= in_flight;
            }
        };
        if let Some(redis) = &mut self.redis {
            redis.shards.iter_mut().for_each(|shard| forget(&mut shard.remembered));
        }
        if let Some((copy, _)) = &mut self.replica {
            copy.shards.iter_mut().for_each(|shard| forget(&mut shard.remembered));
        }
        if let Upset::Yes { waiting } = self.upset {
            let waiting = waiting & in_flight;
            let late = Process::all().any(|process| self.is_late(process));
            let good = waiting == 0 && !late && self.is_made_good();
            self.upset = if good { Upset::No } else { Upset::Yes { waiting } };
        }
        // Two janitors are alike, and so are two loaders.
        self.janitors.sort_unstable();
        self.loaders.sort_unstable();
    }

    /// Whether Redis knows every commit, no hold of a committed one is left, and its count is right.
    fn is_made_good(&self) -> bool {
        let Some(redis) = &self.redis else { return false };
        let left = (0..HOLDS).any(|id| redis.holds[id].state != HoldState::Gone && self.is_committed(id));
        !left
            && (0..SHARDS).all(|index| {
                redis.shards[index].applied == self.dynamo.shards[index].version && self.is_exact(index)
            })
    }

    /// Whether every seat of a shard is free, held or sold, and in one place only.
    pub(crate) fn is_exact(&self, index: usize) -> bool {
        self.redis.is_none_or(|redis| {
            redis.shards[index].free + redis.held(index) == self.dynamo.shards[index].unsold()
        })
    }
}
