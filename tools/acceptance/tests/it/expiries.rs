//! How long what is kept is kept: every key in Redis and every item that DynamoDB forgets has its time, in the right unit.
//! A second taken for a millisecond would forget at once, or never.

use std::{collections::BTreeMap, ops::RangeInclusive};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::json;
use stores::dynamodb;

use crate::common::{TestApp, concert, own_redis, send, shared_dynamodb};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// It stays until something takes it away.
const NEVER: RangeInclusive<i64> = -1..=-1;

/// Kinds of keys, by what they end with or have in them, and how long they live, in ms.
fn lives() -> Vec<(&'static str, RangeInclusive<i64>)> {
    let up_to = |most: i64| most - 20 * SECOND..=most;
    vec![
        ("}:state", NEVER),
        ("}:deadlines", NEVER),
        ("}:holds", NEVER),
        ("}:ended", up_to(DAY)),
        ("}:idempotency:", up_to(DAY)),
        ("}:claim:", up_to(DAY)),
        ("}:restocked:", up_to(10 * MINUTE)),
        ("}:places:", 9 * MINUTE..=HOUR),
        ("}:places-sum:", 9 * MINUTE..=HOUR),
        ("}:copy", 5 * SECOND..=30 * SECOND),
        ("}:limit:registrations", up_to(HOUR)),
        ("}:limit:account_mails", up_to(HOUR)),
        ("}:limit:", 40 * SECOND..=MINUTE),
        ("{catalogue}:upcoming", 5 * SECOND..=30 * SECOND),
        ("{catalogue}:changes", up_to(2 * MINUTE)),
        ("{catalogue}:generation", NEVER),
        ("{catalogue}:popular", NEVER),
        ("{catalogue}:sales-generation", NEVER),
        ("{catalogue}:report:", 5 * SECOND..=30 * SECOND),
        ("{sign-in}:known:", up_to(30 * DAY)),
        ("accounts:ended-tokens", up_to(HOUR + MINUTE)),
    ]
}

async fn lives_of_keys(evently: &TestApp) -> BTreeMap<String, i64> {
    let keys: Vec<String> = evently.redis_query(redis::cmd("KEYS").arg("*")).await;
    let prefix = &evently.app.config.redis.key_prefix;
    let mut lives = BTreeMap::new();
    for key in keys {
        let life: i64 = evently.redis_query(redis::cmd("PTTL").arg(&key)).await;
        lives.insert(key.strip_prefix(prefix).unwrap().to_owned(), life);
    }
    lives
}

async fn sign_in(evently: &TestApp, email: &str, password: &str) -> String {
    let session = evently.anybody().post("/login", json!({ "email": email, "password": password })).await;
    assert_eq!(session.status, 200, "{}", session.body);
    session.text("access_token")
}

#[tokio::test]
async fn every_key_in_redis_lives_as_long_as_it_should() {
    let redis = own_redis().await;
    let limits = settings::RateLimits {
        writes_per_minute: 900,
        reads_per_minute: 900,
        auth_per_minute: 900,
        registrations_per_hour: 900,
    };
    let evently = TestApp::on(shared_dynamodb(), redis.url(), |config| {
        config.rate_limits = limits;
        config.network_places_max = None;
    })
    .await;
    let (admin, anybody) = (evently.admin(), evently.anybody());
    let account = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    assert_eq!(anybody.post("/register", account).await.status, 201);
    let event = evently.event(10).await;
    let ada = anybody.with_token(sign_in(&evently, "ada@example.com", "correct horse battery").await);
    let wrong = json!({ "email": "ada@example.com", "password": "wrong horse battery" });
    assert_eq!(anybody.post("/login", wrong).await.status, 401);

    let released = ada.hold(&event, 1).await;
    assert_eq!(ada.delete(&format!("/reservations/{released}")).await.status, 204);
    ada.hold(&event, 1).await;
    let booking = ada.hold(&event, 2).await;
    let confirm = ada.request(Method::POST, &format!("/reservations/{booking}/confirm"));
    assert_eq!(send(confirm.header("idempotency-key", "a-key")).await.status, 201);
    assert_eq!(ada.cancel(&booking).await.status, 200);
    let path = format!("/admin/events/{event}");
    assert_eq!(admin.put(&path, "*", concert(json!({ "capacity": 12 }))).await.status, 200);
    for path in ["/events", "/events/popular", &format!("/events/{event}")] {
        assert_eq!(anybody.get(path).await.status, 200);
    }
    assert_eq!(admin.get("/admin/analytics").await.status, 200);
    let change =
        json!({ "current_password": "correct horse battery", "new_password": "another horse battery" });
    let changed = ada.post("/password", change).await;
    assert_eq!(changed.status, 204, "{}", changed.body);

    let found = lives_of_keys(&evently).await;
    let mut met = BTreeMap::new();
    for (key, life) in &found {
        let known = lives()
            .into_iter()
            .find(|(kind, _)| key.ends_with(kind) || kind.ends_with(':') && key.contains(kind));
        match known {
            Some((kind, lives)) => {
                assert!(lives.contains(life), "{key} lives for {life} ms, not {lives:?}");
                met.insert(kind, ());
            }
            // A turn may just be taken.
            None if key.ends_with("turn") => assert!((1..=3 * SECOND).contains(life), "{key}: {life} ms"),
            // These have a life of their own that follows from what was wrong, and how often.
            None if key.contains("{sign-in}:") => {
                assert!((SECOND..=2 * HOUR).contains(life), "{key} lives for {life} ms");
            }
            None if key.ends_with("}:reservations") => {
                let ttl = i64::try_from(evently.app.config.hold_ttl_ms).unwrap();
                assert!((ttl..=ttl + DAY).contains(life), "{key} lives for {life} ms");
            }
            None => panic!("{key}, which lives for {life} ms, is not known here"),
        }
    }
    let missing: Vec<_> = lives().into_iter().filter(|(kind, _)| !met.contains_key(kind)).collect();
    assert!(missing.is_empty(), "not met: {missing:?} in {found:?}");
}

#[tokio::test]
async fn what_dynamodb_is_to_forget_says_so_in_seconds() {
    let evently = TestApp::start().await;
    let request = evently.admin().request(Method::POST, "/admin/events");
    let created = send(request.header("idempotency-key", "a-key").json(&concert(json!({})))).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let account = json!({ "email": "ada@example.com", "password": "correct horse battery" });
    assert_eq!(evently.anybody().post("/register", account).await.status, 201);
    let ada =
        evently.anybody().with_token(sign_in(&evently, "ada@example.com", "correct horse battery").await);
    let change =
        json!({ "current_password": "correct horse battery", "new_password": "another horse battery" });
    assert_eq!(ada.post("/password", change).await.status, 204);

    let client = dynamodb::client_for_endpoint(shared_dynamodb());
    let tables = &evently.app.config.tables;
    let now = Timestamp::now().as_second();
    // A key is remembered for a day; a token lives for an hour, and clocks differ by a minute.
    for (table, hours) in [(&tables.events, 24), (&tables.bookings, 1)] {
        let items = client.scan().table_name(table).send().await.unwrap().items.unwrap();
        let forgotten: Vec<i64> = items
            .iter()
            .filter_map(|item| item.get("forget_at"))
            .map(|at| match at {
                AttributeValue::N(second) => second.parse().unwrap(),
                other => panic!("DynamoDB ignores {other:?}"),
            })
            .collect();
        assert_eq!(forgotten.len(), 1, "{table}");
        let left = forgotten[0] - now;
        assert!((hours * 3_600 - 60..=hours * 3_600 + 120).contains(&left), "{table}: in {left} s");
    }
}
