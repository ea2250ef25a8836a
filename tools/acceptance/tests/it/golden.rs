//! Golden files of all that is kept: of every item of DynamoDB, every value of Redis, every cursor and token. This release
//! makes each of them here, by its own code, and it must still be as its file in `golden` says: what other releases wrote,
//! and what they will read, has that shape. That everything is read again is shown in `golden_reads`.

mod dump;
pub(crate) mod files;
mod kinds;
pub(crate) mod shape;
pub(crate) mod world;

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use self::{files::complaint, kinds::Kept, shape::Names, world::Day};

/// What was made of each kind, in an order that is always the same.
#[derive(Default)]
struct Made(BTreeMap<String, (&'static str, BTreeSet<String>)>);

impl Made {
    fn add(&mut self, kind: &str, kept_in: &'static str, value: &Value) {
        let made = self.0.entry(kind.to_owned()).or_insert_with(|| (kept_in, BTreeSet::new()));
        made.1.insert(value.to_string());
    }

    /// Asserts that each is as its file says, and that no file is left over.
    fn assert_golden(self, prefix: &str) {
        let kinds: BTreeSet<String> = self.0.keys().cloned().collect();
        let complaints: Vec<String> = self
            .0
            .into_iter()
            .filter_map(|(kind, (kept_in, made))| {
                let made = made.iter().map(|value| serde_json::from_str(value).unwrap());
                complaint(&kind, kept_in, made.collect())
            })
            .collect();
        assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
        let left_over: Vec<_> = files::kinds()
            .into_iter()
            .filter(|kind| kind.starts_with(prefix) && !kinds.contains(kind))
            .collect();
        assert!(left_over.is_empty(), "nothing makes these any more: {left_over:?}");
    }
}

#[tokio::test]
async fn every_item_of_dynamodb_is_kept_as_its_golden_file_says() {
    let mut day = Day::begin().await;
    let mut items = day.items().await;
    // Hours of sales wait on their shard; then a janitor moves them.
    day.janitor_after_hours().await;
    items.extend(day.items().await);
    let mut made = Made::default();
    for (table, item) in items {
        let shape = day.names.of_item(&item);
        let (kind, kept_in) = kinds::of_item(table, &shape);
        if kind == "item-day-of-all" && shape.get("ca{hour_of_day}_EUR").is_none() {
            // It has fewer counters than the one where something was cancelled.
            continue;
        }
        made.add(kind, kept_in, &shape);
    }
    made.assert_golden("item-");
}

#[tokio::test]
async fn every_value_of_redis_is_kept_as_its_golden_file_says() {
    let mut day = Day::begin().await;
    day.lose_a_commit().await;
    day.keep_what_is_kept_for_a_moment().await;
    let mut made = Made::default();
    for Kept { key, kind, expires, value } in day.redis_values().await {
        let name = kinds::of_key(&key);
        made.add(name, "Redis", &json!({ "key": key, "type": kind, "expires": expires, "value": value }));
    }
    made.assert_golden("redis-");
}

#[tokio::test]
async fn every_cursor_and_token_is_made_as_its_golden_file_says() {
    let day = Day::begin().await;
    let mut made = Made::default();
    for (kind, token) in day.tokens().await {
        made.add(kind, "a client", &shape_of_token(&day.names, &token));
    }
    made.assert_golden("token-");
}

/// What a token says: its type and its claims.
fn shape_of_token(names: &Names, token: &str) -> Value {
    let mut parts = token.split('.').map(|part| {
        let json = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        serde_json::from_slice::<Value>(&json).unwrap_or_default()
    });
    let (header, claims) = (parts.next().unwrap(), parts.next().unwrap());
    json!({ "typ": header["typ"], "alg": header["alg"], "claims": names.of_json(claims) })
}
