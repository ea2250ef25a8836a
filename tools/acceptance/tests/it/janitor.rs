//! The janitor before many events: all are reached, in one run or in several.

use std::{
    future::ready,
    time::{Duration, Instant},
};

use domain::id::{EventId, UserId};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::time::sleep;

use crate::common::{TestApp, many::many_events};

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
            booking::reserve(&evently.app.protocol, user, *event, 2, "a key", now, ready(Ok(())))
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
    let report = janitor::run(&evently.app, Timestamp::now()).await.unwrap();
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
    let events = events(&evently, 450).await;
    overdue_holds(&evently, &events).await;
    let mut expired = Vec::new();
    for last in [false, false, true] {
        let report = janitor::run_within(&evently.app, Timestamp::now(), Duration::ZERO).await.unwrap();
        assert_eq!((report.complete, report.events_failed), (last, 0));
        // None was reached before, as each had something to do.
        assert_eq!(report.done.holds_expired, report.events_swept);
        expired.push(report.events_swept);
    }
    assert_eq!(expired, [200, 200, 50]);
    let again = janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    assert!(again.complete);
    assert_eq!((again.events_swept, again.done.holds_expired), (450, 0), "from the beginning again");
}
