//! Idempotency keys: required to book, honoured to confirm and cancel.

use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::{Method, header::HeaderValue};
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use crate::common::{Answer, Session, TestApp, send};

async fn post_with_key(user: &Session, path: &str, key: &[u8]) -> Answer {
    let key = HeaderValue::from_bytes(key).unwrap();
    send(user.request(Method::POST, path).header("idempotency-key", key)).await
}

/// The reservation without what is counted anew in each answer.
fn as_it_is(answer: &Answer) -> Value {
    let mut reservation = answer.body["reservation"].clone();
    let left = reservation.as_object_mut().unwrap().remove("expires_in").unwrap();
    assert_eq!(left.is_null(), reservation["status"] != "held", "{reservation}");
    reservation
}

/// The same, as it must be once it has that status.
fn as_of(first: &Answer, status: &str) -> Value {
    let mut reservation = as_it_is(first);
    if status != "held" {
        reservation["expires_at"] = Value::Null;
    }
    reservation["status"] = json!(status);
    reservation
}

#[tokio::test]
async fn booking_needs_a_key_of_1_to_255_visible_ascii_characters_without_commas() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    let path = format!("/events/{event}/book");
    user.post(&path, json!({ "quantity": 1 })).await.assert_problem(400, "idempotency_key_required");
    let (longest, too_long) = ("k".repeat(255), "k".repeat(256));
    for key in
        [b"".as_slice(), too_long.as_bytes(), "schlüssel".as_bytes(), b"\xff", b"two words", b"a\tb", b"a,b"]
    {
        let refused = post_with_key(&user, &path, key).await;
        assert_eq!(refused.status, 400, "{key:?}: {}", refused.body);
        refused.assert_problem(400, "invalid_parameter");
        assert_eq!(refused.bad_fields(), ["Idempotency-Key"]);
    }
    assert_eq!(evently.available(&event).await, 10, "nothing is held");
    for key in [longest.as_bytes(), b"1", b"!\"#$%&'()*+-./:;<=>?@[\\]^_`{|}~"] {
        assert_eq!(post_with_key(&user, &path, key).await.status, 201, "{key:?}");
    }
    let (reservation, booking) = (user.hold(&event, 1).await, user.buy(&event, 1).await);
    for path in [format!("/reservations/{reservation}/confirm"), format!("/bookings/{booking}/cancel")] {
        let refused = post_with_key(&user, &path, too_long.as_bytes()).await;
        refused.assert_problem(400, "invalid_parameter");
    }
    assert_eq!(evently.sold(&event).await, 1, "neither confirmed nor cancelled");
}

#[tokio::test]
async fn the_same_request_again_is_answered_the_same() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    let first = user.book_with_key(&event, 3, "key").await;
    assert_eq!(first.status, 201, "{}", first.body);
    assert!(first.headers.get("idempotent-replayed").is_none());
    let id = first.body["reservation"]["id"].as_str().unwrap().to_owned();
    let same = async |status: &str| {
        let again = user.book_with_key(&event, 3, "key").await;
        assert_eq!((again.status, as_it_is(&again)), (201, as_of(&first, status)));
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(again.header("location"), first.header("location"));
    };
    same("held").await;
    assert_eq!(evently.available(&event).await, 7, "held once");
    assert_eq!(user.confirm(&id).await.status, 201);
    same("confirmed").await;
    assert_eq!(user.cancel(&id).await.status, 200);
    same("cancelled").await;
    assert_eq!(evently.available(&event).await, 10);
}

#[tokio::test]
async fn a_replay_brings_back_no_reservation_that_was_given_back() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    let first = user.book_with_key(&event, 3, "key").await;
    let id = first.body["reservation"]["id"].as_str().unwrap();
    assert_eq!(user.delete(&format!("/reservations/{id}")).await.status, 204);
    let again = user.book_with_key(&event, 3, "key").await;
    assert_eq!((again.status, as_it_is(&again)), (201, as_of(&first, "released")));
    assert_eq!(again.header("idempotent-replayed"), "true");
    user.confirm(id).await.assert_problem(410, "reservation_released");
    assert_eq!(evently.available(&event).await, 10);
}

