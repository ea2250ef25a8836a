//! A cancelled event: off sale at once, and then each of its bookings is cancelled, whoever buys meanwhile and whatever breaks off.

use std::{future::ready, time::Duration};

use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};
use booking::{BookingsCancelled, cancel_bookings};
use domain::{
    booking::Booking,
    error::Error,
    event::NotOnSale,
    id::{EventId, ReservationId},
};
use jiff::Timestamp;
use jobs::Budget;
use serde_json::{Value, json};
use settings::Config;
use stores::{
    dynamodb::{self, CommitOutcome},
    redis::scripts::Begin,
};

use crate::{
    bad_days::empty,
    common::{
        Answer, Session, TestApp,
        between::{Call, Reply},
        concert, in_hours, send, shared_dynamodb,
    },
    seats::hall_event,
};

fn small_shards(config: &mut Config) {
    config.seats_per_shard = 2;
    config.confirm_grace_ms = 300;
}

async fn cancel(evently: &TestApp, event: &str, reason: &str) -> Answer {
    let path = format!("/admin/events/{event}/cancel");
    let request = evently.admin().request(reqwest::Method::POST, &path).header("If-Match", "*");
    send(request.json(&json!({ "reason": reason }))).await
}

async fn progress(evently: &TestApp, event: &str) -> Value {
    let shown = evently.admin().get(&format!("/admin/events/{event}/cancel")).await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    shown.body["cancellation"].clone()
}

async fn janitor(evently: &TestApp) -> janitor::Report {
    janitor::run(&evently.app, Timestamp::now()).await.unwrap()
}

async fn run_for(evently: &TestApp, event: &str, time: Duration) -> BookingsCancelled {
    let id = event.parse().unwrap();
    cancel_bookings(&evently.app.protocol, id, Timestamp::now(), Budget::of(time)).await.unwrap()
}

async fn status_of(buyer: &Session, booking: &str) -> Value {
    buyer.get(&format!("/bookings/{booking}")).await.body["booking"]["status"].clone()
}

/// Nothing of it is sold, and all is accounted for.
async fn assert_empty(evently: &TestApp, event: &str) {
    assert_eq!(evently.sold(event).await, 0);
    let shown = evently.admin().get(&format!("/admin/events/{event}/inventory")).await.body;
    assert_eq!(shown["drift"], 0, "{shown}");
    assert_eq!(shown["free"], shown["capacity"], "{shown}");
    assert!(evently.inventory(event).await.iter().all(|shard| shard.closed));
}

fn change_of(evently: &TestApp, event: &str, change: &str) -> UpdateItemFluentBuilder {
    let client = dynamodb::client_for_endpoint(shared_dynamodb());
    let update = client.update_item().table_name(&evently.app.config.tables.events);
    update.key("id", AttributeValue::S(event.to_owned())).update_expression(change)
}

/// An event as a release leaves it that lets cancelled events keep their bookings.
pub(crate) async fn cancelled_by_release_before(evently: &TestApp, event: &str) {
    let change = change_of(evently, event, "SET #status = :cancelled, version = version + :one")
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":cancelled", AttributeValue::S("cancelled".to_owned()))
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()));
    change.send().await.unwrap();
}

/// An event that was cancelled is as if such a release had done it.
pub(crate) async fn as_by_release_before(evently: &TestApp, event: &str) {
    change_of(evently, event, "REMOVE cancellation").send().await.unwrap();
}

