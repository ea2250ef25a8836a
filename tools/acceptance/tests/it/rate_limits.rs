//! Rate limits: exact under concurrency, for each client, and nothing is left of what was refused.

use std::{collections::BTreeMap, time::Duration};

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use settings::{Config, RateLimits};
use stores::redis::scripts::LimitOf;
use tokio::time::sleep;

use crate::common::{Answer, Calls, Session, TestApp, concert, send};

fn limits(reads: u64, writes: u64, auth: u64) -> impl FnOnce(&mut Config) {
    move |config| {
        config.rate_limits = RateLimits {
            reads_per_minute: reads,
            writes_per_minute: writes,
            auth_per_minute: auth,
            ..RateLimits::default()
        };
    }
}

/// An event that was made past the limits.
async fn event(evently: &TestApp, capacity: u32) -> String {
    evently.event_created(0, |details| details.capacity = capacity).await
}

fn statuses(answers: &[Answer]) -> BTreeMap<u16, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.status).or_default() += 1;
    }
    counts
}

#[track_caller]
fn assert_limited(answer: &Answer, policy: &str) {
    answer.assert_problem(429, "rate_limited");
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(answer.header("ratelimit-policy"), policy);
    let name = policy.split(';').next().unwrap();
    assert_eq!(answer.header("ratelimit"), format!("{name};r=0;t={seconds}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_requests_at_once_just_the_allowed_number_gets_through() {
    let evently = TestApp::with(limits(0, 10, 0)).await;
    let processes = [evently.another(&Calls::default()).await, evently.another(&Calls::default()).await];
    let (event, ada, ben) = (event(&evently, 1_000).await, evently.user(), evently.user());
    let ask = async |user: &Session| {
        let requests = (0..200).map(|n| {
            let (user, event) =
                (processes[n % 2].anybody().with_token(user.token.clone().unwrap()), event.clone());
            tokio::spawn(async move { user.book(&event, 1).await })
        });
        join_all(requests).await.into_iter().map(Result::unwrap).collect::<Vec<_>>()
    };
    let answers = ask(&ada).await;
    assert_eq!(statuses(&answers), BTreeMap::from([(201, 10), (429, 190)]));
    for refused in answers.iter().filter(|answer| answer.status == 429) {
        assert_limited(refused, "\"writes\";q=10;w=60");
    }
    assert_eq!(evently.available(&event).await, 990, "what was refused holds no seats");
    // Another client is not touched.
    assert_eq!(statuses(&ask(&ben).await), BTreeMap::from([(201, 10), (429, 190)]));
    assert_eq!(evently.available(&event).await, 980);
}

#[tokio::test]
async fn a_request_that_was_refused_can_be_sent_again() {
    let evently = TestApp::with(limits(0, 1, 0)).await;
    let unlimited = evently.another_with(limits(0, 0, 0)).await;
    let (event, ada) = (event(&evently, 10).await, evently.user());
    assert_eq!(ada.book_with_key(&event, 1, "first").await.status, 201);
    for _ in 0..3 {
        assert_limited(&ada.book_with_key(&event, 2, "second").await, "\"writes\";q=1;w=60");
    }
    assert_eq!(evently.available(&event).await, 9);
    // A minute later: the same key may be used for another event, and makes a reservation that is alive.
    let later = unlimited.anybody().with_token(ada.token.clone().unwrap());
    let other = evently.event_created(0, |_| {}).await;
    let elsewhere = ada.book_with_key(&other, 1, "third").await;
    assert_limited(&elsewhere, "\"writes\";q=1;w=60");
    assert_eq!(later.book_with_key(&event, 1, "third").await.status, 201);
    let held = later.book_with_key(&event, 2, "second").await;
    assert_eq!((held.status, held.headers.get("idempotent-replayed")), (201, None));
    let id = held.body["reservation"]["id"].as_str().unwrap();
    assert_eq!(later.confirm(id).await.status, 201);
}

#[tokio::test]
async fn a_reservation_that_its_user_was_told_of_is_not_taken_back() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let undo = async |id: &str| {
        evently.app.redis.undo(id.parse().unwrap(), ada.user_id.unwrap(), "key").await.unwrap()
    };
    let first = ada.book_with_key(&event, 3, "key").await;
    let id = first.body["reservation"]["id"].as_str().unwrap();
    assert!(undo(id).await);
    assert!(!undo(id).await, "once");
    assert_eq!(evently.available(&event).await, 10);

    let second = ada.book_with_key(&event, 3, "key").await;
    let id = second.body["reservation"]["id"].as_str().unwrap();
    let again = ada.book_with_key(&event, 3, "key").await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body["reservation"]["id"], id);
    assert!(!undo(id).await);
    assert_eq!(ada.confirm(id).await.status, 201);
    assert!(!undo(id).await);
    assert_eq!(evently.available(&event).await, 7);
}

