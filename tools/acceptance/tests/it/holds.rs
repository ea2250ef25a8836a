//! Holds and bookings as their owner sees them.

use std::time::Duration;

use domain::{
    error::Error,
    event::EventStatus,
    id::{EventId, ReservationId},
};
use reqwest::Method;
use serde_json::{Value, json};
use settings::RateLimits;
use stores::redis::scripts::Begin;
use tokio::time::sleep;

use crate::{
    common::{Answer, Calls, Session, TestApp, concert, send},
    lists::walk,
};

const TTL: Duration = Duration::from_millis(400);

async fn short_lived() -> TestApp {
    TestApp::with(|config| config.hold_ttl_ms = TTL.as_millis() as u64).await
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

async fn own(user: &Session) -> Vec<Value> {
    let page = user.get("/reservations?limit=100").await;
    assert_eq!((page.status, &page.body["next_cursor"]), (200, &Value::Null), "{}", page.body);
    page.body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn ones_own_holds_over_all_events_are_listed_newest_first() {
    let evently = TestApp::start().await;
    let (one, other, ada, bob) =
        (evently.event(50).await, evently.event(50).await, evently.user(), evently.user());
    assert!(own(&ada).await.is_empty());
    let mut held = Vec::new();
    for n in 0..7 {
        let event = if n % 2 == 0 { &one } else { &other };
        held.insert(0, ada.hold(event, 1 + n).await);
        bob.hold(event, 1).await;
    }
    for limit in [1, 3, 7, 100] {
        let (items, _) = walk(&ada, "/reservations", limit).await;
        assert_eq!(ids(&items), held, "in pages of {limit}");
    }
    for item in own(&ada).await {
        assert_eq!(item["status"], "held");
        let looked = ada.get(&format!("/reservations/{}", item["id"].as_str().unwrap())).await;
        assert_eq!(looked.body["reservation"]["expires_at"], item["expires_at"]);
        assert!((590..=600).contains(&item["expires_in"].as_i64().unwrap()), "{item}");
    }
    assert_eq!(own(&bob).await.len(), 7);
    let cursor = ada.get("/reservations?limit=2").await.text("next_cursor");
    bob.get(&format!("/reservations?cursor={cursor}")).await.assert_problem(400, "invalid_cursor");
    evently.anybody().get("/reservations").await.assert_problem(401, "unauthorized");
}

#[tokio::test]
async fn what_ended_or_never_was_is_not_among_ones_own_holds() {
    let evently = short_lived().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let (bought, given_back) = (ada.buy(&event, 1).await, ada.hold(&event, 1).await);
    assert_eq!(ada.delete(&format!("/reservations/{given_back}")).await.status, 204);
    ada.book(&event, 9).await;
    ada.book(&event, 10).await.assert_problem(409, "sold_out");
    let listed = own(&ada).await;
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(listed[0]["quantity"], 9);
    sleep(TTL).await;
    assert!(own(&ada).await.is_empty());
    assert_eq!(ada.get(&format!("/reservations/{bought}")).await.body["reservation"]["status"], "confirmed");
}

#[tokio::test]
async fn a_reservation_with_another_id_than_was_claimed_is_noted_beside_it() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let claimed: ReservationId = ada.hold(&event, 1).await.parse().unwrap();
    let (now, user) = (jiff::Timestamp::now(), ada.user_id.unwrap());
    // That two holds draw the same id is too rare to be waited for.
    let noted = ReservationId::new(claimed.event(), now);
    evently.app.redis.note_reservation(user, noted, now, 3_600_000).await.unwrap();
    assert_eq!(evently.app.redis.own_reservations(user).await.unwrap(), [noted, claimed]);
    assert_eq!(ids(&own(&ada).await), [claimed.to_string()], "what is no hold is not shown");
}

#[tokio::test]
async fn a_replay_says_what_became_of_the_reservation() {
    let evently = short_lived().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let first = ada.book_with_key(&event, 2, "key").await;
    let left = |answer: &Answer| answer.body["reservation"]["expires_in"].as_i64();
    assert_eq!(left(&first), Some(0), "less than a second");
    let again = async || ada.book_with_key(&event, 2, "key").await.body["reservation"].clone();
    assert_eq!(again().await["status"], "held");
    sleep(TTL).await;
    for when in ["overdue", "swept", "Redis lost the seats"] {
        let replayed = again().await;
        assert_eq!(
            (&replayed["status"], &replayed["expires_at"]),
            (&json!("expired"), &Value::Null),
            "{when}"
        );
        match when {
            "overdue" => drop(janitor::run(&evently.app, jiff::Timestamp::now()).await.unwrap()),
            _ => {
                let (keys, id) = (evently.keys(), event.parse::<domain::id::EventId>().unwrap());
                let lost = [keys.state(id), keys.deadlines(id), keys.holds(id), keys.ended_holds(id)];
                evently.redis_command(redis::cmd("DEL").arg(&lost)).await;
            }
        }
    }
    assert_eq!(evently.available(&event).await, 10);
}

#[tokio::test]
async fn what_is_left_is_counted_anew_in_each_replay() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let left = async || {
        let answer = ada.book_with_key(&event, 2, "key").await;
        answer.body["reservation"]["expires_in"].as_i64().unwrap()
    };
    let first = left().await;
    assert!((599..=600).contains(&first), "{first}");
    sleep(Duration::from_millis(1_100)).await;
    assert!(left().await < first);
}

