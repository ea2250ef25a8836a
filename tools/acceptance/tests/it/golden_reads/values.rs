//! The values of Redis.

use std::collections::BTreeMap;

use domain::{
    id::{EventId, ReservationId},
    inventory::Draw,
};
use jiff::Timestamp;
use redis::cmd;
use reqwest::Method;
use serde_json::{Value, json};
use settings::RateLimits;

use super::{Reader, values_at};
use crate::{
    common::{TestApp, send},
    golden::{files::golden, shape::Names},
};

const FULL: u64 = 20;

/// An event that is on sale, called `{event}`.
async fn sell(reader: &mut Reader) -> EventId {
    let changes = json!({ "capacity": FULL, "max_per_user": 12, "name": "In DynamoDB" });
    let event: EventId = reader.evently.event_with(changes).await.parse().unwrap();
    let (now, user) = (Timestamp::now(), reader.user.user_id.unwrap());
    let starts_at = reader.evently.app.store.event(event).await.unwrap().unwrap().details.starts_at;
    reader.names = Names::new(starts_at, now);
    reader.names.call(event, "event");
    reader.names.call(user, "user");
    reader.event = event;
    event
}

#[tokio::test]
async fn every_hold_can_be_looked_at_confirmed_and_given_back() {
    for (what, kept) in values_at("redis-holds", "{{event}}:holds") {
        for (name, shape) in kept["value"].as_object().unwrap() {
            let what = format!("{what}, {name}");
            let mut reader = Reader::new().await;
            let event = sell(&mut reader).await.to_string();
            match shape["json"]["user"].as_str() {
                Some("") => settle(&reader, shape, &what).await,
                Some(_) => confirm_and_release(&reader, shape, &what).await,
                // A field of a later release, beside the holds.
                None => {}
            }
            reader.assert_no_seat_is_lost(&event, &what).await;
        }
    }
}

/// Puts that in the place of a hold which this release made of as many seats, in the same state.
async fn put_hold(reader: &Reader, id: &str, shape: &Value) {
    let holds = reader.evently.keys().holds(reader.event);
    reader.command(&["HSET", &holds, id, &reader.names.fill_kept(shape)]).await;
}

async fn confirm_and_release(reader: &Reader, shape: &Value, what: &str) {
    let (redis, user, event) = (&reader.evently.app.redis, &reader.user, reader.event.to_string());
    let quantity = u32::try_from(shape["json"]["quantity"].as_u64().unwrap()).unwrap();
    let is_held = shape["json"]["state"] == "held";
    for confirms in [true, false] {
        let id = user.hold(&event, quantity).await;
        if !is_held {
            redis.begin(id.parse().unwrap(), user.user_id.unwrap(), 600_000).await.unwrap();
        }
        put_hold(reader, &id, shape).await;
        let path = format!("/reservations/{id}");
        let looked = user.get(&path).await;
        assert_eq!(
            (looked.status, &looked.body["reservation"]["quantity"]),
            (200, &json!(quantity)),
            "{what}"
        );
        assert_eq!(user.get("/reservations").await.body["items"][0]["id"], json!(id), "{what}");
        if confirms {
            let confirmed = user.confirm(&id).await;
            assert_eq!(confirmed.status, 201, "{what}: {}", confirmed.body);
            // Null, where the hold's lines differ in theirs.
            assert_eq!(confirmed.body["booking"]["unit_price"], shape["json"]["unit_price"], "{what}");
            let lines = confirmed.body["booking"]["lines"].as_array().unwrap();
            let total: u64 = lines.iter().map(|line| line["total"].as_u64().unwrap()).sum();
            assert_eq!(confirmed.body["booking"]["total"], total, "{what}");
        } else {
            assert_eq!(user.delete(&path).await.status, if is_held { 204 } else { 409 }, "{what}");
        }
    }
}

/// A withdrawal that nobody ended.
async fn settle(reader: &Reader, shape: &Value, what: &str) {
    let (redis, event) = (&reader.evently.app.redis, reader.event);
    reader.evently.user().hold(&event.to_string(), 1).await;
    let id = ReservationId::new(event, Timestamp::now());
    redis.withdraw(id, 1, 90, 1).await.unwrap();
    put_hold(reader, &id.to_string(), shape).await;
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    let report = janitor::run(&reader.evently.app, Timestamp::now()).await.unwrap();
    assert_eq!(report.done.confirms_undone, 1, "{what}: {report:?}");
}

