//! Crashes, expiry and lost data: holds return, confirms are settled, and the sale ends exact.

use std::{future::ready, time::Duration};

use domain::{booking::Booking, id::ReservationId, reservation::BegunHold};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use local::redis_server::RedisServer;
use settings::Config;
use stores::{dynamodb::CommitOutcome, redis::scripts::Begin};
use tokio::time::sleep;

use crate::common::{Session, TestApp};

const SOON: Duration = Duration::from_millis(300);

fn short_holds(config: &mut Config) {
    config.hold_ttl_ms = 200;
}

fn short_grace(config: &mut Config) {
    config.confirm_grace_ms = 200;
}

async fn janitor(evently: &TestApp) -> janitor::Report {
    janitor::run(&evently.app, Timestamp::now()).await.unwrap()
}

/// What a process does that confirms and dies after *begin*.
async fn begin(evently: &TestApp, buyer: &Session, reservation: &str) -> BegunHold {
    let id: ReservationId = reservation.parse().unwrap();
    let grace_ms = evently.app.config.confirm_grace_ms;
    match evently.app.redis.begin(id, buyer.user_id.unwrap(), grace_ms).await.unwrap() {
        Begin::Begun(hold) => hold,
        Begin::NoHold => panic!("no hold"),
    }
}

/// What a process does that confirms and dies after *commit*.
async fn begin_and_commit(evently: &TestApp, buyer: &Session, reservation: &str) {
    let hold = begin(evently, buyer, reservation).await;
    let booking = Booking::from_hold(&hold, buyer.user_id.unwrap(), Timestamp::now());
    assert!(matches!(
        evently.app.store.commit_booking(&booking, u32::MAX).await.unwrap(),
        CommitOutcome::Committed
    ));
}

pub(crate) async fn empty(redis: &RedisServer) {
    let mut connection =
        redis::Client::open(redis.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    redis::cmd("FLUSHALL").query_async::<()>(&mut connection).await.unwrap();
}

#[tokio::test]
async fn holds_that_ran_out_return_by_the_janitor() {
    let evently = TestApp::with(short_holds).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let reservation = ada.hold(&event, 4).await;
    assert_eq!(janitor(&evently).await.done.holds_expired, 0);
    sleep(SOON).await;
    let report = janitor(&evently).await;
    assert_eq!((report.events_swept, report.done.holds_expired, report.complete), (1, 1, true));
    assert_eq!(evently.available(&event).await, 10);
    ada.confirm(&reservation).await.assert_problem(410, "reservation_expired");
    assert_eq!(janitor(&evently).await.done.holds_expired, 0);
}

#[tokio::test]
async fn holds_that_ran_out_return_at_once_when_a_buyer_needs_them() {
    let evently = TestApp::with(short_holds).await;
    let (event, ada, ben) = (evently.event(4).await, evently.user(), evently.user());
    ada.hold(&event, 4).await;
    let refused = ben.book(&event, 2).await;
    refused.assert_problem(409, "all_held");
    assert_eq!(refused.body["available"], 0);
    let retry_at: Timestamp = refused.text("retry_at").parse().unwrap();
    assert!(retry_at > Timestamp::now() - SignedDuration::from_secs(2));
    sleep(SOON).await;
    ben.hold(&event, 2).await;
}

#[tokio::test]
async fn a_crash_between_begin_and_commit_returns_the_seats() {
    let evently = TestApp::with(short_grace).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let reservation = ada.hold(&event, 4).await;
    begin(&evently, &ada, &reservation).await;
    assert_eq!(janitor(&evently).await.done.confirms_undone, 0, "within the grace it may still commit");
    sleep(SOON).await;
    let report = janitor(&evently).await;
    assert_eq!((report.done.confirms_undone, report.done.confirms_finished), (1, 0));
    assert!(report.done.oldest_overdue_ms > 0);
    assert_eq!(evently.available(&event).await, 10);
    assert_eq!(evently.sold(&event).await, 0);
    ada.confirm(&reservation).await.assert_problem(410, "reservation_expired");
}

#[tokio::test]
async fn a_crash_between_commit_and_finish_keeps_the_booking() {
    let evently = TestApp::with(short_grace).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let reservation = ada.hold(&event, 4).await;
    begin_and_commit(&evently, &ada, &reservation).await;
    sleep(SOON).await;
    let report = janitor(&evently).await;
    assert_eq!((report.done.confirms_undone, report.done.confirms_finished), (0, 1));
    assert_eq!(evently.sold(&event).await, 4);
    assert_eq!(evently.available(&event).await, 6);
    assert_eq!(ada.confirm(&reservation).await.status, 200, "the buyer who asks again gets the booking");
    assert_eq!(janitor(&evently).await.done.confirms_finished, 0);
}

#[tokio::test]
async fn a_buyer_who_confirms_again_after_a_crash_needs_no_janitor() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let crashed_early = ada.hold(&event, 1).await;
    begin(&evently, &ada, &crashed_early).await;
    assert_eq!(ada.confirm(&crashed_early).await.status, 201);
    let crashed_late = ada.hold(&event, 2).await;
    begin_and_commit(&evently, &ada, &crashed_late).await;
    assert_eq!(ada.confirm(&crashed_late).await.status, 200);
    assert_eq!(evently.sold(&event).await, 3);
    assert_eq!(evently.available(&event).await, 7);
}

