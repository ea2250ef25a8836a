//! Whose a reservation or a booking is, and how long.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::common::{Answer, TestApp};

#[tokio::test]
async fn another_users_reservation_is_not_found() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let (ada, bob) = (evently.user(), evently.user());
    let reservation = ada.hold(&event, 2).await;
    let path = format!("/reservations/{reservation}");
    for stranger in [bob, evently.admin()] {
        stranger.get(&path).await.assert_problem(404, "reservation_not_found");
        stranger.delete(&path).await.assert_problem(404, "reservation_not_found");
        stranger.confirm(&reservation).await.assert_problem(404, "reservation_not_found");
        stranger.cancel(&reservation).await.assert_problem(404, "booking_not_found");
    }
    assert_eq!(evently.available(&event).await, 8, "still held");
    assert_eq!(ada.get(&path).await.body["reservation"]["status"], "held");
    assert_eq!(ada.confirm(&reservation).await.status, 201);
}

#[tokio::test]
async fn another_users_booking_is_not_found() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let (ada, bob) = (evently.user(), evently.user());
    let booking = ada.buy(&event, 2).await;
    for stranger in [bob, evently.admin()] {
        stranger.get(&format!("/bookings/{booking}")).await.assert_problem(404, "booking_not_found");
        stranger.cancel(&booking).await.assert_problem(404, "booking_not_found");
        stranger.get(&format!("/reservations/{booking}")).await.assert_problem(404, "reservation_not_found");
        stranger
            .delete(&format!("/reservations/{booking}"))
            .await
            .assert_problem(404, "reservation_not_found");
        let confirmed = stranger.confirm(&booking).await;
        assert!([404, 410].contains(&confirmed.status), "{}", confirmed.body);
        assert!(!confirmed.body.to_string().contains(&event));
    }
    assert_eq!(ada.get(&format!("/bookings/{booking}")).await.body["booking"]["status"], "confirmed");
    assert_eq!(evently.sold(&event).await, 2);
}

#[tokio::test]
async fn a_reservation_that_became_a_booking_is_shown_and_cannot_be_given_back() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let booking = ada.buy(&event, 2).await;
    let path = format!("/reservations/{booking}");
    let looked = ada.get(&path).await;
    assert_eq!(looked.status, 200, "{}", looked.body);
    assert_eq!(looked.body["reservation"]["status"], "confirmed");
    assert_eq!(looked.body["reservation"]["expires_at"], serde_json::Value::Null);
    assert_eq!(looked.body["reservation"]["total"], 5_000);
    ada.delete(&path).await.assert_problem(409, "already_confirmed");
    assert_eq!(ada.cancel(&booking).await.status, 200);
    ada.delete(&path).await.assert_problem(409, "already_confirmed");
    let again = ada.confirm(&booking).await;
    assert_eq!(
        (again.status, again.body["booking"]["status"].as_str()),
        (200, Some("cancelled")),
        "not bought anew"
    );
    assert_eq!(evently.available(&event).await, 10);
}

#[tokio::test]
async fn a_reservation_given_back_returns_its_seats_once() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let (kept, given_back) = (ada.hold(&event, 3).await, ada.hold(&event, 4).await);
    assert_eq!(evently.available(&event).await, 3);
    let path = format!("/reservations/{given_back}");
    let answer = ada.delete(&path).await;
    assert_eq!((answer.status, answer.body), (204, serde_json::Value::Null));
    assert_eq!(evently.available(&event).await, 7);
    assert_eq!(ada.delete(&path).await.status, 204, "again is the same as once");
    ada.get(&path).await.assert_problem(410, "reservation_released");
    evently.user().delete(&path).await.assert_problem(404, "reservation_not_found");
    ada.confirm(&given_back).await.assert_problem(410, "reservation_released");
    evently.user().confirm(&given_back).await.assert_problem(410, "reservation_expired");
    assert_eq!(evently.available(&event).await, 7);
    assert_eq!(ada.confirm(&kept).await.status, 201);
    assert_eq!(evently.sold(&event).await, 3);
}

/// Waits until the reservation has run out.
async fn expired(held: &Answer) -> String {
    let expires_at: Timestamp = held.body["reservation"]["expires_at"].as_str().unwrap().parse().unwrap();
    let left = expires_at.duration_since(Timestamp::now()) + SignedDuration::from_millis(5);
    tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
    held.body["reservation"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_reservation_that_ran_out_is_gone_and_its_seats_can_be_had() {
    let evently = TestApp::with(|config| config.hold_ttl_ms = 300).await;
    let event = evently.event(10).await;
    let (ada, bob) = (evently.user(), evently.user());
    let held = ada.book(&event, 10).await;
    assert_eq!(held.status, 201, "{}", held.body);
    let reservation = expired(&held).await;
    let path = format!("/reservations/{reservation}");
    for _ in 0..2 {
        ada.get(&path).await.assert_problem(410, "reservation_expired");
        ada.confirm(&reservation).await.assert_problem(410, "reservation_expired");
        ada.delete(&path).await.assert_problem(410, "reservation_expired");
        bob.confirm(&reservation).await.assert_problem(404, "reservation_not_found");
        bob.get(&path).await.assert_problem(404, "reservation_not_found");
    }
    assert_eq!(bob.book(&event, 10).await.status, 201, "the seats of the hold that ran out");
    ada.confirm(&reservation).await.assert_problem(410, "reservation_expired");
    ada.get(&path).await.assert_problem(410, "reservation_expired");
    ada.delete(&path).await.assert_problem(410, "reservation_expired");
    bob.get(&path).await.assert_problem(404, "reservation_not_found");
    assert_eq!(evently.sold(&event).await, 0);
}
