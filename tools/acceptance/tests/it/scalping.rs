//! One user gets no more seats of an event than one may, and holds none for ever.

use std::{future::ready, time::Duration};

use domain::{
    booking::Booking,
    id::{EventId, ReservationId},
    inventory::Draw,
    reservation::BegunHold,
};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;
use tokio::time::sleep;

use crate::{
    cancelled_events::as_by_release_before,
    common::{Session, TestApp, concert, send},
};

/// An event of 100 seats of which one user may have so many.
async fn limited(evently: &TestApp, max_per_user: u32) -> String {
    evently.event_with(json!({ "max_per_user": max_per_user })).await
}

async fn left(user: &Session, event: &str) -> u64 {
    let refused = user.book(event, 10).await;
    refused.assert_problem(409, "max_per_user_reached");
    refused.body["left"].as_u64().unwrap()
}

#[tokio::test]
async fn holds_and_bookings_count_together() {
    let evently = TestApp::start().await;
    let (event, ada, ben) = (limited(&evently, 6).await, evently.user(), evently.user());
    let booking = ada.buy(&event, 2).await;
    let held = ada.hold(&event, 3).await;
    let refused = ada.book(&event, 2).await;
    refused.assert_problem(409, "max_per_user_reached");
    assert_eq!((refused.body["max_per_user"].as_u64(), refused.body["left"].as_u64()), (Some(6), Some(1)));
    let last = ada.hold(&event, 1).await;
    assert_eq!(left(&ada, &event).await, 0);
    assert_eq!(ben.book(&event, 6).await.status, 201, "another user has their own");

    assert_eq!(ada.delete(&format!("/reservations/{held}")).await.status, 204);
    assert_eq!(left(&ada, &event).await, 3, "what is given back");
    assert_eq!(ada.confirm(&last).await.status, 201);
    assert_eq!(left(&ada, &event).await, 3, "what was held is bought");
    assert_eq!(ada.cancel(&booking).await.status, 200);
    assert_eq!(left(&ada, &event).await, 5, "what is cancelled");
    ada.buy(&event, 5).await;
    assert_eq!(left(&ada, &event).await, 0);
    let other = limited(&evently, 6).await;
    assert_eq!(ada.book(&other, 6).await.status, 201, "another event has its own");
}

#[tokio::test]
async fn ten_seats_unless_the_event_says_otherwise() {
    let evently = TestApp::start().await;
    for (changes, most) in [
        (json!({ "max_per_user": null }), 10),
        (json!({ "max_per_user": null, "max_per_booking": 3 }), 10),
        (json!({ "max_per_user": null, "max_per_booking": 30 }), 30),
        (json!({ "max_per_user": 2 }), 2),
    ] {
        let created = evently.admin().post("/admin/events", concert(changes)).await;
        assert_eq!(created.body["max_per_user"], most);
    }
    for most in [0, 1_000_001] {
        let refused = evently.admin().post("/admin/events", concert(json!({ "max_per_user": most }))).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), ["max_per_user"]);
    }
}

#[tokio::test]
async fn a_changed_limit_counts_at_once() {
    let evently = TestApp::start().await;
    let (event, ada) = (limited(&evently, 2).await, evently.user());
    ada.buy(&event, 2).await;
    let change = async |most: u32| {
        let changed = concert(json!({ "max_per_user": most }));
        let path = format!("/admin/events/{event}");
        assert_eq!(evently.admin().put(&path, "*", changed).await.status, 200);
    };
    change(5).await;
    ada.buy(&event, 3).await;
    change(1).await;
    assert_eq!(left(&ada, &event).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_a_hundred_hands_gets_no_more() {
    let evently = TestApp::start().await;
    let (event, ada) = (limited(&evently, 7).await, evently.user());
    let hands = (0..100).map(|_| {
        let (ada, event) = (ada.clone(), event.clone());
        tokio::spawn(async move {
            let held = ada.book(&event, 2).await;
            let Some(id) = held.body["reservation"]["id"].as_str() else { return held.text("code") };
            ada.confirm(id).await.body["booking"]["status"].as_str().unwrap_or("refused").to_owned()
        })
    });
    let outcomes: Vec<String> = join_all(hands).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "confirmed").count(), 3, "{outcomes:?}");
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "max_per_user_reached").count(), 97);
    assert_eq!(evently.sold(&event).await, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dynamodb_refuses_what_redis_forgot() {
    let (evently, mut redis) = TestApp::with_own_redis(|_| {}).await;
    let (event, ada) = (limited(&evently, 4).await, evently.user());
    ada.buy(&event, 3).await;
    redis.kill().unwrap();
    redis.wait_dead().await;
    redis.restart().await.unwrap();
    // Redis knows nothing of what was bought, and promises too much.
    let mut holds = Vec::new();
    while holds.len() < 3 {
        let held = ada.book(&event, 1).await;
        match held.body["reservation"]["id"].as_str() {
            Some(id) => holds.push(id.to_owned()),
            None => sleep(Duration::from_millis(50)).await,
        }
    }
    let confirms = join_all(holds.iter().map(|id| ada.confirm(id))).await;
    let mut statuses: Vec<u16> = confirms.iter().map(|confirm| confirm.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409]);
    for refused in confirms.iter().filter(|confirm| confirm.status == 409) {
        refused.assert_problem(409, "max_per_user_reached");
        assert_eq!(refused.body["left"], 0);
    }
    assert_eq!(evently.sold(&event).await, 4);
}

