//! Each guard of the protocol, taken away: the checker must notice, or it would notice nothing.

use crate::check::breaks;
use model::{
    ALL_SEATS, Config, FAULTLESS, Faults, Mutation, SMALLEST,
    properties::{AT_REST, BOOKINGS, DRAFT, ENDS_ONCE, EXACT, ONE_BOOKING, OVERSOLD, PRICE, PROMISES},
    wants,
};

/// Two buyers, one of whom confirms twice.
const BUYING: Config = Config {
    name: "two buyers",
    capacity: [2, 0],
    requests: &[wants(0, 1, 2), wants(1, 1, 1)],
    releases: true,
    loaders: 2,
    reconciles: true,
    ..SMALLEST
};

/// A booking is cancelled, perhaps twice, while another seat is bought.
const CANCELLING: Config = Config {
    name: "a cancel beside a buyer",
    capacity: [2, 0],
    requests: &[wants(0, 1, 0), wants(1, 1, 1)],
    booked: 1,
    cancels: &[0, 0],
    loaders: 1,
    reconciles: true,
    faults: Faults { losses: 1, ..FAULTLESS },
    ..SMALLEST
};

/// Redis loses a hold that is about to be committed.
const LOSING: Config = Config {
    name: "Redis is emptied",
    requests: &[wants(0, 1, 1), wants(1, 1, 2)],
    loaders: 1,
    reconciles: true,
    faults: Faults { losses: 1, ..FAULTLESS },
    ..SMALLEST
};

const fn at_most(losses: u8, duplicates: u8, failovers: u8) -> Faults {
    Faults { losses, duplicates, failovers, ..FAULTLESS }
}

#[test]
fn settle_compares_the_deadline() {
    breaks(BUYING.without(Mutation::SettleIgnoresDeadline), ENDS_ONCE);
    breaks(BUYING.without(Mutation::SettleIgnoresDeadline), PROMISES);
}

#[test]
fn a_refused_confirm_leaves_what_another_one_began() {
    const LIMITED: Config = Config { limits: true, ..BUYING };
    breaks(LIMITED.without(Mutation::UnbeginIgnoresOthers), PROMISES);
    breaks(LIMITED.without(Mutation::UnbeginIgnoresOthers), ENDS_ONCE);
}

#[test]
fn finish_counts_a_hold_once() {
    breaks(BUYING.without(Mutation::FinishWithoutHold), EXACT);
}

#[test]
fn a_commit_counted_twice_hides_another() {
    breaks(CANCELLING.without(Mutation::FinishWithoutHold), PROMISES);
}

#[test]
fn adopt_waits_for_grace() {
    breaks(CANCELLING.without(Mutation::AdoptAtOnce), PROMISES);
}

#[test]
fn adopt_waits_for_confirming_holds() {
    const CONFIRMED_TWICE: Config = Config { requests: &[wants(0, 1, 0), wants(1, 1, 2)], ..CANCELLING };
    breaks(CONFIRMED_TWICE.without(Mutation::AdoptDespiteConfirming), EXACT);
    breaks(CONFIRMED_TWICE.without(Mutation::AdoptDespiteConfirming), PROMISES);
}

#[test]
fn adopt_mends_a_count_that_is_ahead() {
    const FALLING_BACK: Config = Config { faults: at_most(0, 0, 1), ..BUYING };
    breaks(FALLING_BACK.without(Mutation::AdoptOnlyWhenAhead), AT_REST);
}

#[test]
fn reconcile_reads_applied_before_dynamodb() {
    breaks(CANCELLING.without(Mutation::ReconcileReadsDynamoFirst), PROMISES);
}

#[test]
fn release_refuses_a_confirming_hold() {
    breaks(BUYING.without(Mutation::ReleaseConfirming), PROMISES);
    breaks(BUYING.without(Mutation::ReleaseConfirming), ENDS_ONCE);
}

#[test]
fn expire_leaves_confirming_holds_to_settle() {
    breaks(BUYING.without(Mutation::ExpireConfirming), PROMISES);
}

#[test]
fn a_repeated_cancel_frees_nothing() {
    breaks(CANCELLING.without(Mutation::CancelRestocksAgain), PROMISES);
}

#[test]
fn restock_counts_a_change_once() {
    const TWICE: Config = Config { faults: at_most(0, 1, 0), ..CANCELLING };
    breaks(TWICE.without(Mutation::RestockNotRemembered), PROMISES);
}

#[test]
fn restock_compares_the_epoch() {
    breaks(CANCELLING.without(Mutation::RestockIgnoresEpoch), PROMISES);
}

#[test]
fn load_leaves_a_live_state_alone() {
    const UNLOADED: Config = Config { loaded: false, ..BUYING };
    breaks(UNLOADED.without(Mutation::LoadOverLive), PROMISES);
}

#[test]
fn finish_compares_the_draws() {
    const REDRAWN: Config = Config {
        name: "a hold is drawn again while another attempt lives",
        capacity: [1, 1],
        requests: &[wants(0, 1, 1), wants(1, 1, 2)],
        raise: Some([1, 1]),
        loaders: 1,
        reconciles: true,
        faults: at_most(1, 0, 0),
        ..SMALLEST
    };
    breaks(REDRAWN.without(Mutation::FinishIgnoresDraws), PROMISES);
}

#[test]
fn redraw_takes_away_what_is_missing_once() {
    const SEATS_ELSEWHERE: Config = Config { capacity: [1, 2], ..LOSING };
    breaks(SEATS_ELSEWHERE.without(Mutation::RedrawTakesTwice), EXACT);
}

#[test]
fn redraw_leaves_the_end_of_a_hold_to_settle() {
    const FREED: Config = Config { raise: Some([1, 0]), ..LOSING };
    breaks(FREED.without(Mutation::RedrawEndsHold), ENDS_ONCE);
}

#[test]
fn a_commit_asks_what_is_left() {
    breaks(LOSING.without(Mutation::CommitUnchecked), OVERSOLD);
}

#[test]
fn a_commit_finds_the_booking_that_is_there() {
    breaks(BUYING.without(Mutation::CommitOverwrites), ONE_BOOKING);
    breaks(BUYING.without(Mutation::CommitOverwrites), BOOKINGS);
}

#[test]
fn lowering_finishes_the_withdrawal_before() {
    const LOWERING: Config = Config {
        name: "the capacity is lowered twice",
        capacity: [3, 0],
        lowers: &[1, 1],
        reconciles: true,
        ..SMALLEST
    };
    breaks(LOWERING.without(Mutation::LowerSkipsFinish), PROMISES);
}

#[test]
fn settle_tells_redis_of_a_draft_before_its_seats_return() {
    const UNPUBLISHING: Config = Config { lowers: &[ALL_SEATS], ..BUYING };
    breaks(UNPUBLISHING.without(Mutation::SettleSkipsRefresh), DRAFT);
}

#[test]
fn the_price_is_the_holds() {
    const REPRICED: Config = Config { reprices: true, ..BUYING };
    breaks(REPRICED.without(Mutation::ChargeCurrentPrice), PRICE);
}