#[tokio::test]
async fn all_its_bookings_go_with_it_and_it_says_how_far_that_is() {
    let evently = TestApp::with(small_shards).await;
    let event = evently.event_with(json!({ "capacity": 40, "rates": [
        { "id": "adult", "name": "Adults", "percent": 100 }, { "id": "child", "name": "Up to 14", "percent": 50 },
    ] })).await;
    let (ada, bob) = (evently.user(), evently.user());
    let bookings = [ada.buy(&event, 3).await, ada.buy(&event, 5).await];
    let of_bob = bob.buy_at(&event, 2, json!({ "child": 2 })).await;
    let before = bob.buy(&event, 1).await;
    assert_eq!(bob.cancel(&before).await.status, 200);
    let held = bob.hold(&event, 2).await;
    assert_eq!(progress(&evently, &event).await, Value::Null, "nothing is cancelled");

    let cancelled = cancel(&evently, &event, "A storm is coming.").await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    let told = &cancelled.body["cancellation"];
    assert_eq!((&told["reason"], &told["finished_at"]), (&json!("A storm is coming."), &Value::Null));
    let counts =
        |told: &Value| ["bookings_cancelled", "bookings_left", "places_left"].map(|name| told[name].clone());
    assert_eq!(counts(told), [1, 3, 10].map(Value::from));
    assert_eq!(told["version"], 2);
    // At once.
    ada.book(&event, 1).await.assert_problem(409, "not_on_sale");
    bob.confirm(&held).await.assert_problem(409, "not_on_sale");
    assert_eq!(evently.anybody().get(&format!("/events/{event}")).await.body["status"], "cancelled");
    // Sent again: the first reason stays.
    let again = cancel(&evently, &event, "Another one.").await;
    assert_eq!((again.status, &again.body), (200, &cancelled.body));

    let report = janitor(&evently).await;
    assert_eq!((report.done.bookings_cancelled, report.done.events_being_cancelled), (3, 0), "{report:?}");
    for (buyer, booking) in [(&ada, &bookings[0]), (&ada, &bookings[1]), (&bob, &of_bob)] {
        let shown = buyer.get(&format!("/bookings/{booking}")).await.body["booking"].clone();
        assert_eq!(shown["status"], "cancelled");
        assert!(shown["cancelled_at"].as_str() >= told["cancelled_at"].as_str(), "{shown} {told}");
        assert_eq!(buyer.cancel(booking).await.status, 200, "as if they had done it");
    }
    let done = progress(&evently, &event).await;
    assert_eq!(counts(&done), [4, 0, 0].map(Value::from));
    assert!(done["finished_at"].is_string(), "{done}");
    assert_eq!(done["version"], 2, "its progress makes no version");
    assert_eq!(bob.delete(&format!("/reservations/{held}")).await.status, 204);
    assert_empty(&evently, &event).await;
    let numbers = evently.admin().get("/admin/analytics").await.body;
    assert_eq!(
        (&numbers["confirmed_bookings"], &numbers["tickets_sold"]),
        (&json!(0), &json!(0)),
        "{numbers}"
    );
    let report = janitor(&evently).await;
    assert_eq!((report.done.bookings_cancelled, report.done.events_being_cancelled), (0, 0));
    // Whoever was called off has nothing to pause for.
    let other = evently.event(10).await;
    ada.buy(&other, 1).await;
}

#[tokio::test]
async fn seats_with_names_go_likewise() {
    let evently = TestApp::start().await;
    let event = hall_event(&evently, 4, 20).await;
    let ada = evently.user();
    let booked = ada.book_with(&event, json!({ "seats": ["1-3", "1-4"] })).await;
    let id = booked.body["reservation"]["id"].as_str().unwrap().to_owned();
    assert_eq!(ada.confirm(&id).await.status, 201);
    assert_eq!(cancel(&evently, &event, "").await.status, 200);
    assert_eq!(janitor(&evently).await.done.bookings_cancelled, 1);
    assert_eq!(status_of(&ada, &id).await, "cancelled");
    assert_empty(&evently, &event).await;
    assert!(evently.inventory(&event).await.iter().all(|shard| shard.taken.is_empty()));
}

