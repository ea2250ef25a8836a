//! What is on sale, and what is answered when there is nothing to be had.

use domain::{
    event::{EventDetails, EventStatus},
    time::shown,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    cancelled_events::as_by_release_before,
    common::{Answer, TestApp, concert, in_hours},
};

/// Asks for a seat as long as Redis does not know the event, and again when it does: both must answer the same.
async fn refused_twice(evently: &TestApp, event: &str) -> Answer {
    let first = evently.user().book(event, 1).await;
    evently.available(event).await;
    let second = evently.user().book(event, 1).await;
    first.assert_problem(409, "not_on_sale");
    assert_eq!(first.body, second.body);
    second
}

#[tokio::test]
async fn nothing_is_sold_before_sales_open() {
    let evently = TestApp::start().await;
    let opens = in_hours(1);
    let event = evently.event_with(json!({ "sales_open_at": opens })).await;
    let refused = refused_twice(&evently, &event).await;
    assert_eq!(refused.body["sales_open_at"], opens.as_str());
    assert_eq!(refused.body.get("sales_close_at"), None);
    assert!(refused.body["detail"].as_str().unwrap().contains(&opens));

    let path = format!("/admin/events/{event}");
    let open_now = concert(json!({ "sales_open_at": in_hours(-1) }));
    assert_eq!(evently.admin().put(&path, "*", open_now).await.status, 200);
    assert_eq!(evently.user().book(&event, 1).await.status, 201, "an admin opened the sale");
}

#[tokio::test]
async fn nothing_is_sold_after_sales_close() {
    let evently = TestApp::start().await;
    let closed = in_hours(-1);
    let event = evently.event_with(json!({ "sales_close_at": closed })).await;
    let refused = refused_twice(&evently, &event).await;
    assert_eq!(refused.body["sales_close_at"], closed.as_str());
    assert_eq!(refused.body.get("sales_open_at"), None);

    let selling = evently.event(10).await;
    let ada = evently.user();
    let held = ada.hold(&selling, 2).await;
    let close = concert(json!({ "capacity": 10, "sales_close_at": closed }));
    assert_eq!(evently.admin().put(&format!("/admin/events/{selling}"), "*", close).await.status, 200);
    let refused = evently.user().book(&selling, 1).await;
    refused.assert_problem(409, "not_on_sale");
    assert_eq!(refused.body["sales_close_at"], closed.as_str(), "Redis heard of it at once");
    assert_eq!(ada.confirm(&held).await.status, 201, "what was held in time can be bought");
}

#[tokio::test]
async fn sales_close_at_the_start_unless_said_otherwise() {
    let evently = TestApp::start().await;
    let event = evently.event_created(2, |_| {}).await;
    let starts_at = evently.anybody().get(&format!("/events/{event}")).await.text("starts_at");
    let refused = refused_twice(&evently, &event).await;
    assert_eq!(refused.body["sales_close_at"], starts_at);
}

#[tokio::test]
async fn a_cancelled_event_sells_nothing_and_confirms_nothing() {
    let evently = TestApp::start().await;
    let (event, unloaded) = (evently.event(10).await, evently.event(10).await);
    let ada = evently.user();
    let (booking, held) = (ada.buy(&event, 1).await, ada.hold(&event, 2).await);
    for id in [&event, &unloaded] {
        let off = concert(json!({ "capacity": 10, "status": "cancelled" }));
        assert_eq!(evently.admin().put(&format!("/admin/events/{id}"), "*", off).await.status, 200);
        let refused = refused_twice(&evently, id).await;
        assert_eq!(refused.body.get("sales_open_at"), None);
        assert_eq!(refused.body.get("sales_close_at"), None);
    }
    for _ in 0..2 {
        ada.confirm(&held).await.assert_problem(409, "not_on_sale");
    }
    assert_eq!(ada.confirm(&booking).await.status, 200, "what was bought before stays bought");
    assert_eq!(evently.sold(&event).await, 1);
    assert_eq!(ada.delete(&format!("/reservations/{held}")).await.status, 204);
    assert_eq!(ada.cancel(&booking).await.status, 200);

    as_by_release_before(&evently, &event).await;
    let on = concert(json!({ "capacity": 10, "status": "published" }));
    assert_eq!(evently.admin().put(&format!("/admin/events/{event}"), "*", on).await.status, 200);
    assert_eq!(evently.available(&event).await, 10, "published again, with all its seats");
    assert_eq!(evently.user().book(&event, 10).await.status, 201);
}

