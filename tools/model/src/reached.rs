//! What must have happened, lest the invariants hold because nothing did.

use stateright::Property;

use crate::{
    config::Config,
    model::Protocol,
    state::{AttemptAt, HoldState, Janitor, LowerAt, Made, RESERVATIONS, SHARDS, State},
};

/// What a configuration must reach.
pub(crate) fn of(config: &Config) -> Vec<Property<Protocol>> {
    let mut reached = Vec::new();
    let mut when = |applies: bool, property: Property<Protocol>| {
        if applies && config.mutation.is_none() {
            reached.push(property);
        }
    };
    let confirms = config.requests.iter().any(|request| request.attempts > 0);
    let shared_key = |(id, request): (usize, &crate::Request)| {
        config.requests[..id].iter().any(|earlier| earlier.key == request.key)
    };
    let unpublishes = (0..config.lowers.len()).any(|lower| config.unpublishes(lower));
    let lowers = !config.lowers.is_empty() && !unpublishes;
    when(
        confirms,
        Property::sometimes("a seat is sold and its hold gone", |_, state: &State| {
            (0..RESERVATIONS).any(|id| state.dynamo.bookings[id].puts > 0 && state.has(id, HoldState::Gone))
                && state.losses + state.failovers + state.lates == 0
        }),
    );
    when(
        confirms,
        Property::sometimes("the janitor is about to finish", |_, state: &State| {
            state
                .janitors
                .iter()
                .any(|janitor| matches!(janitor, Janitor::Settled { committed: Some(_), .. }))
        }),
    );
    when(
        confirms,
        Property::sometimes("the janitor is about to undo", |_, state: &State| {
            state.janitors.iter().any(|janitor| matches!(janitor, Janitor::Settled { committed: None, .. }))
        }),
    );
    when(
        config.limits && confirms,
        Property::sometimes("a hold waits again after a refused confirm", |_, state: &State| {
            (0..RESERVATIONS).any(|id| state.has(id, HoldState::Held) && state.reservations[id].deadlines > 0)
        }),
    );
    when(
        config.janitors > 1,
        Property::sometimes("two janitors are at work", |_, state: &State| {
            state.janitors.iter().all(|janitor| *janitor != Janitor::Idle)
        }),
    );
    when(
        config.requests.iter().enumerate().any(shared_key),
        Property::sometimes("a request is delivered twice", |_, state: &State| {
            state.reservations.iter().any(|reservation| reservation.made == Made::Replayed)
        }),
    );
    when(
        config.shards() > 1 && confirms,
        Property::sometimes("a booking spans two shards", |_, state: &State| {
            state.dynamo.bookings.iter().any(|booking| booking.draws.iter().all(|seats| *seats > 0))
        }),
    );
    when(
        !config.cancels.is_empty(),
        Property::sometimes("a cancel is restocked", |_, state: &State| {
            state.redis.is_some_and(|redis| redis.restocked & !(1 << RESERVATIONS) != 0)
        }),
    );
    when(
        config.raise.is_some() && config.loaded,
        Property::sometimes("a raise is restocked", |_, state: &State| {
            state.redis.is_some_and(|redis| redis.restocked & 1 << RESERVATIONS != 0)
        }),
    );
    when(lowers, Property::sometimes("a capacity is lowered", |_, state: &State| state.dynamo.withdrawn > 0));
    when(
        lowers,
        Property::sometimes("a lowering is refused", |_, state: &State| {
            state.lowers.iter().any(|lower| lower.at == LowerAt::Settle)
                || state.lowers.iter().any(|lower| lower.at == LowerAt::Done) && state.dynamo.withdrawn == 0
        }),
    );
    when(
        unpublishes,
        Property::sometimes("an event is a draft in DynamoDB and not yet in Redis", |_, state: &State| {
            state.dynamo.draft && state.redis.is_some_and(|redis| !redis.draft)
        }),
    );
    when(
        unpublishes,
        Property::sometimes("an event is a draft for all, its seats free", |_, state: &State| {
            state.dynamo.draft && state.redis.is_some_and(|redis| redis.draft && redis.free() > 0)
        }),
    );
    when(
        config.faults.lost_replies > 0,
        Property::sometimes("a commit's reply is lost", |_, state: &State| {
            state.attempts.iter().flatten().any(|attempt| attempt.at == AttemptAt::Ask)
        }),
    );
    when(
        config.faults.losses > 0,
        Property::sometimes("Redis is emptied and loaded again", |_, state: &State| {
            state.losses > 0 && state.redis.is_some()
        }),
    );
    let wanted: u8 = config.requests[config.booked..].iter().map(|request| request.seats).sum();
    let too_many = wanted > config.capacity.iter().sum::<u8>();
    when(
        config.faults.losses > 0 && too_many,
        Property::sometimes("a commit is refused", |_, state: &State| {
            state.attempts.iter().flatten().any(|attempt| attempt.at == AttemptAt::Redraw)
        }),
    );
    when(
        config.faults.failovers > 0,
        Property::sometimes("Redis falls back", |_, state: &State| state.failovers > 0),
    );
    when(
        config.faults.failovers > 0,
        Property::sometimes("Redis claims a commit too many", |_, state: &State| {
            state.redis.is_some_and(|redis| {
                (0..SHARDS).any(|shard| redis.shards[shard].applied > state.dynamo.shards[shard].version)
            })
        }),
    );
    when(
        config.faults.duplicates > 0,
        Property::sometimes("a script runs twice", |_, state: &State| state.duplicates > 0),
    );
    when(
        config.faults.lates > 0,
        Property::sometimes("a late write is done after its hold's end", |_, state: &State| {
            (0..RESERVATIONS)
                .any(|id| state.dynamo.bookings[id].puts > 0 && state.reservations[id].returns > 0)
        }),
    );
    let others = confirms && (config.faults.losses > 0 || !config.cancels.is_empty());
    when(
        config.reconciles && others,
        Property::sometimes("reconcile remembers and waits", |_, state: &State| {
            state.redis.is_some_and(|redis| {
                redis.shards.iter().any(|shard| shard.remembered.is_some_and(|memory| memory.waiting != 0))
            })
        }),
    );
    when(
        config.reconciles && others,
        Property::sometimes("reconcile may adopt", |_, state: &State| {
            state.redis.is_some_and(|redis| {
                redis.shards.iter().any(|shard| shard.remembered.is_some_and(|memory| memory.waiting == 0))
            })
        }),
    );
    reached
}

impl State {
    pub(crate) fn has(&self, id: usize, state: HoldState) -> bool {
        self.redis.is_some_and(|redis| redis.holds[id].state == state)
    }
}