#[tokio::test]
async fn what_can_not_be_is_refused_and_changes_nothing() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}/cancel"));
    let before = admin.get(&format!("/admin/events/{event}")).await.body;
    let post = async |who: &Session, if_match: Option<&str>, body: Value| {
        let request = who.request(reqwest::Method::POST, &path);
        let request = match if_match {
            Some(tag) => request.header("If-Match", tag),
            None => request,
        };
        send(request.json(&body)).await
    };
    post(&admin, None, json!({})).await.assert_problem(428, "if_match_required");
    post(&admin, Some("\"7\""), json!({})).await.assert_problem(412, "stale_version");
    post(&evently.user(), Some("*"), json!({})).await.assert_problem(403, "forbidden");
    post(&evently.anybody(), Some("*"), json!({})).await.assert_problem(401, "unauthorized");
    for reason in [json!(7), json!("x".repeat(501)), json!("two\nlines")] {
        let refused = post(&admin, Some("*"), json!({ "reason": reason })).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), ["reason"]);
    }
    assert_eq!(post(&admin, Some("*"), json!({ "why": "" })).await.bad_fields(), ["why"]);
    let nobody = format!("/admin/events/{}", EventId::new(Timestamp::now()));
    evently.admin().get(&format!("{nobody}/cancel")).await.assert_problem(404, "event_not_found");
    assert_eq!(admin.get(&format!("/admin/events/{event}")).await.body, before);
    evently.user().buy(&event, 1).await;
    assert_eq!(post(&admin, Some("\"1\""), json!({ "reason": null })).await.status, 200);
    let again = post(&admin, Some("\"1\""), json!({})).await;
    assert_eq!(again.status, 200, "whoever lost the answer asks again: {}", again.body);
}

#[tokio::test]
async fn it_can_not_be_undone_but_all_else_can_be_changed() {
    let evently = TestApp::with(small_shards).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    ada.buy(&event, 2).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
    let patch = async |change: Value| admin.patch(&path, "*", change).await;
    assert_eq!(patch(json!({ "status": "cancelled" })).await.status, 200);
    assert_eq!(progress(&evently, &event).await["reason"], "", "the same as its own route, without a reason");
    for status in ["published", "draft"] {
        patch(json!({ "status": status })).await.assert_problem(409, "event_cancelled");
        let whole = concert(json!({ "status": status, "capacity": 10 }));
        admin.put(&path, "*", whole).await.assert_problem(409, "event_cancelled");
    }
    // Also while its bookings go.
    let changed = patch(json!({ "name": "Off", "description": "Sorry.", "starts_at": in_hours(500) })).await;
    assert_eq!((changed.status, &changed.body["name"]), (200, &json!("Off")), "{}", changed.body);
    assert_eq!(patch(json!({ "capacity": 30 })).await.status, 200);
    assert_eq!(janitor(&evently).await.done.bookings_cancelled, 1);
    assert_eq!(patch(json!({ "capacity": 4 })).await.body["capacity"], 4);
    assert_eq!(progress(&evently, &event).await["bookings_left"], 0);
    assert!(progress(&evently, &event).await["finished_at"].is_string());
    assert_empty(&evently, &event).await;
}

#[tokio::test]
async fn a_commit_that_began_before_it_comes_too_late() {
    let evently = TestApp::with(small_shards).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let user = ada.user_id.unwrap();
    let held = [ada.hold(&event, 2).await, ada.hold(&event, 2).await];
    let held = held.map(|id| id.parse::<ReservationId>().unwrap());
    let Begin::Begun(hold) = evently.app.redis.begin(held[0], user, 60_000).await.unwrap() else {
        panic!("no hold")
    };
    assert_eq!(cancel(&evently, &event, "").await.status, 200);
    assert!(run_for(&evently, &event, Duration::from_secs(5)).await.finished);
    let late = Booking::from_hold(&hold, user, Timestamp::now());
    let outcome = evently.app.store.commit_booking(&late, 10).await.unwrap();
    assert!(matches!(outcome, CommitOutcome::Closed), "{outcome:?}");
    // Redis has not heard of it, so it lets a confirm begin. The hold stays what it was.
    let state = evently.keys().state(event.parse::<EventId>().unwrap());
    evently.redis_command(redis::cmd("HSET").arg(&state).arg("status").arg("published")).await;
    for _ in 0..2 {
        let refused =
            booking::confirm(&evently.app.protocol, user, held[1], Timestamp::now(), None, ready(Ok(())))
                .await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, Error::NotOnSale(NotOnSale::Cancelled)), "{refused}");
    }
    assert_eq!(evently.app.store.booking(user, held[1]).await.unwrap(), None);
    assert_eq!(ada.delete(&format!("/reservations/{}", held[1])).await.status, 204);
    assert_eq!(evently.sold(&event).await, 0);
}

