//! The protocol as the checker sees it: from each state, every step that anyone could take next.

use stateright::{Model, Property};

use crate::{
    action::{Action, Process},
    config::{Config, Mutation},
    properties,
    state::{AttemptAt, FollowAt, HOLDS, HoldState, Janitor, Loader, LowerAt, Made, State, Status},
    workers::ReconcileTurn,
};

/// The booking protocol of one configuration.
#[derive(Clone, Debug)]
pub struct Protocol {
    /// The configuration.
    pub config: Config,
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::start(&self.config)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.holds(state, actions);
        self.confirms(state, actions);
        self.changes(state, actions);
        self.workers(state, actions);
        self.faults(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = *state;
        self.act(&mut next, action);
        next.tidy();
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(&self.config)
    }
}

impl Protocol {
    /// Reserve, release, and the passing of time.
    fn holds(&self, state: &State, actions: &mut Vec<Action>) {
        let Some(redis) = &state.redis else { return };
        for (reservation, request) in self.config.requests.iter().enumerate() {
            let made = state.reservations[reservation].made;
            // Of two requests that want the same the first comes first: the other order is the same story.
            let comes_first = reservation == 0
                || state.reservations[reservation - 1].made != Made::NotYet
                || self.config.requests[reservation - 1].seats != request.seats;
            if made == Made::NotYet && comes_first {
                actions.extend(
                    (0..usize::from(redis.count)).map(|start| Action::Reserve { reservation, start }),
                );
            }
            let hold = redis.holds[reservation];
            // What has run out is expired, not released.
            let releasable = hold.state == HoldState::Held && !hold.overdue
                || hold.state == HoldState::Confirming && self.config.lacks(Mutation::ReleaseConfirming);
            if self.config.releases && releasable {
                actions.push(Action::Release { reservation });
            }
        }
        actions.extend(
            (0..HOLDS).filter(|id| state.deadline_may_pass(*id)).map(|hold| Action::DeadlinePasses { hold }),
        );
        if self.config.reprices && state.dynamo.price == 0 {
            actions.push(Action::Reprice);
        }
        if redis.price != state.dynamo.price || redis.draft != state.dynamo.draft {
            actions.push(Action::Refresh);
        }
    }

    fn confirms(&self, state: &State, actions: &mut Vec<Action>) {
        for (reservation, request) in self.config.requests.iter().enumerate() {
            for attempt in 0..usize::from(request.attempts) {
                let at = state.attempts[reservation][attempt].at;
                match at {
                    // Attempts are alike: the first begins first.
                    AttemptAt::Begin
                        if state.reservations[reservation].made == Made::Held
                            && (attempt == 0 || state.attempts[reservation][0].at != AttemptAt::Begin) =>
                    {
                        actions.push(Action::Begin { reservation, attempt });
                    }
                    AttemptAt::Commit => {
                        actions.push(Action::Commit { reservation, attempt });
                        if self.config.limits && !state.attempts[reservation][attempt].redrawn {
                            actions.push(Action::Refuse { reservation, attempt });
                        }
                        if state.lost_replies < self.config.faults.lost_replies {
                            actions.push(Action::CommitReplyLost { reservation, attempt });
                        }
                    }
                    AttemptAt::Ask => actions.push(Action::AskById { reservation, attempt }),
                    AttemptAt::Redraw => {
                        let count = state.redis.map_or(1, |redis| usize::from(redis.count));
                        actions.extend((0..count).map(|start| Action::Redraw {
                            reservation,
                            attempt,
                            start,
                        }));
                    }
                    AttemptAt::Finish => actions.push(Action::Finish { reservation, attempt }),
                    AttemptAt::Begin | AttemptAt::Done => {}
                }
            }
        }
    }

