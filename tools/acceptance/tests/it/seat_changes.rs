//! Seats with names when something changes: rows that an admin adds, areas that come and go, stores that lose data.

use ::booking::Wanted;
use domain::{
    error::Error,
    event::{AreaDetails, DetailsWithRows, EventDetails, EventStatus},
    id::{AreaKey, EventId, ReservationId},
    inventory::Draw,
    rate::ALL_AT_FIRST,
    reservation::WantedSeats,
    row::{Labels, Row, SeatSet},
};
use jiff::Timestamp;
use local::redis_server::RedisServer;
use redis::cmd;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    future::ready,
    time::Duration,
};
use tokio::time::sleep;

use crate::common::{Session, TestApp, details};

const GRACE_MS: u64 = 300;
const HOLD_TTL_MS: u64 = 4_000;

fn row(name: &str, seats: u8, accessible: &[u8]) -> Row {
    Row {
        name: name.to_owned(),
        labels: Labels::Numbers(seats),
        accessible: accessible.iter().copied().collect::<SeatSet>(),
    }
}

struct Hall {
    evently: TestApp,
    redis: Option<RedisServer>,
    event: String,
}

impl Hall {
    /// Two rows of six seats, and nothing else.
    async fn open() -> Self {
        let (evently, redis) = TestApp::with_own_redis(|config| {
            config.hold_ttl_ms = HOLD_TTL_MS;
            config.confirm_grace_ms = GRACE_MS;
        })
        .await;
        let now = Timestamp::now();
        let rows = vec![row("A", 6, &[]), row("B", 6, &[])];
        let area = AreaDetails {
            id: "hall".to_owned(),
            name: "Hall".to_owned(),
            capacity: 12,
            base_price: 2_500,
            rows: 2,
            ..AreaDetails::default()
        };
        let details =
            EventDetails { areas: vec![area], max_per_user: 100, ..details(now) }.with_sums_of_areas();
        let details = DetailsWithRows { details, rows: BTreeMap::from([("hall".to_owned(), rows)]) };
        let event = ::booking::create_event(&evently.app.protocol, details, None, now).await.unwrap().id;
        Self { evently, redis: Some(redis), event: event.to_string() }
    }

    fn id(&self) -> EventId {
        self.event.parse().unwrap()
    }

    async fn hold(&self, user: &Session, seats: &[&str]) -> String {
        let held = user.book_with(&self.event, json!({ "seats": seats })).await;
        assert_eq!(held.status, 201, "{seats:?}: {}", held.body);
        held.body["reservation"]["id"].as_str().unwrap().to_owned()
    }

    async fn buy(&self, user: &Session, seats: &[&str]) -> String {
        let id = self.hold(user, seats).await;
        let confirmed = user.confirm(&id).await;
        assert_eq!(confirmed.status, 201, "{seats:?}: {}", confirmed.body);
        id
    }

    async fn free(&self) -> Vec<String> {
        let seats = self.evently.anybody().get(&format!("/events/{}/seats", self.event)).await;
        assert_eq!(seats.status, 200, "{}", seats.body);
        let rows = seats.body["rows"].as_array().unwrap();
        rows.iter().map(|row| row["free"].as_str().unwrap().to_owned()).collect()
    }

    async fn janitor(&self) {
        let report = ::janitor::run(&self.evently.app, Timestamp::now()).await.unwrap();
        assert_eq!(report.events_failed, 0, "{report:?}");
    }

    async fn assert_exact(&self) {
        let inventory = self.evently.admin().get(&format!("/admin/events/{}/inventory", self.event)).await;
        assert_eq!((inventory.status, &inventory.body["drift"]), (200, &json!(0)), "{}", inventory.body);
    }

    /// What a row says in Redis, a character a seat.
    async fn row_in_redis(&self, row: u16) -> String {
        let state = self.evently.keys().state(self.id());
        self.evently.redis_query(cmd("HGET").arg(state).arg(format!("row:{row}"))).await
    }

    /// Which seats of a row DynamoDB has given away.
    async fn taken(&self, row: usize) -> Vec<u8> {
        self.evently.inventory(&self.event).await[row].taken.iter().collect()
    }
}