#[tokio::test]
async fn whoever_breaks_off_leaves_the_rest_to_the_next_run() {
    let evently = TestApp::with(small_shards).await;
    let (event, ada) =
        (evently.event_with(json!({ "capacity": 40, "max_per_user": 40 })).await, evently.user());
    let mut bookings = Vec::new();
    for _ in 0..6 {
        bookings.push(ada.buy(&event, 3).await);
    }
    assert_eq!(cancel(&evently, &event, "").await.status, 200);
    let nothing = run_for(&evently, &event, Duration::ZERO).await;
    assert_eq!(nothing, BookingsCancelled::default());
    assert!(evently.inventory(&event).await.iter().all(|shard| shard.closed), "that comes first");
    // DynamoDB fails at every second transaction.
    let failing = {
        let calls = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        evently
            .another_through(move |call: Call| {
                let calls = calls.clone();
                async move {
                    let number = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    match call.is_transaction() && number.is_multiple_of(2) {
                        true => Reply::refused(),
                        false => call.done().await,
                    }
                }
            })
            .await
    };
    let part = run_for(&failing, &event, Duration::from_secs(30)).await;
    assert!(part.failed > 0 && !part.finished, "{part:?}");
    let left = 6 - u64::from(part.cancelled);
    assert_eq!(progress(&evently, &event).await["bookings_left"], left);
    let done = janitor(&evently).await.done;
    assert_eq!((u64::from(done.bookings_cancelled), done.events_being_cancelled), (left, 0));
    for booking in &bookings {
        assert_eq!(status_of(&ada, booking).await, "cancelled");
    }
    assert_empty(&evently, &event).await;
}

