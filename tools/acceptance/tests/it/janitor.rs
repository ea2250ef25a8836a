//! The janitor before many events: all are reached, in one run or in several.

use booking::Wanted;
use std::{
    future::ready,
    time::{Duration, Instant},
};

use ::janitor::Limits;
use domain::{
    id::{EventId, UserId},
    rate::ALL_AT_FIRST,
    reservation::BEST_SEATS,
};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use local::delayed::delayed;
use stores::dynamodb;

use crate::common::{TestApp, many::many_events, shared_dynamodb};

const HOLD_TTL_MS: u64 = 50;

async fn evently() -> TestApp {
    TestApp::with(|config| config.hold_ttl_ms = HOLD_TTL_MS).await
}

/// So many upcoming events, a minute after each other.
async fn events(evently: &TestApp, count: usize) -> Vec<EventId> {
    many_events(evently, count, |index, details| {
        details.starts_at += SignedDuration::from_mins(index as i64);
    })
    .await
}

/// Somebody holds two seats of each, and lets them run out.
async fn overdue_holds(evently: &TestApp, events: &[EventId]) {
    stream::iter(events)
        .for_each_concurrent(8, |event| async move {
            let (user, now) = (UserId::new(), Timestamp::now());
            booking::reserve(
                &evently.app.protocol,
                Wanted {
                    user,
                    event: *event,
                    area: None,
                    quantity: 2,
                    rates: &ALL_AT_FIRST,
                    seats: &BEST_SEATS,
                    idempotency_key: "a key",
                    network: None,
                },
                now,
                ready(Ok(())),
            )
            .await
            .unwrap();
        })
        .await;
    sleep(Duration::from_millis(HOLD_TTL_MS + 20)).await;
}

/// `JANITOR_EVENTS` makes them more or fewer.
fn event_count() -> usize {
    std::env::var("JANITOR_EVENTS").map_or(10_000, |count| count.parse().unwrap())
}

#[tokio::test]
async fn one_run_reaches_every_overdue_hold_among_ten_thousand_events() {
    let evently = evently().await;
    let count = event_count();
    let started = Instant::now();
    let events = events(&evently, count).await;
    let busy: Vec<EventId> = events.iter().copied().step_by(count.div_ceil(300)).collect();
    println!("{count} events made in {:.1} s", started.elapsed().as_secs_f64());
    overdue_holds(&evently, &busy).await;

    let started = Instant::now();
    let report = ::janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    println!("swept in {:.2} s, {} of them with holds", started.elapsed().as_secs_f64(), busy.len());
    assert!(report.complete);
    assert_eq!((report.events_swept as usize, report.events_failed), (count, 0));
    assert_eq!(report.done.holds_expired as usize, busy.len());
    assert_eq!(report.done.seats.drift(), 0);
    let free = evently.app.redis.free_seats(&busy).await.unwrap();
    assert!(free.iter().all(|free| *free == Some(100)), "every seat is back");
}

#[tokio::test]
async fn a_run_whose_time_is_up_says_so_and_the_next_one_goes_on_from_there() {
    let evently = evently().await;
    let events = events(&evently, 5).await;
    overdue_holds(&evently, &events).await;
    for _ in 0..5 {
        // Pages of two: a run stops inside of one, too.
        let limits = Limits { run_time: Duration::ZERO, page_events: 2 };
        let report = ::janitor::run_within(&evently.app, Timestamp::now(), limits).await.unwrap();
        assert_eq!((report.complete, report.events_failed), (false, 0), "the books wait");
        // None was reached before, as each had something to do. However late it is, a run gets somewhere.
        assert_eq!((report.events_swept, report.done.holds_expired), (1, 1));
    }
    let again = ::janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    assert!(again.complete);
    assert_eq!((again.events_swept, again.done.holds_expired), (5, 0), "from the beginning again");
}

#[tokio::test]
async fn before_a_slow_dynamodb_the_books_wait_and_holds_do_not() {
    const DELAY: Duration = Duration::from_millis(200);
    let evently = evently().await;
    let events = events(&evently, 60).await;
    overdue_holds(&evently, &events).await;
    one_seat_less(&evently, &events).await;
    let slow = delayed(shared_dynamodb(), DELAY).await.unwrap();
    let client = dynamodb::client_for_endpoint(&format!("http://{slow}"));
    let slow = http_api::App::new(evently.app.config.clone(), client).unwrap();
    let limits = Limits { run_time: Duration::from_millis(1_500), ..Limits::default() };

    let started = Instant::now();
    let first = ::janitor::run_within(&slow, Timestamp::now(), limits).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(4), "it looks at its time inside of a page");
    assert_eq!((first.done.holds_expired, first.events_swept), (60, 60));
    assert!(!first.complete, "sixty events, sixteen at once, take more than the rest of the time");
    // An event whose own time runs out on a busy machine is passed, and repaired by the next walk: what counts is that each
    // is repaired once, and not how many walks that took.
    let mut repaired = first.done.seats_too_few;
    for _ in 0..60 {
        if repaired >= 60 {
            break;
        }
        let next = ::janitor::run_within(&slow, Timestamp::now(), limits).await.unwrap();
        repaired += next.done.seats_too_few;
    }
    assert_eq!(repaired, 60, "each run goes on where the one before stopped, and none was repaired twice");
    let free = evently.app.redis.free_seats(&events).await.unwrap();
    assert!(free.iter().all(|free| *free == Some(100)), "every seat is back: {free:?}");
}

/// Redis takes one seat of each for sold.
async fn one_seat_less(evently: &TestApp, events: &[EventId]) {
    for event in events {
        let state = evently.keys().state(*event);
        for field in ["free:0", "free"] {
            evently.redis_command(redis::cmd("HINCRBY").arg(&state).arg(field).arg(-1)).await;
        }
    }
}
