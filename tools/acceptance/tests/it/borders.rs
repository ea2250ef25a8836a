//! Times just inside and just outside: by the clock that decides, which is Redis' own where seats are held.

use std::future::ready;

use domain::{
    error::Error,
    id::{EventId, ReservationId},
};
use jiff::{SignedDuration, Timestamp};
use stores::redis::scripts::Begin;

use crate::common::TestApp;

/// Redis' clock, in ms.
async fn now_of_redis(evently: &TestApp) -> i64 {
    let (seconds, micros): (i64, i64) = evently.redis_query(&redis::cmd("TIME")).await;
    seconds * 1_000 + micros / 1_000
}

/// How far a test's clock may go on between two steps of it.
const STEP_MS: i64 = 3_000;

async fn set_fact(evently: &TestApp, event: &str, fact: &str, ms: i64) {
    let key = evently.keys().state(event.parse::<domain::id::EventId>().unwrap());
    evently.redis_command(redis::cmd("HSET").arg(key).arg(fact).arg(ms)).await;
}

#[tokio::test]
async fn seats_are_held_within_the_sale_only_by_redis_own_clock() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    ada.hold(&event, 1).await;
    let book = async |open: i64, close: i64| {
        let now = now_of_redis(&evently).await;
        set_fact(&evently, &event, "sales_open_at", now + open).await;
        set_fact(&evently, &event, "sales_close_at", now + close).await;
        let answer = ada.book(&event, 1).await;
        (answer.status, answer.body["code"].as_str().map(str::to_owned))
    };
    let open = (201, None);
    let closed = |code: &str| (409, Some(code.to_owned()));
    assert_eq!(book(0, STEP_MS).await, open, "it opens now");
    assert_eq!(book(STEP_MS, 2 * STEP_MS).await, closed("not_on_sale"), "it opens in a moment");
    assert_eq!(book(-STEP_MS, STEP_MS).await, open, "it closes in a moment");
    assert_eq!(book(-STEP_MS, 0).await, closed("not_on_sale"), "it closes now");
}

#[tokio::test]
async fn a_hold_is_good_until_its_deadline_and_no_longer() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let id: EventId = event.parse().unwrap();
    for (left_ms, is_good) in [(STEP_MS, true), (0, false)] {
        let reservation = ada.hold(&event, 2).await;
        let deadline = now_of_redis(&evently).await + left_ms;
        let key = evently.keys().deadlines(id);
        evently.redis_command(redis::cmd("ZADD").arg(key).arg(deadline).arg(&reservation)).await;
        let listed = ada.get("/reservations").await;
        let items = listed.body["items"].as_array().unwrap();
        let is_listed = items.iter().any(|item| item["id"] == reservation.as_str());
        assert_eq!(is_listed, is_good, "{left_ms} ms left: {}", listed.body);
        let seen = ada.get(&format!("/reservations/{reservation}")).await;
        assert_eq!(seen.body["reservation"]["status"] == "held", is_good, "{left_ms} ms left: {}", seen.body);
        let begun: ReservationId = reservation.parse().unwrap();
        let begun = evently.app.redis.begin(begun, ada.user_id.unwrap(), 30_000).await.unwrap();
        assert_eq!(matches!(begun, Begin::Begun(_)), is_good, "{left_ms} ms left: {begun:?}");
        let confirmed = ada.confirm(&reservation).await;
        assert_eq!(confirmed.status, if is_good { 201 } else { 410 }, "{}", confirmed.body);
    }
    assert_eq!(janitor::run(&evently.app, Timestamp::now()).await.unwrap().events_failed, 0);
    assert_eq!(evently.available(&event).await, 8);
}

#[tokio::test]
async fn a_hold_lives_as_long_as_the_settings_say() {
    for ttl_ms in [1_500, 600_000] {
        let evently = TestApp::with(|config| config.hold_ttl_ms = ttl_ms).await;
        let event = evently.event(10).await;
        let before = now_of_redis(&evently).await;
        let held = evently.user().book(&event, 1).await;
        let after = now_of_redis(&evently).await;
        let until: Timestamp = held.body["reservation"]["expires_at"].as_str().unwrap().parse().unwrap();
        let ttl = i64::try_from(ttl_ms).unwrap();
        assert!((before + ttl..=after + ttl).contains(&until.as_millisecond()), "{}", held.body);
        let left = held.body["reservation"]["expires_in"].as_i64().unwrap();
        assert!((ttl / 1_000 - 1..=ttl / 1_000 + 1).contains(&left), "{}", held.body);
    }
}

const A_MS: SignedDuration = SignedDuration::from_millis(1);

#[tokio::test]
async fn a_booking_can_be_cancelled_until_the_millisecond_of_the_start() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let starts_at = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap().details.starts_at;
    let ada = evently.user();
    let cancel = async |booking: &str, now: Timestamp| {
        let (user, id) = (ada.user_id.unwrap(), booking.parse().unwrap());
        booking::cancel(&evently.app.protocol, user, id, now, None, ready(Ok(()))).await
    };
    let (late, early) = (ada.buy(&event, 1).await, ada.buy(&event, 1).await);
    for now in [starts_at + A_MS, starts_at] {
        let refused = cancel(&late, now).await.unwrap_err();
        assert!(matches!(refused, Error::EventStarted), "{refused}");
    }
    assert!(!cancel(&early, starts_at - A_MS).await.unwrap().replayed);
    assert_eq!(evently.sold(&event).await, 1);
}

#[tokio::test]
async fn redis_forgets_an_event_an_hour_after_its_sales_to_the_millisecond() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    evently.user().buy(&event, 1).await;
    let closes_at = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap().sales_close_at();
    for (after, unloaded) in [(SignedDuration::from_hours(1) - A_MS, 0), (SignedDuration::from_hours(1), 1)] {
        let swept = janitor::run(&evently.app, closes_at + after).await.unwrap();
        assert_eq!(swept.done.events_unloaded, unloaded, "{after:?} after the sales");
    }
}