#[tokio::test]
async fn dynamodb_alone_decides_who_owns_a_seat() {
    let hall = Hall::open().await;
    let (ada, bob) = (hall.evently.user(), hall.evently.user());
    let booking = hall.buy(&ada, &["A-3", "A-4"]).await;
    assert_eq!(hall.taken(0).await, [2, 3]);
    // Redis forgets that, and promises one of them once more.
    let state = hall.evently.keys().state(hall.id());
    for (field, value) in [("row:0", "111111"), ("free:0", "6"), ("free", "12")] {
        hall.evently.redis_command(cmd("HSET").arg(&state).arg(field).arg(value)).await;
    }
    let held = hall.hold(&bob, &["A-2", "A-3"]).await;
    for _ in 0..2 {
        let refused = bob.confirm(&held).await;
        refused.assert_problem(409, "seats_taken");
        assert_eq!(refused.body["seats"], json!(["A-3"]));
    }
    assert_eq!(hall.taken(0).await, [2, 3], "nothing of it is sold");
    sleep(Duration::from_millis(2 * GRACE_MS)).await;
    hall.janitor().await;
    bob.get(&format!("/reservations/{held}")).await.assert_problem(410, "reservation_expired");
    hall.janitor().await;
    assert_eq!(hall.free().await, ["110011", "111111"]);
    hall.assert_exact().await;
    assert_eq!(ada.cancel(&booking).await.status, 200);
    assert_eq!((hall.taken(0).await, hall.free().await), (vec![], vec!["111111".into(), "111111".into()]));
}

#[tokio::test]
async fn a_seat_that_is_held_but_sold_is_not_free_when_its_hold_ends() {
    let hall = Hall::open().await;
    let (ada, bob) = (hall.evently.user(), hall.evently.user());
    let held = hall.hold(&bob, &["A-1"]).await;
    // A confirm of a hold that Redis has lost.
    let other = ReservationId::new(hall.id(), Timestamp::now());
    let draws = vec![Draw::named(0, [0].into_iter().collect())];
    commit(&hall, &ada, other, draws).await;
    sleep(Duration::from_millis(2 * GRACE_MS)).await;
    for _ in 0..2 {
        hall.janitor().await;
        sleep(Duration::from_millis(2 * GRACE_MS)).await;
    }
    assert_eq!(hall.row_in_redis(0).await, "H11111");
    assert_eq!(bob.get(&format!("/reservations/{held}")).await.status, 200);
    assert_eq!(hall.free().await, ["011111", "111111"]);
    sleep(Duration::from_millis(HOLD_TTL_MS)).await;
    hall.janitor().await;
    assert_eq!(hall.row_in_redis(0).await, "s11111");
    hall.assert_exact().await;
}

/// Commits a sale past Redis.
async fn commit(hall: &Hall, user: &Session, id: ReservationId, draws: Vec<Draw>) {
    let booking = domain::booking::Booking {
        id,
        user_id: user.user_id.unwrap(),
        event_id: hall.id(),
        event_name: "Concert".to_owned(),
        starts_at: Timestamp::now(),
        area: Default::default(),
        quantity: draws.iter().map(|draw| draw.seats).sum(),
        seats: vec!["A-1".to_owned()],
        unit_price: Some(2_500),
        lines: Vec::new(),
        counted_by_rate: false,
        currency: "EUR".to_owned(),
        draws,
        status: domain::booking::BookingStatus::Confirmed,
        reason: None,
        expires_at: None,
        outside: None,
        void: false,
        created_at: Timestamp::now(),
        confirmed_at: None,
        expired_at: None,
        cancelled_at: None,
        version: 1,
    };
    let committed = hall.evently.app.store.commit_booking(&booking, 100).await.unwrap();
    assert!(matches!(committed, stores::dynamodb::CommitOutcome::Committed), "{committed:?}");
}

#[tokio::test]
async fn what_redis_loses_comes_back_seat_by_seat() {
    let mut hall = Hall::open().await;
    let (ada, bob) = (hall.evently.user(), hall.evently.user());
    hall.buy(&ada, &["A-6", "B-1"]).await;
    hall.hold(&bob, &["B-2"]).await;
    assert_eq!(hall.free().await, ["111110", "001111"]);
    hall.evently.redis_command(&cmd("FLUSHALL")).await;
    assert_eq!(hall.free().await, ["111110", "011111"], "what was sold is sold, what was held is free");
    hall.buy(&bob, &["B-2"]).await;
    hall.assert_exact().await;
    hall.redis.take().unwrap().stop().await;
    assert_eq!(hall.free().await, ["111110", "001111"], "DynamoDB knows without Redis");
}

