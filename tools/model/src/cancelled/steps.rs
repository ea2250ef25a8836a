//! What can happen next, and what it does.

use super::{
    Action, CONFIRMS, Config, Guard, Mask,
    state::{Attempt, Booking, Event, Janitor, Owner, Raise, State, each, first},
};

impl State {
    pub(super) fn next_steps(&self, config: &Config, actions: &mut Vec<Action>) {
        for confirm in 0..CONFIRMS {
            match self.attempts[confirm] {
                Attempt::Ready if config.draws_of(confirm).next().is_some() => {
                    actions.push(Action::Begin(confirm));
                }
                Attempt::Begun => {
                    actions.extend([Action::Commit(confirm), Action::CommitReplyLost(confirm)]);
                }
                _ => {}
            }
            if self.index[confirm] != self.bookings[confirm] {
                actions.push(Action::Index(confirm));
            }
        }
        self.steps_of_people(config, actions);
        for janitor in 0..config.janitors {
            self.steps_of_janitor(janitor, actions);
            if self.janitors[janitor] != Janitor::Idle {
                actions.push(Action::Leave(janitor));
            }
        }
    }

    fn steps_of_people(&self, config: &Config, actions: &mut Vec<Action>) {
        match (self.owner, config.owner_cancels) {
            (Owner::Ready, Some(booking)) if self.bookings[booking] == Booking::Confirmed => {
                actions.push(Action::OwnerRead);
            }
            (Owner::Seen, _) => actions.extend([Action::OwnerCancel, Action::OwnerReplyLost]),
            _ => {}
        }
        if !self.event.cancelled {
            actions.push(Action::CancelEvent);
        }
        match self.raise {
            Raise::Ready => actions.push(Action::RaiseRead),
            Raise::Seen(_) => actions.push(Action::Raise),
            Raise::Ended => {}
        }
    }

    /// What a run does next, if it does not break off.
    pub(super) fn steps_of_janitor(&self, janitor: usize, actions: &mut Vec<Action>) {
        match self.janitors[janitor] {
            Janitor::Idle if self.event.is_being_cancelled() => actions.push(Action::ReadEvent(janitor)),
            Janitor::Idle | Janitor::Unfinished => {}
            Janitor::Opened { .. } => actions.push(Action::ReadShards(janitor)),
            Janitor::Closing { open, .. } => {
                actions.extend(each(open).map(|shard| Action::Close(janitor, shard)));
            }
            Janitor::Listing { .. } => actions.push(Action::List(janitor)),
            Janitor::Cancelling { left, .. } => {
                actions.extend(each(left).map(|booking| Action::Cancel(janitor, booking)));
            }
            Janitor::Judging { unread, .. } => {
                actions.extend(each(unread).map(|shard| Action::Judge(janitor, shard)));
            }
            Janitor::Finishing => actions.push(Action::Finish(janitor)),
        }
    }

    pub(super) fn act(&mut self, config: &Config, action: Action) {
        self.take(config, action);
        if !config.index_lags {
            self.index = self.bookings;
        }
    }

    fn take(&mut self, config: &Config, action: Action) {
        match action {
            Action::Begin(confirm) => self.attempts[confirm] = Attempt::Begun,
            Action::Commit(confirm) => self.attempts[confirm] = self.commit(config, confirm),
            Action::CommitReplyLost(confirm) => {
                self.commit(config, confirm);
            }
            Action::OwnerRead => self.owner = Owner::Seen,
            Action::OwnerCancel | Action::OwnerReplyLost => {
                if let Some(booking) = config.owner_cancels {
                    self.cancel(config, booking);
                }
                if action == Action::OwnerCancel {
                    self.owner = Owner::Ended;
                }
            }
            Action::CancelEvent => {
                self.event = Event { version: self.event.version + 1, cancelled: true, ..self.event };
            }
            Action::RaiseRead => self.raise = Raise::Seen(self.event),
            Action::Raise => self.raise(config),
            Action::Index(booking) => self.index[booking] = self.index[booking].next(),
            Action::ReadEvent(janitor)
            | Action::ReadShards(janitor)
            | Action::Close(janitor, _)
            | Action::List(janitor)
            | Action::Cancel(janitor, _)
            | Action::Judge(janitor, _)
            | Action::Finish(janitor)
            | Action::Leave(janitor) => {
                self.janitors[janitor] = self.run(config, action, self.janitors[janitor]);
            }
        }
    }

