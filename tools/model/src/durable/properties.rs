//! What must hold of durable holds, and what must have happened for it to mean something.

use stateright::Property;

use super::{
    Config, Durable, PAYMENTS, rest,
    state::{Booking, Hold, Payment, State, Status, Word},
};

/// 1. With Redis arbitrarily wrong; and the numbers are those of the bookings.
pub const CONSERVED: &str =
    "1 a shard's pending and sold are its bookings', the rest is unsold, and none is less than nothing";
/// 2. Without a loss, and without a commit that is late.
pub const PROMISES: &str =
    "2 Redis promises no seat that is not there, unless it lacks a commit after a loss, or one that is late";
/// 3. Redis counts right.
pub const KNOWN: &str = "3 where Redis knows every commit, its count is exact, and it never knows of more";
/// 12. In any order.
pub const ENDS_ONCE: &str = "12 a booking becomes confirmed or expired once";
/// 13. Whatever broke off before.
pub const ENDS: &str = "13 what is over and of which the outside has answered does not stay";
/// 14. In both stores.
pub const AT_REST: &str = "14 at rest every seat is free, held, pending or sold, alike in both stores";
/// Nobody has paid for nothing.
pub const PAID_FOR: &str = "what was paid is confirmed, or is void and noted as paid, so that it goes back";
/// And nobody has a seat for nothing.
pub const CHARGED: &str = "what is confirmed was not paid back";
/// Nobody pays twice.
pub const ONE_PAYMENT: &str = "a booking is paid once";
/// An extension wins.
pub const EXTENDED: &str = "who was told of an extension is not closed before it";
/// Answers.
pub const TOLD: &str = "nobody is told that a booking is what it is not";
/// For ever.
pub const FINISHED: &str = "once an event is finished, no booking is pending, closing or confirmed";
/// Liveness of that.
pub const FINISHES: &str = "at rest, when the outside has answered, a cancelled event is finished";

/// It was paid when it had begun to close.
pub const PAID_WHILE_CLOSING: &str = "a booking is paid while it closes, and is still to be confirmed";
/// The other end.
pub const EXPIRED_BY_WORD: &str = "a booking expires by the outside's word";
/// Nobody has tried to pay.
pub const EXPIRED_DIRECTLY: &str = "a booking expires that had no attempt";
/// Whoever opened it is gone, or slow.
pub const CLOSED_UNHEARD: &str = "a booking closes before the outside has heard of its attempt";
/// The outside closed one, and another was opened.
pub const SECOND_PAID: &str = "a second attempt is paid";
/// The stream and the janitor bring the same booking.
pub const MEET: &str = "two inner functions meet on a booking";
/// Restock is refused for the epoch.
pub const OTHER_EPOCH: &str = "a return meets a Redis that was loaded since";
/// The halves of two commits come in the wrong order.
pub const BEFORE_FINISH: &str = "Redis hears of a return before the booking's own hold is finished";
/// A call comes too late for its own booking.
pub const MET_EXPIRED: &str = "a call meets its booking, expired";
/// A call for another kind of booking meets it.
pub const MET_PENDING: &str = "a confirm meets a pending booking";
/// Settle finds more than confirmed ones.
pub const SETTLED: &str = "a hold is left to settle whose booking is not confirmed";
/// After a loss.
pub const REFUSED: &str = "DynamoDB refuses seats that Redis promised";
/// Its seats may be others' by now.
pub const COMES_LATE: &str = "a commit is still to come when its hold has ended without a loss";
/// Reconcile has something to adopt.
pub const WAITED: &str = "a difference has lasted longer than a grace";
/// What the guard on the time is for.
pub const LATE_CLOSE: &str = "a booking is pending for longer, after its time was read";
/// Its money goes back.
pub const VOID_PAID: &str = "a void booking was paid";
/// Which has not the condition on closed shards.
pub const CONFIRMED_LATE: &str = "a booking is confirmed after its shards were closed";
/// What closing is for.
pub const LATE: &str = "a commit comes when a shard is closed";
/// The end is not the end of all requests.
pub const STILL_BEGUN: &str = "an event is finished while a commit is still to come";

