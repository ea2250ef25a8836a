//! The invariants of the protocol, by their numbers, and what must have happened for them to mean something.

use stateright::Property;

use crate::{
    config::Config,
    model::Protocol,
    reached, rest,
    state::{HOLDS, Made, RESERVATIONS, SHARDS, State, Status, Upset},
};

/// 1. No shard sells more than it has, with Redis arbitrarily wrong.
pub const OVERSOLD: &str = "1 no shard sells more than its capacity";
/// 2. A free seat or a hold is a promise that can be kept.
pub const PROMISES: &str = "2 Redis promises no seat that is not there";
/// 3. Where Redis knows every commit, its count is exact.
pub const EXACT: &str = "3 no seat is lost while Redis knows every commit";
/// 3. After two sweeps, whatever happened.
pub const AT_REST: &str = "3 no seat is lost at rest";
/// 4. Confirmed, or its seats returned; never both, never twice.
pub const ENDS_ONCE: &str = "4 a reservation ends once";
/// 5. One key makes one reservation, and that at most one booking.
pub const ONE_BOOKING: &str = "5 one key, one reservation, one booking";
/// 6. The price charged is the price quoted.
pub const PRICE: &str = "6 the price charged is the price quoted";
/// 7. What is sold is what the confirmed bookings have.
pub const BOOKINGS: &str = "7 a booking changes only by a cancel, and its seats return once";
/// 8. At rest, what is unsold can be had, or will be once the holds run out.
pub const SOLD_OUT: &str = "8 sold out is not said for good while a seat is free";

/// A draft has nobody's seats, unless Redis lost data or a write came late.
pub const DRAFT: &str = "a draft has nobody's seats";

/// The properties to check in a configuration.
pub(crate) fn of(config: &Config) -> Vec<Property<Protocol>> {
    let mut properties = vec![
        Property::always(OVERSOLD, |_, state: &State| {
            state.dynamo.shards.iter().all(|shard| shard.sold <= shard.capacity)
        }),
        Property::always(PROMISES, |_, state: &State| {
            (0..SHARDS).all(|shard| promises_can_be_kept(state, shard))
        }),
        Property::always(EXACT, |_, state: &State| {
            state.upset == Upset::FellBack
                || (0..SHARDS).all(|shard| !is_known(state, shard) || state.is_exact(shard))
        }),
        Property::always(AT_REST, |model: &Protocol, state: &State| {
            rest::after_sweeps(&model.config, state).is_none_or(|rested| {
                rest::nothing_is_lost(&rested)
                    && rest::nothing_is_lost(&rest::after_all_expired(&model.config, rested))
            })
        }),
        Property::always(ENDS_ONCE, ends_once),
        Property::always(ONE_BOOKING, |model: &Protocol, state: &State| {
            state.dynamo.bookings.iter().all(|booking| booking.puts <= 1)
                && one_reservation_a_key(model, state)
        }),
        Property::always(PRICE, |_, state: &State| {
            state.dynamo.bookings.iter().zip(&state.reservations).all(|(booking, reservation)| {
                booking.status == Status::Absent || booking.price == reservation.quoted
            })
        }),
        Property::always(BOOKINGS, |_, state: &State| {
            (0..SHARDS).all(|shard| {
                let confirmed =
                    state.dynamo.bookings.iter().filter(|booking| booking.status == Status::Confirmed);
                confirmed.map(|booking| booking.draws[shard]).sum::<u8>() == state.dynamo.shards[shard].sold
            })
        }),
        Property::always(DRAFT, |_, state: &State| {
            !state.dynamo.draft
                || state.losses + state.failovers + state.lates > 0
                || state.dynamo.shards.iter().all(|shard| shard.sold == 0)
        }),
        Property::always(SOLD_OUT, |model: &Protocol, state: &State| {
            rest::after_sweeps(&model.config, state).is_none_or(|rested| rest::sells_what_is_there(&rested))
        }),
    ];
    properties.extend(reached::of(config));
    properties
}

/// Whether Redis knows every commit of a shard.
fn is_known(state: &State, shard: usize) -> bool {
    state.redis.is_some_and(|redis| redis.shards[shard].applied == state.dynamo.shards[shard].version)
}

/// Whether free and held seats exist, a hold whose commit is done counted as sold only. After Redis lost data, or a
/// write came late, a shard may promise too much only as long as it lacks a commit.
fn promises_can_be_kept(state: &State, shard: usize) -> bool {
    let Some(redis) = &state.redis else { return true };
    let held: u8 =
        (0..HOLDS).filter(|id| !state.is_committed(*id)).map(|id| redis.holds[id].draws[shard]).sum();
    let excused = match state.upset {
        Upset::No => false,
        Upset::Yes { .. } => redis.shards[shard].applied < state.dynamo.shards[shard].version,
        Upset::FellBack => true,
    };
    excused || redis.shards[shard].free + held as i8 <= state.dynamo.shards[shard].unsold()
}

fn ends_once(_: &Protocol, state: &State) -> bool {
    // A late write finds its hold settled, and a hold that comes back from a replica ends again: there is still one
    // booking at most, which is property 5.
    state.lates > 0
        || state.failovers > 0
        || (0..RESERVATIONS).all(|id| {
            let confirmed = u8::from(state.dynamo.bookings[id].status != Status::Absent);
            confirmed + state.reservations[id].returns <= 1
        })
}

/// The record of a key lives in Redis only: a second reservation can be made after that was lost.
fn one_reservation_a_key(model: &Protocol, state: &State) -> bool {
    let requests = model.config.requests;
    let made = |id: usize| state.reservations[id].made == Made::Held;
    (0..requests.len()).all(|id| {
        (0..id).all(|earlier| {
            !(made(id) && made(earlier) && requests[id].key == requests[earlier].key)
                || state.reservations[id].born != state.reservations[earlier].born
                || state.failovers > 0
        })
    })
}