#[tokio::test]
async fn a_retry_that_begins_again_is_not_undone_by_a_janitor_that_looked_before() {
    let evently = TestApp::with(short_grace).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let reservation = ada.hold(&event, 4).await;
    begin(&evently, &ada, &reservation).await;
    sleep(SOON).await;
    let seen = evently
        .app
        .redis
        .expire(event.parse::<domain::id::EventId>().unwrap())
        .await
        .unwrap()
        .unwrap()
        .overdue;
    begin(&evently, &ada, &reservation).await;
    assert!(!evently.app.redis.settle(seen[0].id, seen[0].deadline).await.unwrap());
    assert_eq!(ada.confirm(&reservation).await.status, 201);
    assert_eq!(evently.available(&event).await, 6);
}

#[tokio::test]
async fn two_janitors_at_once_settle_everything_once() {
    let evently = TestApp::with(|config| {
        short_grace(config);
        short_holds(config);
    })
    .await;
    let event = evently.event(40).await;
    for n in 0..12 {
        let buyer = evently.user();
        let reservation = buyer.hold(&event, 2).await;
        match n % 3 {
            0 => drop(begin(&evently, &buyer, &reservation).await),
            1 => begin_and_commit(&evently, &buyer, &reservation).await,
            _ => {}
        }
    }
    sleep(SOON).await;
    let (one, other) = tokio::join!(janitor(&evently), janitor(&evently));
    assert_eq!(one.done.holds_expired + other.done.holds_expired, 4);
    assert_eq!(one.done.confirms_undone + other.done.confirms_undone, 4);
    assert!(one.done.confirms_finished + other.done.confirms_finished >= 4);
    assert_eq!(evently.sold(&event).await, 8);
    assert_eq!(evently.available(&event).await, 32);
}

#[tokio::test]
async fn an_empty_redis_is_filled_from_dynamodb_with_the_next_request() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let booking = ada.buy(&event, 3).await;
    let lost = ada.hold(&event, 5).await;
    empty(&redis).await;
    assert_eq!(evently.available(&event).await, 7, "the hold is lost, the booking is not");
    ada.confirm(&lost).await.assert_problem(410, "reservation_expired");
    assert_eq!(ada.confirm(&booking).await.status, 200);
    ada.buy(&event, 7).await;
    ada.book(&event, 1).await.assert_problem(409, "sold_out");
    assert_eq!(evently.sold(&event).await, 10);
}

