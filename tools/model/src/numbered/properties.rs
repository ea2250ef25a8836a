//! What must hold of named seats, and what must have happened for it to mean something.

use stateright::Property;

use super::{
    Config, Numbered, REQUESTS, SEATS, USERS,
    state::{Attempt, Cancel, Row, Seat, State, Status, each},
};

/// 9. With Redis arbitrarily wrong.
pub const ONE_BOOKING: &str = "9 a seat is of one confirmed booking at most";
/// 9. DynamoDB's row and its bookings say the same.
pub const DYNAMO: &str = "9 a seat is taken by the confirmed booking that has it";
/// 9. Nobody who was told A gets B.
pub const TOLD: &str = "9 a booking has exactly the seats that its hold had";
/// 9. Without a loss nobody is promised what is sold.
pub const NEVER_FREE: &str = "9 without a loss of Redis no sold seat is free there";
/// 9. With one, only until Redis has heard of every commit.
pub const PROMISES: &str = "9 Redis shows a sold seat as free only while it lacks a commit";
/// 9. Nor does it think that it has heard of more than there were.
pub const KNOWN: &str = "9 where Redis knows every commit, its seats are DynamoDB's";
/// 10. In Redis.
pub const ONE_HOLD: &str = "10 a seat is held by one hold, or is not held";
/// 10. In both stores.
pub const AT_REST: &str = "10 at rest every seat is free, held or sold, alike in both stores";
/// The commit's count.
pub const LIMIT: &str = "nobody has more than the limit over both areas";

/// All there was is sold.
pub const SOLD_OUT: &str = "all seats and places are sold";
/// The commit refuses for the limit.
pub const AT_LIMIT: &str = "the limit over both areas refuses a commit";
/// A confirm is too late, after a loss.
pub const TAKEN: &str = "DynamoDB refuses a seat that is taken";
/// The state between free and sold that only a loss makes.
pub const HELD_BUT_SOLD: &str = "a seat is held but sold";
/// Restock is refused for the epoch.
pub const OTHER_EPOCH: &str = "a cancel meets a row that was loaded since";
/// Reconcile has something to adopt.
pub const WAITED: &str = "a difference has lasted longer than a grace";

pub(super) fn all() -> Vec<Property<Numbered>> {
    let mut properties = vec![
        Property::always(ONE_BOOKING, |_, state: &State| {
            (0..SEATS).all(|seat| confirmed_with(state, seat).count() <= 1)
        }),
        Property::always(DYNAMO, |_, state: &State| {
            (0..SEATS).all(|seat| confirmed_with(state, seat).eq(state.dynamo.taken[seat].map(usize::from)))
        }),
        Property::always(TOLD, |model: &Numbered, state: &State| {
            model.config.by_number().all(|(id, request)| {
                let booking = state.dynamo.bookings[id];
                booking.status == Status::Absent || booking.seats == request.wanted.seats()
            })
        }),
        Property::always(NEVER_FREE, |_, state: &State| {
            state.losses > 0 || state.row.is_none_or(|row| !shows_sold_as_free(state, row))
        }),
        Property::always(PROMISES, |_, state: &State| {
            state.row.is_none_or(|row| row.applied < state.dynamo.version || !shows_sold_as_free(state, row))
        }),
        Property::always(KNOWN, |_, state: &State| state.row.is_none_or(|row| is_known(state, row))),
        Property::always(ONE_HOLD, |_, state: &State| {
            state.row.is_none_or(|row| {
                (0..SEATS).all(|seat| holds_of(state, seat) == usize::from(is_held(row.seats[seat])))
            })
        }),
        Property::always(AT_REST, |model: &Numbered, state: &State| {
            let Some(mut rested) = after_sweeps(&model.config, state) else { return true };
            let is_alike = is_alike(&rested);
            (0..REQUESTS).for_each(|id| rested.end(&model.config, id));
            is_alike && self::is_alike(&rested)
        }),
        Property::always(LIMIT, |model: &Numbered, state: &State| {
            (0..USERS).all(|user| {
                let has = state.dynamo.bought(&model.config, user, |_| true);
                has <= model.config.most && has == state.dynamo.counted[user]
            })
        }),
    ];
    properties.extend(reached());
    properties
}

