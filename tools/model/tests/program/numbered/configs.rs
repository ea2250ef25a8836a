//! What the sequences of named seats are about: larger than what the checker visits whole, for they are drawn at random.

use model::numbered::{A, Action, B, Config, Request, Seats, Wanted};

use crate::walk;

type Story = walk::Story<Config, Action>;

const fn seats(user: usize, seats: Seats, attempts: usize) -> Option<Request> {
    Some(Request { user, wanted: Wanted::Named(seats), attempts })
}

const fn places(user: usize, places: i8, attempts: usize) -> Option<Request> {
    Some(Request { user, wanted: Wanted::Places(places), attempts })
}

/// All that may be wanted of both areas; Redis is lost once.
const BOTH_AREAS: Config = Config {
    requests: [seats(0, A, 2), seats(1, A | B, 2), seats(0, B, 2), places(1, 1, 2)],
    booked: 0,
    cancels: [Some(0), Some(1)],
    places: 2,
    most: 2,
    losses: 1,
    makes_anew: false,
    without: None,
};

/// What a user buys of the general area is then too much beside both seats; and so is more of that area.
const AT_THE_LIMIT: Config = Config {
    requests: [seats(1, A | B, 2), places(1, 1, 1), seats(0, B, 2), places(1, 2, 2)],
    cancels: [Some(0), Some(2)],
    places: 3,
    losses: 2,
    ..BOTH_AREAS
};

/// Two fight for one seat, and both may cancel. Nobody may have both.
const RESOLD: Config = Config {
    requests: [seats(0, A, 2), seats(1, A, 2), seats(1, B, 1), seats(0, A, 1)],
    places: 0,
    most: 1,
    losses: 2,
    ..BOTH_AREAS
};

/// Both seats are wanted by one and each by another; one cancel is sent twice.
const FOUGHT_FOR: Config = Config {
    requests: [seats(0, A, 2), seats(1, A | B, 2), seats(1, B, 2), seats(0, A | B, 1)],
    cancels: [Some(1), Some(1)],
    most: 3,
    ..RESOLD
};

/// What was sold from the start is cancelled, while others wait for it.
const CANCELLED: Config = Config {
    requests: [seats(0, A | B, 0), seats(1, A, 2), seats(0, B, 2), seats(1, B, 2)],
    booked: 1,
    cancels: [Some(0), Some(1)],
    most: 4,
    ..RESOLD
};

/// The same, and that cancel is sent twice.
const CANCELLED_AT_ONCE: Config = Config { cancels: [Some(0), Some(0)], ..CANCELLED };

/// A seat is bought that Redis has forgotten, and that somebody else holds since. The janitor sees it twice.
const HELD_BUT_SOLD: &[Action] = &[
    Action::Reserve(0),
    Action::Begin(0, 0),
    Action::Lose,
    Action::LoadRead,
    Action::Load,
    Action::Reserve(1),
    Action::Commit(0, 0),
    Action::Finish(0, 0),
    Action::ReconcileSee,
    Action::ReconcileRead,
    Action::Reconcile,
    Action::ReconcileSee,
    Action::ReconcileRead,
    Action::Reconcile,
];

/// The same, and that booking is cancelled; whose hold it was buys the seat before Redis has heard of that.
const SOLD_AGAIN: &[Action] = &both::<19>(
    HELD_BUT_SOLD,
    &[
        Action::CancelRead(0),
        Action::Begin(1, 0),
        Action::Cancel(0),
        Action::Commit(1, 0),
        Action::Finish(1, 0),
    ],
);

/// The same, and Redis hears of that cancel first.
const RESTOCKED_WHILE_HELD: &[Action] =
    &both::<17>(HELD_BUT_SOLD, &[Action::CancelRead(0), Action::Cancel(0), Action::Restock(0)]);

/// The hold runs out while its seat is sold.
const EXPIRED_WHILE_SOLD: &[Action] = &both::<15>(HELD_BUT_SOLD, &[Action::End(1)]);

/// A booking is cancelled before Redis has heard that it was made, and Redis hears of the cancel first.
const CANCELLED_BEFORE_FINISH: &[Action] = &[
    Action::Reserve(0),
    Action::Begin(0, 0),
    Action::Commit(0, 0),
    Action::CancelRead(0),
    Action::Cancel(0),
    Action::Restock(0),
    Action::Finish(0, 0),
];

/// Redis is lost while a booking is cancelled, and loaded before it is: so it does not know of that, but has another epoch.
const CANCELLED_OVER_A_LOSS: &[Action] = &[
    Action::Reserve(0),
    Action::Begin(0, 0),
    Action::Commit(0, 0),
    Action::Finish(0, 0),
    Action::CancelRead(0),
    Action::Lose,
    Action::LoadRead,
    Action::Load,
    Action::Cancel(0),
    Action::Restock(0),
];

