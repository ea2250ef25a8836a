//! The items of DynamoDB.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::json;
use stores::dynamodb;

use super::{fresh, set};
use crate::{
    common::{TestApp, concert, forget_ended_tokens, in_hours, send, shared_dynamodb},
    golden::{shape::Item, world::ask},
};

/// The items of a table, changed by hand.
struct Table<'a> {
    client: dynamodb::Client,
    name: &'a str,
}

impl<'a> Table<'a> {
    fn new(name: &'a str) -> Self {
        Self { client: dynamodb::client_for_endpoint(shared_dynamodb()), name }
    }

    /// Puts each item that is wanted once more, changed.
    async fn change(&self, is_wanted: impl Fn(&Item) -> bool, change: impl Fn(&mut Item)) {
        let scanned = self.client.scan().table_name(self.name).consistent_read(true).send().await.unwrap();
        let mut wanted: Vec<Item> = scanned.items.unwrap().into_iter().filter(is_wanted).collect();
        assert!(!wanted.is_empty());
        for item in &mut wanted {
            change(item);
            let put = self.client.put_item().table_name(self.name).set_item(Some(item.clone()));
            put.send().await.unwrap();
        }
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn is(item: &Item, name: &str, value: &str) -> bool {
    item.get(name) == Some(&text(value))
}

#[tokio::test]
async fn an_event_that_cant_be_read_fails_by_itself_and_hides_no_other() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    let good = evently.event_with(json!({ "name": "Good", "pricing": {} })).await;
    // One that the list knows, one that it does not, and one that lacks a part of its inventory.
    let (odd, odder, oddest) = (evently.event(5).await, evently.event(5).await, evently.event(5).await);
    let tables = &evently.app.config.tables;
    let (events, inventory) = (Table::new(&tables.events), Table::new(&tables.inventory));
    events.change(|item| is(item, "id", &odd), |item| _ = item.insert("capacity".into(), text("some"))).await;
    events.change(|item| is(item, "id", &odder), |item| _ = item.insert("shards".into(), text("some"))).await;
    let shard = format!("{oddest}#0");
    let sold = |item: &mut Item| _ = item.insert("sold".into(), text("some"));
    inventory.change(|item| is(item, "shard_id", &shard), sold).await;
    for key in [&odd, &odder, &oddest].map(|event| event.parse().unwrap()) {
        for key in [evently.keys().copy(key), evently.keys().state(key)] {
            set(&evently, &["DEL", &key]).await;
        }
    }
    set(&evently, &["DEL", &evently.keys().catalogue()]).await;
    set(&evently, &["DEL", &evently.keys().catalogue_changes()]).await;

    let other = fresh(&evently).await;
    for list in ["/events", "/events/popular"] {
        let list = other.anybody().get(list).await;
        assert_eq!((list.status, &list.body["items"][0]["id"]), (200, &json!(good)), "{}", list.body);
        assert_eq!(list.body["items"].as_array().unwrap().len(), 1, "{}", list.body);
    }
    for (list, items) in
        [("/admin/events", 2), ("/admin/events/capacity_utilization", 2), ("/admin/pricing/preview", 1)]
    {
        let list = ask(&admin, list).await;
        assert_eq!(
            (list.status, list.body["items"].as_array().unwrap().len()),
            (200, items),
            "{}",
            list.body
        );
    }
    for numbers in ["/admin/analytics", "/admin/analytics/timeline"] {
        assert_eq!(admin.get(numbers).await.status, 200);
    }
    for event in [&odd, &odder, &oddest] {
        other.anybody().get(&format!("/events/{event}")).await.assert_problem(500, "internal_error");
    }
    other.user().buy(&good, 1).await;
    let report = janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    assert!(report.events_swept >= 1 && report.complete, "{report:?}");
    assert!(pricing::run(&evently.app, Timestamp::now()).await.is_ok());
}

#[tokio::test]
async fn a_booking_or_a_price_that_cant_be_read_fails_by_itself_and_hides_no_other() {
    let evently = TestApp::start().await;
    let (ada, admin, event) = (evently.user(), evently.admin(), evently.event(9).await);
    let (good, odd) = (ada.buy(&event, 1).await, ada.buy(&event, 1).await);
    let bookings = Table::new(&evently.app.config.tables.bookings);
    bookings.change(|item| is(item, "id", &odd), |item| _ = item.insert("status".into(), text("lent"))).await;
    for (session, list) in [
        (&ada, "/bookings".to_owned()),
        (&admin, format!("/admin/events/{event}/bookings")),
        (&ada, "/bookings?limit=1".to_owned()),
    ] {
        let list = session.get(&list).await;
        assert_eq!((list.status, &list.body["items"][0]["id"]), (200, &json!(good)), "{}", list.body);
        assert_eq!(list.body["items"].as_array().unwrap().len(), 1);
    }
    ada.get(&format!("/bookings/{odd}")).await.assert_problem(500, "internal_error");

    let path = format!("/admin/events/{event}");
    let version = admin.get(&path).await.header("etag").to_owned();
    assert_eq!(admin.patch(&path, &version, json!({ "base_price": 2_600 })).await.status, 200);
    let first = format!("{event}#price#1");
    let events = Table::new(&evently.app.config.tables.events);
    events
        .change(|item| is(item, "id", &first), |item| _ = item.insert("reason".into(), text("a whim")))
        .await;
    let prices = admin.get(&format!("{path}/prices")).await;
    assert_eq!((prices.status, prices.body["items"].as_array().unwrap().len()), (200, 1), "{}", prices.body);
}

#[tokio::test]
async fn a_note_of_ended_tokens_that_cant_be_read_ends_all_of_its_user_and_no_others() {
    let evently = TestApp::start().await;
    let register = |email: &str| json!({ "email": email, "password": "correct horse" });
    let mut sessions = Vec::new();
    for email in ["ada@example.com", "bob@example.com"] {
        assert_eq!(evently.anybody().post("/register", register(email)).await.status, 201);
        let signed_in = evently.anybody().post("/login", register(email)).await;
        sessions.push(evently.anybody().with_token(signed_in.text("access_token")));
    }
    let change = json!({ "current_password": "correct horse", "new_password": "four quiet green bicycles" });
    assert_eq!(sessions[0].post("/password", change).await.status, 204);
    let bookings = Table::new(&evently.app.config.tables.bookings);
    let take_away = |item: &mut Item| _ = item.remove("good_from");
    bookings.change(|item| is(item, "user_id", "ended-tokens"), take_away).await;
    forget_ended_tokens(&evently).await;
    let other = fresh(&evently).await;
    for (session, status) in sessions.iter().zip([401, 200]) {
        let reader = other.anybody().with_token(session.token.clone().unwrap());
        assert_eq!(reader.get("/bookings").await.status, status);
    }
}

#[tokio::test]
async fn a_record_of_a_created_event_that_cant_be_read_fails_by_itself() {
    let evently = TestApp::start().await;
    let (admin, event) = (evently.admin(), concert(json!({ "starts_at": in_hours(100) })));
    let create = async |key: &str| {
        let request = admin.request(Method::POST, "/admin/events").header("idempotency-key", key);
        send(request.json(&event)).await
    };
    assert_eq!(create("key").await.status, 201);
    let is_record = |item: &Item| item["id"].as_s().unwrap().starts_with("key#");
    let take_away = |item: &mut Item| _ = item.remove("fingerprint");
    Table::new(&evently.app.config.tables.events).change(is_record, take_away).await;
    create("key").await.assert_problem(500, "internal_error");
    assert_eq!(create("another-key").await.status, 201);
}