fn reached() -> [Property<Numbered>; 6] {
    [
        Property::sometimes(SOLD_OUT, |_, state: &State| {
            state.dynamo.unsold == 0 && state.dynamo.taken.iter().all(Option::is_some)
        }),
        Property::sometimes(AT_LIMIT, |model: &Numbered, state: &State| {
            model.config.by_number().any(|(id, request)| {
                let is_begun = matches!(state.attempts[id][0], Attempt::Begun(..));
                let would_have = state.dynamo.counted[request.user] + request.wanted.count();
                is_begun && would_have > model.config.most
            })
        }),
        Property::sometimes(TAKEN, |_, state: &State| {
            state.attempts.iter().flatten().any(|attempt| matches!(attempt, Attempt::Refused(_)))
        }),
        Property::sometimes(HELD_BUT_SOLD, |_, state: &State| {
            state.row.is_some_and(|row| row.seats.contains(&Seat::HeldButSold))
        }),
        Property::sometimes(OTHER_EPOCH, |_, state: &State| {
            let is_other =
                |cancel: &Cancel| matches!(cancel, Cancel::Committed(Some(seen)) if *seen != state.losses);
            state.row.is_some() && state.cancels.iter().any(is_other)
        }),
        Property::sometimes(WAITED, |_, state: &State| {
            state.row.and_then(|row| row.differs).is_some_and(|differs| differs.waits_for == 0)
        }),
    ]
}

fn confirmed_with(state: &State, seat: usize) -> impl Iterator<Item = usize> {
    (0..REQUESTS).filter(move |id| {
        let booking = state.dynamo.bookings[*id];
        booking.status == Status::Confirmed && each(booking.seats).any(|has| has == seat)
    })
}

fn holds_of(state: &State, seat: usize) -> usize {
    let seats = state.holds.iter().filter_map(|hold| hold.seats());
    seats.filter(|seats| each(*seats).any(|has| has == seat)).count()
}

fn is_held(seat: Seat) -> bool {
    matches!(seat, Seat::Held | Seat::HeldButSold)
}

fn shows_sold_as_free(state: &State, row: Row) -> bool {
    (0..SEATS).any(|seat| row.seats[seat] == Seat::Free && state.dynamo.taken[seat].is_some())
}

fn is_known(state: &State, row: Row) -> bool {
    let is_sold = |seat: Seat| !matches!(seat, Seat::Free | Seat::Held);
    let is_right = |seat: usize| is_sold(row.seats[seat]) == state.dynamo.taken[seat].is_some();
    row.applied < state.dynamo.version || row.applied == state.dynamo.version && (0..SEATS).all(is_right)
}

/// Whether each seat is what DynamoDB and the holds make of it.
fn is_alike(state: &State) -> bool {
    let Some(row) = state.row else { return true };
    (0..SEATS).all(|seat| {
        let is = (state.dynamo.taken[seat].is_some(), holds_of(state, seat));
        match row.seats[seat] {
            Seat::Free => is == (false, 0),
            Seat::Held => is == (false, 1),
            Seat::Sold => is == (true, 0),
            Seat::HeldButSold => is == (true, 1),
            Seat::SoldAgain => false,
        }
    })
}

/// What two sweeps make of a state in which nothing is under way. As anybody may crash at any moment, every story comes to one.
fn after_sweeps(config: &Config, state: &State) -> Option<State> {
    let mut rested = (state.under_way() == 0).then_some(*state)?;
    for _ in 0..2 {
        for id in 0..REQUESTS {
            if rested.holds[id].is_confirming() {
                rested.end(config, id);
            }
        }
        let row = rested.row?;
        let seen = (rested.losses, row.applied);
        rested.reconcile(config, seen, rested.dynamo.read());
    }
    Some(rested)
}
