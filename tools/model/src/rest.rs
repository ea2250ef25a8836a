//! What the janitor makes of a state in which nothing is in flight: whether every seat is found again.
//!
//! "Eventually" is asked as "always": from every state in which no request is under way, two sweeps must put
//! everything right. As any process can crash at any moment, every story can come to such a state. (The checker's
//! own `eventually` misses counterexamples where paths meet or go in circles, and a janitor goes in circles.)

use crate::{
    config::Config,
    state::{HOLDS, HoldState, Janitor, RESERVATIONS, SHARDS, State},
};

/// What two sweeps leave, or nothing if the state is not one of rest.
pub(crate) fn after_sweeps(config: &Config, state: &State) -> Option<State> {
    if !state.is_quiet() || state.redis.is_none() {
        return None;
    }
    let mut state = *state;
    state.janitors = [Janitor::Idle; 2];
    sweep(config, &mut state);
    sweep(config, &mut state);
    Some(state)
}

/// The same when every hold's time has run out besides.
pub(crate) fn after_all_expired(config: &Config, mut rested: State) -> State {
    if let Some(redis) = &mut rested.redis {
        redis
            .holds
            .iter_mut()
            .filter(|hold| hold.state != HoldState::Gone)
            .for_each(|hold| hold.overdue = true);
    }
    rested.expire(config);
    rested
}

fn sweep(config: &Config, state: &mut State) {
    state.expire(config);
    for id in 0..HOLDS {
        let Some(redis) = &mut state.redis else { return };
        // Nobody is left who could commit, so grace will pass.
        if redis.holds[id].state == HoldState::Confirming {
            redis.holds[id].overdue = true;
            let hold = redis.holds[id];
            state.settle_found(0, id, hold);
            state.settle_read(config, 0);
            state.settle_acts(config, 0);
        }
    }
    if config.reconciles {
        let Some(redis) = &state.redis else { return };
        let (seen, read) = (redis.seen(), state.dynamo.shards);
        state.reconcile(config, seen, read, 0);
    }
}

/// Whether every seat is free, held or sold on each shard.
pub(crate) fn nothing_is_lost(state: &State) -> bool {
    (0..SHARDS).all(|shard| state.is_exact(shard))
}

/// Whether reserve would find seats wherever DynamoDB has some that nobody holds, and would not say that they are
/// sold out as long as some are held.
pub(crate) fn sells_what_is_there(state: &State) -> bool {
    let Some(redis) = &state.redis else { return true };
    let unsold: i8 = state.dynamo.shards.iter().map(|shard| shard.unsold()).sum();
    let held: i8 = (0..SHARDS).map(|shard| redis.held(shard)).sum();
    let lent: i8 = (RESERVATIONS..HOLDS).map(|id| redis.holds[id].draws.iter().sum::<u8>() as i8).sum();
    let answers_sold_out = redis.free() + held < 1;
    !(answers_sold_out && unsold > 0) && redis.free() >= unsold - held - lent
}
