//! Events that are still on sale after they started: they are in every list, until their sales close.

use std::collections::BTreeMap;

use domain::event::EventDetails;
use jiff::{SignedDuration, Timestamp};
use redis::cmd;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use crate::{
    common::{Calls, Session, TestApp, concert, in_hours},
    lists::walk,
};

/// Started an hour or more ago, and sells on for as long as `sells_for`.
fn at_the_door(sells_for: SignedDuration) -> impl FnOnce(&mut EventDetails) {
    move |details| {
        details.name = "Festival".to_owned();
        details.ends_at = Some(Timestamp::now() + SignedDuration::from_hours(9));
        details.sales_close_at = Some(Timestamp::now() + sells_for);
    }
}

fn ids(items: &Value) -> Vec<String> {
    let items = items.as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn listed(reader: &Session, path: &str) -> Vec<String> {
    let answer = reader.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    ids(&answer.body["items"])
}

/// The three that most tests here are about: over, at the door, and coming.
async fn three_events(evently: &TestApp) -> [String; 3] {
    let over = evently.event_created(4, |details| {
        details.ends_at = Some(Timestamp::now() + SignedDuration::from_hours(9));
    });
    let (over, door) =
        (over.await, evently.event_created(3, at_the_door(SignedDuration::from_hours(5))).await);
    [over, door, evently.event_with(json!({ "starts_at": in_hours(5) })).await]
}

/// What any process must show of them.
async fn assert_listed(reader: &Session, door: &String, coming: &String) {
    let now = Timestamp::now();
    let long_ago = now - SignedDuration::from_hours(9);
    for (query, expected) in [
        (String::new(), vec![door, coming]),
        ("?q=festival".to_owned(), vec![door]),
        (format!("?from={long_ago}"), vec![door, coming]),
        (format!("?from={now}"), vec![coming]),
        (format!("?from={long_ago}&to={now}"), vec![door]),
        (format!("?to={long_ago}"), vec![]),
    ] {
        let found = listed(reader, &format!("/events{query}")).await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
    }
    let (items, lengths) = walk(reader, "/events", 1).await;
    assert_eq!((ids(&json!(items)), lengths), (vec![door.clone(), coming.clone()], vec![1, 1]));
    assert_eq!(listed(reader, "/events/popular").await, [door.clone(), coming.clone()]);
}

#[tokio::test]
async fn what_is_on_sale_after_its_start_is_in_every_list() {
    let calls = Calls::default();
    let evently = TestApp::counted(&calls).await;
    let [_, door, coming] = three_events(&evently).await;
    evently.user().buy(&door, 2).await;
    assert_listed(&evently.anybody(), &door, &coming).await;

    // Nor does it hang on what Redis was told of a change.
    let keys = evently.keys();
    for key in [keys.catalogue(), keys.catalogue_changes(), keys.popular()] {
        evently.redis_command(cmd("DEL").arg(key)).await;
    }
    let other = evently.another(&calls).await;
    calls.take();
    assert_eq!(listed(&other.anybody(), "/events").await.len(), 2);
    assert_eq!(calls.take()["Query events"], 1, "still one query");
    assert_listed(&other.anybody(), &door, &coming).await;
}

#[tokio::test]
async fn without_redis_too_what_is_on_sale_after_its_start_is_in_every_list() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let [_, door, coming] = three_events(&evently).await;
    evently.user().buy(&door, 2).await;
    let cut_off = evently.another(&Calls::default()).await;
    redis.kill().unwrap();
    redis.wait_dead().await;
    assert_listed(&cut_off.anybody(), &door, &coming).await;
}

#[tokio::test]
async fn an_event_leaves_the_lists_when_its_sales_close_and_when_an_admin_closes_them() {
    let evently = TestApp::start().await;
    let closing = evently.event_created(3, at_the_door(SignedDuration::from_secs(4))).await;
    let [_, door, coming] = three_events(&evently).await;
    evently.user().buy(&door, 2).await;
    // Read from DynamoDB, so that the list knows when sales close.
    evently.redis_command(cmd("DEL").arg(evently.keys().catalogue_changes())).await;
    let reader = evently.another(&Calls::default()).await.anybody();
    for path in ["/events", "/events/popular"] {
        assert!(listed(&reader, path).await.contains(&closing), "{path}");
    }
    sleep(Duration::from_secs(4)).await;
    assert_listed(&reader, &door, &coming).await;

    let starts_at = reader.get(&format!("/events/{door}")).await.text("starts_at");
    let closed = concert(json!({ "name": "Festival", "starts_at": starts_at }));
    assert_eq!(evently.admin().put(&format!("/admin/events/{door}"), "*", closed).await.status, 200);
    for path in ["/events", "/events?limit=1", "/events/popular"] {
        assert_eq!(listed(&reader, path).await, std::slice::from_ref(&coming), "{path}");
    }
}

#[tokio::test]
async fn the_janitor_corrects_the_rank_of_what_is_on_sale_after_its_start() {
    let evently = TestApp::start().await;
    let [_, door, coming] = three_events(&evently).await;
    evently.user().buy(&coming, 1).await;
    evently.user().buy(&door, 2).await;
    let popular = async || listed(&evently.anybody(), "/events/popular").await;
    assert_eq!(popular().await, [door.clone(), coming.clone()]);
    // As if a process had died before it counted.
    evently.app.redis.sold(door.parse().unwrap(), -2).await.unwrap();
    assert_eq!(popular().await, [coming.clone(), door.clone()]);
    assert_eq!(janitor::run(&evently.app, Timestamp::now()).await.unwrap().done.ranks_corrected, 1);
    assert_eq!(popular().await, [door, coming]);
}

/// What the release before keeps of an event: id, start in ms, shards, version, name in lower case.
type RowOfBefore = (String, i64, u16, u64, String);

#[tokio::test]
async fn this_release_and_the_one_before_share_what_redis_keeps_of_the_list() {
    let evently = TestApp::start().await;
    let [_, door, coming] = three_events(&evently).await;
    let keys = evently.keys();
    // The list of the release before, which has no event that has started, and is in a place of its own.
    let place_of_before = keys.catalogue().replace(":upcoming", ":list");
    assert_ne!(place_of_before, keys.catalogue());
    evently.redis_command(cmd("SET").arg(&place_of_before).arg("[]")).await;
    assert_eq!(listed(&evently.anybody(), "/events").await, [door.clone(), coming.clone()]);

    // It can read what this one says of changes, and this one what it says.
    let changes: BTreeMap<String, String> =
        evently.redis_query(cmd("HGETALL").arg(keys.catalogue_changes())).await;
    assert_eq!(changes.len(), 3);
    for change in changes.values() {
        let said = change.splitn(3, ' ').nth(2).unwrap();
        serde_json::from_str::<(RowOfBefore, bool)>(said).unwrap();
    }
    let starts_at = Timestamp::now() + SignedDuration::from_hours(7);
    let row: RowOfBefore = (coming.clone(), starts_at.as_millisecond(), 1, 2, "moved".to_owned());
    let change = format!("{} 2 {}", Timestamp::now().as_millisecond(), json!((row, true)));
    evently.redis_command(cmd("HSET").arg(keys.catalogue_changes()).arg(&coming).arg(change)).await;
    evently.redis_command(cmd("SET").arg(keys.catalogue_generation()).arg("another")).await;
    assert_eq!(listed(&evently.anybody(), "/events?q=moved").await, [coming]);
}