pub(super) fn all() -> Vec<Property<Durable>> {
    let mut properties = vec![
        Property::always(CONSERVED, |model: &Durable, state: &State| {
            model.config.shards().all(|shard| is_conserved(&model.config, state, shard))
        }),
        Property::always(PROMISES, |model: &Durable, state: &State| {
            model.config.shards().all(|shard| can_be_kept(&model.config, state, shard))
        }),
        Property::always(KNOWN, |model: &Durable, state: &State| {
            model.config.shards().all(|shard| is_known(&model.config, state, shard))
        }),
        Property::always(ENDS_ONCE, |_, state: &State| {
            state.bookings.iter().all(|booking| booking.ends == u8::from(booking.has_ended()))
        }),
        Property::always(ENDS, |model: &Durable, state: &State| {
            rest::after_sweeps(&model.config, state)
                .map(|rested| rest::after_all_is_over(&model.config, rested))
                .is_none_or(|over| !over.bookings.iter().any(|booking| booking.is_open()))
        }),
        Property::always(AT_REST, |model: &Durable, state: &State| {
            rest::after_sweeps(&model.config, state).is_none_or(|rested| {
                is_alike(&model.config, &rested)
                    && is_alike(&model.config, &rest::after_all_is_over(&model.config, rested))
            })
        }),
        Property::always(PAID_FOR, |_, state: &State| {
            all_bookings(state).all(|(id, booking)| match booking.status {
                Status::Expired => !state.was_ever_paid(id) || booking.void && booking.word == Word::Paid,
                _ => true,
            })
        }),
        Property::always(CHARGED, |_, state: &State| {
            let is_returned = |id: usize| state.payments[id].contains(&Payment::Returned);
            all_bookings(state).all(|(id, booking)| booking.status != Status::Confirmed || !is_returned(id))
        }),
        Property::always(ONE_PAYMENT, |_, state: &State| {
            all_bookings(state)
                .all(|(id, _)| (0..PAYMENTS).filter(|attempt| state.was_paid(id, *attempt)).count() <= 1)
        }),
        Property::always(EXTENDED, |_, state: &State| !state.overruled),
        Property::always(TOLD, |_, state: &State| !state.lied),
        Property::always(FINISHED, |_, state: &State| {
            let is_left = |booking: &Booking| booking.is_open() || booking.status == Status::Confirmed;
            !state.event_finished || !state.bookings.iter().any(is_left)
        }),
        Property::always(FINISHES, |model: &Durable, state: &State| {
            !state.event_cancelled
                || rest::after_sweeps(&model.config, state)
                    .is_none_or(|rested| rest::after_all_is_over(&model.config, rested).event_finished)
        }),
    ];
    properties.extend(super::reached::all());
    properties
}

pub(super) fn all_bookings(state: &State) -> impl Iterator<Item = (usize, Booking)> {
    state.bookings.into_iter().enumerate()
}

/// Seats of a shard that bookings have which are so.
fn seats(config: &Config, shard: usize, is_so: impl Fn(usize) -> bool) -> i8 {
    let so = config.by_number().filter(|(id, _)| is_so(*id));
    so.map(|(_, request)| request.draws[shard]).sum()
}

fn is_conserved(config: &Config, state: &State, number: usize) -> bool {
    let shard = state.shards[number];
    let pending = seats(config, number, |id| state.bookings[id].is_open());
    let sold = seats(config, number, |id| state.bookings[id].status == Status::Confirmed);
    (shard.pending, shard.sold) == (pending, sold)
        && shard.unsold >= 0
        && shard.unsold + pending + sold == config.capacity[number]
}

/// What Redis counts of a shard: what is free, and what is held of which there is no booking; and how many commits it lacks.
fn counted(config: &Config, state: &State, number: usize) -> Option<(i8, i16)> {
    let redis = state.redis?;
    let is_only_held =
        |id: usize| state.holds[id] != Hold::None && state.bookings[id].status == Status::Absent;
    let copy = redis.shards[number];
    let lacks = i16::from(state.shards[number].version) - i16::from(copy.applied);
    Some((copy.free + seats(config, number, is_only_held), lacks))
}

fn can_be_kept(config: &Config, state: &State, number: usize) -> bool {
    counted(config, state, number).is_none_or(|(counted, lacks)| {
        counted <= state.shards[number].unsold || (state.losses > 0 || config.late) && lacks > 0
    })
}

fn is_known(config: &Config, state: &State, number: usize) -> bool {
    counted(config, state, number)
        .is_none_or(|(counted, lacks)| lacks > 0 || lacks == 0 && counted == state.shards[number].unsold)
}

/// Whether each seat is free or held in Redis, or pending or sold in DynamoDB; no hold has a booking then.
fn is_alike(config: &Config, state: &State) -> bool {
    config.shards().all(|number| {
        let Some(redis) = state.redis else { return false };
        let (shard, (held, _)) = (state.shards[number], state.held(config, number));
        redis.shards[number].free + held + shard.pending + shard.sold == config.capacity[number]
    })
}

impl State {
    /// Whether that attempt was ever paid.
    pub(super) fn was_paid(&self, id: usize, attempt: usize) -> bool {
        matches!(self.payments[id][attempt], Payment::Paid | Payment::Returned)
    }

    pub(super) fn was_ever_paid(&self, id: usize) -> bool {
        (0..PAYMENTS).any(|attempt| self.was_paid(id, attempt))
    }
}
