//! A draft is deleted, with all that belongs to it, whoever else changes it and wherever that breaks off.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::id::EventId;
use futures::future::join_all;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use stores::dynamodb;

use crate::common::{TestApp, concert, send, shared_dynamodb};

/// The ids of all items of a table.
async fn items_of(table: &str, key: &str) -> HashSet<String> {
    let client = dynamodb::client_for_endpoint(shared_dynamodb());
    let mut pages = client.scan().table_name(table).into_paginator().items().send();
    let mut found = HashSet::new();
    while let Some(item) = pages.next().await {
        found.insert(item.unwrap()[key].as_s().unwrap().clone());
    }
    found
}

/// What DynamoDB has of any event.
async fn rest_in_dynamodb(evently: &TestApp) -> HashSet<String> {
    let tables = &evently.app.config.tables;
    let mut rest = items_of(&tables.events, "id").await;
    rest.extend(items_of(&tables.inventory, "shard_id").await);
    rest
}

async fn deleted(evently: &TestApp, event: &str, version: &str) -> (u16, Value) {
    let path = format!("/admin/events/{event}");
    let answer = evently.admin().delete_version(&path, version).await;
    (answer.status, answer.body["code"].clone())
}

/// A draft that was on sale for a while, at two prices, and has more shards than a transaction takes.
async fn large_draft(evently: &TestApp) -> String {
    let event = evently.event_with(json!({ "capacity": 250, "name": "Large" })).await;
    evently.available(&event).await;
    let change = json!({ "status": "draft", "base_price": 3_000 });
    let changed = evently.admin().patch(&format!("/admin/events/{event}"), "*", change).await;
    assert_eq!((changed.status, &changed.body["version"]), (200, &json!(2)), "{}", changed.body);
    event
}

async fn with_small_shards() -> TestApp {
    TestApp::with(|config| config.seats_per_shard = 1).await
}

#[tokio::test]
async fn a_draft_goes_with_all_that_belongs_to_it() {
    let evently = with_small_shards().await;
    let (event, admin) = (large_draft(&evently).await, evently.admin());
    assert_eq!(evently.inventory(&event).await.len(), 250);
    assert_eq!(deleted(&evently, &event, "\"2\"").await, (204, Value::Null));
    assert_eq!(rest_in_dynamodb(&evently).await, HashSet::new());
    let id: EventId = event.parse().unwrap();
    assert_eq!(evently.app.redis.state_seen(id).await.unwrap(), None);

    let path = format!("/admin/events/{event}");
    admin.get(&path).await.assert_problem(404, "event_not_found");
    admin.put(&path, "*", concert(json!({}))).await.assert_problem(404, "event_not_found");
    for what in ["inventory", "prices", "bookings"] {
        admin.get(&format!("{path}/{what}")).await.assert_problem(404, "event_not_found");
    }
    evently.anybody().get(&format!("/events/{event}")).await.assert_problem(404, "event_not_found");
    evently.user().book(&event, 1).await.assert_problem(404, "event_not_found");
    for list in ["/admin/events", "/events", "/events/popular"] {
        assert_eq!(admin.get(list).await.body["items"], json!([]), "{list}");
    }
    assert_eq!(deleted(&evently, &event, "\"2\"").await, (404, json!("event_not_found")), "again");
}

#[tokio::test]
async fn a_draft_is_deleted_only_at_the_version_that_is_named() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "status": "draft" })).await;
    let path = format!("/admin/events/{event}");
    send(evently.admin().request(Method::DELETE, &path)).await.assert_problem(428, "if_match_required");
    assert_eq!(deleted(&evently, &event, "1").await, (400, json!("invalid_parameter")));
    let stale = evently.admin().delete_version(&path, "\"2\"").await;
    stale.assert_problem(412, "stale_version");
    assert_eq!(stale.body["current_version"], 1);
    evently.user().delete_version(&path, "*").await.assert_problem(403, "forbidden");
    evently.anybody().delete_version(&path, "*").await.assert_problem(401, "unauthorized");
    assert_eq!(evently.admin().get(&path).await.status, 200);
    assert_eq!(deleted(&evently, &event, "\"1\"").await, (204, Value::Null));
}