#[tokio::test]
async fn a_cancel_that_redis_never_heard_of_does_not_count_for_ever() {
    let evently = TestApp::start().await;
    let (event, ada) = (limited(&evently, 4).await, evently.user());
    let booking = ada.buy(&event, 4).await;
    // The process dies between the two stores.
    let id: EventId = event.parse().unwrap();
    let booked =
        evently.app.store.booking(ada.user_id.unwrap(), booking.parse().unwrap()).await.unwrap().unwrap();
    evently.app.store.cancel_booking(&booked, Timestamp::now()).await.unwrap();
    assert_eq!(evently.app.store.seats_of_user(id, ada.user_id.unwrap()).await.unwrap(), 0);
    ada.buy(&event, 4).await;
    assert_eq!(left(&ada, &event).await, 0);
}

#[tokio::test]
async fn holds_that_ran_out_do_not_count() {
    let evently = TestApp::with(|config| config.hold_ttl_ms = 300).await;
    let (event, ada) = (limited(&evently, 4).await, evently.user());
    ada.hold(&event, 4).await;
    assert_eq!(left(&ada, &event).await, 0);
    sleep(Duration::from_millis(350)).await;
    ada.hold(&event, 4).await;
}

#[tokio::test]
async fn who_holds_again_and_again_without_buying_lets_others_have_their_chance() {
    const TTL: Duration = Duration::from_millis(300);
    let evently = TestApp::with(|config| {
        config.hold_ttl_ms = TTL.as_millis() as u64;
        config.unbought_ttls_max = 3;
    })
    .await;
    let (event, ada, ben) = (limited(&evently, 4).await, evently.user(), evently.user());
    let mut held = 0;
    let refused = loop {
        let answer = ada.book(&event, 4).await;
        if answer.status != 201 {
            break answer;
        }
        held += 1;
        assert!(held < 10, "seats are held for ever");
        sleep(TTL + Duration::from_millis(20)).await;
    };
    assert_eq!(held, 3);
    refused.assert_problem(409, "held_too_long");
    let retry_at: Timestamp = refused.text("retry_at").parse().unwrap();
    assert_eq!(ben.book(&event, 4).await.status, 201, "others may");
    sleep(Duration::try_from(retry_at.duration_since(Timestamp::now())).unwrap() + TTL / 10).await;
    assert_eq!(ada.book(&event, 4).await.status, 201, "later");
    // Giving back in time costs only the time; buying costs nothing.
    let cleo = evently.user();
    for _ in 0..6 {
        let id = cleo.hold(&event, 1).await;
        let path = format!("/reservations/{id}");
        assert_eq!(send(cleo.request(Method::DELETE, &path)).await.status, 204);
    }
    let booking = cleo.buy(&event, 1).await;
    assert_eq!(cleo.cancel(&booking).await.status, 200);
}

#[tokio::test]
async fn holds_side_by_side_count_once() {
    const TTL: Duration = Duration::from_millis(300);
    let evently = TestApp::with(|config| {
        config.hold_ttl_ms = TTL.as_millis() as u64;
        config.unbought_ttls_max = 3;
    })
    .await;
    let (event, ada) = (limited(&evently, 10).await, evently.user());
    for _ in 0..4 {
        ada.hold(&event, 2).await;
    }
    sleep(TTL + Duration::from_millis(30)).await;
    assert_eq!(ada.book(&event, 10).await.status, 201, "four holds of one time are one time");
}

