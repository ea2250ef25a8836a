//! What a step does.

use super::{
    Action, Call, Config, Guard, SHARDS,
    dynamo::Commit,
    state::{Hold, Janitor, Judge, Payment, Progress, Returner, State, Status, Word},
};

impl State {
    pub(super) fn act(&mut self, config: &Config, action: Action) {
        match action {
            Action::Reserve(id) => self.reserve(config, id),
            Action::End(id) => self.end(config, id),
            Action::Begin(id, call)
            | Action::Commit(id, call)
            | Action::CommitReplyLost(id, call)
            | Action::Finish(id, call)
            | Action::Crash(id, call) => self.calls[id][call] = self.call(config, action, id, call),
            Action::Close(id, by) => self.close(config, id, by),
            Action::Void(id) => self.make_void(id),
            Action::Extend(id) => self.extend(config, id),
            Action::Confirm(id) => self.confirm(config, id),
            Action::Open(id) => self.open(config, id),
            Action::OpenOutside(id, attempt)
            | Action::Pay(id, attempt)
            | Action::CloseOutside(id, attempt)
            | Action::ReturnMoney(id, attempt) => {
                self.payments[id][attempt] = at_the_outside(action, self.payments[id][attempt]);
            }
            Action::SayNothing(id, attempt) => self.say(config, id, attempt, Word::Nothing),
            Action::SayPaid(id) => self.say(config, id, 0, Word::Paid),
            Action::SeeEpoch(returner)
            | Action::Expire(returner, ..)
            | Action::Cancel(returner, _)
            | Action::TakeUp(returner, _)
            | Action::Restock(returner)
            | Action::RestockReplyLost(returner)
            | Action::Leave(returner) => {
                self.returners[returner] = self.let_return(config, action, self.returners[returner]);
            }
            Action::ExpireOutside(id, by) => {
                self.expire(config, id, by);
            }
            Action::CancelEvent => self.event_cancelled = true,
            Action::CloseShard(shard) => self.shards[shard].closed = true,
            Action::Judge(shard) => self.judge = self.judged(config, shard),
            Action::FinishEvent => self.event_finished = true,
            Action::LoadRead => self.loader = Some(self.shards),
            Action::Load => {
                if let Some(read) = self.loader.take() {
                    self.load(config, read);
                }
            }
            Action::ReconcileSee => {
                let applied = self.redis.map(|redis| redis.shards.map(|shard| shard.applied));
                self.janitor.seen = applied.map(|applied| (self.losses, applied));
            }
            Action::ReconcileRead => self.janitor.read = Some(self.shards),
            Action::Reconcile => {
                if let Janitor { seen: Some(seen), read: Some(read) } = self.janitor {
                    self.reconcile(config, seen, read);
                }
                self.janitor = Janitor::default();
            }
            Action::Lose => self.lose(),
        }
    }

    /// What a call comes to by its next step.
    fn call(&mut self, config: &Config, action: Action, id: usize, number: usize) -> Progress {
        let Some(call) = config.requests[id].calls[number] else { return Progress::Ended };
        match action {
            Action::Begin(..) if self.holds[id] == Hold::None => {
                // Its booking is answered, or that it has expired.
                self.answer(config, id, call);
                Progress::Ended
            }
            Action::Begin(..) => {
                self.holds[id] = Hold::Confirming;
                Progress::Begun
            }
            Action::Commit(..) => match self.commit(config, id, call) {
                Commit::Done => Progress::Committed,
                Commit::Exists => {
                    self.answer(config, id, call);
                    Progress::Committed
                }
                // The hold is left to settle: another call for it may be faster.
                Commit::Refused => Progress::Ended,
            },
            Action::CommitReplyLost(..) => {
                self.commit(config, id, call);
                Progress::Begun
            }
            Action::Finish(..) => {
                self.finish(config, id);
                Progress::Ended
            }
            _ => Progress::Ended,
        }
    }

    /// What is said of a booking that exists: by its status, which is read. To believe that it is what was wanted is a lie if it is not.
    fn answer(&mut self, config: &Config, id: usize, call: Call) {
        let status = self.bookings[id].status;
        let is_wanted = match call {
            Call::Checkout => matches!(status, Status::Pending | Status::Closing | Status::Confirmed),
            Call::Confirm => status == Status::Confirmed,
        };
        let believes = status != Status::Absent && config.lacks(Guard::ExistsIsRead);
        self.lied |= believes && !is_wanted;
    }

    /// What an inner function that lets seats return comes to by its next step.
    fn let_return(&mut self, config: &Config, action: Action, at: Returner) -> Returner {
        let returned = match action {
            Action::Expire(_, id, by) => self.expire(config, id, by).then_some(id as u8),
            Action::Cancel(_, id) => self.cancel(config, id).then_some(id as u8),
            _ => None,
        };
        match (action, at) {
            (Action::SeeEpoch(_), Returner::Idle) => Returner::Seen(self.epoch()),
            (Action::SeeEpoch(_), Returner::Unseen(id)) => Returner::Committed(id, self.epoch()),
            (Action::Expire(..) | Action::Cancel(..), _) => match (returned, at) {
                (Some(id), Returner::Seen(epoch)) => Returner::Committed(id, epoch),
                (Some(id), _) => Returner::Unseen(id),
                // It finds that there is nothing to do, and touches nothing.
                (None, _) => at,
            },
            (Action::TakeUp(_, id), Returner::Seen(epoch)) => Returner::Committed(id as u8, epoch),
            (Action::Restock(_) | Action::RestockReplyLost(_), Returner::Committed(id, epoch)) => {
                self.restock(config, usize::from(id), epoch);
                if matches!(action, Action::Restock(_)) { Returner::Idle } else { at }
            }
            _ => Returner::Idle,
        }
    }

    fn judged(&self, config: &Config, shard: usize) -> Judge {
        let Judge::Seen(seen) = self.judge else { return self.judge };
        let has_read_sold = seen & 1 << (SHARDS + shard) != 0 || !config.lacks(Guard::JudgeReadsAtOnce);
        if !self.is_done(config, shard, has_read_sold) {
            return Judge::Seen(0);
        }
        let seen = seen | 1 << if has_read_sold { shard } else { SHARDS + shard };
        let is_all = config.shards().all(|shard| seen & 1 << shard != 0);
        if is_all { Judge::Finishing } else { Judge::Seen(seen) }
    }
}

/// What becomes of an attempt to pay where that is decided. A close takes nothing back that was paid.
fn at_the_outside(action: Action, at: Payment) -> Payment {
    match (action, at) {
        (Action::OpenOutside(..), Payment::Unheard) => Payment::Open,
        (Action::Pay(..), Payment::Open) => Payment::Paid,
        (Action::CloseOutside(..), Payment::Unheard | Payment::Open) => Payment::Closed,
        (Action::ReturnMoney(..), Payment::Paid) => Payment::Returned,
        _ => at,
    }
}