#[tokio::test]
async fn a_replay_while_the_confirm_is_under_way_says_held() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let first = ada.book_with_key(&event, 2, "key").await;
    let id: ReservationId = first.body["reservation"]["id"].as_str().unwrap().parse().unwrap();
    evently.app.redis.begin(id, ada.user_id.unwrap(), 30_000).await.unwrap();
    assert_eq!(ada.book_with_key(&event, 2, "key").await.body["reservation"]["status"], "held");
    assert_eq!(ids(&own(&ada).await), [id.to_string()]);
}

#[tokio::test]
async fn ten_tries_to_book_do_not_cost_the_buyer_the_confirm() {
    let evently = TestApp::with(|config| {
        config.rate_limits = RateLimits { writes_per_minute: 3, ..RateLimits::default() };
    })
    .await;
    let (event, ada) = (evently.event_created(0, |_| {}).await, evently.user());
    let (first, second) = (ada.hold(&event, 1).await, ada.hold(&event, 1).await);
    ada.hold(&event, 1).await;
    ada.book(&event, 1).await.assert_problem(429, "rate_limited");
    let confirmed = ada.confirm(&first).await;
    assert_eq!(confirmed.status, 201, "{}", confirmed.body);
    assert_eq!(confirmed.header("ratelimit-policy"), "\"finishes\";q=3;w=60");
    assert!(confirmed.header("ratelimit").starts_with("\"finishes\";r=2;t="));
    assert_eq!(ada.delete(&format!("/reservations/{second}")).await.status, 204);
    assert_eq!(ada.cancel(&first).await.status, 200);
    for refused in [
        ada.confirm(&first).await,
        ada.cancel(&first).await,
        ada.delete(&format!("/reservations/{second}")).await,
    ] {
        refused.assert_problem(429, "rate_limited");
    }
}

#[tokio::test]
async fn a_confirm_that_was_one_too_many_leaves_the_hold_as_it_was() {
    let evently = TestApp::with(|config| {
        config.rate_limits = RateLimits { writes_per_minute: 1, ..RateLimits::default() };
    })
    .await;
    let unlimited = evently.another_with(|config| config.rate_limits = RateLimits::default()).await;
    let (event, ada) = (evently.event_created(0, |_| {}).await, evently.user());
    let ada_later = unlimited.anybody().with_token(ada.token.clone().unwrap());
    let (first, second) = (ada_later.hold(&event, 1).await, ada_later.hold(&event, 2).await);
    let path = format!("/reservations/{second}");
    let before = ada.get(&path).await.body["reservation"]["expires_at"].clone();
    assert_eq!(ada.confirm(&first).await.status, 201);
    // Another process does not remember the refusal, so that it begins.
    for _ in 0..3 {
        let forgetful = evently.another(&Calls::default()).await;
        let ada = forgetful.anybody().with_token(ada.token.clone().unwrap());
        ada.confirm(&second).await.assert_problem(429, "rate_limited");
        assert_eq!(ada_later.get(&path).await.body["reservation"]["expires_at"], before);
    }
    let seen =
        evently.app.redis.inventory(event.parse::<domain::id::EventId>().unwrap()).await.unwrap().unwrap();
    assert_eq!(seen.shards().iter().map(|shard| (shard.held, shard.confirming)).max(), Some((2, 0)));
    assert_eq!(ada_later.delete(&path).await.status, 204, "it is not being confirmed");
    assert_eq!(evently.available(&event).await, 99);
}