#[tokio::test]
async fn seats_promised_twice_after_a_loss_are_sold_once() {
    let (evently, redis) = TestApp::with_own_redis(|config| {
        config.seats_per_shard = 2;
        short_grace(config);
    })
    .await;
    let (event, ada, ben, cleo) = (evently.event(4).await, evently.user(), evently.user(), evently.user());
    let early = ada.hold(&event, 2).await;
    let hold = begin(&evently, &ada, &early).await;
    empty(&redis).await;
    // Redis promises all four seats again, and then the confirm that was under way commits.
    let (bens, cleos) = (ben.hold(&event, 2).await, cleo.hold(&event, 2).await);
    let booking = Booking::from_hold(&hold, ada.user_id.unwrap(), Timestamp::now());
    assert!(matches!(
        evently.app.store.commit_booking(&booking, u32::MAX).await.unwrap(),
        CommitOutcome::Committed
    ));

    let (bens, cleos) = (ben.confirm(&bens).await, cleo.confirm(&cleos).await);
    let statuses = [bens.status, cleos.status];
    assert!(statuses.contains(&201) && statuses.contains(&409), "{} {}", bens.body, cleos.body);
    assert_eq!(evently.sold(&event).await, 4);
    // The janitor takes the empty promise back, and then what Redis had too many.
    for _ in 0..3 {
        sleep(SOON).await;
        janitor(&evently).await;
    }
    evently.user().book(&event, 1).await.assert_problem(409, "sold_out");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_emptied_in_the_middle_of_a_sale_ends_exact() {
    let (evently, redis) = TestApp::with_own_redis(|config| config.seats_per_shard = 10).await;
    let event = evently.event(60).await;
    let buyers = (0..200).map(|n| {
        let (buyer, event) = (evently.user(), event.clone());
        tokio::spawn(async move {
            sleep(Duration::from_millis(n)).await;
            let held = buyer.book(&event, 1).await;
            let Some(id) = held.body["reservation"]["id"].as_str() else { return 0 };
            let confirmed = buyer.confirm(id).await;
            assert!([201, 409, 410].contains(&confirmed.status), "{}", confirmed.body);
            u32::from(confirmed.status == 201)
        })
    });
    let sale = tokio::spawn(join_all(buyers));
    for _ in 0..3 {
        sleep(Duration::from_millis(40)).await;
        empty(&redis).await;
    }
    let mut bought: u32 = sale.await.unwrap().into_iter().map(Result::unwrap).sum();
    assert_eq!(evently.sold(&event).await, bought, "everybody who was told 201 has a seat, nobody else has");
    // The sale goes on until the last seat.
    for _ in 0..200 {
        let buyer = evently.user();
        let held = buyer.book(&event, 1).await;
        let Some(id) = held.body["reservation"]["id"].as_str() else { break };
        bought += u32::from(buyer.confirm(id).await.status == 201);
    }
    assert_eq!(bought, 60);
    assert_eq!(evently.sold(&event).await, 60);
}

#[tokio::test]
async fn a_cancel_after_a_loss_frees_its_seats_once() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let (event, ada) = (evently.event(5).await, evently.user());
    let booking = ada.buy(&event, 2).await;
    empty(&redis).await;
    assert_eq!(ada.cancel(&booking).await.status, 200);
    assert_eq!(evently.available(&event).await, 5);
    ada.buy(&event, 5).await;
    ada.book(&event, 1).await.assert_problem(409, "sold_out");
}