/// The second time within the moment for which a process knows that there are no seats.
#[tokio::test]
async fn what_is_sold_out_is_so_whatever_the_key_was_used_for() {
    let evently = TestApp::start().await;
    let (event, small) = (evently.event(10).await, evently.event(1).await);
    let (user, other) = (evently.user(), evently.user());
    let held = user.book_with_key(&event, 3, "key").await;
    let last = other.book_with_key(&small, 1, "last").await;
    assert_eq!((held.status, last.status), (201, 201));
    for key in ["key", "key", "new", "new"] {
        user.book_with_key(&small, 1, key).await.assert_problem(409, "all_held");
    }
    assert_eq!(user.book_with_key(&event, 3, "key").await.header("idempotent-replayed"), "true");
    assert_eq!(other.book_with_key(&small, 1, "last").await.header("idempotent-replayed"), "true");

    // A place comes back at once: who gets it is asked for the key all the same.
    user.book_with_key(&small, 1, "new").await.assert_problem(409, "all_held");
    let held = last.body["reservation"]["id"].as_str().unwrap();
    assert_eq!(other.delete(&format!("/reservations/{held}")).await.status, 204);
    user.book_with_key(&small, 1, "key").await.assert_problem(422, "idempotency_key_reused");
    assert_eq!(evently.available(&small).await, 1);
    assert_eq!(user.book_with_key(&small, 1, "new").await.status, 201);
    user.book_with_key(&event, 1, "new").await.assert_problem(422, "idempotency_key_reused");
    assert_eq!(evently.available(&event).await, 7);
}

#[tokio::test]
async fn ten_requests_at_once_with_one_key_make_one_reservation() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(100).await, evently.user());
    let answers = join_all((0..10).map(|_| user.book_with_key(&event, 2, "key"))).await;
    for answer in &answers {
        assert_eq!((answer.status, as_it_is(answer)), (201, as_it_is(&answers[0])));
    }
    let replayed = answers.iter().filter(|answer| answer.headers.contains_key("idempotent-replayed")).count();
    assert_eq!(replayed, 9);
    assert_eq!(evently.available(&event).await, 98);
}

#[tokio::test]
async fn a_key_is_refused_for_another_quantity() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    assert_eq!(user.book_with_key(&event, 3, "key").await.status, 201);
    user.book_with_key(&event, 4, "key").await.assert_problem(422, "idempotency_key_reused");
    assert_eq!(evently.available(&event).await, 7);
    assert_eq!(user.book_with_key(&event, 3, "key").await.header("idempotent-replayed"), "true");
    assert_eq!(user.book_with_key(&event, 4, "KEY").await.status, 201, "keys differ by case");
}

#[tokio::test]
async fn a_key_is_refused_for_another_event_and_no_seat_stays_held() {
    let evently = TestApp::start().await;
    let (event, other, user) = (evently.event(10).await, evently.event(10).await, evently.user());
    assert_eq!(user.book_with_key(&event, 3, "key").await.status, 201);
    for _ in 0..3 {
        user.book_with_key(&other, 3, "key").await.assert_problem(422, "idempotency_key_reused");
        assert_eq!(evently.available(&other).await, 10);
    }
    assert_eq!(user.book_with_key(&event, 3, "key").await.header("idempotent-replayed"), "true");
    assert_eq!(evently.available(&event).await, 7);

    let answers = join_all([&event, &other].map(|event| user.book_with_key(event, 1, "at-once"))).await;
    let held = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(held, 1, "{answers:?}");
    assert_eq!(evently.available(&event).await + evently.available(&other).await, 16);
}

