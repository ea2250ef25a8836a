//! Durable holds: a pending booking becomes confirmed or expires, whatever the outside says and when.

use crate::visit::visited;
use model::durable::{
    AT_REST, BEFORE_FINISH, CHARGED, CLOSED_UNHEARD, COMES_LATE, CONFIRMED_LATE, CONSERVED, Call, Config,
    Durable, ENDS, ENDS_ONCE, EXPIRED_BY_WORD, EXPIRED_DIRECTLY, EXTENDED, FINISHED, Guard, KNOWN, LATE,
    LATE_CLOSE, MEET, MET_EXPIRED, MET_PENDING, ONE_PAYMENT, OTHER_EPOCH, PAID_FOR, PAID_WHILE_CLOSING,
    PROMISES, REFUSED, Request, SECOND_PAID, SETTLED, STILL_BEGUN, TOLD, VOID_PAID, WAITED,
};
use stateright::{Checker, Model};

const CHECKOUT: Option<Call> = Some(Call::Checkout);
const CONFIRM: Option<Call> = Some(Call::Confirm);

/// A reservation of so many seats of each shard, and what is called for it.
const fn of(draws: [i8; 2], calls: [Option<Call>; 2]) -> Request {
    Request { draws, calls }
}

const NOTHING: Request = of([0, 0], [None, None]);

/// One booking, which is checked out twice and which two attempts may pay; Redis is lost once. Some 36,000 states.
const TRIED: Config = Config {
    capacity: [1, 0],
    requests: [of([1, 0], [CHECKOUT, CHECKOUT]), NOTHING],
    payments: 2,
    extends: true,
    gives_up: true,
    cancels: true,
    event_ends: false,
    returners: 2,
    losses: 1,
    late: false,
    reconciles: false,
    without: [None; 2],
};

/// Likewise, and reconcile comes between. Some 300,000 states.
const SWEPT: Config = Config { reconciles: true, ..TRIED };

/// Reconcile comes between, and Redis is not lost. Some 26,000 states.
const CALM: Config = Config { losses: 0, ..SWEPT };

/// Reconcile comes between, and commits may come late. Some 380,000 states.
const LATE_COMMITS: Config = Config { late: true, ..SWEPT };

/// One attempt to pay. Some 20,000 states.
const TRIED_ONCE: Config = Config { payments: 1, ..TRIED };

/// A checkout and a confirm of one hold. Some 37,000 states.
const BOTH_CALLED: Config = Config { requests: [of([1, 0], [CHECKOUT, CONFIRM]), NOTHING], ..TRIED };

/// Redis is lost twice, and reconcile comes between. Some 107,000 states.
const LOST_TWICE: Config = Config {
    requests: [of([1, 0], [CHECKOUT, None]), NOTHING],
    extends: false,
    losses: 2,
    reconciles: true,
    ..TRIED
};

/// Two want the only seat; reconcile comes between. Some 620,000 states.
const FOUGHT_FOR: Config = Config {
    requests: [of([1, 0], [CHECKOUT, None]), of([1, 0], [CHECKOUT, None])],
    payments: 1,
    extends: false,
    cancels: false,
    returners: 1,
    reconciles: true,
    ..TRIED
};

/// Of whom one confirms at once, and the other checks out twice. Some 180,000 states.
const RESOLD: Config = Config {
    requests: [of([1, 0], [CHECKOUT, CHECKOUT]), of([1, 0], [CONFIRM, None])],
    cancels: true,
    returners: 2,
    reconciles: false,
    ..FOUGHT_FOR
};

/// And commits may come late. Some 310,000 states.
const RESOLD_LATE: Config = Config { late: true, ..RESOLD };

/// An event of two shards is cancelled. Some 510,000 states.
const EVENT_ENDS: Config = Config {
    capacity: [2, 1],
    requests: [of([1, 1], [CHECKOUT, None]), of([1, 0], [CHECKOUT, None])],
    event_ends: true,
    returners: 2,
    losses: 0,
    reconciles: false,
    ..FOUGHT_FOR
};

/// It has one booking, with all that may happen to that, and Redis is lost. Some 240,000 states.
const EVENT_ENDS_LOST: Config = Config {
    capacity: [1, 1],
    requests: [of([1, 1], [CHECKOUT, CHECKOUT]), NOTHING],
    payments: 2,
    extends: true,
    returners: 1,
    losses: 1,
    ..EVENT_ENDS
};