#[tokio::test]
async fn sold_out_says_how_many_seats_can_be_had() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(5).await, evently.user());
    ada.buy(&event, 3).await;
    let refused = ada.book(&event, 3).await;
    refused.assert_problem(409, "sold_out");
    assert_eq!(refused.body["available"], 2);
    assert_eq!(refused.body.get("retry_at"), None);
    assert_eq!(evently.available(&event).await, 2);

    let held = ada.hold(&event, 1).await;
    let refused = ada.book(&event, 3).await;
    refused.assert_problem(409, "sold_out");
    assert_eq!(refused.body["available"], 1, "no hold that runs out would make three");
    assert_eq!(ada.confirm(&held).await.status, 201);
    ada.buy(&event, 1).await;
    let refused = ada.book(&event, 1).await;
    refused.assert_problem(409, "sold_out");
    assert_eq!(refused.body["available"], 0);
}

#[tokio::test]
async fn all_held_says_when_seats_may_come_back() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(5).await, evently.user());
    ada.buy(&event, 1).await;
    let first = ada.book(&event, 1).await;
    ada.hold(&event, 2).await;
    let refused = evently.user().book(&event, 2).await;
    refused.assert_problem(409, "all_held");
    assert_eq!(refused.body["available"], 1);
    assert_eq!(refused.body["retry_at"], first.body["reservation"]["expires_at"], "the next hold runs out");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((595..=600).contains(&seconds), "{seconds}");
    assert!(!refused.body.to_string().contains("others"), "some may be one's own: {}", refused.body);
    evently.user().book(&event, 5).await.assert_problem(409, "sold_out");
}

#[tokio::test]
async fn retry_at_is_when_the_seats_are_there() {
    let evently = TestApp::with(|config| config.hold_ttl_ms = 900).await;
    let event = evently.event(2).await;
    evently.user().hold(&event, 2).await;
    let refused = evently.user().book(&event, 1).await;
    refused.assert_problem(409, "all_held");
    let retry_at: Timestamp = refused.text("retry_at").parse().unwrap();
    let wait = retry_at.duration_since(Timestamp::now()) + SignedDuration::from_millis(2);
    assert!(wait < SignedDuration::from_millis(1_000), "{wait}");
    tokio::time::sleep(std::time::Duration::try_from(wait).unwrap_or_default()).await;
    assert_eq!(evently.user().book(&event, 1).await.status, 201);
}

#[tokio::test]
async fn one_booking_has_at_most_what_the_event_allows() {
    let evently = TestApp::start().await;
    for (max, too_many) in [(None, 11), (Some(1), 2), (Some(50), 51)] {
        let event = evently.event_with(json!({ "max_per_booking": max })).await;
        for quantity in [0, too_many, 1_000_000] {
            let refused = evently.user().book(&event, quantity).await;
            refused.assert_problem(422, "validation_failed");
            assert_eq!(refused.bad_fields(), ["quantity"]);
        }
        assert_eq!(evently.available(&event).await, 100);
        assert_eq!(evently.user().book(&event, too_many - 1).await.status, 201);
    }
}

#[tokio::test]
async fn the_price_held_is_the_price_paid() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let held = ada.hold(&event, 2).await;
    let dearer = concert(json!({ "capacity": 10, "base_price": 9_900, "name": "Dear concert" }));
    let changed = evently.admin().put(&format!("/admin/events/{event}"), "*", dearer).await;
    assert_eq!((&changed.body["base_price"], &changed.body["price"]), (&json!(9_900), &json!(9_900)));
    let confirmed = ada.confirm(&held).await;
    assert_eq!(confirmed.body["booking"]["total"], 5_000, "{}", confirmed.body);
    assert_eq!(ada.book(&event, 2).await.body["reservation"]["total"], 19_800);
}

