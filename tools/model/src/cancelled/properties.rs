//! What must hold of a cancelled event, and what must have happened for it to mean something.

use stateright::Property;

use super::{
    Action, CONFIRMS, Cancelled, Config, Mask, SHARDS,
    state::{Attempt, Booking, Janitor, Owner, State, each, first},
};

/// 1 and 7: a seat returns once, whoever cancels.
pub const SOLD: &str =
    "1, 7 what is sold of a shard are the seats of its confirmed bookings, and the rest is unsold";
/// By them an admin is told how many bookings are left.
pub const COUNTED: &str = "each commit and each cancel counts once";
/// Always, from then on.
pub const FINISHED: &str = "once it is finished, no booking is confirmed";
/// What is left of that while a release runs whose commits do not look at `closed`.
pub const FINISHED_FOR_NEW: &str = "once it is finished, no booking of this release is confirmed";
/// Also a shard that comes later.
pub const CLOSED: &str = "once it is finished, each shard is closed";
/// Why reads of one shard after the other are as good as a snapshot.
pub const STAYS_EMPTY: &str = "what a run has seen to be closed and empty sells nothing any more";
/// It can't take place after all.
pub const CANCELLED: &str = "an event that is finished stays cancelled";
/// Whatever broke off before.
pub const AT_REST: &str = "at rest one run of the janitor, once the index has caught up, finishes it";

/// What closing is for.
pub const LATE: &str = "a late commit is refused because a shard is closed";
/// What the end is judged by the shards for.
pub const LAGGED: &str = "a run does not finish, for the index lags behind";
/// Two runs want to cancel the same booking.
pub const JANITORS_MEET: &str = "two runs of the janitor meet on a booking";
/// Its owner and a run want to cancel a booking.
pub const OWNER_MEETS: &str = "the owner and the janitor meet on a booking";
/// A confirm whose reply was lost is sent again.
pub const REPEATED: &str = "a commit is repeated when its booking is cancelled already";
/// An admin's change of the event writes it as it was before.
pub const FINISHED_AGAIN: &str = "it was finished, and is to be finished again";
/// The end is not the end of all requests.
pub const STILL_BEGUN: &str = "it is finished while a commit is still to come";

pub(super) fn all() -> Vec<Property<Cancelled>> {
    let mut properties = vec![
        Property::always(SOLD, |model: &Cancelled, state: &State| {
            (0..SHARDS).all(|shard| is_exact(&model.config, state, shard))
        }),
        Property::always(COUNTED, |model: &Cancelled, state: &State| {
            (0..SHARDS).all(|shard| is_counted(&model.config, state, shard))
        }),
        Property::always(FINISHED, |_, state: &State| {
            !state.was_finished || !state.bookings.contains(&Booking::Confirmed)
        }),
        Property::always(FINISHED_FOR_NEW, |model: &Cancelled, state: &State| {
            let of_old = model.config.of_old_release;
            let is_left = |confirm: usize| state.bookings[confirm] == Booking::Confirmed && !of_old[confirm];
            !state.was_finished || !(0..CONFIRMS).any(is_left)
        }),
        Property::always(CLOSED, |_, state: &State| {
            !state.was_finished || each(first(state.event.shards)).all(|shard| state.shards[shard].closed)
        }),
        Property::always(STAYS_EMPTY, |_, state: &State| {
            let mut seen = state.janitors.iter().map(|janitor| seen_empty(state, *janitor));
            seen.all(|seen| each(seen).all(|shard| state.shards[shard].sold == 0))
        }),
        Property::always(CANCELLED, |_, state: &State| !state.was_finished || state.event.cancelled),
        Property::always(AT_REST, |model: &Cancelled, state: &State| {
            !state.event.is_being_cancelled()
                || !state.is_at_rest()
                || after_a_run(&model.config, *state).event.finished
        }),
    ];
    properties.extend(reached());
    properties
}

