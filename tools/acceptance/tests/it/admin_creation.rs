//! An event is created once for each idempotency key, however often the request comes.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::time::sleep;

use domain::request_key::RequestKey;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use stores::dynamodb;

use crate::common::{
    Answer, Session, TestApp,
    between::{Call, Reply},
    concert, in_hours, send, shared_dynamodb,
};

async fn create(admin: &Session, key: &str, event: &Value) -> Answer {
    send(admin.request(Method::POST, "/admin/events").header("idempotency-key", key).json(event)).await
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
}

async fn events_in_all(evently: &TestApp) -> usize {
    evently.admin().get("/admin/events?limit=100").await.body["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn the_same_request_again_makes_no_second_event() {
    let evently = TestApp::start().await;
    let (admin, event) = (evently.admin(), concert(json!({ "name": "Once", "status": "draft" })));
    let first = create(&admin, "key", &event).await;
    assert_eq!((first.status, is_replayed(&first)), (201, false), "{}", first.body);
    let again = create(&admin, "key", &event).await;
    assert_eq!((again.status, is_replayed(&again)), (201, true));
    assert_eq!((&again.body, again.header("location")), (&first.body, first.header("location")));
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_eq!(admin.get(again.header("location")).await.body, first.body);

    // As it is now, not as it was.
    let change = json!({ "name": "Changed", "status": "published" });
    assert_eq!(admin.patch(first.header("location"), "\"1\"", change).await.status, 200);
    evently.user().hold(&first.text("id"), 3).await;
    let later = create(&admin, "key", &event).await;
    assert_eq!((later.status, is_replayed(&later)), (201, true));
    assert_eq!((&later.body["name"], &later.body["version"]), (&json!("Changed"), &json!(2)));
    assert_eq!((&later.body["available"], later.header("etag").starts_with("\"2.")), (&json!(97), true));
    assert_eq!(events_in_all(&evently).await, 1, "and the key itself is in no list");
}

#[tokio::test]
async fn the_same_event_written_another_way_is_the_same_request() {
    let evently = TestApp::start().await;
    let (admin, starts_at) = (evently.admin(), in_hours(100));
    let write = async |key: &str, body: String| {
        let request = admin.request(Method::POST, "/admin/events").header("idempotency-key", key);
        send(request.header("content-type", "application/json").body(body)).await
    };
    let first = write(
        "key",
        format!(r#"{{"name":"A","starts_at":"{starts_at}","capacity":10,"base_price":5,"currency":"EUR"}}"#),
    )
    .await;
    assert_eq!(first.status, 201, "{}", first.body);
    let offset = starts_at.replace('Z', "+00:00");
    let again = write(
        "key",
        format!(
            r#"{{ "currency": "EUR", "capacity": 10.0, "venue": null, "base_price": 5, "starts_at": "{offset}", "name": "A" }}"#
        ),
    )
    .await;
    assert_eq!((again.status, is_replayed(&again)), (201, true), "{}", again.body);
    assert_eq!(again.body["id"], first.body["id"]);
}

#[tokio::test]
async fn a_key_is_refused_for_another_event_and_another_admins_key_is_another_key() {
    let evently = TestApp::start().await;
    let (admin, event) = (evently.admin(), concert(json!({ "name": "One" })));
    let first = create(&admin, "key", &event).await;
    for other in
        [json!({ "name": "Two" }), json!({ "name": "One", "status": "draft" }), json!({ "capacity": 101 })]
    {
        create(&admin, "key", &concert(other)).await.assert_problem(422, "idempotency_key_reused");
    }
    assert_eq!(events_in_all(&evently).await, 1);
    for (who, key) in [(&evently.admin(), "key"), (&admin, "KEY"), (&admin, "key2")] {
        let another = create(who, key, &event).await;
        assert_eq!((another.status, is_replayed(&another)), (201, false), "{key}");
        assert_ne!(another.body["id"], first.body["id"]);
    }
    for _ in 0..2 {
        assert_eq!(admin.post("/admin/events", event.clone()).await.status, 201);
    }
    assert_eq!(events_in_all(&evently).await, 6, "without a key each request makes one");
    create(&admin, "two words", &event).await.assert_problem(400, "invalid_parameter");
}

#[tokio::test]
async fn a_request_that_was_refused_does_not_use_its_key_up() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    create(&admin, "key", &concert(json!({ "capacity": 0 }))).await.assert_problem(422, "validation_failed");
    let created = create(&admin, "key", &concert(json!({}))).await;
    assert_eq!((created.status, is_replayed(&created)), (201, false), "{}", created.body);
}

/// What the stores have of events: event items, prices, keys and shards.
async fn items(evently: &TestApp) -> usize {
    let client = dynamodb::client_for_endpoint(shared_dynamodb());
    let tables = &evently.app.config.tables;
    let mut count = 0;
    for table in [&tables.events, &tables.inventory] {
        let mut pages = client.scan().table_name(table).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            item.unwrap();
            count += 1;
        }
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_requests_at_once_with_one_key_make_one_event() {
    // 300 shards: more than one transaction takes.
    for seats_per_shard in [50, 1] {
        let evently = TestApp::with(|config| config.seats_per_shard = seats_per_shard).await;
        let (admin, event) = (evently.admin(), concert(json!({ "capacity": 300 })));
        let answers = join_all((0..10).map(|_| create(&admin, "key", &event))).await;
        // A store that is too slow for all of them at once is no other matter: the same request again is safe.
        let all_in_time = answers.iter().all(|answer| answer.status == 201);
        let mut ids = HashSet::new();
        let mut made = 0;
        for mut answer in answers {
            while answer.status == 503 {
                answer = create(&admin, "key", &event).await;
            }
            assert_eq!(answer.status, 201, "{}", answer.body);
            made += u32::from(!is_replayed(&answer));
            ids.insert(answer.text("id"));
        }
        assert_eq!(ids.len(), 1, "{ids:?}");
        assert_eq!(events_in_all(&evently).await, 1);
        if all_in_time {
            assert_eq!(made, 1);
            let kept = 3 + 300 / seats_per_shard as usize;
            assert_eq!(items(&evently).await, kept, "an event, its price, its key, its shards");
        }
        evently.user().buy(ids.iter().next().unwrap(), 10).await;
    }
}

/// Whether this call creates the event itself.
fn creates_the_event(call: &Call) -> bool {
    let items = call.body["TransactItems"].as_array();
    call.is_transaction()
        && items.into_iter().flatten().any(|item| {
            item["Put"]["Item"]["capacity"].is_object() && item["Put"]["Item"]["listing"].is_object()
        })
}

#[tokio::test]
async fn what_a_creation_leaves_behind_that_broke_off_goes_with_the_next_large_one() {
    // 300 shards: more than one transaction takes.
    let evently = TestApp::with(|config| config.seats_per_shard = 1).await;
    let event = concert(json!({ "capacity": 300 }));
    let breaking_off = evently
        .another_through(|call: Call| async move {
            if creates_the_event(&call) { Reply::refused() } else { call.done().await }
        })
        .await;
    assert_ne!(breaking_off.admin().post("/admin/events", event.clone()).await.status, 201);
    let (surplus, note) = (300 - 95, 1);
    assert_eq!(items(&evently).await, surplus + note);

    let small = concert(json!({ "capacity": 20 }));
    assert_eq!(evently.admin().post("/admin/events", small).await.status, 201);
    assert_eq!(evently.admin().post("/admin/events", event.clone()).await.status, 201);
    let (of_small, of_large) = (2 + 20, 2 + 300);
    assert_eq!(items(&evently).await, surplus + note + of_small + of_large, "it may still be under way");

    let later = Timestamp::now() + SignedDuration::from_mins(11);
    assert_eq!(evently.app.store.clear_broken_creations(later).await.unwrap(), 1);
    assert_eq!(items(&evently).await, of_small + of_large);
    assert_eq!(evently.app.store.clear_broken_creations(later).await.unwrap(), 0);
}

#[tokio::test]
async fn a_creation_that_was_given_up_while_it_went_on_creates_no_event_without_its_shards() {
    let evently = TestApp::with(|config| config.seats_per_shard = 1).await;
    let (store, gave_up) = (evently.app.store.clone(), Arc::new(AtomicBool::new(false)));
    let slow = evently
        .another_through(move |call: Call| {
            let (store, gave_up) = (store.clone(), gave_up.clone());
            async move {
                if creates_the_event(&call) && !gave_up.swap(true, Ordering::Relaxed) {
                    let later = Timestamp::now() + SignedDuration::from_mins(11);
                    assert_eq!(store.clear_broken_creations(later).await.unwrap(), 1);
                }
                call.done().await
            }
        })
        .await;
    let created = slow.admin().post("/admin/events", concert(json!({ "capacity": 300 }))).await;
    assert_eq!(created.status, 201, "{}", created.body);
    // On a slow store the client tries again before all is cleared away.
    let began = Instant::now();
    while items(&evently).await != 2 + 300 {
        assert!(began.elapsed() < Duration::from_secs(10), "under another id, once and whole");
        sleep(Duration::from_millis(50)).await;
    }
    evently.user().buy(&created.text("id"), 10).await;
}

#[tokio::test]
async fn a_key_leads_to_nothing_once_its_event_is_deleted() {
    let evently = TestApp::start().await;
    let (admin, event) = (evently.admin(), concert(json!({ "status": "draft" })));
    let created = create(&admin, "key", &event).await;
    assert_eq!(admin.delete_version(created.header("location"), "*").await.status, 204);
    create(&admin, "key", &event).await.assert_problem(404, "event_not_found");
    create(&admin, "key", &concert(json!({}))).await.assert_problem(422, "idempotency_key_reused");
    assert_eq!(events_in_all(&evently).await, 0);
}

#[tokio::test]
async fn a_key_is_forgotten_after_a_day_whether_dynamodb_has_deleted_it_or_not() {
    let evently = TestApp::start().await;
    let now = Timestamp::now();
    let key = RequestKey::new(evently.user().user_id.unwrap(), "key", b"request");
    let details = || Ok(evently_details(now));
    let created = async |hours: i64| {
        let then = now + SignedDuration::from_hours(hours);
        booking::create_event_once(&evently.app.protocol, &key, details, None, then).await.unwrap()
    };
    let first = created(0).await;
    let same = created(23).await;
    assert_eq!((same.replayed, same.event.id), (true, first.event.id));
    let other = created(25).await;
    assert!(!other.replayed && other.event.id != first.event.id);
    let same = created(26).await;
    assert_eq!((same.replayed, same.event.id), (true, other.event.id), "the key is this one's now");
}

#[tokio::test]
async fn a_replay_is_no_new_event_so_its_start_may_be_over_by_then() {
    let evently = TestApp::start().await;
    let now = Timestamp::now();
    let key = RequestKey::new(evently.user().user_id.unwrap(), "key", b"request");
    let mut details = evently_details(now);
    details.starts_at = now + SignedDuration::from_hours(1);
    for (hours, is_replayed) in [(0, false), (2, true)] {
        let then = now + SignedDuration::from_hours(hours);
        let wanted = || Ok(details.check(None, then).map(|()| details.clone())?);
        let created =
            booking::create_event_once(&evently.app.protocol, &key, wanted, None, then).await.unwrap();
        assert_eq!(created.replayed, is_replayed);
    }
}

fn evently_details(now: Timestamp) -> domain::event::EventDetails {
    let mut details = crate::common::details(now);
    details.starts_at = now + SignedDuration::from_hours(24 * 30);
    details
}
