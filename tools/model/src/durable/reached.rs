//! What must have happened somewhere, so that what holds means something.

use stateright::Property;

use super::{
    Durable,
    properties::{
        BEFORE_FINISH, CLOSED_UNHEARD, COMES_LATE, CONFIRMED_LATE, EXPIRED_BY_WORD, EXPIRED_DIRECTLY, LATE,
        LATE_CLOSE, MEET, MET_EXPIRED, MET_PENDING, OTHER_EPOCH, PAID_WHILE_CLOSING, REFUSED, SECOND_PAID,
        SETTLED, STILL_BEGUN, VOID_PAID, WAITED, all_bookings,
    },
    state::{Hold, Payment, Progress, Returner, State, Status, Word},
};
use crate::durable::Call;

pub(super) fn all() -> Vec<Property<Durable>> {
    let mut properties = of_payments();
    properties.extend(of_returns());
    properties.extend(of_calls());
    properties.extend(of_events());
    properties
}

fn of_payments() -> Vec<Property<Durable>> {
    vec![
        Property::sometimes(PAID_WHILE_CLOSING, |_, state: &State| {
            all_bookings(state).any(|(id, booking)| {
                booking.status == Status::Closing && !booking.void && state.was_ever_paid(id)
            })
        }),
        Property::sometimes(EXPIRED_BY_WORD, |_, state: &State| {
            all_bookings(state)
                .any(|(_, booking)| booking.status == Status::Expired && booking.word == Word::Nothing)
        }),
        Property::sometimes(EXPIRED_DIRECTLY, |_, state: &State| {
            all_bookings(state).any(|(_, booking)| booking.status == Status::Expired && booking.attempts == 0)
        }),
        Property::sometimes(CLOSED_UNHEARD, |_, state: &State| {
            all_bookings(state).any(|(id, booking)| {
                let last = usize::from(booking.attempts).checked_sub(1);
                let is_unheard = last.is_some_and(|last| state.payments[id][last] == Payment::Unheard);
                booking.status == Status::Closing && is_unheard
            })
        }),
        Property::sometimes(SECOND_PAID, |_, state: &State| {
            all_bookings(state).any(|(id, _)| state.payments[id] == [Payment::Closed, Payment::Paid])
        }),
        Property::sometimes(LATE_CLOSE, |_, state: &State| {
            all_bookings(state).any(|(_, booking)| {
                booking.status == Status::Pending && booking.expires_at == 1 && booking.attempts > 0
            })
        }),
    ]
}

fn of_returns() -> Vec<Property<Durable>> {
    vec![
        Property::sometimes(MEET, |_, state: &State| {
            let both_seen = state.returners.iter().all(|returner| matches!(returner, Returner::Seen(_)));
            let is_to_expire = all_bookings(state)
                .any(|(_, booking)| booking.status == Status::Closing && booking.word == Word::Nothing);
            both_seen && is_to_expire
        }),
        Property::sometimes(OTHER_EPOCH, |_, state: &State| {
            let is_other = |returner: &Returner| matches!(returner, Returner::Committed(_, Some(seen)) if *seen != state.losses);
            state.redis.is_some() && state.returners.iter().any(is_other)
        }),
        Property::sometimes(BEFORE_FINISH, |_, state: &State| {
            let restocked = state.redis.map_or(0, |redis| redis.restocked);
            all_bookings(state).any(|(id, _)| restocked & 1 << id != 0 && state.holds[id] == Hold::Confirming)
        }),
        Property::sometimes(WAITED, |_, state: &State| {
            let mut shards = state.redis.into_iter().flat_map(|redis| redis.shards);
            shards.any(|shard| shard.differs.is_some_and(|differs| differs.waits_for == 0))
        }),
    ]
}

/// Whether a call whose commit is still to come is so, by its booking's number and what it is.
fn begun(model: &Durable, state: &State, is_so: impl Fn(usize, Call) -> bool) -> bool {
    model.config.by_number().any(|(id, request)| {
        let mut calls = request.calls.into_iter().zip(state.calls[id]);
        calls.any(|(call, at)| at == Progress::Begun && call.is_some_and(|call| is_so(id, call)))
    })
}

fn of_calls() -> Vec<Property<Durable>> {
    vec![
        Property::sometimes(MET_EXPIRED, |model: &Durable, state: &State| {
            begun(model, state, |id, _| state.bookings[id].status == Status::Expired)
        }),
        Property::sometimes(MET_PENDING, |model: &Durable, state: &State| {
            begun(model, state, |id, call| {
                call == Call::Confirm && state.bookings[id].status == Status::Pending
            })
        }),
        Property::sometimes(SETTLED, |_, state: &State| {
            all_bookings(state).any(|(id, booking)| {
                let is_left = state.holds[id] == Hold::Confirming && !state.is_called(id);
                is_left && !matches!(booking.status, Status::Absent | Status::Confirmed)
            })
        }),
        Property::sometimes(COMES_LATE, |model: &Durable, state: &State| {
            state.losses == 0
                && begun(model, state, |id, _| {
                    state.holds[id] == Hold::None && state.bookings[id].status == Status::Absent
                })
        }),
        Property::sometimes(REFUSED, |model: &Durable, state: &State| {
            begun(model, state, |id, _| {
                let mut draws = model.config.draws_of(id);
                let is_short = draws.any(|(shard, seats)| state.shards[shard].unsold < seats);
                state.bookings[id].status == Status::Absent && is_short
            })
        }),
    ]
}

fn of_events() -> Vec<Property<Durable>> {
    vec![
        Property::sometimes(VOID_PAID, |_, state: &State| {
            all_bookings(state).any(|(id, booking)| booking.void && state.was_ever_paid(id))
        }),
        Property::sometimes(CONFIRMED_LATE, |model: &Durable, state: &State| {
            let is_all_closed = model.config.shards().all(|shard| state.shards[shard].closed);
            is_all_closed
                && all_bookings(state)
                    .any(|(id, booking)| booking.is_open() && !booking.void && state.was_ever_paid(id))
        }),
        Property::sometimes(LATE, |model: &Durable, state: &State| {
            begun(model, state, |id, _| {
                let is_new = state.bookings[id].status == Status::Absent;
                is_new && model.config.draws_of(id).any(|(shard, _)| state.shards[shard].closed)
            })
        }),
        Property::sometimes(STILL_BEGUN, |model: &Durable, state: &State| {
            state.event_finished && begun(model, state, |id, _| state.bookings[id].status == Status::Absent)
        }),
    ]
}
