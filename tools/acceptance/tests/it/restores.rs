//! Restored tables: of different seconds each, held against the bookings, mended, and sold on to the last seat.

mod areas;
mod copies;
mod differences;
mod events;
mod killed;
mod redis_kept;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::id::EventId;
use jiff::Timestamp;
use local::redis_server::RedisServer;
use restore::{Kind, Plan, Table, Tables, apply, recompute};
use serde_json::{Value, json};
use settings::Config;
use stores::dynamodb::{Item, client_for_endpoint};

use crate::common::{Session, TestApp, shared_dynamodb};

/// All items of a table, by their keys.
type Items = BTreeMap<Vec<String>, Item>;

/// An Evently whose tables are damaged, and mended.
struct Stock {
    evently: TestApp,
    tables: Tables,
    event: String,
    buyers: Vec<Session>,
    /// The bookings that stand, of the first buyer first.
    bookings: Vec<String>,
    _redis: RedisServer,
}

const CAPACITY: u32 = 30;
/// Long for a test, and for all that happens between begin and finish here.
const GRACE_MS: u64 = 1_500;

impl Stock {
    /// An event of six shards, of which three people have bought some seats and one has given some back.
    async fn sold() -> Self {
        let change = |config: &mut Config| {
            config.seats_per_shard = 5;
            config.confirm_grace_ms = GRACE_MS;
        };
        let (evently, redis) = TestApp::with_own_redis(change).await;
        let client = client_for_endpoint(shared_dynamodb());
        let tables = Tables { client, names: evently.app.config.tables.clone() };
        let event = evently.event(CAPACITY).await;
        let buyers: Vec<Session> = (0..3).map(|_| evently.user()).collect();
        let mut bookings = Vec::new();
        for (buyer, seats) in buyers.iter().zip([4, 7, 2]) {
            bookings.push(buyer.buy(&event, seats).await);
        }
        let given_back = buyers[0].buy(&event, 3).await;
        assert_eq!(buyers[0].cancel(&given_back).await.status, 200);
        Self { evently, tables, event, buyers, bookings, _redis: redis }
    }

    fn event_id(&self) -> EventId {
        self.event.parse().unwrap()
    }

    /// All that a table has.
    async fn items(&self, table: Table) -> Items {
        let name = self.tables.name(table).unwrap();
        let pages = self.tables.client.scan().table_name(name).consistent_read(true).into_paginator();
        let items = pages.items().send().collect::<Result<Vec<_>, _>>().await.unwrap();
        items.into_iter().map(|item| (key(table, &item), item)).collect()
    }

    /// Makes a table what it was then.
    async fn set(&self, table: Table, then: &Items) {
        let name = self.tables.name(table).unwrap();
        for (key, item) in self.items(table).await {
            if !then.contains_key(&key) {
                self.delete(table, item).await;
            }
        }
        for item in then.values() {
            let put = self.tables.client.put_item().table_name(name).set_item(Some(item.clone()));
            put.send().await.unwrap();
        }
    }

    async fn delete(&self, table: Table, item: Item) {
        let name = self.tables.name(table).unwrap();
        let key = item.into_iter().filter(|(name, _)| table.key().contains(&name.as_str())).collect();
        self.tables.client.delete_item().table_name(name).set_key(Some(key)).send().await.unwrap();
    }

    /// Adds to a number of an item of the inventory table.
    async fn add(&self, shard_id: &str, attribute: &str, number: i64) {
        let update = self.tables.client.update_item().table_name(&self.tables.names.inventory);
        update
            .key("shard_id", AttributeValue::S(shard_id.to_owned()))
            .update_expression("ADD #it :number")
            .expression_attribute_names("#it", attribute)
            .expression_attribute_values(":number", AttributeValue::N(number.to_string()))
            .send()
            .await
            .unwrap();
    }

    async fn plan(&self) -> Plan {
        recompute(&self.tables, Timestamp::now(), None).await.unwrap()
    }

    /// Mends what differs, after which nothing does; tells the kinds of differences that there were.
    async fn mend(&self) -> Vec<Kind> {
        let plan = self.plan().await;
        let mut kinds: Vec<Kind> = plan.differences.iter().map(|difference| difference.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        apply(&self.tables, &plan.changes).await.unwrap();
        let again = self.plan().await;
        assert!(again.differences.is_empty() && again.changes.is_empty(), "{again}");
        kinds
    }

    /// Redis was emptied, and all that is left is sold, seat by seat: so many in all, and no more.
    async fn sell_to_the_last(&self, capacity: u32) {
        self.evently.redis_command(&redis::cmd("FLUSHALL")).await;
        self.sell_on(capacity).await;
    }

    /// All that is left is sold, by what Redis knows.
    async fn sell_on(&self, capacity: u32) {
        loop {
            let buyer = self.evently.user();
            let held = buyer.book(&self.event, 1).await;
            if held.status != 201 {
                held.assert_problem(409, "sold_out");
                break;
            }
            let reservation = held.body["reservation"]["id"].as_str().unwrap();
            assert_eq!(buyer.confirm(reservation).await.status, 201);
        }
        assert_eq!(self.evently.sold(&self.event).await, capacity);
        for shard in self.evently.inventory(&self.event).await {
            assert_eq!((shard.sold, shard.unsold), (shard.capacity, 0), "{shard:?}");
        }
        let plan = self.plan().await;
        assert!(plan.changes.is_empty(), "{plan}");
    }

    /// The event as an admin sees it.
    async fn shown(&self) -> Value {
        let shown = self.evently.admin().get(&format!("/admin/events/{}", self.event)).await;
        assert_eq!(shown.status, 200, "{}", shown.body);
        shown.body
    }

    /// Changes the event as an admin.
    async fn patch(&self, change: Value) {
        let version = self.shown().await["version"].as_u64().unwrap();
        let path = format!("/admin/events/{}", self.event);
        let patched = self.evently.admin().patch(&path, &format!("\"{version}\""), change).await;
        assert_eq!(patched.status, 200, "{}", patched.body);
    }

    fn shard(&self, number: u32) -> String {
        format!("{}#{number}", self.event)
    }

    /// A shard on which seats are sold.
    async fn a_sold_shard(&self) -> String {
        let shards = self.evently.inventory(&self.event).await;
        self.shard(shards.iter().find(|shard| shard.sold >= 2).unwrap().shard)
    }
}

fn key(table: Table, item: &Item) -> Vec<String> {
    table.key().iter().map(|part| item[*part].as_s().unwrap().clone()).collect()
}

#[tokio::test]
async fn where_all_is_right_nothing_differs() {
    let stock = Stock::sold().await;
    let plan = stock.plan().await;
    assert!(plan.differences.is_empty() && plan.changes.is_empty(), "{plan}");
    assert_eq!(plan.json()["counts"], json!({}));
    // Nor where the janitor has moved some hours of sales, and more was sold since.
    let app = &stock.evently.app;
    let event = app.store.event(stock.event_id()).await.unwrap().unwrap();
    let later = Timestamp::now() + jiff::SignedDuration::from_hours(2);
    for shard in &stock.evently.inventory(&stock.event).await[..4] {
        app.store.move_hours(&event, shard, later).await.unwrap();
    }
    stock.buyers[2].buy(&stock.event, 6).await;
    let plan = stock.plan().await;
    assert!(plan.differences.is_empty() && plan.changes.is_empty(), "{plan}");
    stock.sell_to_the_last(CAPACITY).await;
}