#[tokio::test]
async fn a_free_event_can_be_booked() {
    let evently = TestApp::start().await;
    let (event, ada) =
        (evently.event_with(json!({ "base_price": 0, "currency": "JPY" })).await, evently.user());
    let booking = ada.buy(&event, 2).await;
    let bought = ada.get(&format!("/bookings/{booking}")).await;
    let price = |member: &str| bought.body["booking"][member].clone();
    assert_eq!((price("total"), price("unit_price"), price("currency")), (json!(0), json!(0), json!("JPY")));
}

#[tokio::test]
async fn a_booking_cannot_be_cancelled_once_the_event_has_started() {
    let evently = TestApp::start().await;
    let ada = evently.user();
    let event = started(&evently).await;
    let booking = ada.buy(&event, 2).await;
    ada.cancel(&booking).await.assert_problem(409, "event_started");
    assert_eq!(ada.get(&format!("/bookings/{booking}")).await.body["booking"]["status"], "confirmed");
    assert_eq!(evently.sold(&event).await, 2);

    let later = concert(json!({ "starts_at": in_hours(5) }));
    assert_eq!(evently.admin().put(&format!("/admin/events/{event}"), "*", later).await.status, 200);
    let cancelled = ada.cancel(&booking).await;
    assert_eq!(cancelled.status, 200, "the event was put off: {}", cancelled.body);
}

#[tokio::test]
async fn cancelling_again_answers_the_same_even_after_the_start() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let booking = ada.buy(&event, 2).await;
    let cancelled = ada.cancel(&booking).await;
    assert_eq!(cancelled.status, 200);
    assert_ne!(cancelled.body["booking"]["cancelled_at"], Value::Null);
    let before = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
    let mut stored = before.clone();
    stored.details.starts_at = Timestamp::now() - SignedDuration::from_hours(1);
    stored.version += 1;
    assert!(evently.app.store.replace_event_adding(&before, &stored, &[], &[], &[], None).await.unwrap());
    assert!(evently.app.redis.refresh(&stored, 0).await.unwrap());
    let again = ada.cancel(&booking).await;
    let mut expected = cancelled.body.clone();
    let now = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
    expected["booking"]["event"]["starts_at"] = json!(shown(now.details.starts_at));
    assert_eq!((again.status, &again.body), (200, &expected));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(evently.sold(&event).await, 0);
}

#[tokio::test]
async fn a_booking_of_a_cancelled_event_can_be_cancelled_after_the_start_too() {
    let evently = TestApp::start().await;
    let (known, unknown, ada) = (started(&evently).await, started(&evently).await, evently.user());
    for event in [&known, &unknown] {
        let booking = ada.buy(event, 2).await;
        ada.cancel(&booking).await.assert_problem(409, "event_started");
        let before = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
        let mut off = before.clone();
        off.details.status = EventStatus::Cancelled;
        off.version += 1;
        assert!(evently.app.store.replace_event_adding(&before, &off, &[], &[], &[], None).await.unwrap());
        assert!(evently.app.redis.refresh(&off, 0).await.unwrap());
        if event == &unknown {
            let keys = evently.keys();
            let id: domain::id::EventId = event.parse().unwrap();
            evently.redis_command(redis::cmd("DEL").arg(keys.state(id)).arg(keys.holds(id))).await;
        }
        let cancelled = ada.cancel(&booking).await;
        assert_eq!(cancelled.status, 200, "{}", cancelled.body);
        assert_eq!(cancelled.body["booking"]["event"]["status"], "cancelled");
        assert_eq!(evently.sold(event).await, 0);
    }
}

/// An event that started an hour ago, and still sells.
async fn started(evently: &TestApp) -> String {
    let change = |details: &mut EventDetails| {
        details.ends_at = Some(details.starts_at + SignedDuration::from_hours(5));
        details.sales_close_at = details.ends_at;
    };
    evently.event_created(2, change).await
}
