//! What the janitor makes of a state in which nothing is under way. As everything that is under way comes to an end, or breaks off,
//! such a state can be reached from everywhere.

use super::{
    Action, By, Config, Guard, PAYMENTS,
    state::{Hold, Janitor, Judge, Returner, State},
};

/// Rounds of the janitor: in the first a paid booking of a cancelled event may become confirmed, in the next it is cancelled.
const ROUNDS: usize = 3;

/// What two sweeps leave, or nothing if something is under way.
pub(super) fn after_sweeps(config: &Config, state: &State) -> Option<State> {
    let mut rested = (state.under_way() == 0).then_some(*state)?;
    (rested.janitor, rested.loader) = (Janitor::default(), None);
    for _ in 0..2 {
        sweep(config, &mut rested);
    }
    Some(rested)
}

fn sweep(config: &Config, state: &mut State) {
    let loads = [Action::LoadRead, Action::Load].into_iter().filter(|_| state.redis.is_none());
    let is_left = |id: &usize| state.holds[*id] == Hold::Confirming;
    let settles = config.by_number().map(|(id, _)| id).filter(is_left).map(Action::End);
    let reconciles = [Action::ReconcileSee, Action::ReconcileRead, Action::Reconcile];
    let steps: Vec<Action> = loads.chain(settles).chain(reconciles).collect();
    steps.into_iter().for_each(|step| state.act(config, step));
}

/// The same when every time is over, and the outside has answered; for holds and bookings both.
pub(super) fn after_all_is_over(config: &Config, mut state: State) -> State {
    for _ in 0..ROUNDS {
        for (id, _) in config.by_number() {
            end(config, &mut state, id);
        }
    }
    for (id, _) in config.by_number() {
        state.act(config, Action::End(id));
    }
    if state.event_cancelled {
        state.judge = Judge::Seen(0);
        let (closes, judges) = (config.shards().map(Action::CloseShard), config.shards().map(Action::Judge));
        for step in closes.chain(judges.clone()).chain(judges) {
            state.act(config, step);
        }
        if state.judge == Judge::Finishing || config.lacks(Guard::ShardsJudge) {
            state.act(config, Action::FinishEvent);
        }
    }
    state
}

/// What is done for a booking when its time is over: it closes, the outside is asked, and what it says decides.
fn end(config: &Config, state: &mut State, id: usize) {
    let time = By::Time(state.bookings[id].expires_at);
    let by = if state.event_cancelled { By::Event } else { time };
    let_return(config, state, Action::Expire(0, id, by));
    state.act(config, Action::Close(id, by));
    for attempt in 0..usize::from(state.bookings[id].attempts).min(PAYMENTS) {
        state.act(config, Action::CloseOutside(id, attempt));
        let was_paid = state.was_paid(id, attempt);
        let said = if was_paid { Action::SayPaid(id) } else { Action::SayNothing(id, attempt) };
        state.act(config, said);
        if was_paid {
            state.act(config, Action::Confirm(id));
        }
    }
    let_return(config, state, Action::Expire(0, id, By::Word));
    if state.event_cancelled {
        let_return(config, state, Action::Cancel(0, id));
    }
}

fn let_return(config: &Config, state: &mut State, step: Action) {
    state.returners[0] = Returner::Idle;
    let before = state.shards;
    [Action::SeeEpoch(0), step].into_iter().for_each(|step| state.act(config, step));
    if state.shards != before {
        state.act(config, Action::Restock(0));
    }
    state.returners[0] = Returner::Idle;
}
