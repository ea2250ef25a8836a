//! Indexes that lag: DynamoDB writes them a moment after the table, and the embedded store does not. Here they stand still
//! as they were when the test said so, and nobody must take what they say for the truth.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use local::{stack::table_name, tables};
use serde_json::{Value, json};
use settings::Tables;
use stores::dynamodb;
use tokio::time::sleep;

use crate::common::{TestApp, between::Call, concert, in_hours, shared_dynamodb};

/// Copies of the tables as they are now, for others to read the indexes of.
#[derive(Clone)]
struct Still(Tables);

impl Still {
    async fn of(evently: &TestApp) -> Self {
        let client = dynamodb::client_for_endpoint(shared_dynamodb());
        let now = &evently.app.config.tables;
        let still = |name: &String| format!("still-{name}");
        let copies = Tables {
            users: still(&now.users),
            events: still(&now.events),
            inventory: still(&now.inventory),
            bookings: still(&now.bookings),
            audit: now.audit.as_ref().map(still),
            deliveries: now.deliveries.as_ref().map(still),
            webhooks: now.webhooks.as_ref().map(still),
        };
        tables::create_missing(&client, |id| table_name(&copies, id)).await.unwrap();
        for (from, to) in [(&now.events, &copies.events), (&now.bookings, &copies.bookings)] {
            let mut items = client.scan().table_name(from).into_paginator().items().send();
            while let Some(item) = items.next().await {
                let copy = client.put_item().table_name(to).set_item(Some(item.unwrap()));
                copy.send().await.unwrap();
            }
        }
        Self(copies)
    }

    /// A process that sees the indexes as they were then, and all else as it is.
    async fn seen_by_another(&self, evently: &TestApp) -> TestApp {
        let between = move |mut call: Call| async move {
            if call.body["IndexName"].is_string() {
                assert_eq!(call.operation, "Query");
                call.body["TableName"] = json!(format!("still-{}", call.body["TableName"].as_str().unwrap()));
            }
            call.done().await
        };
        evently.another_through(between).await
    }
}

