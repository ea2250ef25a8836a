//! What can happen next, and what it does.

use std::iter;

use super::{
    A, ATTEMPTS, Action, B, CANCELS, Config, Guard, Seats, Wanted,
    state::{Attempt, Cancel, HoldAt, Janitor, State, Status},
};

impl State {
    pub(super) fn next_steps(&self, config: &Config, actions: &mut Vec<Action>) {
        for (id, request) in config.by_number() {
            if !self.reserved[id] && self.has_free(request.wanted) {
                actions.push(Action::Reserve(id));
            }
            for attempt in 0..ATTEMPTS {
                self.steps_of_confirm(id, attempt, actions);
            }
            if self.may_end(id) {
                actions.push(Action::End(id));
            }
        }
        for cancel in 0..CANCELS {
            self.steps_of_cancel(config, cancel, actions);
        }
        self.steps_of_nobody(config, actions);
    }

    fn has_free(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Named(seats) => self.row.is_some_and(|row| row.has_free(seats)),
            Wanted::Places(places) => self.free >= places,
        }
    }

    fn steps_of_confirm(&self, id: usize, attempt: usize, actions: &mut Vec<Action>) {
        let next = match self.attempts[id][attempt] {
            // Confirms of one reservation are alike: the first of them begins first.
            Attempt::Ready if attempt > 0 && self.attempts[id][attempt - 1] == Attempt::Ready => return,
            // Without a hold there is nothing to begin: a booking is answered, or that it has expired.
            Attempt::Ready if self.holds[id] != HoldAt::None => {
                return actions.push(Action::Begin(id, attempt));
            }
            Attempt::Ready | Attempt::Ended => return,
            Attempt::Begun(..) => Action::Commit(id, attempt),
            Attempt::Refused(_) => Action::Refuse(id, attempt),
            Attempt::OverLimit => Action::Unbegin(id, attempt),
            Attempt::Committed => Action::Finish(id, attempt),
        };
        actions.extend([next, Action::Crash(id, attempt)]);
    }

    fn steps_of_cancel(&self, config: &Config, cancel: usize, actions: &mut Vec<Action>) {
        let Some(id) = config.cancels[cancel] else { return };
        let next = match self.cancels[cancel] {
            Cancel::Ready if self.dynamo.bookings[id].status == Status::Confirmed => {
                return actions.push(Action::CancelRead(cancel));
            }
            Cancel::Ready | Cancel::Ended => return,
            Cancel::Seen(_) => Action::Cancel(cancel),
            Cancel::Committed(_) => Action::Restock(cancel),
        };
        actions.extend([next, Action::CrashCancel(cancel)]);
    }

    fn may_end(&self, id: usize) -> bool {
        // A confirm that is under way is within its grace.
        self.holds[id] != HoldAt::None && !self.is_being_confirmed(id)
    }

    fn steps_of_nobody(&self, config: &Config, actions: &mut Vec<Action>) {
        let sees_first = !config.lacks(Guard::ReconcileSeesFirst);
        match (self.janitor.seen, self.janitor.read) {
            (Some(_), Some(_)) => actions.push(Action::Reconcile),
            (None, None) if sees_first => actions.push(Action::ReconcileSee),
            (None, None) => actions.push(Action::ReconcileRead),
            (Some(_), None) => actions.push(Action::ReconcileRead),
            (None, Some(_)) => actions.push(Action::ReconcileSee),
        }
        match (self.row, self.loader) {
            (Some(_), _) if self.losses < config.losses => actions.push(Action::Lose),
            (None, None) => actions.push(Action::LoadRead),
            (None, Some(_)) => actions.push(Action::Load),
            (Some(_), _) => {}
        }
    }

    pub(super) fn act(&mut self, config: &Config, action: Action) {
        match action {
            Action::Reserve(id) => self.reserve(config, id),
            Action::Begin(id, attempt)
            | Action::Commit(id, attempt)
            | Action::Refuse(id, attempt)
            | Action::Unbegin(id, attempt)
            | Action::Finish(id, attempt)
            | Action::Crash(id, attempt) => {
                self.attempts[id][attempt] = self.confirm(config, action, id, self.attempts[id][attempt]);
            }
            Action::CancelRead(cancel)
            | Action::Cancel(cancel)
            | Action::Restock(cancel)
            | Action::CrashCancel(cancel) => {
                if let Some(id) = config.cancels[cancel] {
                    self.cancels[cancel] = self.cancel(config, action, id, self.cancels[cancel]);
                }
            }
            Action::End(id) => self.end(config, id),
            Action::LoadRead => self.loader = Some(self.dynamo.read()),
            Action::Load => {
                if let Some(read) = self.loader.take() {
                    self.load(read);
                }
            }
            Action::ReconcileSee => self.janitor.seen = self.row.map(|row| (self.losses, row.applied)),
            Action::ReconcileRead => self.janitor.read = Some(self.dynamo.read()),
            Action::Reconcile => {
                if let Janitor { seen: Some(seen), read: Some(read) } = self.janitor {
                    self.reconcile(config, seen, read);
                }
                self.janitor = Janitor::default();
            }
            Action::Lose => self.lose(),
        }
    }

    fn reserve(&mut self, config: &Config, id: usize) {
        let Some(request) = config.requests[id] else { return };
        match (request.wanted, &mut self.row) {
            (Wanted::Named(seats), Some(row)) => row.hold(seats),
            (Wanted::Named(_), None) => return,
            (Wanted::Places(places), _) => self.free -= places,
        }
        self.holds[id] = HoldAt::Held(request.wanted.seats());
        self.reserved[id] = true;
    }

    /// What a confirm comes to by its next step.
    fn confirm(&mut self, config: &Config, action: Action, id: usize, at: Attempt) -> Attempt {
        match (action, at) {
            (Action::Begin(..), _) => {
                let Some(seats) = self.holds[id].seats() else { return at };
                let is_first = !self.holds[id].is_confirming();
                self.holds[id] = HoldAt::Confirming(seats);
                Attempt::Begun(seats, is_first)
            }
            (Action::Commit(..), Attempt::Begun(seats, is_first)) => self.commit(config, id, seats, is_first),
            (Action::Refuse(..), Attempt::Refused(seats)) => self.refuse(config, id, seats),
            (Action::Unbegin(_, attempt), _) => {
                self.unbegin(config, id, attempt);
                Attempt::Ended
            }
            (Action::Finish(..), _) => {
                self.finish(config, id);
                Attempt::Ended
            }
            _ => Attempt::Ended,
        }
    }

    /// DynamoDB has refused the seats, since Redis had lost that they are taken. A hold that is there is left to settle: another confirm
    /// of it may still commit it, if the seats come back.
    fn refuse(&mut self, config: &Config, id: usize, seats: Seats) -> Attempt {
        let Some(row) = &mut self.row else { return Attempt::Ended };
        if self.holds[id] != HoldAt::None || !config.makes_anew {
            return Attempt::Ended;
        }
        let others = config.lacks(Guard::SameSeats).then_some([A, B]).into_iter().flatten();
        let Some(anew) = iter::once(seats).chain(others).find(|seats| row.has_free(*seats)) else {
            return Attempt::Ended;
        };
        row.hold(anew);
        self.holds[id] = HoldAt::Confirming(anew);
        Attempt::Begun(anew, false)
    }

    /// `unbegin.lua`: nothing, if another confirm of the hold began meanwhile. They begin in their order.
    fn unbegin(&mut self, config: &Config, id: usize, attempt: usize) {
        let attempts = config.requests[id].map_or(0, |request| request.attempts);
        let others = &self.attempts[id][attempt + 1..attempts];
        if let HoldAt::Confirming(seats) = self.holds[id]
            && others.iter().all(|other| *other == Attempt::Ready)
        {
            self.holds[id] = HoldAt::Held(seats);
        }
    }

    /// What a cancel comes to by its next step.
    fn cancel(&mut self, config: &Config, action: Action, id: usize, at: Cancel) -> Cancel {
        match (action, at) {
            // The epoch is seen before the transaction: only then is a row of the same epoch known to lack it.
            (Action::CancelRead(_), _) => Cancel::Seen(self.row.map(|_| self.losses)),
            (Action::Cancel(_), Cancel::Seen(seen)) if self.dynamo.cancel(config, id) => {
                Cancel::Committed(seen)
            }
            (Action::Restock(_), Cancel::Committed(seen)) => {
                self.restock(config, id, seen);
                Cancel::Ended
            }
            _ => Cancel::Ended,
        }
    }

    /// A hold's time is over: it has expired, or, if a confirm of it began, ends as DynamoDB has it.
    pub(super) fn end(&mut self, config: &Config, id: usize) {
        let is_booked = self.dynamo.bookings[id].status != Status::Absent;
        match self.holds[id] {
            HoldAt::Confirming(_) if is_booked => self.finish(config, id),
            _ => self.give_back(config, id),
        }
    }

    /// The row goes with its holds.
    fn lose(&mut self) {
        self.row = None;
        self.losses += 1;
        for hold in self.holds.iter_mut().filter(|hold| hold.is_of_row()) {
            *hold = HoldAt::None;
        }
    }
}