/// Every property holds, and these things were met.
fn holds(config: Config, met: &[&'static str]) {
    let checker = visited(Durable { config }, None);
    let properties = checker.model().properties();
    for property in properties.iter().filter(|property| property.expectation.discovery_is_failure()) {
        checker.assert_no_discovery(property.name);
    }
    for property in met {
        assert!(checker.discovery(property).is_some(), "never seen: {property}");
    }
}

/// A property does not hold, and the steps that show it.
fn breaks(config: Config, property: &'static str) {
    let found = visited(Durable { config }, Some(property)).discovery(property);
    let path = found.unwrap_or_else(|| panic!("{:?} was not missed by {property:?}", config.without));
    println!("{:?} breaks {property:?}", config.without);
    for (n, action) in path.into_actions().iter().enumerate() {
        println!("  {n:>3}  {action:?}");
    }
}

/// What is met of the payments of one booking.
const OF_PAYMENTS: [&str; 5] =
    [PAID_WHILE_CLOSING, EXPIRED_BY_WORD, EXPIRED_DIRECTLY, CLOSED_UNHEARD, SECOND_PAID];

/// What is met of its seats.
const OF_SEATS: [&str; 4] = [MEET, BEFORE_FINISH, MET_EXPIRED, SETTLED];

fn of_one(more: &[&'static str]) -> Vec<&'static str> {
    [OF_PAYMENTS.as_slice(), &OF_SEATS, more].concat()
}

#[test]
fn every_property_holds_of_one_booking() {
    holds(TRIED, &of_one(&[LATE_CLOSE, OTHER_EPOCH]));
    holds(SWEPT, &of_one(&[LATE_CLOSE, OTHER_EPOCH, WAITED]));
    holds(CALM, &of_one(&[LATE_CLOSE, WAITED]));
    holds(LATE_COMMITS, &of_one(&[LATE_CLOSE, OTHER_EPOCH, WAITED, COMES_LATE]));
    holds(BOTH_CALLED, &of_one(&[LATE_CLOSE, OTHER_EPOCH, MET_PENDING]));
    holds(LOST_TWICE, &of_one(&[OTHER_EPOCH, WAITED]));
}

const OF_TWO: [&str; 7] =
    [PAID_WHILE_CLOSING, EXPIRED_BY_WORD, OTHER_EPOCH, BEFORE_FINISH, MET_EXPIRED, SETTLED, REFUSED];

#[test]
fn every_property_holds_when_two_want_a_seat() {
    holds(FOUGHT_FOR, &[OF_TWO.as_slice(), &[WAITED]].concat());
    holds(RESOLD, &OF_TWO);
    holds(RESOLD_LATE, &[OF_TWO.as_slice(), &[COMES_LATE]].concat());
}

/// Redis may have lost what is pending, so it may promise that to others.
#[test]
fn a_commit_asks_whether_the_seats_are_there() {
    breaks(FOUGHT_FOR.without(Guard::CommitAsksUnsold), CONSERVED);
}

const OF_EVENT: [&str; 6] = [VOID_PAID, PAID_WHILE_CLOSING, CONFIRMED_LATE, LATE, STILL_BEGUN, MET_EXPIRED];

#[test]
fn every_property_holds_when_the_event_is_cancelled() {
    holds(EVENT_ENDS, &OF_EVENT);
    holds(EVENT_ENDS_LOST, &[OF_EVENT.as_slice(), &[OTHER_EPOCH, SECOND_PAID, LATE_CLOSE]].concat());
}

/// Whoever lets seats return in DynamoDB, and saw the epoch before, tells Redis; nobody else does. That an outer function does and leaves
/// it to reconcile would hold, too, but is slow.
#[test]
fn seats_return_by_who_saw_the_epoch_first() {
    let by_outer = Guard::InnerExpires;
    breaks(TRIED.without(by_outer).without(Guard::ExpiredIsLeft), PROMISES);
    breaks(CALM.without(by_outer).without(Guard::ExpiredIsLeft), PROMISES);
    holds(SWEPT.without(by_outer), &OF_PAYMENTS);
    for config in [TRIED, CALM] {
        breaks(config.without(Guard::ExpiredIsLeft), PROMISES);
        breaks(config.without(Guard::ExpiredIsLeft), KNOWN);
    }
    breaks(TRIED.without(Guard::EpochFirst), PROMISES);
}

#[test]
fn each_guard_of_redis_is_needed() {
    for guard in [Guard::RestockAsksEpoch, Guard::RestockRemembers] {
        breaks(TRIED.without(guard), PROMISES);
        breaks(TRIED.without(guard), KNOWN);
    }
    for guard in [Guard::AdoptWaits, Guard::GraceCoversReturns] {
        breaks(CALM.without(guard), PROMISES);
        breaks(CALM.without(guard), KNOWN);
    }
    breaks(TRIED.without(Guard::SettleFindsAny), PROMISES);
    breaks(TRIED.without(Guard::PendingIsTaken), PROMISES);
    breaks(TRIED.without(Guard::PendingIsTaken), AT_REST);
    breaks(TRIED.without(Guard::ExpireCounts), KNOWN);
}

#[test]
fn a_booking_ends_once() {
    for property in [CONSERVED, ENDS_ONCE, AT_REST] {
        breaks(TRIED.without(Guard::ExpireAsksStatus), property);
        breaks(TRIED.without(Guard::CloseAsksPending), property);
    }
    breaks(TRIED.without(Guard::CloseAsksPending), ENDS);
    breaks(TRIED.without(Guard::ConfirmAsksStatus), CONSERVED);
    breaks(TRIED.without(Guard::ConfirmAsksStatus), ENDS_ONCE);
}

#[test]
fn nobody_pays_for_what_expires() {
    for config in [TRIED, TRIED_ONCE] {
        breaks(config.without(Guard::DirectAsksAttempt), PAID_FOR);
        breaks(config.without(Guard::ExpireAsksWord), PAID_FOR);
        breaks(config.without(Guard::CloseLeavesMark), PAID_FOR);
    }
}

/// Where there is only one attempt to pay, it is closed for good, and what is said of it is so.
#[test]
fn a_second_attempt_opens_in_time_and_what_is_said_is_not_of_the_first() {
    for guard in [Guard::OpenAsksPending, Guard::OpenAsksLast, Guard::NoneAsksClosing, Guard::NoneAsksAttempt]
    {
        breaks(TRIED.without(guard), PAID_FOR);
        holds(TRIED_ONCE.without(guard), &[PAID_WHILE_CLOSING, EXPIRED_BY_WORD]);
    }
    breaks(TRIED.without(Guard::OpenAsksLast), ONE_PAYMENT);
}

#[test]
fn an_extension_wins() {
    breaks(TRIED.without(Guard::CloseAsksTime), EXTENDED);
    breaks(TRIED.without(Guard::ExtendAsksPending), EXTENDED);
}

#[test]
fn who_meets_a_booking_reads_it() {
    breaks(TRIED.without(Guard::ExistsIsRead), TOLD);
    breaks(BOTH_CALLED.without(Guard::ExistsIsRead), TOLD);
}

#[test]
fn the_end_of_an_event_is_judged_by_all_that_its_shards_have() {
    for guard in [
        Guard::CommitAsksClosed,
        Guard::ShardsJudge,
        Guard::JudgeCountsPending,
        Guard::JudgeReadsAtOnce,
        Guard::JudgeAsksClosed,
    ] {
        breaks(EVENT_ENDS.without(guard), FINISHED);
    }
}

/// A void booking's money goes back, so it is not to be confirmed any more. If none were void, those that were paid would be confirmed
/// first, and be cancelled in the next round: that holds, too.
#[test]
fn what_is_void_is_not_confirmed() {
    breaks(EVENT_ENDS.without(Guard::ConfirmAsksVoid), CHARGED);
    holds(EVENT_ENDS.without(Guard::EventVoids), &[PAID_WHILE_CLOSING, CONFIRMED_LATE, STILL_BEGUN]);
}

/// Not a guard that is needed: no two words of a booking differ, if each is written as it should be.
#[test]
fn a_word_needs_not_ask_for_another() {
    holds(TRIED.without(Guard::WordOnce), &OF_PAYMENTS);
    holds(EVENT_ENDS_LOST.without(Guard::WordOnce), &[VOID_PAID]);
}