#[tokio::test]
async fn redis_out_of_reach_stops_booking_but_not_browsing_and_recovers_by_itself() {
    let (evently, mut redis) = TestApp::with_own_redis(|_| {}).await;
    let (event, ada) = (evently.event(5).await, evently.user());
    let booking = ada.buy(&event, 1).await;
    redis.kill().unwrap();
    redis.wait_dead().await;
    let asked = std::time::Instant::now();
    let refused = ada.book(&event, 1).await;
    refused.assert_problem(503, "try_again");
    assert_eq!(refused.header("retry-after"), "1");
    assert!(asked.elapsed() < Duration::from_secs(2), "fast: {:?}", asked.elapsed());
    assert_eq!(evently.available(&event).await, 4, "counted in DynamoDB");
    assert_eq!(ada.confirm(&booking).await.status, 200, "a booking is a booking");
    assert_eq!(ada.cancel(&booking).await.status, 200);
    redis.restart().await.unwrap();
    let mut tries = 0;
    while ada.book(&event, 5).await.status != 201 {
        tries += 1;
        assert!(tries < 50, "Redis is back, but booking is not");
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(evently.available(&event).await, 0);
}

#[tokio::test]
async fn the_price_is_the_one_quoted_in_the_hold() {
    let evently = TestApp::start().await;
    let (event, ada, admin) = (evently.event(5).await, evently.user(), evently.admin());
    let reservation = ada.hold(&event, 2).await;
    let dearer = crate::common::concert(serde_json::json!({ "capacity": 5, "base_price": 9_900 }));
    assert_eq!(admin.put(&format!("/admin/events/{event}"), "\"1\"", dearer).await.status, 200);
    assert_eq!(ada.confirm(&reservation).await.body["booking"]["unit_price"], 2_500);
    assert_eq!(ada.book(&event, 1).await.body["reservation"]["unit_price"], 9_900);
}

#[tokio::test]
async fn facts_that_redis_missed_are_brought_by_the_janitor() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(5).await, evently.user());
    ada.hold(&event, 1).await;
    // An admin's process dies after DynamoDB has the change.
    let before = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
    let mut details = before.details.clone();
    details.base_price = 100;
    let after = before.replaced(details);
    assert!(evently.app.store.replace_event_adding(&before, &after, &[], &[], &[], None).await.unwrap());
    assert_eq!(ada.book(&event, 1).await.body["reservation"]["unit_price"], 2_500);
    assert_eq!(janitor(&evently).await.done.events_refreshed, 1);
    assert_eq!(ada.book(&event, 1).await.body["reservation"]["unit_price"], 100);
}

#[tokio::test]
async fn redis_forgets_events_whose_sales_are_over() {
    let evently = TestApp::start().await;
    let (held, sold) = (evently.event(5).await, evently.event(5).await);
    evently.user().hold(&held, 1).await;
    evently.user().buy(&sold, 1).await;
    let long_after = Timestamp::now() + SignedDuration::from_hours(24 * 30 + 2);
    assert_eq!(janitor::run(&evently.app, long_after).await.unwrap().done.events_unloaded, 1);
    let free = evently
        .app
        .redis
        .free_seats(&[held.parse::<domain::id::EventId>().unwrap(), sold.parse().unwrap()])
        .await
        .unwrap();
    assert_eq!(free, [Some(4), None], "an event with holds stays");
}

#[tokio::test]
async fn dynamodb_out_of_reach_loses_no_hold_and_the_confirm_can_be_repeated() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(5).await, evently.user());
    let reservation = ada.hold(&event, 2).await;
    // Another process of the same service, which can't reach DynamoDB.
    let nowhere = stores::dynamodb::client_for_endpoint("http://127.0.0.1:9");
    let cut_off = http_api::App::new(evently.app.config.clone(), nowhere).unwrap();
    let asked = std::time::Instant::now();
    let id = reservation.parse().unwrap();
    let unknown =
        booking::confirm(&cut_off.protocol, ada.user_id.unwrap(), id, Timestamp::now(), None, ready(Ok(())))
            .await;
    assert!(
        matches!(
            unknown,
            Err(domain::error::Error::OutOfReach { store: domain::error::StoreName::DynamoDb, .. })
        ),
        "{unknown:?}"
    );
    assert!(asked.elapsed() < Duration::from_secs(9), "bounded: {:?}", asked.elapsed());
    assert_eq!(evently.available(&event).await, 3, "the hold is there");
    assert_eq!(ada.confirm(&reservation).await.status, 201);
    assert_eq!(evently.sold(&event).await, 2);
}