#[tokio::test]
async fn rows_are_added_behind_those_that_an_area_has_and_none_is_changed() {
    let hall = Hall::open().await;
    let (admin, ada) = (hall.evently.admin(), hall.evently.user());
    hall.buy(&ada, &["A-1"]).await;
    let path = format!("/admin/events/{}", hall.event);
    let area = |rows: Value| json!([{ "id": "hall", "name": "Hall", "base_price": 2_500, "rows": rows }]);
    let (a, b) = (json!({ "name": "A", "seats": 6 }), json!({ "name": "B", "seats": 6 }));
    let c = json!({ "name": "C", "seats": ["1", "2", "4"], "accessible": ["4"] });
    for other in [
        json!([b.clone(), a.clone()]),
        json!([a.clone()]),
        json!([{ "name": "A", "seats": 7 }, b.clone()]),
        json!([{ "name": "A", "seats": 6, "accessible": ["1"] }, b.clone()]),
    ] {
        let refused = admin.patch(&path, "*", json!({ "areas": area(other.clone()) })).await;
        assert_eq!(refused.bad_fields(), ["areas.0.rows"], "{other}: {}", refused.body);
        assert_eq!(refused.body["errors"][0]["code"], "rows_stay");
    }
    let fixed = json!([{ "id": "hall", "name": "Hall", "base_price": 2_500, "capacity": 13 }]);
    let refused = admin.patch(&path, "*", json!({ "areas": fixed })).await;
    assert_eq!(refused.bad_fields(), ["areas.0.capacity"], "{}", refused.body);
    // Without rows, all stay.
    let renamed = json!([{ "id": "hall", "name": "Great Hall", "base_price": 3_000 }]);
    let changed = admin.patch(&path, "*", json!({ "areas": renamed })).await;
    assert_eq!((changed.status, &changed.body["capacity"]), (200, &json!(12)), "{}", changed.body);
    assert_eq!(changed.body["areas"][0]["kind"], "numbered");
    let layout = || async { hall.evently.anybody().get(&format!("/events/{}/layout", hall.event)).await };
    let before = layout().await;

    let changed = admin.patch(&path, "*", json!({ "areas": area(json!([a, b, c])) })).await;
    assert_eq!((changed.status, &changed.body["capacity"]), (200, &json!(15)), "{}", changed.body);
    assert_eq!(hall.free().await, ["011111", "111111", "111"]);
    let after = layout().await;
    assert_eq!(
        after.body["areas"],
        json!([{ "id": "hall", "rows": [
            { "name": "A", "labels": 6, "accessible": [] },
            { "name": "B", "labels": 6, "accessible": [] },
            { "name": "C", "labels": ["1", "2", "4"], "accessible": ["4"] },
        ] }])
    );
    assert!(after.body["version"].as_u64() > before.body["version"].as_u64());
    assert_ne!(after.header("etag"), before.header("etag"));
    hall.buy(&ada, &["C-4", "B-6"]).await;
    hall.assert_exact().await;
    hall.janitor().await;
    assert_eq!(hall.free().await, ["011111", "111110", "110"]);
}

#[tokio::test]
async fn rows_that_redis_was_not_told_of_come_with_the_janitor() {
    let hall = Hall::open().await;
    let ada = hall.evently.user();
    hall.hold(&ada, &["A-1"]).await;
    let event = hall.evently.app.store.event(hall.id()).await.unwrap().unwrap();
    let another = hall.evently.another_with(|config| config.redis.key_prefix.push_str("other:")).await;
    let rows = vec![row("A", 6, &[]), row("B", 6, &[]), row("C", 4, &[0])];
    let mut more = event.details.clone();
    (more.areas[0].rows, more.areas[0].capacity) = (3, 16);
    let more = DetailsWithRows {
        details: more.with_sums_of_areas(),
        rows: BTreeMap::from([("hall".to_owned(), rows)]),
    };
    let now = Timestamp::now();
    ::booking::replace_event(&another.app.protocol, hall.id(), |_| true, |_| Ok(more), None, now)
        .await
        .unwrap();
    assert_eq!(hall.free().await, ["011111", "111111"]);
    hall.janitor().await;
    assert_eq!(hall.free().await, ["011111", "111111", "1111"]);
    hall.buy(&ada, &["C-2"]).await;
    hall.assert_exact().await;
}