fn reached() -> [Property<Cancelled>; 7] {
    [
        Property::sometimes(LATE, |_, state: &State| state.attempts.contains(&Attempt::Closed)),
        Property::sometimes(LAGGED, |_, state: &State| {
            // All are closed, so what is sold was so when the bookings were listed.
            let is_all_closed = each(first(state.event.shards)).all(|shard| state.shards[shard].closed);
            let lags = state.index != state.bookings;
            is_all_closed && lags && state.janitors.contains(&Janitor::Unfinished)
        }),
        Property::sometimes(JANITORS_MEET, |_, state: &State| {
            let wanted = state.janitors.map(to_cancel).into_iter().reduce(|one, other| one & other);
            confirmed_of(state, wanted.unwrap_or(0))
        }),
        Property::sometimes(OWNER_MEETS, |model: &Cancelled, state: &State| {
            let owners = model.config.owner_cancels.map_or(0, |booking| 1 << booking);
            let wanted = state.janitors.into_iter().map(to_cancel).fold(0, |one, other| one | other);
            state.owner == Owner::Seen && confirmed_of(state, owners & wanted)
        }),
        Property::sometimes(REPEATED, |_, state: &State| {
            (0..CONFIRMS).any(|confirm| {
                state.attempts[confirm] == Attempt::Begun && state.bookings[confirm] == Booking::Cancelled
            })
        }),
        Property::sometimes(FINISHED_AGAIN, |_, state: &State| state.was_finished && !state.event.finished),
        Property::sometimes(STILL_BEGUN, |_, state: &State| {
            state.event.finished && state.attempts.contains(&Attempt::Begun)
        }),
    ]
}

/// Seats of the shard that bookings have, which are so, and how many bookings draw on it, first or not.
fn drawn(config: &Config, shard: usize, is_so: impl Fn(usize) -> bool) -> (u8, u8, u8) {
    let so = (0..CONFIRMS).filter(|booking| is_so(*booking));
    so.fold((0, 0, 0), |(seats, draws, first_draws), booking| {
        let mut of_booking = config.draws_of(booking);
        let is_first = config.draws_of(booking).next().is_some_and(|(first, _)| first == shard);
        match of_booking.find(|(of, _)| *of == shard) {
            Some((_, drawn)) => (seats + drawn, draws + 1, first_draws + u8::from(is_first)),
            None => (seats, draws, first_draws),
        }
    })
}

fn is_exact(config: &Config, state: &State, number: usize) -> bool {
    let shard = state.shards[number];
    let (seats, ..) = drawn(config, number, |booking| state.bookings[booking] == Booking::Confirmed);
    shard.sold == seats && shard.sold + shard.unsold == shard.capacity
}

fn is_counted(config: &Config, state: &State, number: usize) -> bool {
    let shard = state.shards[number];
    let (_, made, counted) = drawn(config, number, |booking| state.bookings[booking] != Booking::Absent);
    let (_, cancelled, counted_cancelled) =
        drawn(config, number, |booking| state.bookings[booking] == Booking::Cancelled);
    let counts = (shard.version, shard.bookings, shard.cancelled_bookings);
    counts == (made + cancelled, counted, counted_cancelled)
}

/// What a run is about to cancel.
fn to_cancel(janitor: Janitor) -> Mask {
    match janitor {
        Janitor::Cancelling { left, .. } => left,
        _ => 0,
    }
}

/// The shards of which a run has seen that nothing is sold.
fn seen_empty(state: &State, janitor: Janitor) -> Mask {
    match janitor {
        Janitor::Judging { shards, unread } => first(shards) & !unread,
        Janitor::Finishing => first(state.event.shards),
        _ => 0,
    }
}

fn confirmed_of(state: &State, bookings: Mask) -> bool {
    each(bookings).any(|booking| state.bookings[booking] == Booking::Confirmed)
}

/// What one run makes of a state in which nothing is under way, when the index has caught up. As everything that is under way comes to
/// an end, or breaks off, such a state can be reached from everywhere.
fn after_a_run(config: &Config, mut state: State) -> State {
    state.index = state.bookings;
    let (mut next, mut has_begun) = (Vec::new(), false);
    while !has_begun || state.janitors[0] != Janitor::Idle {
        next.clear();
        state.steps_of_janitor(0, &mut next);
        state.act(config, next.first().copied().unwrap_or(Action::Leave(0)));
        has_begun = true;
    }
    state
}
