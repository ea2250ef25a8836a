//! All that a day left behind: in DynamoDB, in Redis, and with clients.

use std::collections::BTreeMap;

use jiff::Timestamp;
use redis::{Cmd, cmd};
use serde_json::{Value, json};

use super::{
    kinds::Kept,
    shape::Item,
    world::{Day, ask, lists},
};
use crate::common::shared_dynamodb;

impl Day {
    /// All items, each with its table.
    pub(crate) async fn items(&mut self) -> Vec<(&'static str, Item)> {
        self.names.now = Timestamp::now();
        let (client, tables) =
            (stores::dynamodb::client_for_endpoint(shared_dynamodb()), &self.evently.app.config.tables);
        let mut found = Vec::new();
        for (table, name) in [
            ("users", &tables.users),
            ("events", &tables.events),
            ("inventory", &tables.inventory),
            ("bookings", &tables.bookings),
            ("audit", tables.audit.as_ref().unwrap()),
            ("deliveries", tables.deliveries.as_ref().unwrap()),
            ("webhooks", tables.webhooks.as_ref().unwrap()),
        ] {
            let scanned = client.scan().table_name(name).consistent_read(true).send().await.unwrap();
            assert!(scanned.last_evaluated_key.is_none(), "a day is smaller than a page");
            found.extend(scanned.items.unwrap().into_iter().map(|item| (table, item)));
        }
        found
    }

    /// All values of Redis.
    pub(crate) async fn redis_values(&mut self) -> Vec<Kept> {
        self.names.now = Timestamp::now();
        let prefix = &self.evently.app.config.redis.key_prefix;
        let keys: Vec<String> = self.ask(cmd("KEYS").arg(format!("{prefix}*"))).await;
        let mut found = Vec::new();
        for key in keys {
            let expires = self.ask::<i64>(cmd("PTTL").arg(&key)).await > 0;
            let kind: String = self.ask(cmd("TYPE").arg(&key)).await;
            let value = self.value(&key, &kind).await;
            let key = self.names.of_text(key.strip_prefix(prefix).unwrap());
            found.push(Kept { key, kind, expires, value });
        }
        found
    }

    async fn value(&self, key: &str, kind: &str) -> Value {
        match kind {
            "string" => self.names.of_kept(&self.ask::<String>(cmd("GET").arg(key)).await),
            "hash" => {
                let fields: BTreeMap<String, String> = self.ask(cmd("HGETALL").arg(key)).await;
                let fields = fields.iter();
                let shape = |name: &str, value| match name {
                    // It may have come by now.
                    "until" => json!("{later}"),
                    _ => self.names.of_kept(value),
                };
                fields.map(|(name, value)| (self.names.of_text(name), shape(name, value))).collect()
            }
            "zset" => {
                let members: Vec<(String, String)> =
                    self.ask(cmd("ZRANGE").arg(key).arg(0).arg(-1).arg("WITHSCORES")).await;
                let score = |score: &str| match key.ends_with(":popular") {
                    true => "{rank}".to_owned(),
                    false => self.names.of_text(score),
                };
                let members = members.iter().map(|(member, at)| [self.names.of_text(member), score(at)]);
                let mut members: Vec<_> = members.collect();
                members.sort();
                json!(members)
            }
            "list" => {
                let items: Vec<String> = self.ask(cmd("LRANGE").arg(key).arg(0).arg(-1)).await;
                let mut items: Vec<_> = items.iter().map(|item| self.names.of_text(item)).collect();
                items.dedup();
                json!(items)
            }
            other => panic!("{key} is of a new type, {other}"),
        }
    }

    async fn ask<T: redis::FromRedisValue>(&self, command: &Cmd) -> T {
        self.evently.redis_query(command).await
    }

    /// What clients are given, each with its kind.
    pub(crate) async fn tokens(&self) -> Vec<(&'static str, String)> {
        let (ada, admin, event) = (&self.ada, self.evently.admin(), self.event);
        let mut tokens = vec![("token-access", ada.token.clone().unwrap())];
        for (kind, session, list) in lists(ada, &admin, event) {
            let page = ask(session, &format!("{list}?limit=1")).await;
            assert_eq!(page.status, 200, "{list}: {}", page.body);
            tokens.push((kind, page.text("next_cursor")));
        }
        tokens
    }
}
