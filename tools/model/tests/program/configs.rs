//! What the sequences are about: larger than what the checker visits whole, for they are drawn at random.

use model::{ALL_SEATS, Action, Config, Faults, Process, SMALLEST, wants};

use crate::walk;

type Story = walk::Story<Config, Action>;

const fn faults(losses: u8, duplicates: u8, lates: u8) -> Faults {
    Faults { losses, failovers: 0, lost_replies: 1, duplicates, lates }
}

/// Three buyers and everything that can go wrong, but for a Redis that falls back.
const BUYING: Config = Config {
    name: "buying",
    capacity: [2, 1],
    requests: &[wants(0, 1, 2), wants(1, 2, 2), wants(2, 1, 2)],
    releases: true,
    limits: true,
    cancels: &[0, 1],
    loaders: 2,
    janitors: 2,
    reconciles: true,
    faults: faults(2, 1, 1),
    ..SMALLEST
};

/// Redis is emptied between reserve and commit, so that commits are refused and draw again.
const LOSING: Config = Config {
    name: "losing",
    capacity: [1, 1],
    requests: &[wants(0, 1, 1), wants(1, 1, 2), wants(2, 1, 2)],
    raise: Some([1, 1]),
    loaders: 1,
    reconciles: true,
    faults: faults(2, 0, 0),
    ..SMALLEST
};

/// The same where a booking is cancelled, which may free seats for who draws again.
const LOSING_AND_CANCELLING: Config = Config {
    name: "losing and cancelling",
    capacity: [3, 0],
    requests: &[wants(0, 1, 0), wants(1, 2, 1), wants(2, 1, 2)],
    booked: 1,
    cancels: &[0],
    loaders: 1,
    reconciles: true,
    faults: faults(1, 1, 0),
    ..SMALLEST
};

const CANCELLING: Config = Config {
    name: "cancelling",
    capacity: [3, 1],
    requests: &[wants(0, 2, 1), wants(1, 1, 1), wants(2, 2, 2)],
    booked: 2,
    cancels: &[0, 1],
    loaders: 1,
    janitors: 2,
    reconciles: true,
    faults: faults(1, 2, 1),
    ..SMALLEST
};

const RAISING_AND_LOWERING: Config = Config {
    name: "raising and lowering",
    capacity: [3, 0],
    requests: &[wants(0, 1, 2), wants(1, 2, 1)],
    cancels: &[0],
    raise: Some([1, 2]),
    lowers: &[1, 2],
    loaders: 1,
    janitors: 2,
    reconciles: true,
    faults: faults(1, 2, 1),
    ..SMALLEST
};

const LOWERING: Config = Config {
    name: "lowering on two shards",
    capacity: [2, 3],
    requests: &[wants(0, 2, 1), wants(1, 1, 1)],
    releases: true,
    lowers: &[2, 3],
    janitors: 1,
    reconciles: true,
    faults: faults(0, 1, 0),
    ..SMALLEST
};

/// One request comes twice, the price changes, and Redis knows nothing at first.
const ONE_KEY: Config = Config {
    name: "one request twice",
    capacity: [2, 0],
    requests: &[wants(0, 1, 1), wants(0, 1, 1), wants(1, 2, 1)],
    releases: true,
    reprices: true,
    loaded: false,
    loaders: 2,
    janitors: 1,
    reconciles: true,
    faults: faults(1, 0, 0),
    ..SMALLEST
};

const FALLING_BACK: Config = Config {
    name: "Redis falls back",
    capacity: [2, 1],
    requests: &[wants(0, 1, 2), wants(1, 2, 1)],
    releases: true,
    cancels: &[0],
    loaders: 1,
    janitors: 1,
    reconciles: true,
    faults: Faults { failovers: 2, ..faults(0, 0, 0) },
    ..SMALLEST
};

/// The event becomes a draft while somebody wants its seats.
const UNPUBLISHING: Config = Config {
    name: "unpublishing",
    capacity: [1, 1],
    requests: &[wants(0, 1, 1), wants(1, 1, 2)],
    releases: true,
    cancels: &[0],
    lowers: &[ALL_SEATS, 1],
    loaders: 1,
    reconciles: true,
    faults: faults(1, 1, 1),
    ..SMALLEST
};

const fn reserve(reservation: usize) -> Action {
    Action::Reserve { reservation, start: 0 }
}

const fn begin(reservation: usize, attempt: usize) -> Action {
    Action::Begin { reservation, attempt }
}

const fn commit(reservation: usize, attempt: usize) -> Action {
    Action::Commit { reservation, attempt }
}

const LOAD_EVENT: Action = Action::LoadEvent { loader: 1 };
const LOAD_SHARD: Action = Action::LoadShard { loader: 1 };
const LOAD: Action = Action::Load { loader: 1 };

/// A confirm is refused right after it began.
const ONE_REQUEST_TOO_MANY: &[Action] =
    &[reserve(0), begin(0, 0), Action::Refuse { reservation: 0, attempt: 0 }];