    /// Cancels and changes of capacity.
    fn changes(&self, state: &State, actions: &mut Vec<Action>) {
        for (cancel, reservation) in self.config.cancels.iter().enumerate() {
            let booked = state.dynamo.bookings[*reservation].status != Status::Absent;
            match state.cancels[cancel].at {
                FollowAt::Read if booked => actions.push(Action::CancelRead { cancel }),
                FollowAt::Commit => actions.push(Action::Cancel { cancel }),
                FollowAt::Restock => actions.push(Action::Restock { cancel }),
                FollowAt::Read | FollowAt::Done => {}
            }
        }
        if self.config.raise.is_some() {
            match state.raise.at {
                FollowAt::Read => actions.push(Action::RaiseRead),
                FollowAt::Commit => actions.push(Action::Raise),
                FollowAt::Restock => actions.push(Action::RestockRaised),
                FollowAt::Done => {}
            }
        }
        for lower in 0..self.config.lowers.len() {
            match state.lowers[lower].at {
                LowerAt::Read => actions.push(Action::LowerRead { lower }),
                LowerAt::FinishBefore => actions.push(Action::FinishBefore { lower }),
                LowerAt::Withdraw => actions.push(Action::Withdraw { lower }),
                LowerAt::Commit => actions.push(Action::Lower { lower }),
                LowerAt::Finish => actions.push(Action::FinishLowered { lower }),
                LowerAt::Look => actions.push(Action::LookUnpublished { lower }),
                LowerAt::Refresh => actions.push(Action::RefreshUnpublished { lower }),
                LowerAt::Settle => actions.push(Action::SettleLowered { lower }),
                LowerAt::Done => {}
            }
        }
    }

    fn workers(&self, state: &State, actions: &mut Vec<Action>) {
        // Those that idle stand in front and are alike: the last of them moves.
        for loader in busy_and_one_idle(&state.loaders, Loader::Idle, self.config.loaders) {
            match state.loaders[loader] {
                Loader::Idle if state.redis.is_none() => actions.push(Action::LoadEvent { loader }),
                Loader::Idle => {}
                Loader::Reading { read, event, .. } if read < event.count => {
                    actions.push(Action::LoadShard { loader });
                }
                Loader::Reading { .. } => actions.push(Action::Load { loader }),
            }
        }
        if state.redis.is_some_and(|redis| redis.holds.iter().any(|hold| hold.overdue)) {
            actions.push(Action::Expire);
        }
        for janitor in busy_and_one_idle(&state.janitors, Janitor::Idle, self.config.janitors) {
            match state.janitors[janitor] {
                Janitor::Idle => actions.extend(
                    (0..HOLDS)
                        .filter(|id| state.overdue_confirm(*id).is_some())
                        .map(|hold| Action::SettleFound { janitor, hold }),
                ),
                Janitor::Settling { .. } => actions.push(Action::SettleRead { janitor }),
                Janitor::Settled { .. } => actions.push(Action::Settle { janitor }),
                Janitor::Reconciling { .. } => {}
            }
            if self.config.reconciles {
                match state.reconcile_turn(&self.config, janitor) {
                    Some(ReconcileTurn::See) => actions.push(Action::ReconcileSee { janitor }),
                    Some(ReconcileTurn::Read) => actions.push(Action::ReconcileRead { janitor }),
                    Some(ReconcileTurn::Act) => actions.push(Action::Reconcile { janitor }),
                    None => {}
                }
            }
        }
    }

    fn faults(&self, state: &State, actions: &mut Vec<Action>) {
        let faults = &self.config.faults;
        for process in Process::all().filter(|process| state.is_open(*process)) {
            actions.push(Action::Crash(process));
            if state.lates < faults.lates && state.is_at_commit(process) && !state.is_late(process) {
                actions.push(Action::WriteIsLate(process));
            }
            if state.duplicates < faults.duplicates && !state.is_late(process) {
                actions.push(Action::Twice(process));
            }
        }
        for loader in busy_and_one_idle(&state.loaders, Loader::Idle, self.config.loaders) {
            if state.loaders[loader] != Loader::Idle {
                actions.push(Action::CrashOfLoader { loader });
            }
        }
        for janitor in busy_and_one_idle(&state.janitors, Janitor::Idle, self.config.janitors) {
            if state.janitors[janitor] != Janitor::Idle {
                actions.push(Action::CrashOfJanitor { janitor });
            }
        }
        if state.redis.is_some() && state.losses < faults.losses {
            actions.push(Action::RedisEmptied);
        }
        if state.failovers < faults.failovers {
            match (&state.redis, &state.replica) {
                (_, Some(_)) => actions.push(Action::RedisFallsBack),
                (Some(_), None) => actions.push(Action::ReplicaCopies),
                (None, None) => {}
            }
        }
    }
}

/// The places of those that do something, and of one that idles. The places are sorted, so that like states are one;
/// those of `None` that may not exist idle.
fn busy_and_one_idle<T: PartialEq>(places: &[T], idle: T, exist: usize) -> impl Iterator<Item = usize> {
    let idling = places.iter().filter(|place| **place == idle).count();
    let busy = places.len() - idling;
    let one_more = (busy < exist && idling > 0).then(|| idling - 1);
    one_more.into_iter().chain(idling..places.len())
}