    /// What a run comes to by its next step.
    fn run(&mut self, config: &Config, action: Action, at: Janitor) -> Janitor {
        match (action, at) {
            (Action::ReadEvent(_), _) => {
                let shards = self.event.shards;
                match config.lacks(Guard::ClosedBeforeListed) {
                    false => Janitor::Opened { shards },
                    true => Janitor::Listing { shards, from: 0 },
                }
            }
            (Action::ReadShards(_), Janitor::Opened { shards }) => {
                close_or_go_on(config, shards, self.open_shards(shards))
            }
            (Action::Close(_, shard), Janitor::Closing { shards, open }) => {
                self.shards[shard].closed = true;
                close_or_go_on(config, shards, open & !(1 << shard))
            }
            (Action::List(_), Janitor::Listing { shards, from }) => {
                let next = (from + config.page).min(CONFIRMS);
                cancel_or_go_on(config, shards, next, self.listed(from, next))
            }
            (Action::Cancel(_, booking), Janitor::Cancelling { shards, next, left }) => {
                self.cancel(config, booking);
                cancel_or_go_on(config, shards, next, left & !(1 << booking))
            }
            (Action::Judge(_, shard), Janitor::Judging { shards, unread }) => {
                let (is_done, unread) = (self.is_done(shard), unread & !(1 << shard));
                match (is_done, unread) {
                    (false, _) => Janitor::Unfinished,
                    (true, 0) => Janitor::Finishing,
                    (true, _) => Janitor::Judging { shards, unread },
                }
            }
            (Action::Finish(_), _) => {
                self.finish();
                Janitor::Idle
            }
            _ => Janitor::Idle,
        }
    }

    fn open_shards(&self, shards: u8) -> Mask {
        each(first(shards)).filter(|shard| !self.shards[*shard].closed).fold(0, with)
    }

    /// The bookings of a page that are confirmed, as the index says.
    fn listed(&self, from: usize, next: usize) -> Mask {
        (from..next).filter(|booking| self.index[*booking] == Booking::Confirmed).fold(0, with)
    }

    fn is_done(&self, shard: usize) -> bool {
        self.shards[shard].closed && self.shards[shard].sold == 0
    }
}

fn with(mask: Mask, number: usize) -> Mask {
    mask | 1 << number
}

/// The shards that are still to be closed, and what comes after them.
fn close_or_go_on(config: &Config, shards: u8, open: Mask) -> Janitor {
    match open {
        0 if config.lacks(Guard::ClosedBeforeListed) => judge(config, shards),
        0 => Janitor::Listing { shards, from: 0 },
        open => Janitor::Closing { shards, open },
    }
}

/// The bookings of the page that are still to be cancelled, and what comes after them: the next page, or the end.
fn cancel_or_go_on(config: &Config, shards: u8, next: usize, left: Mask) -> Janitor {
    match left {
        0 if next < CONFIRMS => Janitor::Listing { shards, from: next },
        0 if config.lacks(Guard::ClosedBeforeListed) => Janitor::Opened { shards },
        0 => judge(config, shards),
        left => Janitor::Cancelling { shards, next, left },
    }
}

fn judge(config: &Config, shards: u8) -> Janitor {
    match config.lacks(Guard::ShardsJudge) {
        false => Janitor::Judging { shards, unread: first(shards) },
        true => Janitor::Finishing,
    }
}