#[tokio::test]
async fn only_a_draft_that_never_had_a_booking_can_be_deleted() {
    let evently = TestApp::start().await;
    let event = evently.event(100).await;
    let path = format!("/admin/events/{event}");
    let cancelled = evently.event(100).await;
    let path_of_cancelled = format!("/admin/events/{cancelled}");
    let cancel = evently.admin().patch(&path_of_cancelled, "*", json!({ "status": "cancelled" })).await;
    assert_eq!(cancel.status, 200);
    for event in [&event, &cancelled] {
        assert_eq!(deleted(&evently, event, "*").await, (409, json!("event_not_draft")));
    }
    let ada = evently.user();
    let booking = ada.buy(&event, 2).await;
    assert_eq!(ada.cancel(&booking).await.status, 200);
    assert_eq!(evently.admin().patch(&path, "*", json!({ "status": "draft" })).await.status, 200);
    assert_eq!(deleted(&evently, &event, "*").await, (409, json!("event_has_bookings")));
    assert_eq!(ada.get(&format!("/bookings/{booking}")).await.status, 200);
    assert_eq!(evently.inventory(&event).await.len(), 2, "nothing is touched");
}

#[tokio::test]
async fn a_deletion_that_broke_off_is_nobodys_event_and_is_finished_by_the_next() {
    for steps in 0..4 {
        let evently = with_small_shards().await;
        let event = large_draft(&evently).await;
        let id: EventId = event.parse().unwrap();
        let before = evently.app.store.event(id).await.unwrap().unwrap();
        // What the process did that died.
        assert!(evently.app.store.mark_deleted(&before, Timestamp::now(), None).await.unwrap());
        assert!(!evently.app.store.mark_deleted(&before, Timestamp::now(), None).await.unwrap(), "once");
        if steps > 0 {
            evently.app.redis.forget_event(id, &1.into()).await.unwrap();
        }
        if steps > 1 {
            evently.app.store.delete_shards(id, 0..100).await.unwrap();
        }
        if steps > 2 {
            evently.app.store.delete_shards(id, 0..250).await.unwrap();
            let price = AttributeValue::S(format!("{event}#price#1"));
            let delete = dynamodb::client_for_endpoint(shared_dynamodb()).delete_item();
            delete.table_name(&evently.app.config.tables.events).key("id", price).send().await.unwrap();
        }

        let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
        admin.get(&path).await.assert_problem(404, "event_not_found");
        let publish = admin.put(&path, "*", concert(json!({ "status": "published" }))).await;
        publish.assert_problem(404, "event_not_found");
        assert_eq!(admin.get("/admin/events").await.body["items"], json!([]));
        evently.anybody().get(&format!("/events/{event}")).await.assert_problem(404, "event_not_found");
        evently.user().book(&event, 1).await.assert_problem(404, "event_not_found");
        let swept = janitor::run(&evently.app, Timestamp::now()).await.unwrap();
        assert_eq!((swept.events_swept, swept.events_failed), (0, 0));

        // The client has the version from before.
        assert_eq!(deleted(&evently, &event, "\"2\"").await, (204, Value::Null), "after {steps} steps");
        assert_eq!(rest_in_dynamodb(&evently).await, HashSet::new(), "after {steps} steps");
        assert_eq!(evently.app.redis.state_seen(id).await.unwrap(), None);
        assert_eq!(deleted(&evently, &event, "\"2\"").await, (404, json!("event_not_found")));
    }
}

#[tokio::test]
async fn without_redis_a_deletion_is_finished_later() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let event = evently.event_with(json!({ "status": "draft" })).await;
    drop(redis);
    assert_eq!(deleted(&evently, &event, "\"1\"").await, (503, json!("try_again")));
    let (other, _redis) = TestApp::with_own_redis(|_| {}).await;
    let with_redis = evently.another_with(|config| config.redis = other.app.config.redis.clone()).await;
    assert_eq!(deleted(&with_redis, &event, "\"1\"").await, (204, Value::Null));
    assert_eq!(rest_in_dynamodb(&evently).await, HashSet::new());
}

#[tokio::test]
async fn of_a_deletion_and_a_publication_at_once_one_wins() {
    let evently = TestApp::start().await;
    for _ in 0..12 {
        let event = evently.event_with(json!({ "status": "draft" })).await;
        let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
        let (gone, published) = tokio::join!(
            admin.delete_version(&path, "\"1\""),
            admin.patch(&path, "\"1\"", json!({ "status": "published" })),
        );
        match (gone.status, published.status) {
            (204, 404) => published.assert_problem(404, "event_not_found"),
            (412 | 409, 200) => {
                evently.user().buy(&event, 1).await;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn of_ten_deletions_at_once_none_fails() {
    let evently = with_small_shards().await;
    let event = large_draft(&evently).await;
    let answers = join_all((0..10).map(|_| deleted(&evently, &event, "\"2\""))).await;
    for (status, code) in &answers {
        assert!([204, 404].contains(status), "{status} {code}");
    }
    assert!(answers.iter().any(|(status, _)| *status == 204));
    assert_eq!(rest_in_dynamodb(&evently).await, HashSet::new());
}
