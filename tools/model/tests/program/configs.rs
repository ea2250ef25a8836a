//! What the sequences are about: larger than what the checker visits whole, for they are drawn at random.

use model::{Action, Config, Faults, SMALLEST, wants};

/// What a sequence is about, and how it begins: with steps that chance alone would hardly bring together.
#[derive(Clone, Copy)]
pub(crate) struct Story {
    pub(crate) config: Config,
    pub(crate) opening: &'static [Action],
}

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

const fn reserve(reservation: usize) -> Action {
    Action::Reserve { reservation, start: 0 }
}

const fn begin(reservation: usize, attempt: usize) -> Action {
    Action::Begin { reservation, attempt }
}

const fn commit(reservation: usize) -> Action {
    Action::Commit { reservation, attempt: 0 }
}

const LOAD_EVENT: Action = Action::LoadEvent { loader: 1 };
const LOAD_SHARD: Action = Action::LoadShard { loader: 1 };
const LOAD: Action = Action::Load { loader: 1 };

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
    commit(0),
    commit(1),
    commit(2),
];

const ONE_SHARD_LOST: &[Action] = &[
    reserve(1),
    begin(1, 0),
    Action::RedisEmptied,
    LOAD_EVENT,
    LOAD_SHARD,
    LOAD,
    reserve(2),
    begin(2, 0),
    begin(2, 1),
    commit(1),
    commit(2),
    Action::CancelRead { cancel: 0 },
];

const fn story(config: Config) -> Story {
    Story { config, opening: &[] }
}

pub(crate) const ALL: [Story; 9] = [
    story(BUYING),
    Story { config: LOSING, opening: TWO_SHARDS_LOST },
    story(CANCELLING),
    Story { config: LOSING_AND_CANCELLING, opening: ONE_SHARD_LOST },
    story(RAISING_AND_LOWERING),
    story(LOWERING),
    story(ONE_KEY),
    story(FALLING_BACK),
    story(LOSING),
];