#[tokio::test]
async fn what_is_refused_has_no_effect() {
    let evently = TestApp::start().await;
    let limited = evently.another_with(limits(0, 1, 1)).await;
    let (event, ada, admin) = (evently.event(10).await, evently.user(), evently.admin());
    let (held, booking) = (ada.hold(&event, 1).await, ada.buy(&event, 2).await);
    let (user, boss) = (
        limited.anybody().with_token(ada.token.clone().unwrap()),
        limited.anybody().with_token(admin.token.clone().unwrap()),
    );
    // Each has had its one write, and the one that ends something.
    assert_eq!(user.delete("/reservations/01890000-0000-7000-8000-000000000000").await.status, 404);
    assert_eq!(user.book("01890000-0000-7000-8000-000000000000", 1).await.status, 404);
    assert_eq!(boss.post("/admin/events", json!({})).await.status, 422, "a bad one counts, too");
    let carl = json!({ "email": "carl@example.com", "password": "long enough, surely" });
    assert_eq!(limited.anybody().post("/login", carl.clone()).await.status, 401);

    for refused in [
        user.confirm(&held).await,
        user.delete(&format!("/reservations/{held}")).await,
        user.cancel(&booking).await,
    ] {
        assert_limited(&refused, "\"finishes\";q=1;w=60");
    }
    for refused in [
        user.book(&event, 1).await,
        boss.post("/admin/events", concert(json!({}))).await,
        boss.put(&format!("/admin/events/{event}"), "*", concert(json!({ "capacity": 500 }))).await,
    ] {
        assert_limited(&refused, "\"writes\";q=1;w=60");
    }
    for path in ["/register", "/login"] {
        assert_limited(&limited.anybody().post(path, carl.clone()).await, "\"auth\";q=1;w=60");
    }
    assert_eq!(evently.available(&event).await, 7);
    assert_eq!(ada.get(&format!("/bookings/{booking}")).await.body["booking"]["status"], "confirmed");
    assert_eq!(ada.get(&format!("/reservations/{held}")).await.body["reservation"]["status"], "held");
    assert_eq!(evently.anybody().post("/register", carl).await.status, 201, "it was not registered");
    let all = admin.get("/admin/events").await;
    assert_eq!(all.body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn reads_are_counted_by_user_or_else_by_address_whatever_the_client_says_of_itself() {
    let evently = TestApp::with(limits(3, 0, 0)).await;
    let (anybody, ada) = (evently.anybody(), evently.user());
    for left in [2, 1, 0] {
        let answer = anybody.get("/events").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"reads\";q=3;w=60");
        assert!(answer.header("ratelimit").starts_with(&format!("\"reads\";r={left};t=")));
    }
    assert_limited(&anybody.get("/events").await, "\"reads\";q=3;w=60");
    for header in ["x-forwarded-for", "forwarded", "x-real-ip", "x-client-ip", "cf-connecting-ip"] {
        assert_limited(&anybody.get_with("/events", header, "203.0.113.9").await, "\"reads\";q=3;w=60");
    }
    let forged = anybody.with_token("no.valid.token");
    assert_limited(&forged.get("/bookings").await, "\"reads\";q=3;w=60");
    assert_eq!(ada.get("/events").await.status, 200, "a user is another client");
}

#[tokio::test]
async fn every_answer_says_what_is_left() {
    let evently = TestApp::with(limits(100, 100, 100)).await;
    let (event, ada) = (event(&evently, 10).await, evently.user());
    for (answer, policy) in [
        (ada.get("/nowhere").await, "reads"),
        (evently.anybody().get("/bookings").await, "reads"),
        (ada.get("/health").await, "reads"),
        (ada.get(&format!("/events/{event}")).await, "reads"),
        (ada.book(&event, 1).await, "writes"),
        (ada.book(&event, 99).await, "writes"),
        (send(ada.request(Method::PATCH, "/events")).await, "writes"),
        (evently.anybody().post("/login", json!({})).await, "auth"),
    ] {
        assert_eq!(answer.header("ratelimit-policy"), format!("\"{policy}\";q=100;w=60"));
        assert!(answer.header("ratelimit").starts_with(&format!("\"{policy}\";r=9")), "{:?}", answer.headers);
    }
    let unlimited = TestApp::start().await;
    let answer = unlimited.anybody().get("/events").await;
    assert!(!answer.headers.keys().any(|name| name.as_str().starts_with("ratelimit")));
}

#[tokio::test]
async fn the_window_slides() {
    let evently = TestApp::start().await;
    let window = Duration::from_millis(400);
    let client = LimitOf { client: "a client".to_owned(), wide: None };
    let ask = async || evently.app.redis.limit("writes", &client, 2, window).await.unwrap();
    let first = ask().await;
    assert_eq!((first.is_allowed, first.left), (true, 1));
    sleep(window / 2).await;
    assert!(ask().await.is_allowed);
    let refused = ask().await;
    assert!(!refused.is_allowed && refused.more_in <= window / 2, "{refused:?}");
    sleep(refused.more_in + Duration::from_millis(5)).await;
    assert!(ask().await.is_allowed, "the first one is free again");
    assert!(!ask().await.is_allowed, "the second one is not");
}

#[tokio::test]
async fn without_redis_reads_are_free_and_each_process_counts_writes() {
    let (evently, redis) = TestApp::with_own_redis(limits(2, 2, 2)).await;
    let (event, ada) = (event(&evently, 10).await, evently.user());
    redis.kill().unwrap();
    redis.wait_dead().await;
    for _ in 0..4 {
        assert_eq!(ada.get(&format!("/events/{event}")).await.status, 200);
    }
    for _ in 0..2 {
        ada.book(&event, 1).await.assert_problem(503, "try_again");
        let unknown = json!({ "email": "nobody@example.com", "password": "long enough, surely" });
        evently.anybody().post("/login", unknown).await.assert_problem(401, "invalid_credentials");
    }
    assert_limited(&ada.book(&event, 1).await, "\"writes\";q=2;w=60");
    assert_limited(&evently.anybody().post("/login", json!({})).await, "\"auth\";q=2;w=60");
    assert_eq!(evently.user().book(&event, 1).await.status, 503, "another client");
}

fn credentials() -> serde_json::Value {
    json!({ "email": "nobody@example.com", "password": "long enough, surely" })
}

#[tokio::test]
async fn sign_ins_of_many_ipv6_networks_are_limited_by_the_wider_one() {
    let evently = TestApp::with(limits(0, 0, 2)).await;
    let sign_in = async |address: &str| evently.from(address).await.post("/login", json!({})).await;
    for n in 0..10 {
        for _ in 0..2 {
            assert_eq!(sign_in(&format!("2001:db8:1:{n}::1")).await.status, 422, "{n}");
        }
    }
    assert_limited(&sign_in("2001:db8:1:ff::1").await, "\"auth\";q=2;w=60");
    for other in ["2001:db8:2:ff::1", "192.0.2.1"] {
        assert_eq!(sign_in(other).await.status, 422, "{other}");
    }
    // What its own network refuses takes nothing from the wider one.
    let greedy = evently.from("2001:db8:3::1").await;
    for n in 0..30 {
        assert_eq!(greedy.post("/login", json!({})).await.status == 422, n < 2, "{n}");
    }
    let neighbour = sign_in("2001:db8:3:1::1").await;
    assert_eq!((neighbour.status, neighbour.header("ratelimit").contains(";r=1;")), (422, true));
}

#[tokio::test]
async fn redis_learns_no_address_of_a_network() {
    let change = |config: &mut Config| {
        limits(5, 5, 5)(config);
        config.rate_limits.registrations_per_hour = 5;
    };
    let (evently, redis) = TestApp::with_own_redis(change).await;
    for address in ["2001:db8:aa:bb::1", "192.0.2.1"] {
        let anybody = evently.from(address).await;
        anybody.get("/events").await;
        anybody.post("/login", credentials()).await.assert_problem(401, "invalid_credentials");
        let account =
            json!({ "email": format!("{}@example.com", address.len()), "password": "correct horse" });
        assert_eq!(anybody.post("/register", account).await.status, 201);
    }
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
    let limits = |kind: &str| keys.iter().filter(|key| key.contains(&format!(":limit:{kind}"))).count();
    assert_eq!([limits("reads"), limits("auth"), limits("registrations")], [2, 3, 3], "{keys:?}");
    assert!(!keys.iter().any(|key| key.contains("2001:db8") || key.contains("192.0.2")), "{keys:?}");
}
