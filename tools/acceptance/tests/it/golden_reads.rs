//! This release reads everything in the golden files: what it writes itself, what older releases wrote, and both with
//! something that a later release may add. And it goes on from there: it sells, cancels, signs in, counts.

mod items;
mod values;

use std::collections::BTreeMap;

use domain::id::{AreaKey, EventId, ReservationId, WebhookId};
use jiff::{SignedDuration, Timestamp};
use redis::cmd;
use serde_json::Value;
use stores::dynamodb;

use crate::{
    common::{Session, TestApp, shared_dynamodb},
    golden::{
        files::{self, golden},
        shape::{Item, Names},
        world::{ask, lists},
    },
};

/// An Evently that finds what others kept.
struct Reader {
    evently: TestApp,
    names: Names,
    user: Session,
    admin: Session,
    event: EventId,
}

impl Reader {
    async fn new() -> Self {
        Self::of(TestApp::start().await)
    }

    fn of(evently: TestApp) -> Self {
        let (user, admin, now) = (evently.user(), evently.admin(), Timestamp::now());
        let month = SignedDuration::from_hours(24 * 30);
        let mut names = Names::new(now + month, now);
        let event = EventId::new(now);
        names.call(event, "event");
        for (name, days) in
            [("second_event", 1), ("draft", 2), ("past_event", 3), ("broken_event", 4), ("theatre", 5)]
        {
            names.call(EventId::new(now - SignedDuration::from_hours(days)), name);
        }
        for name in ["held", "booking", "cancelled_booking", "released", "confirming", "withdrawal"] {
            names.call(ReservationId::new(event, now), name);
        }
        let theatre: EventId = names.id("theatre").parse().unwrap();
        let of_floor = ["held_place"].map(|name| (name, 0));
        let of_balcony =
            ["held_seats", "booked_seats", "cancelled_seats", "withdrawn_seats"].map(|name| (name, 1));
        for (name, number) in of_floor.into_iter().chain(of_balcony) {
            names.call(ReservationId::new(AreaKey { event: theatre, number }, now), name);
        }
        for name in ["webhook", "some_webhook", "removed_webhook"] {
            names.call(WebhookId::new(now), name);
        }
        names.call(user.user_id.unwrap(), "user");
        names.call(admin.user_id.unwrap(), "admin");
        Self { evently, names, user, admin, event }
    }

    async fn put_item(&self, table: &str, item: Item) {
        let put = dynamodb::client_for_endpoint(shared_dynamodb()).put_item().table_name(table);
        put.set_item(Some(item)).send().await.unwrap();
    }

    /// Puts what the file says of now.
    async fn put_items(&self, table: &str, kind: &str) {
        for shape in golden(kind).now {
            self.put_item(table, self.names.fill_item(&shape)).await;
        }
    }

    /// What Evently has of events when nobody knows anything of them but DynamoDB.
    async fn put_events(&self) {
        let tables = &self.evently.app.config.tables;
        self.put_items(&tables.events, "item-event").await;
        self.put_items(&tables.events, "item-price").await;
        self.put_items(&tables.events, "item-layout").await;
        self.put_items(&tables.inventory, "item-shard").await;
        self.put_items(&tables.inventory, "item-user-seats").await;
    }

    fn key(&self, shape: &str) -> String {
        format!("{}{}", self.evently.app.config.redis.key_prefix, self.names.fill_text(shape))
    }

    /// Puts a value of Redis under that key.
    async fn put_value_at(&self, key: &str, kept: &Value) {
        self.command(&["DEL", key]).await;
        let (kind, value, names) = (kept["type"].as_str().unwrap(), &kept["value"], &self.names);
        match kind {
            "string" => self.command(&["SET", key, &names.fill_kept(value)]).await,
            "hash" => {
                for (field, value) in value.as_object().unwrap() {
                    self.command(&["HSET", key, &names.fill_text(field), &names.fill_kept(value)]).await;
                }
            }
            "zset" => {
                for pair in value.as_array().unwrap() {
                    let [member, score] = [0, 1].map(|part| names.fill_text(pair[part].as_str().unwrap()));
                    self.command(&["ZADD", key, &score, &member]).await;
                }
            }
            "list" => {
                for item in value.as_array().unwrap() {
                    self.command(&["RPUSH", key, &names.fill_text(item.as_str().unwrap())]).await;
                }
            }
            other => panic!("a value of a new type: {other}"),
        }
        if kept["expires"] == true {
            self.command(&["EXPIRE", key, "30"]).await;
        }
    }

    async fn put_value(&self, kept: &Value) {
        self.put_value_at(&self.key(kept["key"].as_str().unwrap()), kept).await;
    }

    async fn put_values(&self, kind: &str) {
        for kept in golden(kind).now {
            self.put_value(&kept).await;
        }
    }

    async fn command(&self, words: &[&str]) {
        let (name, arguments) = words.split_first().unwrap();
        self.evently.redis_command(cmd(name).arg(arguments)).await;
    }

    /// All fields of a hash.
    async fn fields(&self, key: &str) -> BTreeMap<String, String> {
        self.evently.redis_query(cmd("HGETALL").arg(key)).await
    }

    /// Runs the janitor; then no seat of the event is missing.
    async fn assert_no_seat_is_lost(&self, event: &str, what: &str) {
        let report = janitor::run(&self.evently.app, Timestamp::now()).await.unwrap();
        assert_eq!(report.events_failed, 0, "{what}: {report:?}");
        let inventory = self.admin.get(&format!("/admin/events/{event}/inventory")).await;
        assert_eq!(
            (inventory.status, &inventory.body["drift"]),
            (200, &0.into()),
            "{what}: {}",
            inventory.body
        );
    }
}

/// The values of Redis whose key is that, by their shape.
fn values_at(kind: &str, key: &str) -> Vec<(String, Value)> {
    let found = golden(kind).to_read().into_iter().filter(|(_, kept)| kept["key"] == key);
    let found: Vec<_> = found.collect();
    assert!(!found.is_empty(), "{kind} has no {key}");
    found
}

#[test]
fn every_kind_is_read_by_a_test() {
    let tests = concat!(
        include_str!("golden_reads.rs"),
        include_str!("golden_reads/items.rs"),
        include_str!("golden_reads/values.rs"),
        include_str!("golden/world.rs")
    );
    for kind in files::kinds() {
        assert!(tests.contains(&format!("\"{kind}\"")), "no test reads {kind}");
        for before in golden(&kind).before {
            assert!(!before.what.starts_with("SAY"), "{kind}: say what was different");
        }
    }
}

#[tokio::test]
async fn every_token_and_cursor_is_good() {
    let reader = Reader::new().await;
    reader.put_events().await;
    let sign = |kind: &Value, claims: &Value| {
        let claims = reader.names.fill_json(claims);
        reader.evently.app.tokens.sign(kind.as_str().unwrap(), &claims).unwrap()
    };
    for (what, token) in golden("token-access").to_read() {
        let bearer = reader.evently.anybody().with_token(sign(&token["typ"], &token["claims"]));
        assert_eq!(bearer.get("/bookings").await.status, 200, "{what}: {token}");
    }
    for (kind, session, list) in lists(&reader.user, &reader.admin, reader.event) {
        for (what, token) in golden(kind).to_read() {
            let cursor = sign(&token["typ"], &token["claims"]);
            let page = ask(session, &format!("{list}?cursor={cursor}")).await;
            assert_eq!(page.status, 200, "{kind}, {what}: {}", page.body);
        }
    }
}
