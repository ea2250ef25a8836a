//! What can happen next. A step that changes nothing, since its condition refuses it, is none.

use super::{
    Action, By, CALLS, Config, Guard, PAYMENTS,
    state::{Hold, Janitor, Judge, Payment, Progress, Returner, State, Status},
};

impl State {
    pub(super) fn next_steps(&self, config: &Config, actions: &mut Vec<Action>) {
        for (id, _) in config.by_number() {
            if !self.reserved[id] && self.has_free(config, id) {
                actions.push(Action::Reserve(id));
            }
            // A call that is under way is within its grace.
            if self.holds[id] != Hold::None && (config.late || !self.is_called(id)) {
                actions.push(Action::End(id));
            }
            for call in 0..CALLS {
                self.steps_of_call(config, id, call, actions);
            }
            self.steps_of_booking(config, id, actions);
            self.steps_of_payments(config, id, actions);
        }
        for returner in 0..config.returners {
            self.steps_of_returner(config, returner, actions);
        }
        self.steps_of_event(config, actions);
        self.steps_of_redis(config, actions);
    }

    fn steps_of_call(&self, config: &Config, id: usize, call: usize, actions: &mut Vec<Action>) {
        let calls = config.requests[id].calls;
        let is_ready = |call: usize| self.calls[id][call] == Progress::Ready;
        match self.calls[id][call] {
            Progress::Ready if call > 0 && calls[call] == calls[call - 1] && is_ready(call - 1) => {}
            Progress::Ready if self.reserved[id] => actions.push(Action::Begin(id, call)),
            Progress::Ready | Progress::Ended => {}
            Progress::Begun => actions.extend([
                Action::Commit(id, call),
                Action::CommitReplyLost(id, call),
                Action::Crash(id, call),
            ]),
            Progress::Committed => actions.extend([Action::Finish(id, call), Action::Crash(id, call)]),
        }
    }

    /// Who wants a booking to end, so that it is tried at any moment: whoever read its time, before that was extended or after; its
    /// owner; a run that lists the bookings of a cancelled event.
    fn wanted_ends(&self, config: &Config, id: usize) -> impl Iterator<Item = By> + use<> {
        let times = (0..=self.bookings[id].expires_at).map(By::Time);
        let owner = config.gives_up.then_some(By::Owner);
        let event = self.event_cancelled.then_some(By::Event);
        times.chain(owner).chain(event)
    }

    fn steps_of_booking(&self, config: &Config, id: usize, actions: &mut Vec<Action>) {
        let booking = self.bookings[id];
        if booking.status == Status::Absent {
            return;
        }
        // Without an attempt it expires directly.
        if booking.attempts > 0 {
            actions.extend(self.wanted_ends(config, id).map(|by| Action::Close(id, by)));
        }
        if self.event_cancelled && !config.lacks(Guard::EventVoids) {
            actions.push(Action::Void(id));
        }
        if booking.is_open() && config.extends {
            actions.push(Action::Extend(id));
        }
        if config.lacks(Guard::InnerExpires) {
            actions.extend(self.wanted_ends(config, id).map(|by| Action::ExpireOutside(id, by)));
            actions.push(Action::ExpireOutside(id, By::Word));
        }
    }

    /// Outer functions, the outside, and who pays. What an outer function has heard of the outside stays so: it may come with it late,
    /// twice or never, so it needs no memory here.
    fn steps_of_payments(&self, config: &Config, id: usize, actions: &mut Vec<Action>) {
        let booking = self.bookings[id];
        if booking.status == Status::Absent {
            return;
        }
        actions.push(Action::Open(id));
        for attempt in 0..usize::from(booking.attempts).min(PAYMENTS) {
            match self.payments[id][attempt] {
                Payment::Unheard => actions.push(Action::OpenOutside(id, attempt)),
                Payment::Open => actions.push(Action::Pay(id, attempt)),
                Payment::Paid => {
                    actions.extend([Action::SayPaid(id), Action::Confirm(id)]);
                    if booking.void {
                        actions.push(Action::ReturnMoney(id, attempt));
                    }
                }
                Payment::Returned => actions.extend([Action::SayPaid(id), Action::Confirm(id)]),
                Payment::Closed => {}
            }
            let leaves_mark = !config.lacks(Guard::CloseLeavesMark);
            match self.payments[id][attempt] {
                Payment::Unheard if !leaves_mark => actions.push(Action::SayNothing(id, attempt)),
                // So that there can be another, since the booking is closing, or because the outside has waited for long enough.
                Payment::Unheard | Payment::Open if booking.is_open() => {
                    actions.push(Action::CloseOutside(id, attempt));
                }
                Payment::Closed => actions.push(Action::SayNothing(id, attempt)),
                _ => {}
            }
        }
    }