#[tokio::test]
async fn a_slow_store_keeps_no_run_longer_than_it_has_time() {
    let evently = TestApp::with(small_shards).await;
    let (event, ada) =
        (evently.event_with(json!({ "capacity": 60, "max_per_user": 60 })).await, evently.user());
    for _ in 0..40 {
        ada.buy(&event, 1).await;
    }
    assert_eq!(cancel(&evently, &event, "").await.status, 200);
    let slow = evently
        .another_through(|call: Call| async move {
            if call.is_transaction() {
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
            call.done().await
        })
        .await;
    // All are in one page, of which some are begun and the others left.
    let part = run_for(&slow, &event, Duration::from_millis(600)).await;
    assert!((1..40).contains(&part.cancelled) && part.failed == 0 && !part.finished, "{part:?}");
    assert_eq!(janitor(&evently).await.done.bookings_cancelled, 40 - part.cancelled);
    assert_empty(&evently, &event).await;
}

#[tokio::test]
async fn two_runs_at_once_cancel_each_booking_once() {
    let evently = TestApp::with(small_shards).await;
    let (event, ada) =
        (evently.event_with(json!({ "capacity": 60, "max_per_user": 60 })).await, evently.user());
    for _ in 0..20 {
        ada.buy(&event, 2).await;
    }
    assert_eq!(cancel(&evently, &event, "").await.status, 200);
    let time = Duration::from_secs(30);
    let (one, other) = tokio::join!(run_for(&evently, &event, time), run_for(&evently, &event, time));
    assert_eq!((one.cancelled + other.cancelled, one.failed + other.failed), (20, 0));
    assert_empty(&evently, &event).await;
}

/// The index of an event's bookings shows none of them yet: that proves nothing.
#[tokio::test]
async fn an_index_that_lags_does_not_end_it() {
    let evently = TestApp::with(small_shards).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let booking = ada.buy(&event, 2).await;
    let lagging = evently
        .another_through(|mut call: Call| async move {
            if call.body["IndexName"] == "by_event" {
                call.body["ExpressionAttributeValues"][":bucket"]["S"] = json!("not there yet");
            }
            call.done().await
        })
        .await;
    assert_eq!(cancel(&evently, &event, "").await.status, 200);
    for _ in 0..2 {
        let seen = run_for(&lagging, &event, Duration::from_secs(5)).await;
        assert_eq!(seen, BookingsCancelled::default(), "nothing is found, and nothing is finished");
        assert_eq!(progress(&evently, &event).await["finished_at"], Value::Null);
    }
    assert_eq!(janitor(&evently).await.done.bookings_cancelled, 1);
    assert_eq!(status_of(&ada, &booking).await, "cancelled");
}

#[tokio::test]
async fn redis_may_forget_everything_meanwhile() {
    let (evently, redis) = TestApp::with_own_redis(small_shards).await;
    let (event, ada) = (evently.event(20).await, evently.user());
    ada.buy(&event, 5).await;
    ada.buy(&event, 4).await;
    assert_eq!(cancel(&evently, &event, "").await.status, 200);
    empty(&redis).await;
    assert_eq!(janitor(&evently).await.done.bookings_cancelled, 2);
    assert_empty(&evently, &event).await;
}

#[tokio::test]
async fn what_a_release_before_cancelled_keeps_its_bookings_until_an_admin_asks() {
    let evently = TestApp::with(small_shards).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let booking = ada.buy(&event, 2).await;
    cancelled_by_release_before(&evently, &event).await;
    assert_eq!(janitor(&evently).await.done.bookings_cancelled, 0);
    assert_eq!(status_of(&ada, &booking).await, "confirmed");
    assert_eq!(progress(&evently, &event).await, Value::Null);
    // It can still take place after all.
    let path = format!("/admin/events/{event}");
    assert_eq!(evently.admin().patch(&path, "*", json!({ "status": "published" })).await.status, 200);
    ada.buy(&event, 1).await;
    cancelled_by_release_before(&evently, &event).await;
    assert_eq!(evently.admin().patch(&path, "*", json!({ "status": "cancelled" })).await.status, 200);
    assert_eq!(progress(&evently, &event).await, Value::Null, "it was so already");
    let asked = cancel(&evently, &event, "For good.").await;
    assert_eq!(
        (asked.status, &asked.body["cancellation"]["bookings_left"]),
        (200, &json!(2)),
        "{}",
        asked.body
    );
    assert_eq!(janitor(&evently).await.done.bookings_cancelled, 2);
    assert_eq!(status_of(&ada, &booking).await, "cancelled");
    assert_empty(&evently, &event).await;
}

#[tokio::test]
async fn a_draft_can_be_cancelled_and_an_event_that_has_begun() {
    let evently = TestApp::start().await;
    let draft = evently.event_with(json!({ "status": "draft" })).await;
    assert_eq!(cancel(&evently, &draft, "").await.status, 200);
    assert_eq!(janitor(&evently).await.done.events_being_cancelled, 0);
    assert!(progress(&evently, &draft).await["finished_at"].is_string());
    let starts_at = Timestamp::now() + jiff::SignedDuration::from_millis(900);
    let begun = evently.event_with(json!({ "starts_at": starts_at.to_string() })).await;
    let ada = evently.user();
    let booking = ada.buy(&begun, 1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    ada.cancel(&booking).await.assert_problem(409, "event_started");
    assert_eq!(cancel(&evently, &begun, "").await.status, 200);
    assert_eq!(janitor(&evently).await.done.bookings_cancelled, 1);
    assert_eq!(status_of(&ada, &booking).await, "cancelled");
}