#[tokio::test]
async fn numbered_areas_come_and_go_but_do_not_come_back() {
    let hall = Hall::open().await;
    let (admin, ada) = (hall.evently.admin(), hall.evently.user());
    let path = format!("/admin/events/{}", hall.event);
    let old = json!({ "id": "hall", "name": "Hall", "base_price": 2_500 });
    let rows: Vec<Value> =
        (1..=200).map(|number| json!({ "name": number.to_string(), "seats": 3 })).collect();
    let new = json!({ "id": "tier", "name": "Tier", "base_price": 900, "rows": rows });
    let changed = admin.patch(&path, "*", json!({ "areas": [old.clone(), new] })).await;
    assert_eq!((changed.status, &changed.body["capacity"]), (200, &json!(612)), "{}", changed.body);
    let held = ada.book_with(&hall.event, json!({ "area": "tier", "seats": ["200-3"] })).await;
    assert_eq!(held.status, 201, "{}", held.body);
    let seats = format!("/events/{}/seats", hall.event);
    let anybody = hall.evently.anybody();
    let refused = anybody.get(&seats).await;
    refused.assert_problem(400, "invalid_parameter");
    assert_eq!(refused.bad_fields(), ["area"]);
    anybody.get(&format!("{seats}?area=floor")).await.assert_problem(404, "area_not_found");
    let shown = anybody.get(&format!("{seats}?area=tier")).await;
    assert_eq!((shown.status, &shown.body["rows"][199]["free"]), (200, &json!("110")), "{}", shown.body);

    let tier = json!([{ "id": "tier", "name": "Tier", "base_price": 900 }]);
    let held = hall.evently.user();
    let on_hold = held.book_with(&hall.event, json!({ "area": "hall", "seats": ["A-1"] })).await;
    assert_eq!(on_hold.status, 201);
    admin.patch(&path, "*", json!({ "areas": tier })).await.assert_problem(409, "area_has_bookings");
    let id = on_hold.body["reservation"]["id"].as_str().unwrap();
    assert_eq!(held.delete(&format!("/reservations/{id}")).await.status, 204);
    let changed = admin.patch(&path, "*", json!({ "areas": tier })).await;
    assert_eq!((changed.status, &changed.body["capacity"]), (200, &json!(600)), "{}", changed.body);
    anybody.get(&format!("{seats}?area=hall")).await.assert_problem(404, "area_not_found");
    hall.assert_exact().await;
    for back in [old, json!({ "id": "hall", "name": "Hall", "base_price": 1, "capacity": 9 })] {
        let refused = admin.patch(&path, "*", json!({ "areas": [back, tier[0]] })).await;
        refused.assert_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn an_event_with_rows_becomes_a_draft_again_and_is_deleted_with_its_layout() {
    let hall = Hall::open().await;
    let (admin, ada) = (hall.evently.admin(), hall.evently.user());
    let path = format!("/admin/events/{}", hall.event);
    let held = hall.hold(&ada, &["A-1"]).await;
    let draft = json!({ "status": EventStatus::Draft });
    admin.patch(&path, "*", draft.clone()).await.assert_problem(409, "event_has_bookings");
    assert_eq!(ada.delete(&format!("/reservations/{held}")).await.status, 204);
    assert_eq!(hall.free().await, ["111111", "111111"]);
    let unpublished = admin.patch(&path, "*", draft).await;
    assert_eq!(unpublished.status, 200, "{}", unpublished.body);
    for of in ["seats", "layout"] {
        let drafts = hall.evently.anybody().get(&format!("/events/{}/{of}", hall.event)).await;
        drafts.assert_problem(404, "event_not_found");
    }
    let version = unpublished.header("etag").to_owned();
    assert_eq!(admin.delete_version(&path, &version).await.status, 204);
    let left = hall.evently.app.store.layout(&event_of_before(&hall)).await;
    assert!(left.is_err(), "its layout went with it");
}

fn event_of_before(hall: &Hall) -> domain::event::Event {
    let now = Timestamp::now();
    let event = domain::event::Event::new(hall.id(), details(now), 1, now);
    domain::event::Event { layout_parts: 1, ..event }
}

#[tokio::test]
async fn two_who_want_the_same_seat_at_once_never_both_get_it() {
    let hall = Hall::open().await;
    let users: Vec<Session> = (0..8).map(|_| hall.evently.user()).collect();
    let wanted = |user: &Session, key: String| {
        let (user, protocol, event) = (user.user_id.unwrap(), &hall.evently.app.protocol, hall.id());
        async move {
            let seats = WantedSeats {
                chosen: BTreeSet::from(["A-3".into(), "A-4".into()]),
                ..WantedSeats::default()
            };
            let wanted = Wanted {
                user,
                event,
                area: None,
                quantity: 2,
                rates: &ALL_AT_FIRST,
                seats: &seats,
                idempotency_key: &key,
                network: None,
            };
            ::booking::reserve(protocol, wanted, Timestamp::now(), ready(Ok(()))).await
        }
    };
    let all = users.iter().enumerate().map(|(n, user)| wanted(user, n.to_string()));
    let answers = futures::future::join_all(all).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    for answer in answers {
        match answer {
            Ok(reserved) => assert_eq!(reserved.reservation.seats, ["A-3", "A-4"]),
            Err(error) => assert!(matches!(error, Error::SeatsTaken { .. }), "{error:?}"),
        }
    }
    let area = AreaKey { event: hall.id(), number: 0 };
    assert_eq!(hall.evently.app.redis.free_seats(&[area]).await.unwrap(), [Some(10)]);
}

#[tokio::test]
async fn an_admin_adds_rows_one_after_the_other() {
    let hall = Hall::open().await;
    let (admin, ada) = (hall.evently.admin(), hall.evently.user());
    hall.hold(&ada, &["A-1"]).await;
    let path = format!("/admin/events/{}/areas/hall/rows", hall.event);
    let added = admin.post(&path, json!({ "rows": [{ "name": "C", "seats": 2 }] })).await;
    assert_eq!((added.status, &added.body["capacity"]), (201, &json!(14)), "{}", added.body);
    let rows = json!([{ "name": "D", "seats": ["x", "y", "z"] }, { "name": "E", "seats": 1 }]);
    let added = admin.post(&path, json!({ "rows": rows })).await;
    assert_eq!((added.status, &added.body["areas"][0]["available"]), (201, &json!(17)), "{}", added.body);
    assert_eq!(hall.free().await, ["011111", "111111", "11", "111", "1"]);
    for (rows, field) in [
        (json!([{ "name": "F", "seats": 2 }, { "name": "A", "seats": 1 }]), "rows.1.name"),
        (json!([{ "name": "F", "seats": 0 }]), "rows.0.seats"),
        (json!([]), "rows"),
        (json!([{ "seats": 1 }]), "rows.0.name"),
        (Value::Null, "rows"),
        (
            json!((0..1_996).map(|n| json!({ "name": format!("r{n}"), "seats": 1 })).collect::<Vec<_>>()),
            "rows",
        ),
    ] {
        let refused = admin.post(&path, json!({ "rows": rows })).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), [field], "{:.80}: {}", rows.to_string(), refused.body);
    }
    let elsewhere = |event: &str, area: &str| format!("/admin/events/{event}/areas/{area}/rows");
    let one = json!({ "rows": [{ "name": "F", "seats": 2 }] });
    let missing = EventId::new(Timestamp::now()).to_string();
    for (event, area, code) in [
        (&*hall.event, "floor", "area_not_found"),
        (&*missing, "hall", "event_not_found"),
        ("no-id", "hall", "event_not_found"),
    ] {
        admin.post(&elsewhere(event, area), one.clone()).await.assert_problem(404, code);
    }
    ada.post(&path, one.clone()).await.assert_problem(403, "forbidden");
    let general = hall.evently.event(5).await;
    admin.post(&elsewhere(&general, "general"), one).await.assert_problem(404, "area_not_found");
    hall.assert_exact().await;
}

