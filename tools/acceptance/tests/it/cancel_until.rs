//! Bookings can be cancelled until a time that an admin sets, at the latest until the start.

use std::future::ready;

use domain::error::Error;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::common::{TestApp, concert, in_hours};

#[tokio::test]
async fn it_is_at_most_the_start_and_shown() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    let (until, start) = (in_hours(90), in_hours(100));
    let created =
        admin.post("/admin/events", concert(json!({ "starts_at": start, "cancel_until": until }))).await;
    assert_eq!((created.status, created.text("cancel_until")), (201, until.clone()), "{}", created.body);
    let path = created.header("location").to_owned();
    assert_eq!(evently.anybody().get(&path.replace("/admin", "")).await.text("cancel_until"), until);
    let ada = evently.user();
    let booking = ada.buy(&created.text("id"), 1).await;
    assert_eq!(
        ada.get(&format!("/bookings/{booking}")).await.body["booking"]["event"]["cancel_until"],
        until
    );

    let patch = async |until: Value| admin.patch(&path, "*", json!({ "cancel_until": until })).await;
    let late = patch(json!(in_hours(101))).await;
    late.assert_problem(422, "validation_failed");
    assert_eq!(late.bad_fields(), ["cancel_until"]);
    assert_eq!(patch(json!(start)).await.text("cancel_until"), start);
    assert_eq!(patch(Value::Null).await.body["cancel_until"], Value::Null);
    let earlier = admin.patch(&path, "*", json!({ "cancel_until": start, "starts_at": in_hours(50) })).await;
    assert_eq!(earlier.bad_fields(), ["cancel_until"]);
}

#[tokio::test]
async fn after_it_nothing_is_cancelled_unless_the_event_is() {
    let evently = TestApp::start().await;
    let until = Timestamp::now() + SignedDuration::from_hours(1);
    let event = evently.event_with(json!({ "cancel_until": until, "starts_at": in_hours(100) })).await;
    let ada = evently.user();
    let bookings = [ada.buy(&event, 1).await, ada.buy(&event, 1).await, ada.buy(&event, 1).await];
    let until = until.as_millisecond();
    let cancel_at = async |booking: &str, ms: i64| {
        let (user, id) = (ada.user_id.unwrap(), booking.parse().unwrap());
        let now = Timestamp::from_millisecond(ms).unwrap();
        booking::cancel(&evently.app.protocol, user, id, now, None, ready(Ok(()))).await
    };
    for ms in [until, until + 1] {
        let refused = cancel_at(&bookings[0], ms).await.unwrap_err();
        assert!(
            matches!(refused, Error::CancelClosed { since } if since.as_millisecond() == until),
            "{refused}"
        );
    }
    assert!(!cancel_at(&bookings[0], until - 1).await.unwrap().replayed);
    let after_start = until + 200 * 3_600_000;
    assert!(matches!(cancel_at(&bookings[1], after_start).await, Err(Error::EventStarted)));

    // A release before this one loaded the event, and knew of no such time.
    let state = evently.keys().state(event.parse::<domain::id::EventId>().unwrap());
    evently.redis_command(redis::cmd("HDEL").arg(&state).arg("cancel_until")).await;
    assert!(matches!(cancel_at(&bookings[1], until).await, Err(Error::CancelClosed { .. })));
    janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    let kept: Option<String> = evently.redis_query(redis::cmd("HGET").arg(&state).arg("cancel_until")).await;
    assert_eq!(kept, Some(until.to_string()), "the janitor makes up for what it lacks");

    let path = format!("/admin/events/{event}");
    assert_eq!(evently.admin().patch(&path, "*", json!({ "status": "cancelled" })).await.status, 200);
    assert!(!cancel_at(&bookings[2], until + 1).await.unwrap().replayed);
}

#[tokio::test]
async fn the_refusal_says_until_when_it_was() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "cancel_until": in_hours(-1) })).await;
    let ada = evently.user();
    let booking = ada.buy(&event, 1).await;
    let refused = ada.cancel(&booking).await;
    refused.assert_problem(409, "cancel_closed");
    assert_eq!(refused.text("cancel_until"), ada.get(&format!("/events/{event}")).await.text("cancel_until"));
    assert_eq!(evently.sold(&event).await, 1);
}