#[tokio::test]
async fn a_refused_confirm_does_not_take_back_what_another_one_began() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let id: ReservationId = ada.hold(&event, 2).await.parse().unwrap();
    let (redis, user) = (&evently.app.redis, ada.user_id.unwrap());
    let begin = async || match redis.begin(id, user, 30_000).await.unwrap() {
        Begin::Begun(hold) => (hold.begins, hold.is_first),
        Begin::NoHold => panic!("no hold"),
    };
    assert_eq!((begin().await, begin().await), ((1, true), (2, false)));
    for begins in [1, 2, 3] {
        assert!(!redis.unbegin(id, begins).await.unwrap(), "{begins}");
    }
    assert_eq!(ada.confirm(&id.to_string()).await.status, 201);
    assert!(!redis.unbegin(id, 1).await.unwrap(), "the hold is gone");

    let id: ReservationId = ada.hold(&event, 2).await.parse().unwrap();
    let begin = async || match redis.begin(id, user, 30_000).await.unwrap() {
        Begin::Begun(hold) => (hold.begins, hold.is_first),
        Begin::NoHold => panic!("no hold"),
    };
    assert_eq!(begin().await, (1, true));
    assert!(redis.unbegin(id, 1).await.unwrap());
    assert!(!redis.unbegin(id, 1).await.unwrap(), "once");
    assert_eq!(begin().await, (2, true), "a later one is another one");
    assert!(!redis.unbegin(id, 1).await.unwrap());
}

#[tokio::test]
async fn a_hold_of_an_event_that_is_no_longer_published_cannot_be_confirmed() {
    let evently = TestApp::start().await;
    for status in [EventStatus::Draft, EventStatus::Cancelled] {
        let (event, ada) = (evently.event(10).await, evently.user());
        let held = ada.hold(&event, 2).await;
        let before = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
        let mut off = before.clone();
        (off.details.status, off.version) = (status, 2);
        assert!(evently.app.store.replace_event_adding(&before, &off, &[], &[], &[], None).await.unwrap());
        assert!(evently.app.redis.refresh(&off, 0).await.unwrap());
        ada.confirm(&held).await.assert_problem(409, "not_on_sale");
        assert_eq!(evently.sold(&event).await, 0);
        assert_eq!(ada.delete(&format!("/reservations/{held}")).await.status, 204);
    }
}

#[tokio::test]
async fn a_lower_max_per_user_leaves_granted_holds_as_they_are() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "capacity": 50, "max_per_user": 6 })).await;
    let ada = evently.user();
    let (first, second) = (ada.hold(&event, 3).await, ada.hold(&event, 3).await);
    let lower = concert(json!({ "capacity": 50, "max_per_user": 2, "max_per_booking": 2 }));
    assert_eq!(evently.admin().put(&format!("/admin/events/{event}"), "\"1\"", lower).await.status, 200);
    ada.book(&event, 1).await.assert_problem(409, "max_per_user_reached");
    for held in [first, second] {
        assert_eq!(ada.confirm(&held).await.status, 201);
    }
    assert_eq!(evently.sold(&event).await, 6);
    ada.book(&event, 1).await.assert_problem(409, "max_per_user_reached");
}