    fn may_cancel(&self, config: &Config, id: usize) -> bool {
        self.bookings[id].status == Status::Confirmed && (config.cancels || self.event_cancelled)
    }

    /// What an inner function can let return now.
    fn returns(&self, config: &Config, returner: usize, actions: &mut Vec<Action>) {
        for (id, _) in config.by_number() {
            match self.bookings[id].status {
                Status::Absent => continue,
                Status::Pending => {
                    actions.extend(self.wanted_ends(config, id).map(|by| Action::Expire(returner, id, by)))
                }
                _ => actions.push(Action::Expire(returner, id, By::Word)),
            }
            if self.may_cancel(config, id) {
                actions.push(Action::Cancel(returner, id));
            }
        }
    }

    fn steps_of_returner(&self, config: &Config, returner: usize, actions: &mut Vec<Action>) {
        let epoch_first = !config.lacks(Guard::EpochFirst);
        let takes_up = config.lacks(Guard::ExpiredIsLeft);
        match self.returners[returner] {
            Returner::Idle if !epoch_first => return self.returns(config, returner, actions),
            Returner::Idle => {
                let is_wanted = |id: usize| {
                    let booking = self.bookings[id];
                    let is_taken_up = takes_up && booking.status == Status::Expired;
                    booking.is_open() || is_taken_up || self.may_cancel(config, id)
                };
                if config.by_number().any(|(id, _)| is_wanted(id)) {
                    actions.push(Action::SeeEpoch(returner));
                }
                return;
            }
            Returner::Seen(_) => {
                self.returns(config, returner, actions);
                let ids = config.by_number().map(|(id, _)| id).filter(|_| takes_up);
                let expired = ids.filter(|id| self.bookings[*id].status == Status::Expired);
                actions.extend(expired.map(|id| Action::TakeUp(returner, id)));
            }
            Returner::Unseen(_) => actions.push(Action::SeeEpoch(returner)),
            Returner::Committed(..) => {
                actions.extend([Action::Restock(returner), Action::RestockReplyLost(returner)]);
            }
        }
        actions.push(Action::Leave(returner));
    }

    fn steps_of_event(&self, config: &Config, actions: &mut Vec<Action>) {
        if !self.event_cancelled {
            actions.extend(config.event_ends.then_some(Action::CancelEvent));
            return;
        }
        for shard in config.shards() {
            actions.push(match self.shards[shard].closed {
                false => Action::CloseShard(shard),
                true => Action::Judge(shard),
            });
            if config.lacks(Guard::JudgeAsksClosed) {
                actions.push(Action::Judge(shard));
            }
        }
        // An index may lag behind for ever, so a list of the bookings may always show none.
        let is_listed_empty =
            config.lacks(Guard::ShardsJudge) && config.shards().all(|shard| self.shards[shard].closed);
        if self.judge == Judge::Finishing || is_listed_empty {
            actions.push(Action::FinishEvent);
        }
    }

    fn steps_of_redis(&self, config: &Config, actions: &mut Vec<Action>) {
        if config.reconciles {
            actions.push(match self.janitor {
                Janitor { seen: None, .. } => Action::ReconcileSee,
                Janitor { read: None, .. } => Action::ReconcileRead,
                _ => Action::Reconcile,
            });
        }
        match (self.redis, self.loader) {
            (Some(_), _) if self.losses < config.losses => actions.push(Action::Lose),
            (None, None) => actions.push(Action::LoadRead),
            (None, Some(_)) => actions.push(Action::Load),
            (Some(_), _) => {}
        }
    }
}