async fn names(evently: &TestApp, list: &str) -> BTreeSet<String> {
    let listed = evently.anybody().get(list).await;
    assert_eq!(listed.status, 200, "{}", listed.body);
    let items = listed.body["items"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The list is read from DynamoDB with the next look at it, by a process that has none.
async fn read_anew(evently: &TestApp, still: &Still) -> TestApp {
    evently.redis_command(redis::cmd("DEL").arg(evently.keys().catalogue())).await;
    still.seen_by_another(evently).await
}

#[tokio::test]
async fn what_changed_is_listed_as_it_is_however_often_the_list_is_read_from_an_index_that_lags() {
    let evently = TestApp::start().await;
    let mut ids = Vec::new();
    for (hours, name) in [(10, "stays"), (20, "goes"), (30, "is renamed"), (40, "is moved"), (50, "draft")] {
        let status = if name == "draft" { "draft" } else { "published" };
        let event = json!({ "name": name, "starts_at": in_hours(hours), "status": status });
        ids.push(evently.event_with(event).await);
    }
    // The list as it was, and no change of it is remembered.
    let changes = evently.keys().catalogue_changes();
    evently.redis_command(redis::cmd("DEL").arg(&changes)).await;
    let still = Still::of(&evently).await;
    let first = read_anew(&evently, &still).await;
    assert_eq!(names(&first, "/events").await, set(&["stays", "goes", "is renamed", "is moved"]));

    let (admin, path) = (evently.admin(), |n: usize| format!("/admin/events/{}", ids[n]));
    assert_eq!(admin.patch(&path(1), "*", json!({ "status": "cancelled" })).await.status, 200);
    assert_eq!(admin.patch(&path(2), "*", json!({ "name": "has a new name" })).await.status, 200);
    assert_eq!(admin.patch(&path(3), "*", json!({ "starts_at": in_hours(60) })).await.status, 200);
    assert_eq!(admin.patch(&path(4), "*", json!({ "status": "published" })).await.status, 200);
    evently.event_with(json!({ "name": "is new", "starts_at": in_hours(70) })).await;
    for reading in 1..=4 {
        let reader = read_anew(&evently, &still).await;
        let all = ["stays", "has a new name", "is moved", "draft", "is new"];
        assert_eq!(names(&reader, "/events").await, set(&all), "reading {reading}");
        assert_eq!(names(&first, "/events").await, set(&all), "reading {reading}, a process of before");
        assert_eq!(names(&reader, "/events?limit=4").await.len(), 4, "a page without what is gone is full");
        assert_eq!(names(&reader, "/events?q=new").await, set(&["has a new name", "is new"]));
        assert_eq!(names(&reader, "/events?q=renamed").await, set(&[]));
        let later = format!("/events?from={}", in_hours(55));
        assert_eq!(names(&reader, &later).await, set(&["is moved", "is new"]), "reading {reading}");
        evently.redis_command(redis::cmd("DEL").arg(evently.keys().popular())).await;
        assert_eq!(names(&reader, "/events/popular").await, set(&all), "reading {reading}");
    }
}

/// A change is remembered for as long as an index may lag, and no longer.
#[tokio::test]
async fn a_change_is_forgotten_by_the_first_reading_a_minute_later_and_not_before() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let key = evently.keys().catalogue_changes();
    let kept: String = evently.redis_query(redis::cmd("HGET").arg(&key).arg(&event)).await;
    let (changed_at, rest) = kept.split_once(' ').unwrap();
    let changed_at: i64 = changed_at.parse().unwrap();
    assert!((Timestamp::now().as_millisecond() - changed_at).abs() < 5_000, "{kept}");
    for (seconds_ago, is_kept) in [(0, true), (55, true), (61, false)] {
        let aged = format!("{} {rest}", Timestamp::now().as_millisecond() - seconds_ago * 1_000);
        evently.redis_command(redis::cmd("HSET").arg(&key).arg(&event).arg(aged)).await;
        evently.redis_command(redis::cmd("DEL").arg(evently.keys().catalogue())).await;
        let reader = evently.another_with(|_| {}).await;
        assert_eq!(names(&reader, "/events").await, set(&["Concert"]), "{seconds_ago} s ago");
        let left: bool = evently.redis_query(redis::cmd("HEXISTS").arg(&key).arg(&event)).await;
        assert_eq!(left, is_kept, "{seconds_ago} s ago");
    }
}

#[tokio::test]
async fn a_janitor_whose_index_lags_takes_nothing_back() {
    let evently = TestApp::with(|config| {
        config.seats_per_shard = 2;
        config.confirm_grace_ms = 200;
    })
    .await;
    let (raised, lowered) = (evently.event(10).await, evently.event(30).await);
    for event in [&raised, &lowered] {
        evently.user().buy(event, 1).await;
    }
    let still = Still::of(&evently).await;
    let admin = evently.admin();
    for (event, capacity) in [(&raised, 40), (&lowered, 5)] {
        let change = concert(json!({ "capacity": capacity, "base_price": 900, "name": "Later" }));
        let changed = admin.put(&format!("/admin/events/{event}"), "*", change).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    }
    let behind = still.seen_by_another(&evently).await;
    for run in 1..=4 {
        let report = janitor::run(&behind.app, Timestamp::now()).await.unwrap();
        assert_eq!((report.events_failed, report.events_swept), (0, 2));
        for (event, available) in [(&raised, 39), (&lowered, 4)] {
            let seen = evently.anybody().get(&format!("/events/{event}")).await;
            assert_eq!(seen.body["available"], available, "run {run}");
            assert_eq!(
                (&seen.body["price"], &seen.body["name"]),
                (&json!(900), &json!("Later")),
                "run {run}"
            );
        }
        sleep(Duration::from_millis(250)).await;
    }
    let held = evently.user().book(&raised, 10).await;
    assert_eq!(held.body["reservation"]["unit_price"], 900, "{}", held.body);
}

#[tokio::test]
async fn pricing_whose_index_lags_prices_no_event_twice_and_none_that_changed() {
    let evently = TestApp::start().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let id = evently.event_created(240, |details| {
            details.starts_at = Timestamp::now() + SignedDuration::from_hours(240);
            details.pricing = Some(domain::event::Pricing::default());
        });
        ids.push(id.await);
    }
    let still = Still::of(&evently).await;
    let admin = evently.admin();
    let path = |n: usize| format!("/admin/events/{}", ids[n]);
    assert_eq!(admin.patch(&path(0), "*", json!({ "status": "cancelled" })).await.status, 200);
    assert_eq!(admin.patch(&path(1), "*", json!({ "pricing": null })).await.status, 200);
    let now = Timestamp::now();
    let first = pricing::run(&evently.app, now).await.unwrap();
    assert_eq!((first.prices_lowered, first.events), (1, 1), "{first:?}");
    let prices = async || {
        let mut prices: Vec<Value> = Vec::new();
        for n in 0..3 {
            prices.push(admin.get(&path(n)).await.body["price"].clone());
        }
        prices
    };
    let before = prices().await;
    let behind = still.seen_by_another(&evently).await;
    let second = pricing::run(&behind.app, now).await.unwrap();
    assert_eq!((second.events, second.prices_skipped), (3, 3), "{second:?}");
    assert_eq!(prices().await, before);
    let history = admin.get(&format!("{}/prices", path(2))).await;
    assert_eq!(history.body["items"].as_array().unwrap().len(), 2, "{}", history.body);
}

#[tokio::test]
async fn an_index_that_stands_still_is_seen_as_it_was() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let still = Still::of(&evently).await;
    let renamed = concert(json!({ "capacity": 10, "name": "Later" }));
    assert_eq!(evently.admin().put(&format!("/admin/events/{event}"), "*", renamed).await.status, 200);
    let behind = still.seen_by_another(&evently).await;
    let listed = behind.admin().get("/admin/events").await;
    assert_eq!(
        listed.body["items"][0]["name"], "Concert",
        "the index, of which an admin may see that it lags"
    );
    let event = behind.admin().get(&format!("/admin/events/{event}")).await;
    assert_eq!(event.body["name"], "Later", "the table");
    let client = dynamodb::client_for_endpoint(shared_dynamodb());
    let copy = client.get_item().table_name(&still.0.events);
    let copy = copy.key("id", AttributeValue::S(event.text("id"))).send().await.unwrap();
    assert_eq!(copy.item.unwrap()["name"], AttributeValue::S("Concert".to_owned()));
}