/// Whether a field of a state is a fact of the event, and no count of this very state.
fn is_fact(field: &str) -> bool {
    !field.contains(':') && !["epoch", "free", "held", "shards"].contains(&field)
}

#[tokio::test]
async fn every_state_sells() {
    for (what, kept) in values_at("redis-state", "{{event}}:state") {
        let mut reader = Reader::new().await;
        let event = sell(&mut reader).await.to_string();
        let hold = reader.user.hold(&event, 1).await;
        let state = reader.evently.keys().state(reader.event);
        for field in reader.fields(&state).await.into_keys().filter(|field| is_fact(field)) {
            reader.command(&["HDEL", &state, &field]).await;
        }
        for (field, value) in kept["value"].as_object().unwrap().iter().filter(|(field, _)| is_fact(field)) {
            reader.command(&["HSET", &state, field, &reader.names.fill_kept(value)]).await;
        }
        let spent = reader.names.fill_text("{ms} since {now} to {now}");
        let unbought = format!("unbought:{}", reader.user.user_id.unwrap());
        reader.command(&["HSET", &state, &unbought, &spent]).await;
        let confirmed = reader.user.confirm(&hold).await;
        assert_eq!(confirmed.status, 201, "{what}: {}", confirmed.body);
        assert!(confirmed.body["booking"]["event"]["name"].is_string(), "{what}: {}", confirmed.body);
        let held = reader.user.book(&event, 2).await;
        assert_eq!(held.status, 201, "{what}: {}", held.body);
        assert_eq!(held.body["reservation"]["unit_price"], 3_000, "{what}: as the state says");
        let held = held.body["reservation"]["id"].as_str().unwrap();
        assert_eq!(reader.user.delete(&format!("/reservations/{held}")).await.status, 204, "{what}");
        reader.assert_no_seat_is_lost(&event, &what).await;
    }
}

/// What is browsed comes from what is kept: DynamoDB has none of it.
#[tokio::test]
async fn every_copy_list_and_rank_is_shown() {
    let reader = Reader::new().await;
    reader.put_values("redis-state").await;
    for (what, kept) in golden("redis-copy").to_read() {
        reader.put_value(&kept).await;
        let event = reader.names.fill_text(kept["key"].as_str().unwrap());
        let event = event.trim_start_matches('{').split('}').next().unwrap();
        let shown = reader.evently.anybody().get(&format!("/events/{event}")).await;
        let is_draft = kept["value"]["event"]["json"]["status"] == "draft";
        let expected = if is_draft || kept["value"]["missing"].is_string() { 404 } else { 200 };
        assert_eq!(shown.status, expected, "{what}: {}", shown.body);
    }
    reader.put_values("redis-copy").await;
    reader.put_values("redis-generation").await;
    let [event, theatre, second] = ["event", "theatre", "second_event"].map(|name| reader.names.id(name));
    // No list of a release before has one of several areas.
    let listed = |kept: &Value| match kept.to_string().contains("theatre") {
        true => json!([event, theatre, second]),
        false => json!([event, second]),
    };
    let ids = |body: &Value| -> Value {
        body["items"].as_array().unwrap().iter().map(|event| event["id"].clone()).collect()
    };
    for (what, kept) in golden("redis-upcoming").to_read() {
        reader.put_value(&kept).await;
        let list = reader.evently.another_with(|_| {}).await.anybody().get("/events").await;
        assert_eq!((list.status, ids(&list.body)), (200, listed(&kept)), "{what}: {}", list.body);
    }
    for (what, kept) in golden("redis-changes").to_read() {
        reader.put_value(&kept).await;
        reader.command(&["SET", &reader.evently.keys().catalogue(), "[]", "EX", "30"]).await;
        let list = reader.evently.another_with(|_| {}).await.anybody().get("/events").await;
        assert_eq!((list.status, ids(&list.body)), (200, listed(&kept)), "{what}: {}", list.body);
    }
    for (what, kept) in golden("redis-popular").to_read() {
        reader.put_value(&kept).await;
        let list = reader.evently.anybody().get("/events/popular").await;
        assert_eq!(
            (list.status, ids(&list.body).as_array().unwrap().len()),
            (200, 3),
            "{what}: {}",
            list.body
        );
    }
    for (what, kept) in golden("redis-report").to_read() {
        reader.put_values("redis-sales-generation").await;
        reader.put_value(&kept).await;
        let report = reader.admin.get("/admin/analytics").await;
        assert!(
            report.status == 200 && report.body["tickets_sold"].as_u64() > Some(0),
            "{what}: {}",
            report.body
        );
    }
}

