//! What kinds of things are kept. Who adds one adds it here, and then its golden file.

use serde_json::Value;

/// A value of Redis, by its shape.
pub(crate) struct Kept {
    pub(crate) key: String,
    pub(crate) kind: String,
    pub(crate) expires: bool,
    pub(crate) value: Value,
}

/// The kind of an item, and where it is kept.
pub(crate) fn of_item(table: &str, item: &Value) -> (&'static str, &'static str) {
    let part = |name: &str| item[name]["S"].as_str().unwrap_or_default();
    match table {
        "users" if item.get("moved_to_user").is_some() => {
            ("item-left-address", "DynamoDB, the table of users")
        }
        "users" => ("item-user", "DynamoDB, the table of users"),
        "events" => {
            let kind = match part("id") {
                id if id.contains("#price#") => "item-price",
                id if id.contains("#layout#") => "item-layout",
                id if id.starts_with("key#") => "item-creation",
                id if id.starts_with("surplus#") => "item-surplus",
                id if is_id(id) => "item-event",
                other => panic!("an item of a new kind in the table of events: {other}; see golden/kinds.rs"),
            };
            (kind, "DynamoDB, the table of events")
        }
        "inventory" => {
            let kind = match part("shard_id") {
                id if id.starts_with("all#") => "item-day-of-all",
                id if id.contains("#day#") => "item-day-of-event",
                id if id.contains("#user#") => "item-user-seats",
                id if id
                    .split_once('#')
                    .is_some_and(|(event, shard)| is_id(event) && shard.parse::<u32>().is_ok()) =>
                {
                    "item-shard"
                }
                other => panic!("an item of a new kind in the inventory table: {other}; see golden/kinds.rs"),
            };
            (kind, "DynamoDB, the inventory table")
        }
        "bookings" => {
            let kind = match part("user_id") {
                "ended-tokens" => "item-ended-tokens",
                id if is_id(id) => "item-booking",
                other => {
                    panic!("an item of a new kind in the table of bookings: {other}; see golden/kinds.rs")
                }
            };
            (kind, "DynamoDB, the table of bookings")
        }
        "deliveries" => {
            let kind = match part("message_id") {
                "look" => "item-look",
                "lease" => "item-lease",
                "rate" => "item-rate",
                id if id.starts_with("stream#") => "item-stream-place",
                id if id.starts_with("unverified#") => "item-unverified-rate",
                id if ["booking_", "event_", "ping_"].iter().any(|of| id.starts_with(of)) => {
                    "item-webhook-delivery"
                }
                id if ["booking.", "event.", "account.", "webhook."].iter().any(|of| id.starts_with(of)) => {
                    "item-delivery"
                }
                other => {
                    panic!("an item of a new kind in the table of deliveries: {other}; see golden/kinds.rs")
                }
            };
            (kind, "DynamoDB, the table of deliveries")
        }
        "webhooks" => {
            let kind = match part("part") {
                "endpoints" if item.get("forget_at").is_some() => "item-webhook-removed",
                "endpoints" => "item-webhook",
                "secrets" => "item-webhook-secrets",
                "count" => "item-webhook-count",
                other => {
                    panic!("an item of a new kind in the table of webhooks: {other}; see golden/kinds.rs")
                }
            };
            (kind, "DynamoDB, the table of webhooks")
        }
        "audit" => ("item-audit", "DynamoDB, the table of the audit trail"),
        other => panic!("a new table: {other}; see golden/kinds.rs"),
    }
}

fn is_id(shape: &str) -> bool {
    shape.starts_with('{') && shape.ends_with('}') && !shape.contains('#')
}

/// The kind of a key of Redis, by the shape of its name without the prefix.
pub(crate) fn of_key(key: &str) -> &'static str {
    let behind_tag = key.split_once("}}:").or(key.split_once("}:")).map_or(key, |(_, rest)| rest);
    let first = behind_tag.split(':').next().unwrap_or_default();
    match (key, first) {
        ("accounts:ended-tokens", _) => "redis-ended-tokens",
        ("janitor:cursor:holds" | "janitor:cursor:seats", _) => "redis-janitor-cursor",
        ("pricing:cursor", _) => "redis-pricing-cursor",
        _ if key.ends_with("turn") => "redis-turn",
        (_, "state") => "redis-state",
        (_, "deadlines") => "redis-deadlines",
        (_, "holds") => "redis-holds",
        (_, "ended") => "redis-ended-holds",
        (_, "idempotency") => "redis-idempotency",
        (_, "claim") => "redis-claim",
        (_, "reservations") => "redis-reservations",
        (_, "limit") => "redis-limit",
        (_, "places") => "redis-places",
        (_, "places-sum") => "redis-places-sum",
        (_, "restocked") => "redis-restocked",
        (_, "copy") => "redis-copy",
        (_, "upcoming") => "redis-upcoming",
        (_, "changes") => "redis-changes",
        (_, "generation") => "redis-generation",
        (_, "popular") => "redis-popular",
        (_, "sales-generation") => "redis-sales-generation",
        (_, "report") => "redis-report",
        (_, "pair" | "address" | "account" | "wide") => "redis-failures",
        (_, "known") => "redis-known-networks",
        _ => panic!("a key of a new kind: {key}; see golden/kinds.rs"),
    }
}