#[tokio::test]
async fn a_booking_shows_its_event_as_it_is_now_beside_what_was_booked() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event_with(json!({ "venue": "Old Hall" })).await, evently.user());
    let booking = ada.buy(&event, 1).await;
    let as_booked = ada.get(&format!("/bookings/{booking}")).await.body["booking"].clone();
    assert_eq!(as_booked["event"]["name"], "Concert");
    assert_eq!(as_booked["event"]["venue"], "Old Hall");
    assert_eq!(as_booked["event"]["starts_at"], as_booked["starts_at"]);
    let moved = concert(json!({ "name": "Big Concert", "venue": null, "status": "cancelled" }));
    assert_eq!(evently.admin().put(&format!("/admin/events/{event}"), "\"1\"", moved).await.status, 200);
    let listed = ada.get("/bookings").await.body["items"][0].clone();
    let read = ada.get(&format!("/bookings/{booking}")).await.body["booking"].clone();
    let confirmed = ada.confirm(&booking).await.body["booking"].clone();
    let of_admin =
        evently.admin().get(&format!("/admin/events/{event}/bookings")).await.body["items"][0].clone();
    let cancelled = ada.cancel(&booking).await.body["booking"].clone();
    for shown in [listed, read, confirmed, of_admin, cancelled] {
        assert_eq!(shown["event_name"], "Concert", "as booked");
        assert_eq!(shown["event"]["name"], "Big Concert", "{shown}");
        assert_eq!(shown["event"]["venue"], Value::Null);
        assert_eq!(shown["event"]["status"], "cancelled");
    }
}

#[tokio::test]
async fn the_events_of_a_page_of_bookings_cost_one_read() {
    let evently = TestApp::start().await;
    let calls = Calls::default();
    let (counted, ada) = (evently.another(&calls).await, evently.user());
    for _ in 0..5 {
        let event = evently.event(10).await;
        ada.buy(&event, 1).await;
        ada.buy(&event, 1).await;
    }
    let ada = counted.anybody().with_token(ada.token.clone().unwrap());
    ada.get("/bookings?limit=1").await;
    calls.take();
    let page = ada.get("/bookings").await;
    assert_eq!(page.body["items"].as_array().unwrap().len(), 10);
    let expected = [("BatchGetItem events", 1), ("Query bookings", 1)];
    assert_eq!(calls.take(), expected.map(|(call, times)| (call.to_owned(), times)).into());
    let held = ada.hold(&evently.event(1).await, 1).await;
    calls.take();
    assert_eq!(ada.confirm(&held).await.status, 201);
    assert_eq!(
        calls.take(),
        [("TransactWriteItems several".to_owned(), 1)].into(),
        "nothing is read to confirm"
    );
}

#[tokio::test]
async fn a_state_that_an_older_release_made_does_not_say_the_venue_and_the_event_is_read() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event_with(json!({ "venue": "Old Hall" })).await, evently.user());
    let held = ada.hold(&event, 1).await;
    let id: EventId = event.parse().unwrap();
    evently.redis_command(redis::cmd("HDEL").arg(evently.keys().state(id)).arg("venue")).await;
    let confirmed = ada.confirm(&held).await;
    assert_eq!(confirmed.body["booking"]["event"]["venue"], "Old Hall");
    assert_eq!(ada.cancel(&held).await.body["booking"]["event"]["venue"], "Old Hall");
}

#[tokio::test]
async fn a_hold_that_an_older_release_made_can_be_confirmed() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let held = ada.hold(&event, 2).await;
    let id: EventId = event.parse().unwrap();
    let user = ada.user_id.unwrap();
    let hold = json!({
        "user": user.to_string(), "quantity": 2, "draws": [[0, 2]], "unit_price": 2_500, "state": "held", "from": 1,
    });
    let mut write = redis::cmd("HSET");
    write.arg(evently.keys().holds(id)).arg(&held).arg(hold.to_string());
    evently.redis_command(&write).await;
    let Ok(Begin::Begun(begun)) = evently.app.redis.begin(held.parse().unwrap(), user, 30_000).await else {
        panic!("not begun")
    };
    assert!(begun.is_first && begun.max_per_user == 1_000_000);
    assert_eq!(ada.confirm(&held).await.status, 201);
    assert_eq!(evently.available(&event).await, 8);
}

#[tokio::test]
async fn without_redis_ones_own_holds_are_not_known() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let ada = evently.user();
    ada.hold(&evently.event(10).await, 1).await;
    drop(redis);
    let answer = send(ada.request(Method::GET, "/reservations")).await;
    answer.assert_problem(503, "try_again");
    let unknown = evently.app.redis.own_reservations(ada.user_id.unwrap()).await;
    assert!(matches!(unknown, Err(Error::OutOfReach { .. })), "{unknown:?}");
}