#[tokio::test]
async fn every_job_goes_on_at_its_cursor() {
    let reader = Reader::new().await;
    reader.put_events().await;
    let app = &reader.evently.app;
    // One that has more parts is none: then a job starts from the beginning, which is as good.
    let is_good = |what: &str, is_read: bool| assert!(is_read || what.contains("a later release"), "{what}");
    for (what, kept) in golden("redis-janitor-cursor").to_read() {
        reader.put_value(&kept).await;
        is_good(&what, app.redis.janitor_cursor("holds").await.unwrap().is_some());
        assert_eq!(janitor::run(app, Timestamp::now()).await.unwrap().events_failed, 0, "{what}");
    }
    for (what, kept) in golden("redis-pricing-cursor").to_read() {
        reader.put_value(&kept).await;
        is_good(&what, app.redis.pricing_cursor().await.unwrap().is_some());
        pricing::run(app, Timestamp::now()).await.unwrap();
    }
}

#[tokio::test]
async fn every_record_of_a_buyer_is_gone_by() {
    let mut reader = Reader::new().await;
    let event = sell(&mut reader).await.to_string();
    let held = reader.user.book_with_key(&event, 2, "a-hold").await;
    let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
    let released = ReservationId::new(reader.event, Timestamp::now());
    reader.names.call(&id, "held");
    reader.names.call(released, "released");
    let user = reader.user.clone();
    for (what, kept) in values_at("redis-idempotency", "{{event}}:idempotency:{user}:a-hold") {
        reader.put_value(&kept).await;
        let rates =
            if kept.to_string().contains("wanted_rates") { json!({ "patron": 1 }) } else { json!({}) };
        let again =
            user.request(Method::POST, &format!("/events/{event}/book")).header("idempotency-key", "a-hold");
        let again = send(again.json(&json!({ "quantity": 2, "rates": rates }))).await;
        assert_eq!(
            (again.status, &again.body["reservation"]["id"]),
            (201, &json!(id)),
            "{what}: {}",
            again.body
        );
    }
    let other = reader.evently.event(5).await;
    for (what, kept) in values_at("redis-claim", "{{user}}:claim:book:a-hold") {
        reader.put_value(&kept).await;
        let reused = user.book_with_key(&other, 1, "a-hold").await;
        assert_eq!(reused.body["code"], "idempotency_key_reused", "{what}: {}", reused.body);
    }
    for (what, kept) in values_at("redis-reservations", "{{user}}:reservations") {
        reader.put_value(&kept).await;
        assert_eq!(user.get("/reservations").await.body["items"][0]["id"], json!(id), "{what}");
    }
    for (what, kept) in values_at("redis-deadlines", "{{event}}:deadlines") {
        reader.put_value(&kept).await;
        let looked = user.get(&format!("/reservations/{id}")).await;
        assert_eq!(looked.status, 200, "{what}: {}", looked.body);
    }
    for (what, kept) in values_at("redis-ended-holds", "{{event}}:ended") {
        reader.put_value(&kept).await;
        user.get(&format!("/reservations/{released}")).await.assert_problem(410, "reservation_released");
        assert!(kept["type"] == "zset", "{what}");
    }
    for (what, kept) in values_at("redis-restocked", "{{event}}:restocked:{cancelled_booking}") {
        reader.names.call("a-change", "cancelled_booking");
        reader.put_value(&kept).await;
        let (redis, draw) = (&reader.evently.app.redis, Draw::places(0, 1));
        let epoch = redis.state_seen(reader.event).await.unwrap().unwrap().epoch;
        let free = redis.free_seats(&[reader.event]).await.unwrap();
        assert!(redis.restock(reader.event, "a-change", &epoch, &[draw], None).await.unwrap(), "{what}");
        assert_eq!(redis.free_seats(&[reader.event]).await.unwrap(), free, "{what}: it counted before");
    }
    for (what, kept) in values_at("redis-turn", "{{event}}:turn") {
        reader.put_value(&kept).await;
        assert!(!reader.evently.app.redis.take_turn(reader.event).await.unwrap(), "{what}");
    }
}