/// The same booking is cancelled twice at once.
const CANCELLED_TWICE: &[Action] =
    &[Action::CancelRead(0), Action::CancelRead(1), Action::Cancel(0), Action::Cancel(1)];

/// A confirm breaks off after its commit, and the janitor finishes it.
const BROKEN_OFF: &[Action] =
    &[Action::Reserve(0), Action::Begin(0, 0), Action::Commit(0, 0), Action::Crash(0, 0), Action::End(0)];

/// Redis never hears of a commit. The janitor sees that, sees it again while who committed is still there, and once more after that.
const COMMIT_ADOPTED: &[Action] = &[
    Action::Reserve(0),
    Action::Begin(0, 0),
    Action::Lose,
    Action::LoadRead,
    Action::Load,
    Action::Commit(0, 0),
    Action::ReconcileSee,
    Action::ReconcileRead,
    Action::Reconcile,
    Action::ReconcileSee,
    Action::ReconcileRead,
    Action::Reconcile,
    Action::Crash(0, 0),
    Action::ReconcileSee,
    Action::ReconcileRead,
    Action::Reconcile,
];

/// A seat was sold to one while Redis had forgotten it; another is refused.
const REFUSED: &[Action] = &[
    Action::Reserve(0),
    Action::Begin(0, 0),
    Action::Lose,
    Action::LoadRead,
    Action::Load,
    Action::Reserve(1),
    Action::Begin(1, 0),
    Action::Commit(0, 0),
    Action::Commit(1, 0),
];

/// A confirm has committed and not finished when the janitor looks.
const SEEN_WHILE_CONFIRMING: &[Action] = &[
    Action::Reserve(0),
    Action::Begin(0, 0),
    Action::Commit(0, 0),
    Action::ReconcileSee,
    Action::ReconcileRead,
    Action::Reconcile,
];

/// The janitor has looked when Redis is lost; there is as much applied in what is loaded then, but it is another row.
const SEEN_BEFORE_A_LOSS: &[Action] = &[
    Action::Reserve(0),
    Action::Begin(0, 0),
    Action::ReconcileSee,
    Action::Lose,
    Action::LoadRead,
    Action::Load,
    Action::Commit(0, 0),
    Action::ReconcileRead,
    Action::Reconcile,
];

/// Both areas' holds of a user are more than one may buy.
const TOO_MANY_OVER_BOTH: &[Action] = &[
    Action::Reserve(0),
    Action::Reserve(1),
    Action::Begin(1, 0),
    Action::Commit(1, 0),
    Action::Begin(0, 0),
    Action::Commit(0, 0),
];

/// What is refused is held as before.
const HELD_AS_BEFORE: &[Action] = &both::<7>(TOO_MANY_OVER_BOTH, &[Action::Unbegin(0, 0)]);

/// But another confirm of it began meanwhile.
const BEGUN_MEANWHILE: &[Action] =
    &both::<8>(TOO_MANY_OVER_BOTH, &[Action::Begin(0, 1), Action::Unbegin(0, 0)]);

/// One after the other.
const fn both<const N: usize>(first: &[Action], second: &[Action]) -> [Action; N] {
    assert!(first.len() + second.len() == N);
    let (mut all, mut n) = ([Action::Lose; N], 0);
    while n < N {
        all[n] = if n < first.len() { first[n] } else { second[n - first.len()] };
        n += 1;
    }
    all
}

const fn story(name: &'static str, config: Config, opening: &'static [Action]) -> Story {
    Story { name, config, opening }
}

pub(crate) const ALL: [Story; 18] = [
    story("both areas", BOTH_AREAS, &[]),
    story("both areas, seen while confirming", BOTH_AREAS, SEEN_WHILE_CONFIRMING),
    story("too many over both areas", AT_THE_LIMIT, HELD_AS_BEFORE),
    story("too many, twice", AT_THE_LIMIT, BEGUN_MEANWHILE),
    story("resold", RESOLD, &[]),
    story("held but sold", RESOLD, HELD_BUT_SOLD),
    story("sold again", RESOLD, SOLD_AGAIN),
    story("restocked while held", RESOLD, RESTOCKED_WHILE_HELD),
    story("cancelled before finish", RESOLD, CANCELLED_BEFORE_FINISH),
    story("cancelled over a loss", RESOLD, CANCELLED_OVER_A_LOSS),
    story("fought for", FOUGHT_FOR, &[]),
    story("fought for, held but sold", FOUGHT_FOR, EXPIRED_WHILE_SOLD),
    story("fought for, and refused", FOUGHT_FOR, REFUSED),
    story("broken off", FOUGHT_FOR, BROKEN_OFF),
    story("seen before a loss", FOUGHT_FOR, SEEN_BEFORE_A_LOSS),
    story("commit adopted", FOUGHT_FOR, COMMIT_ADOPTED),
    story("cancelled", CANCELLED, &[]),
    story("cancelled twice", CANCELLED_AT_ONCE, CANCELLED_TWICE),
];