#[tokio::test]
async fn another_users_key_is_another_key() {
    let evently = TestApp::start().await;
    let (event, ada, bob) = (evently.event(10).await, evently.user(), evently.user());
    let (adas, bobs) = (ada.book_with_key(&event, 3, "key").await, bob.book_with_key(&event, 4, "key").await);
    assert_eq!((adas.status, bobs.status), (201, 201));
    assert!(bobs.headers.get("idempotent-replayed").is_none());
    assert_ne!(adas.body["reservation"]["id"], bobs.body["reservation"]["id"]);
    assert_eq!(evently.available(&event).await, 3);
}

#[tokio::test]
async fn a_key_of_a_confirm_or_a_cancel_is_refused_for_another_one() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    let (first, second) = (user.hold(&event, 1).await, user.hold(&event, 1).await);
    let confirm = |id: &str| format!("/reservations/{id}/confirm");
    let cancel = |id: &str| format!("/bookings/{id}/cancel");

    let confirmed = post_with_key(&user, &confirm(&first), b"key").await;
    assert_eq!(confirmed.status, 201, "{}", confirmed.body);
    post_with_key(&user, &confirm(&second), b"key").await.assert_problem(422, "idempotency_key_reused");
    let again = post_with_key(&user, &confirm(&first), b"key").await;
    assert_eq!((again.status, &again.body), (200, &confirmed.body));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(evently.sold(&event).await, 1, "the second was not confirmed");
    assert_eq!(post_with_key(&user, &confirm(&second), b"another").await.status, 201);

    // A key belongs to its operation: the confirm's serves the cancel as a new one.
    let cancelled = post_with_key(&user, &cancel(&first), b"key").await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    post_with_key(&user, &cancel(&second), b"key").await.assert_problem(422, "idempotency_key_reused");
    let again = post_with_key(&user, &cancel(&first), b"key").await;
    assert_eq!((again.status, &again.body), (200, &cancelled.body));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(evently.sold(&event).await, 1, "the second was not cancelled");

    let stranger = evently.user();
    let theirs = stranger.hold(&event, 1).await;
    assert_eq!(post_with_key(&stranger, &confirm(&theirs), b"key").await.status, 201);
}

#[tokio::test]
async fn a_refused_booking_may_be_tried_again_with_its_key() {
    let evently = TestApp::start().await;
    let (event, ada, bob) = (evently.event(5).await, evently.user(), evently.user());
    let reservation = bob.hold(&event, 5).await;
    let key = Uuid::now_v7().to_string();
    ada.book_with_key(&event, 2, &key).await.assert_problem(409, "all_held");
    assert_eq!(bob.delete(&format!("/reservations/{reservation}")).await.status, 204);
    let held = ada.book_with_key(&event, 2, &key).await;
    assert_eq!(held.status, 201, "{}", held.body);
    assert!(held.headers.get("idempotent-replayed").is_none());
}

#[tokio::test]
async fn a_booking_that_is_refused_leaves_nothing_in_redis() {
    let (evently, _redis) = TestApp::with_own_redis(|config| config.network_places_max = None).await;
    let (event, other, ada) = (evently.event(1).await, evently.event(1).await, evently.user());
    evently.user().hold(&event, 1).await;
    for n in 0..20 {
        ada.book_with_key(&event, 1, &format!("key{n}")).await.assert_problem(409, "all_held");
    }
    let id = ada.user_id.unwrap().to_string();
    let of_ada = async || -> Vec<String> {
        let keys: Vec<String> = evently.redis_query(redis::cmd("KEYS").arg("*")).await;
        keys.into_iter().filter(|key| key.contains(&id) || key.contains(":places")).collect()
    };
    let began = Instant::now();
    loop {
        // The one who holds the seat is of the same network.
        let left = of_ada().await;
        if left.iter().all(|key| key.contains(":places")) && left.len() == 2 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{left:?}");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(ada.book_with_key(&other, 1, "key0").await.status, 201, "its key is unused");
}