#[tokio::test]
async fn every_count_of_a_client_is_gone_by() {
    let one_a_minute = RateLimits { reads_per_minute: 1, ..RateLimits::default() };
    let reader = Reader::of(TestApp::with(|config| config.rate_limits = one_a_minute).await);
    for (what, kept) in values_at("redis-limit", "{{uuid}}:limit:reads") {
        let user = reader.user.user_id.unwrap().to_string();
        reader.put_value_at(&reader.evently.keys().limit("reads", &user), &kept).await;
        assert_eq!(reader.user.get("/bookings").await.status, 429, "{what}");
    }
    for (what, kept) in values_at("redis-ended-tokens", "accounts:ended-tokens") {
        let reader = Reader::new().await;
        reader.put_value(&kept).await;
        assert_eq!(reader.user.get("/bookings").await.status, 401, "{what}");
        assert_eq!(reader.admin.get("/bookings").await.status, 200, "{what}");
    }
}

#[tokio::test]
async fn every_count_of_wrong_passwords_slows_the_next_one() {
    let mut reader = Reader::new().await;
    let (anybody, ada) = (reader.evently.from("2001:db8::1").await, "ada@example.com");
    let credentials = json!({ "email": ada, "password": "correct horse" });
    let guess = json!({ "email": ada, "password": "a guess, and a bad one" });
    assert_eq!(anybody.post("/register", credentials.clone()).await.status, 201);
    assert_eq!(anybody.post("/login", guess).await.status, 401);
    let kept_of = async |reader: &Reader, kind: &str| -> String {
        let pattern = format!("{}{{sign-in}}:{kind}:*", reader.evently.app.config.redis.key_prefix);
        reader.evently.redis_query::<Vec<String>>(cmd("KEYS").arg(pattern)).await.pop().unwrap()
    };
    let pair = kept_of(&reader, "pair").await;
    for (what, kept) in values_at("redis-failures", "{sign-in}:pair:{hash}:{hash}") {
        reader.put_value_at(&pair, &kept).await;
        assert_eq!(anybody.post("/login", credentials.clone()).await.status, 429, "{what}");
    }
    reader.command(&["DEL", &pair]).await;
    for kind in ["address", "account", "wide"] {
        let key = kept_of(&reader, kind).await;
        for (what, kept) in values_at("redis-failures", &format!("{{sign-in}}:{kind}:{{hash}}")) {
            reader.put_value_at(&key, &kept).await;
            assert_eq!(anybody.post("/login", credentials.clone()).await.status, 200, "{what}");
        }
    }
    // From a network that is known, nobody waits for what others guess.
    let (account, known) = (kept_of(&reader, "account").await, kept_of(&reader, "known").await);
    let networks: BTreeMap<String, String> =
        reader.evently.redis_query(cmd("ZRANGE").arg(&known).arg(0).arg(-1).arg("WITHSCORES")).await;
    reader.names.call(networks.keys().next().unwrap(), "hash");
    let later = reader.names.fill_text("{later}");
    for (what, kept) in golden("redis-known-networks").to_read() {
        reader.command(&["HSET", &account, "until", &later]).await;
        reader.put_value_at(&known, &kept).await;
        assert_eq!(anybody.post("/login", credentials.clone()).await.status, 200, "{what}");
        reader.command(&["DEL", &known]).await;
        assert_eq!(anybody.post("/login", credentials.clone()).await.status, 429, "{what}: else one waits");
    }
}

#[tokio::test]
async fn every_place_of_a_network_counts_until_it_is_over() {
    let reader = Reader::of(TestApp::with(|config| config.network_places_max = Some(5)).await);
    reader.put_events().await;
    let event = reader.event.to_string();
    reader.user.hold(&event, 1).await;
    let key_of = async |kind: &str| -> String {
        let pattern = format!("{}*:{kind}:{event}", reader.evently.app.config.redis.key_prefix);
        reader.evently.redis_query::<Vec<String>>(cmd("KEYS").arg(pattern)).await.pop().unwrap()
    };
    let (places, sum) = (key_of("places").await, key_of("places-sum").await);
    for (what, kept) in values_at("redis-places", "{{hash}}:places:{event}") {
        reader.put_value_at(&places, &kept).await;
        for (what_sum, kept) in values_at("redis-places-sum", "{{hash}}:places-sum:{event}") {
            reader.put_value_at(&sum, &kept).await;
            let refused = reader.user.book(&event, 4).await;
            assert_eq!(refused.text("code"), "network_limit", "{what}, {what_sum}: {}", refused.body);
        }
    }
}
