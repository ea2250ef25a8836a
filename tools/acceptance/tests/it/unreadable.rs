//! What another release wrote and this one can't read. In Redis it is as good as nothing, in a cursor it is a 400; in DynamoDB,
//! the truth, it fails the request that asks for it, and no list of others.

mod items;

use domain::id::EventId;
use jiff::Timestamp;
use redis::cmd;
use serde_json::{Value, json};
use settings::RateLimits;

use crate::{
    common::{Calls, TestApp},
    golden::{
        files::golden,
        shape::Names,
        world::{ask, lists},
    },
};

/// Not JSON, nothing at all, and JSON of other shapes.
const UNREADABLE: [&str; 7] =
    ["garbage", "", "null", "7", "[]", r#"{"of":"another shape"}"#, r#"[{"of":"another shape"}]"#];

/// Gives Redis what no part of this release writes there.
async fn set(evently: &TestApp, command: &[&str]) {
    let (name, arguments) = command.split_first().unwrap();
    evently.redis_command(cmd(name).arg(arguments)).await;
}

/// A process of the same service that remembers nothing yet.
async fn fresh(evently: &TestApp) -> TestApp {
    evently.another(&Calls::default()).await
}

#[tokio::test]
async fn a_copy_of_an_event_that_cant_be_read_is_made_anew() {
    let evently = TestApp::start().await;
    let event = evently.event(9).await;
    let id: EventId = event.parse().unwrap();
    let (copy, path) = (evently.keys().copy(id), format!("/events/{event}"));
    let good = evently.app.store.event(id).await.unwrap().unwrap();
    let mut later = serde_json::to_value(&good).unwrap();
    later["status"] = json!("postponed");
    let later = later.to_string();
    for unreadable in UNREADABLE.into_iter().chain([later.as_str()]) {
        for version in ["1", "99", "garbage", ""] {
            set(&evently, &["DEL", &copy]).await;
            set(&evently, &["HSET", &copy, "event", unreadable, "version", version]).await;
            set(&evently, &["EXPIRE", &copy, "30"]).await;
            let shown = evently.anybody().get(&path).await;
            assert_eq!((shown.status, &shown.body["available"]), (200, &json!(9)), "{unreadable} {version}");
            assert_eq!(evently.anybody().get("/events").await.body["items"][0]["status"], "published");
        }
    }
}

#[tokio::test]
async fn a_state_that_cant_be_read_is_dropped_by_the_janitor() {
    let evently = TestApp::start().await;
    for (field, value) in [("free", "garbage"), ("free", ""), ("version", "garbage")] {
        let event = evently.event(9).await;
        evently.user().buy(&event, 2).await;
        let state = evently.keys().state(event.parse::<domain::id::EventId>().unwrap());
        set(&evently, &["HSET", &state, field, value]).await;
        let shown = evently.anybody().get(&format!("/events/{event}")).await;
        assert_eq!((shown.status, &shown.body["available"]), (200, &json!(7)), "{field}: {}", shown.body);
        let report = janitor::run(&evently.app, Timestamp::now()).await.unwrap();
        assert_eq!(report.events_failed, 0, "{field}: {report:?}");
        evently.user().buy(&event, 1).await;
        assert_eq!(evently.available(&event).await, 6, "{field}");
    }
}

#[tokio::test]
async fn a_list_of_events_that_cant_be_read_is_made_anew() {
    let evently = TestApp::start().await;
    let event = evently.event(9).await;
    let keys = evently.keys();
    let listed = async |what: &str| {
        let list = fresh(&evently).await.anybody().get("/events").await;
        assert_eq!(
            (list.status, &list.body["items"][0]["id"]),
            (200, &json!(event)),
            "{what}: {}",
            list.body
        );
    };
    for (number, unreadable) in UNREADABLE.into_iter().filter(|text| *text != "[]").enumerate() {
        // With an end, and without one.
        set(&evently, &["SET", &keys.catalogue(), unreadable, "EX", "30"]).await;
        listed(unreadable).await;
        set(&evently, &["SET", &keys.catalogue(), unreadable]).await;
        listed(unreadable).await;
        let changes = keys.catalogue_changes();
        let with_time = format!("{} 1 {unreadable}", Timestamp::now().as_millisecond());
        for change in [unreadable, &with_time] {
            set(&evently, &["HSET", &changes, &event, change]).await;
            listed(change).await;
            set(&evently, &["DEL", &keys.catalogue()]).await;
            listed(change).await;
        }
        // An admin's change replaces one that nobody can read.
        set(&evently, &["HSET", &changes, &event, unreadable]).await;
        let path = format!("/admin/events/{event}");
        let version = evently.admin().get(&path).await.header("etag").to_owned();
        let name = format!("Renamed to number {number}");
        evently.admin().patch(&path, &version, json!({ "name": name })).await;
        let found = fresh(&evently).await.anybody().get("/events?q=renamed").await;
        assert_eq!(found.body["items"][0]["name"], name, "{}", found.body);
    }
}

#[tokio::test]
async fn ranks_counters_and_reports_that_cant_be_read_are_counted_anew() {
    let evently = TestApp::start().await;
    let event = evently.event(9).await;
    evently.user().buy(&event, 2).await;
    let (keys, admin) = (evently.keys(), evently.admin());
    let seen = async |what: &str| {
        let popular = fresh(&evently).await.anybody().get("/events/popular").await;
        assert_eq!((popular.status, &popular.body["items"][0]["id"]), (200, &json!(event)), "{what}");
        let analytics = admin.get("/admin/analytics").await;
        assert_eq!((analytics.status, &analytics.body["tickets_sold"]), (200, &json!(2)), "{what}");
    };
    seen("nothing").await;
    set(&evently, &["ZADD", &keys.popular(), "9e15", "garbage"]).await;
    seen("a rank").await;
    set(&evently, &["DEL", &keys.popular()]).await;
    set(&evently, &["ZADD", &keys.popular(), "9e15", "garbage"]).await;
    seen("a rank alone").await;
    for unreadable in UNREADABLE {
        for report in [unreadable.to_owned(), format!("{} {unreadable}", generation(&evently).await)] {
            set(&evently, &["SET", &keys.report("analytics::"), &report, "EX", "30"]).await;
            seen(&report).await;
        }
    }
    for key in [keys.sales_generation(), keys.report("analytics::")] {
        set(&evently, &["SET", &key, "garbage"]).await;
        seen(&key).await;
        set(&evently, &["DEL", &key]).await;
        seen(&key).await;
    }
}

async fn generation(evently: &TestApp) -> u64 {
    evently.app.redis.sales_generation().await.unwrap()
}

#[tokio::test]
async fn a_jobs_cursor_that_cant_be_read_is_a_start_from_the_beginning() {
    let evently = TestApp::start().await;
    evently.event_with(json!({ "pricing": {} })).await;
    let shapes = [
        r#"{"id":{"S":"x"}}"#,
        r#"{"id":{"S":"x"},"listing":{"S":"event"},"starts_at":{"S":"soon"}}"#,
        r#"{"id":{"N":"1"},"listing":{"S":"event"},"starts_at":{"N":"1"}}"#,
        r#"{"id":{"S":"x"},"listing":{"S":"event"},"starts_at":{"N":"1"},"more":{"S":"x"}}"#,
    ];
    let today = catalogue::pricing_day(Timestamp::now());
    for unreadable in UNREADABLE.into_iter().chain(shapes) {
        set(&evently, &["SET", &evently.keys().janitor_cursor("holds"), unreadable]).await;
        let report = janitor::run(&evently.app, Timestamp::now()).await.unwrap();
        assert_eq!((report.events_swept, report.complete), (1, true), "{unreadable}");
        for cursor in [unreadable.to_owned(), format!(r#"{{"day":"{today}","start":{unreadable}}}"#)] {
            set(&evently, &["SET", &evently.keys().pricing_cursor(), &cursor]).await;
            let report = pricing::run(&evently.app, Timestamp::now()).await;
            assert!(report.is_ok(), "{cursor}: {report:?}");
        }
    }
}

#[tokio::test]
async fn what_is_kept_of_a_buyer_and_cant_be_read_is_forgotten() {
    let evently = TestApp::with(|config| {
        config.rate_limits = RateLimits {
            writes_per_minute: 1_000,
            reads_per_minute: 1_000,
            auth_per_minute: 1_000,
            registrations_per_hour: 1_000,
        };
    })
    .await;
    let (event, ada, keys) = (evently.event(9).await, evently.user(), evently.keys());
    let (id, user) = (event.parse::<domain::id::EventId>().unwrap(), ada.user_id.unwrap());
    let hold = ada.hold(&event, 1).await;
    for unreadable in UNREADABLE {
        set(&evently, &["SET", &keys.idempotency(id, user, "key"), unreadable]).await;
        let booked = ada.book_with_key(&event, 1, "key").await;
        assert_eq!(booked.status, 201, "{unreadable}: {}", booked.body);
        let again = ada.book_with_key(&event, 1, "key").await;
        assert_eq!(again.body["reservation"]["id"], booked.body["reservation"]["id"], "it is remembered now");
        let reservation = booked.body["reservation"]["id"].as_str().unwrap();
        assert_eq!(ada.delete(&format!("/reservations/{reservation}")).await.status, 204);

        // A hold of another release: nobody knows its seats here, but the user's others are shown.
        let odd = domain::id::ReservationId::new(id, Timestamp::now()).to_string();
        let later = (Timestamp::now().as_millisecond() + 60_000).to_string();
        for command in [
            ["ZADD", &keys.own_reservations(user), &later, &odd],
            ["ZADD", &keys.own_reservations(user), &later, "garbage"],
            ["HSET", &keys.holds(id), &odd, unreadable],
            ["ZADD", &keys.deadlines(id), &later, &odd],
            ["ZADD", &keys.ended_holds(id), &later, "garbage"],
        ] {
            set(&evently, &command).await;
        }
        let own = ada.get("/reservations").await;
        assert_eq!((own.status, own.body["items"].as_array().unwrap().len()), (200, 1), "{}", own.body);
        let looked = ada.get(&format!("/reservations/{odd}")).await;
        looked.assert_problem(404, "reservation_not_found");
        let confirmed = ada.confirm(&odd).await;
        assert!([404, 410, 503].contains(&confirmed.status), "{unreadable}: {}", confirmed.body);
        set(&evently, &["HDEL", &keys.holds(id), &odd]).await;
        set(&evently, &["ZREM", &keys.deadlines(id), &odd]).await;
    }
    assert_eq!(ada.confirm(&hold).await.status, 201);
}

#[tokio::test]
async fn a_hold_that_cant_be_read_keeps_no_seat_for_ever() {
    let evently = TestApp::start().await;
    for unreadable in UNREADABLE {
        let (event, ada, keys) = (evently.event(3).await, evently.user(), evently.keys());
        let id: domain::id::EventId = event.parse().unwrap();
        ada.buy(&event, 1).await;
        let hold = ada.hold(&event, 1).await;
        set(&evently, &["HSET", &keys.holds(id), &hold, unreadable]).await;
        set(&evently, &["ZADD", &keys.deadlines(id), "1", &hold]).await;
        ada.buy(&event, 1).await;
        // Whoever is next looks for seats of overdue holds, and leaves this one alone.
        assert_eq!(ada.book(&event, 1).await.status, 409, "{unreadable}");
        let report = janitor::run(&evently.app, Timestamp::now()).await.unwrap();
        assert_eq!(report.events_failed, 0, "{unreadable}: {report:?}");
        ada.buy(&event, 1).await;
        let inventory = evently.admin().get(&format!("/admin/events/{event}/inventory")).await.body;
        assert_eq!((&inventory["sold"], &inventory["drift"]), (&json!(3), &json!(0)), "{inventory}");
    }
}

#[tokio::test]
async fn what_is_kept_of_sign_ins_and_cant_be_read_keeps_nobody_out() {
    let evently = TestApp::start().await;
    let (credentials, keys) =
        (json!({ "email": "ada@example.com", "password": "correct horse" }), evently.keys());
    assert_eq!(evently.anybody().post("/register", credentials.clone()).await.status, 201);
    let signed_in = evently.anybody().post("/login", credentials.clone()).await;
    let token = signed_in.text("access_token");
    let failures: Vec<String> = evently
        .redis_query(cmd("KEYS").arg(format!("{}{{sign-in}}:*", evently.app.config.redis.key_prefix)))
        .await;
    assert!(!failures.is_empty());
    for unreadable in UNREADABLE {
        for key in failures.iter().filter(|key| !key.contains(":known:")) {
            set(&evently, &["HSET", key, "until", unreadable, "failures", unreadable]).await;
        }
        assert_eq!(evently.anybody().post("/login", credentials.clone()).await.status, 200, "{unreadable}");
        set(&evently, &["ZADD", &keys.ended_tokens(), "9e15", unreadable]).await;
        let reader = fresh(&evently).await.anybody().with_token(token.clone());
        assert_eq!(reader.get("/bookings").await.status, 200, "{unreadable}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_shape_is_400() {
    let evently = TestApp::start().await;
    let (user, admin) = (evently.user(), evently.admin());
    let event: EventId = evently.event(9).await.parse().unwrap();
    let mut names = Names::new(Timestamp::now(), Timestamp::now());
    names.call(event, "event");
    names.call(user.user_id.unwrap(), "user");
    let id = event.to_string();
    let keys = [
        Value::Null,
        json!(7),
        json!("garbage"),
        json!([]),
        json!({}),
        json!({ "id": { "S": "garbage" } }),
        json!({ "id": { "B": id } }),
        json!({ "number": { "N": "0" } }),
        json!({ "starts_at": "soon", "confirmed_at": "soon", "id": id }),
        json!({ "id": { "S": id }, "listing": { "S": "event" }, "starts_at": { "S": "soon" } }),
        json!({ "one": { "S": "x" }, "two": { "S": "y" }, "three": { "N": "1" } }),
    ];
    for (kind, session, list) in lists(&user, &admin, event) {
        let claims = names.fill_json(&golden(kind).now[0]["claims"]);
        for key in &keys {
            let mut claims = claims.clone();
            claims["key"] = key.clone();
            let cursor = evently.app.tokens.sign("cursor", &claims).unwrap();
            let page = ask(session, &format!("{list}?cursor={cursor}")).await;
            assert_eq!((page.status, &page.body["code"]), (400, &json!("invalid_cursor")), "{kind} {key}");
        }
    }
}
