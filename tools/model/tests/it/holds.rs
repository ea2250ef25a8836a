//! The protocol as it is: every property holds, whatever goes wrong. Each configuration is a neighbourhood of the
//! protocol that is small enough to be visited whole.

use crate::check::holds;
use model::{ALL_SEATS, Config, FAULTLESS, Faults, SMALLEST, wants};

#[test]
fn three_buyers_rush_for_two_seats() {
    const RUSH: Config = Config {
        name: "three buyers rush for two seats",
        capacity: [2, 0],
        requests: &[wants(0, 1, 2), wants(1, 1, 2), wants(2, 2, 1)],
        releases: true,
        janitors: 2,
        faults: Faults { lost_replies: 1, duplicates: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(RUSH);
}

#[test]
fn confirms_are_refused_right_after_they_began() {
    const LIMITED: Config = Config {
        name: "confirms are refused right after they began",
        capacity: [2, 0],
        requests: &[wants(0, 1, 2), wants(1, 1, 2)],
        releases: true,
        limits: true,
        janitors: 2,
        reconciles: true,
        faults: Faults { lost_replies: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(LIMITED);
}

#[test]
fn two_janitors_reconcile_while_seats_are_bought_and_cancelled() {
    const TWO_JANITORS: Config = Config {
        name: "two janitors reconcile while seats are bought and cancelled",
        capacity: [2, 0],
        requests: &[wants(0, 1, 0), wants(1, 2, 2), wants(2, 1, 1)],
        booked: 1,
        cancels: &[0, 0],
        janitors: 2,
        reconciles: true,
        faults: Faults { duplicates: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(TWO_JANITORS);
}

#[test]
fn redis_is_emptied_while_seats_are_bought() {
    const LOSS: Config = Config {
        name: "Redis is emptied while seats are bought",
        capacity: [3, 0],
        requests: &[wants(0, 2, 2), wants(1, 1, 1), wants(2, 1, 1)],
        loaders: 1,
        reconciles: true,
        faults: Faults { losses: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(LOSS);
}

#[test]
fn redis_is_emptied_twice() {
    const TWO_LOSSES: Config = Config {
        name: "Redis is emptied twice",
        capacity: [2, 0],
        requests: &[wants(0, 1, 2), wants(1, 2, 2)],
        loaders: 2,
        releases: true,
        reconciles: true,
        faults: Faults { losses: 2, lost_replies: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(TWO_LOSSES);
}

#[test]
fn redis_is_emptied_while_seats_are_cancelled() {
    const LOSS_AND_CANCEL: Config = Config {
        name: "Redis is emptied while seats are cancelled",
        capacity: [2, 0],
        requests: &[wants(0, 1, 0), wants(1, 2, 2), wants(2, 1, 1)],
        booked: 1,
        cancels: &[0, 0],
        loaders: 1,
        reconciles: true,
        faults: Faults { losses: 1, duplicates: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(LOSS_AND_CANCEL);
}

#[test]
fn a_seat_is_cancelled_while_a_confirm_draws_again() {
    const REDRAW: Config = Config {
        name: "a seat is cancelled while a confirm draws again",
        capacity: [2, 0],
        requests: &[wants(0, 1, 0), wants(1, 1, 1), wants(2, 1, 2)],
        booked: 1,
        cancels: &[0],
        loaders: 1,
        reconciles: true,
        faults: Faults { losses: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(REDRAW);
}

#[test]
fn a_party_of_two_spans_two_shards() {
    const TWO_SHARDS: Config = Config {
        name: "a party of two spans two shards",
        capacity: [1, 1],
        requests: &[wants(0, 2, 1), wants(1, 1, 2)],
        cancels: &[0],
        loaders: 1,
        reconciles: true,
        faults: Faults { losses: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(TWO_SHARDS);
}

#[test]
fn the_capacity_is_raised_and_lowered() {
    const CAPACITY: Config = Config {
        name: "the capacity is raised and lowered",
        capacity: [2, 0],
        requests: &[wants(0, 2, 1), wants(1, 1, 1)],
        raise: Some([0, 1]),
        lowers: &[1],
        loaders: 1,
        reconciles: true,
        faults: Faults { losses: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(CAPACITY);
}

#[test]
fn the_capacity_is_lowered_twice_at_once() {
    const LOWERED_TWICE: Config = Config {
        name: "the capacity is lowered twice at once",
        capacity: [3, 0],
        requests: &[wants(0, 1, 1)],
        lowers: &[1, 1],
        loaders: 1,
        janitors: 2,
        reconciles: true,
        faults: Faults { duplicates: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(LOWERED_TWICE);
}

#[test]
fn a_write_comes_late() {
    const LATE: Config = Config {
        name: "a write comes late",
        capacity: [2, 0],
        requests: &[wants(0, 1, 2), wants(1, 1, 1), wants(2, 2, 1)],
        cancels: &[0],
        lowers: &[1],
        reconciles: true,
        faults: Faults { lates: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(LATE);
}

#[test]
fn redis_falls_back_to_a_replica() {
    const FAILOVER: Config = Config {
        name: "Redis falls back to a replica",
        capacity: [2, 0],
        requests: &[wants(0, 1, 2), wants(1, 1, 1)],
        cancels: &[0],
        releases: true,
        reconciles: true,
        faults: Faults { failovers: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(FAILOVER);
}

#[test]
fn one_request_is_delivered_twice_while_the_price_changes() {
    const ONE_KEY: Config = Config {
        name: "one request is delivered twice while the price changes",
        capacity: [2, 0],
        requests: &[wants(0, 1, 1), wants(0, 1, 1), wants(1, 2, 1)],
        reprices: true,
        loaded: false,
        loaders: 2,
        reconciles: true,
        faults: Faults { losses: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(ONE_KEY);
}

#[test]
fn an_event_becomes_a_draft_while_seats_are_bought() {
    const UNPUBLISHED: Config = Config {
        name: "an event becomes a draft while seats are bought",
        capacity: [1, 1],
        requests: &[wants(0, 2, 2), wants(1, 1, 1)],
        releases: true,
        cancels: &[0],
        lowers: &[ALL_SEATS],
        reconciles: true,
        faults: Faults { duplicates: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(UNPUBLISHED);
}

#[test]
fn an_event_becomes_a_draft_while_redis_is_emptied() {
    const UNPUBLISHED_AND_LOST: Config = Config {
        name: "an event becomes a draft while Redis is emptied",
        capacity: [2, 0],
        requests: &[wants(0, 1, 1)],
        lowers: &[ALL_SEATS, 1],
        loaders: 1,
        reconciles: true,
        faults: Faults { losses: 1, ..FAULTLESS },
        ..SMALLEST
    };
    holds(UNPUBLISHED_AND_LOST);
}