/// Of two buyers of the same seats, Redis forgot the first, and DynamoDB has just refused the second.
const TWO_SHARDS_LOST: &[Action] = &[
    reserve(0),
    begin(0, 0),
    Action::RedisEmptied,
    LOAD_EVENT,
    LOAD_SHARD,
    LOAD_SHARD,
    LOAD,
    reserve(1),
    reserve(2),
    begin(1, 0),
    begin(1, 1),
    begin(2, 0),
    commit(0, 0),
    commit(1, 0),
    commit(2, 0),
    Action::RaiseRead,
    Action::Raise,
    Action::RestockRaised,
    Action::Redraw { reservation: 1, attempt: 0, start: 0 },
    Action::Redraw { reservation: 2, attempt: 0, start: 0 },
];

/// The same on one shard, where a cancel then frees a seat, another confirm of the hold sells it and ends the hold, and
/// the refused one makes that anew.
const HOLD_MADE_ANEW: &[Action] = &[
    reserve(1),
    begin(1, 0),
    Action::RedisEmptied,
    LOAD_EVENT,
    LOAD_SHARD,
    LOAD,
    reserve(2),
    begin(2, 0),
    begin(2, 1),
    Action::CancelRead { cancel: 0 },
    commit(1, 0),
    commit(2, 0),
    Action::Cancel { cancel: 0 },
    Action::Restock { cancel: 0 },
    commit(2, 1),
    Action::Finish { reservation: 2, attempt: 1 },
    Action::Redraw { reservation: 2, attempt: 0, start: 0 },
];

/// Redis never hears of a commit; the janitor sees that twice, and takes over what DynamoDB has.
const COMMIT_ADOPTED: &[Action] = &[
    reserve(1),
    begin(1, 0),
    Action::RedisEmptied,
    LOAD_EVENT,
    LOAD_SHARD,
    LOAD,
    commit(1, 0),
    Action::Finish { reservation: 1, attempt: 0 },
    Action::ReconcileSee { janitor: 1 },
    Action::ReconcileRead { janitor: 1 },
    Action::Reconcile { janitor: 1 },
    Action::ReconcileSee { janitor: 1 },
    Action::ReconcileRead { janitor: 1 },
    Action::Reconcile { janitor: 1 },
];

/// A confirm broke off, and the janitor is about to settle it when its buyer confirms again.
const CONFIRMED_AGAIN: &[Action] = &[
    reserve(0),
    begin(0, 0),
    Action::Crash(Process::Attempt { reservation: 0, attempt: 0 }),
    Action::DeadlinePasses { hold: 0 },
    Action::SettleFound { janitor: 1, hold: 0 },
    Action::SettleRead { janitor: 1 },
    begin(0, 1),
    Action::Settle { janitor: 1 },
];

/// The capacity is lowered twice: one lowering breaks off after its commit, and the next must finish it.
const ONE_LOWERING_AFTER_THE_OTHER: &[Action] = &[
    Action::LowerRead { lower: 0 },
    Action::Withdraw { lower: 0 },
    Action::Lower { lower: 0 },
    Action::LowerRead { lower: 1 },
    Action::FinishBefore { lower: 1 },
];

/// The capacity is lowered twice at once: one is too late.
const TWO_LOWERINGS_AT_ONCE: &[Action] = &[
    Action::LowerRead { lower: 0 },
    Action::LowerRead { lower: 1 },
    Action::Withdraw { lower: 0 },
    Action::Withdraw { lower: 1 },
    Action::Lower { lower: 0 },
    Action::Lower { lower: 1 },
    Action::SettleLowered { lower: 1 },
];

/// The event is a draft, and Redis does not know it yet.
const HALF_A_DRAFT: &[Action] = &[
    Action::LowerRead { lower: 0 },
    Action::Withdraw { lower: 0 },
    Action::LookUnpublished { lower: 0 },
    Action::Lower { lower: 0 },
];

/// Redis forgets that a commit was finished, and has its hold again.
const FINISH_FORGOTTEN: &[Action] = &[
    reserve(0),
    begin(0, 0),
    Action::ReplicaCopies,
    commit(0, 0),
    Action::Finish { reservation: 0, attempt: 0 },
    Action::RedisFallsBack,
];

const fn story(config: Config, opening: &'static [Action]) -> Story {
    Story { name: config.name, config, opening }
}

pub(crate) const ALL: [Story; 15] = [
    story(BUYING, &[]),
    story(BUYING, ONE_REQUEST_TOO_MANY),
    story(BUYING, CONFIRMED_AGAIN),
    story(LOSING, TWO_SHARDS_LOST),
    story(LOSING_AND_CANCELLING, HOLD_MADE_ANEW),
    story(LOSING_AND_CANCELLING, COMMIT_ADOPTED),
    story(CANCELLING, &[]),
    story(RAISING_AND_LOWERING, &[]),
    story(LOWERING, ONE_LOWERING_AFTER_THE_OTHER),
    story(LOWERING, TWO_LOWERINGS_AT_ONCE),
    story(UNPUBLISHING, &[]),
    story(UNPUBLISHING, HALF_A_DRAFT),
    story(ONE_KEY, &[]),
    story(FALLING_BACK, &[]),
    story(FALLING_BACK, FINISH_FORGOTTEN),
];