#[tokio::test]
async fn seats_leave_the_sale_while_nobody_has_them_and_come_back() {
    let hall = Hall::open().await;
    let (admin, ada) = (hall.evently.admin(), hall.evently.user());
    let path = |way: &str| format!("/admin/events/{}/areas/hall/seats/{way}", hall.event);
    let ask = async |way: &str, seats: &[&str]| admin.post(&path(way), json!({ "seats": seats })).await;
    hall.buy(&ada, &["A-1"]).await;
    hall.hold(&ada, &["A-2"]).await;
    let refused = ask("withdraw", &["A-3", "A-2", "A-1"]).await;
    refused.assert_problem(409, "seats_in_use");
    assert_eq!((&refused.body["seats"], &refused.body["area"]), (&json!(["A-1", "A-2"]), &json!("hall")));
    assert_eq!(hall.free().await, ["001111", "111111"], "all or none");
    let out = ask("withdraw", &["A-3", "B-6", "A-6"]).await;
    assert_eq!((out.status, &out.body["out_of_sale"]), (200, &json!(["A-3", "A-6", "B-6"])), "{}", out.body);
    assert_eq!(hall.free().await, ["000110", "111110"]);
    assert_eq!((hall.taken(0).await, hall.row_in_redis(0).await), (vec![0, 2, 5], "shx11x".to_owned()));
    hall.assert_exact().await;
    let shown = hall.evently.anybody().get(&format!("/events/{}", hall.event)).await.body;
    assert_eq!((&shown["capacity"], &shown["available"]), (&json!(9), &json!(7)));
    ada.book_with(&hall.event, json!({ "seats": ["A-3"] })).await.assert_problem(409, "seats_taken");
    // Done again, and in part.
    let again = ask("withdraw", &["A-3", "A-4"]).await;
    assert_eq!(again.body["out_of_sale"], json!(["A-3", "A-4", "A-6", "B-6"]), "{}", again.body);
    let version = again.body["version"].clone();
    assert_eq!(ask("withdraw", &["A-4"]).await.body["version"], version, "nothing to change");
    // What Redis loses, DynamoDB knows.
    hall.evently.redis_command(&cmd("FLUSHALL")).await;
    assert_eq!(hall.free().await, ["010010", "111110"]);
    let back = ask("restore", &["A-3", "A-4", "B-1"]).await;
    assert_eq!((back.status, &back.body["out_of_sale"]), (200, &json!(["A-6", "B-6"])), "{}", back.body);
    assert_eq!(hall.free().await, ["011110", "111110"]);
    hall.buy(&ada, &["A-3", "A-4"]).await;
    hall.assert_exact().await;
    hall.janitor().await;
    assert_eq!(hall.free().await, ["010010", "111110"]);
    // Rows that are added find those that are out of sale as they were.
    let rows = json!([{ "name": "A", "seats": 6 }, { "name": "B", "seats": 6 }, { "name": "C", "seats": 2 }]);
    let areas = json!([{ "id": "hall", "name": "Hall", "base_price": 2_500, "rows": rows }]);
    let event = format!("/admin/events/{}", hall.event);
    let changed = admin.patch(&event, "*", json!({ "areas": areas })).await;
    assert_eq!((changed.status, &changed.body["capacity"]), (200, &json!(12)), "{}", changed.body);
    assert_eq!(hall.free().await, ["010010", "111110", "11"]);

    let refused = ask("withdraw", &["A-2", "A-99", "Z-1"]).await;
    refused.assert_problem(422, "unknown_seats");
    assert_eq!(refused.body["seats"], json!(["A-99", "Z-1"]));
    for (seats, code) in
        [(json!([]), "wrong_count"), (json!("A-1"), "wrong_type"), (json!(null), "wrong_type")]
    {
        let refused = admin.post(&path("withdraw"), json!({ "seats": seats })).await;
        assert_eq!(refused.body["errors"][0]["code"], code, "{}", refused.body);
    }
    ada.post(&path("restore"), json!({ "seats": ["A-6"] })).await.assert_problem(403, "forbidden");
    let free: Vec<String> =
        ["A-2", "A-5", "B-1", "B-2", "B-3", "B-4", "B-5", "C-1"].map(str::to_owned).to_vec();
    assert_eq!(admin.post(&path("withdraw"), json!({ "seats": free })).await.status, 200);
    hall.assert_exact().await;
}