#[tokio::test]
async fn a_confirm_that_is_refused_again_and_again_leaves_the_hold_its_time() {
    const GRACE: Duration = Duration::from_millis(50);
    const TTL: Duration = Duration::from_millis(1_000);
    let evently = TestApp::with(|config| {
        config.confirm_grace_ms = GRACE.as_millis() as u64;
        config.hold_ttl_ms = TTL.as_millis() as u64;
    })
    .await;
    let (event, ada) = (limited(&evently, 4).await, evently.user());
    let held = ada.hold(&event, 4).await;
    // Redis forgot what Ada has, who bought elsewhere meanwhile.
    let elsewhere = BegunHold {
        id: ReservationId::new(event.parse::<domain::id::EventId>().unwrap(), Timestamp::now()),
        quantity: 1,
        seats: Vec::new(),
        unit_price: Some(2_500),
        lines: Vec::new(),
        currency: "EUR".into(),
        draws: vec![Draw::places(0, 1)],
        event_name: "Concert".into(),
        starts_at: Timestamp::now(),
        area: Default::default(),
        max_per_user: 4,
        event: None,
        begins: 1,
        is_first: true,
    };
    let booking = Booking::from_hold(&elsewhere, ada.user_id.unwrap(), Timestamp::now());
    evently.app.store.commit_booking(&booking, 4).await.unwrap();
    let looked = ada.get(&format!("/reservations/{held}")).await;
    let expires_at = looked.body["reservation"]["expires_at"].clone();
    let began = std::time::Instant::now();
    loop {
        let refused = ada.confirm(&held).await;
        if refused.status == 410 {
            break;
        }
        refused.assert_problem(409, "max_per_user_reached");
        assert!(began.elapsed() < 2 * TTL, "it holds its seats for ever");
        // It is held as before, neither shorter nor longer.
        let looked = ada.get(&format!("/reservations/{held}")).await;
        assert!(
            looked.status == 410 || looked.body["reservation"]["expires_at"] == expires_at,
            "{}",
            looked.body
        );
        sleep(GRACE / 2).await;
    }
    sleep(GRACE).await;
    janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    evently.user().hold(&event, 4).await;
}

/// Buys and cancels at once.
async fn circle(user: &Session, event: &str) {
    let booking = user.buy(event, 4).await;
    assert_eq!(user.cancel(&booking).await.status, 200);
}

#[tokio::test]
async fn who_buys_and_cancels_in_a_circle_pauses_as_one_who_only_holds() {
    let evently = TestApp::with(|config| config.unbought_ttls_max = 3).await;
    let (event, ada) = (limited(&evently, 4).await, evently.user());
    let began = Timestamp::now();
    for _ in 0..3 {
        circle(&ada, &event).await;
    }
    let refused = ada.book(&event, 1).await;
    refused.assert_problem(409, "held_too_long");
    let retry_at: Timestamp = refused.text("retry_at").parse().unwrap();
    let pause = retry_at.duration_since(began).as_secs();
    assert!((3_590..=3_610).contains(&pause), "{pause} s: six lives of a hold from the first on");
    assert_eq!(evently.user().book(&event, 4).await.status, 201, "others may");
    assert_eq!(ada.book(&limited(&evently, 4).await, 4).await.status, 201, "elsewhere");
}

#[tokio::test]
async fn a_booking_that_was_kept_for_an_hour_may_be_cancelled_and_one_whose_event_is_off() {
    let evently = TestApp::with(|config| config.unbought_ttls_max = 3).await;
    let (event, ada) = (limited(&evently, 4).await, evently.user());
    let cancel_after = async |minutes: i64| {
        let (booking, now) =
            (ada.buy(&event, 1).await, Timestamp::now() + SignedDuration::from_mins(minutes));
        let user = ada.user_id.unwrap();
        let cancelled =
            booking::cancel(&evently.app.protocol, user, booking.parse().unwrap(), now, None, ready(Ok(())));
        assert!(!cancelled.await.unwrap().replayed);
    };
    for _ in 0..4 {
        cancel_after(61).await;
    }
    let bookings = [ada.buy(&event, 1).await, ada.buy(&event, 1).await, ada.buy(&event, 1).await];
    let set_status = async |status: &str| {
        let path = format!("/admin/events/{event}");
        assert_eq!(evently.admin().patch(&path, "*", json!({ "status": status })).await.status, 200);
    };
    set_status("cancelled").await;
    for booking in bookings {
        assert_eq!(ada.cancel(&booking).await.status, 200);
    }
    as_by_release_before(&evently, &event).await;
    set_status("published").await;
    cancel_after(59).await;
    cancel_after(0).await;
    assert_eq!(ada.book(&event, 1).await.status, 201, "two early ones are no circle");
}
