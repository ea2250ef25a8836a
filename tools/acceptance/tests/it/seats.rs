//! Seats with names: from the event's rows to the booking, and what is refused.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Answer, Session, TestApp, concert, send};

/// A floor for standing; a balcony of three rows, the last one with a gap in its numbers; and boxes.
fn theatre() -> Value {
    json!([
        { "id": "floor", "name": "Floor", "capacity": 20, "base_price": 4_500 },
        { "id": "balcony", "name": "Balcony", "base_price": 6_500, "rows": [
            { "name": "A", "seats": 10, "accessible": ["1", "10"] },
            { "name": "B", "seats": 10 },
            { "name": "C", "seats": ["1", "2", "3", "5", "7a"] },
        ] },
        { "id": "box", "name": "Box", "base_price": 9_000, "rows": [{ "name": "Box 1", "seats": 4 }] },
    ])
}

/// A body without what areas have themselves.
pub(crate) fn body(areas: Value, changes: Value) -> Value {
    let mut body = concert(changes);
    let fields = body.as_object_mut().unwrap();
    fields.remove("capacity");
    fields.remove("base_price");
    fields.insert("areas".to_owned(), areas);
    body
}

pub(crate) async fn event_of(evently: &TestApp, areas: Value, changes: Value) -> String {
    let created = evently.admin().post("/admin/events", body(areas, changes)).await;
    assert_eq!(created.status, 201, "{}", created.body);
    created.text("id")
}

pub(crate) async fn theatre_event(evently: &TestApp) -> String {
    event_of(evently, theatre(), json!({ "max_per_booking": 20, "max_per_user": 100 })).await
}

/// An event of one area of so many rows, all alike, called by their numbers.
pub(crate) async fn hall_event(evently: &TestApp, rows: usize, seats: usize) -> String {
    let rows: Vec<Value> = (1..=rows).map(|row| json!({ "name": row.to_string(), "seats": seats })).collect();
    let hall = json!([{ "id": "hall", "name": "Hall", "base_price": 2_500, "rows": rows }]);
    event_of(evently, hall, json!({ "max_per_booking": 50, "max_per_user": 1_000 })).await
}

pub(crate) async fn book(user: &Session, event: &str, wanted: Value) -> Answer {
    user.book_with(event, wanted).await
}

pub(crate) async fn hold(user: &Session, event: &str, wanted: Value) -> String {
    let held = book(user, event, wanted.clone()).await;
    assert_eq!(held.status, 201, "{wanted}: {}", held.body);
    held.body["reservation"]["id"].as_str().unwrap().to_owned()
}

/// The seats of a hold, as they are answered.
pub(crate) async fn held_seats(user: &Session, event: &str, wanted: Value) -> Vec<String> {
    let held = book(user, event, wanted.clone()).await;
    assert_eq!(held.status, 201, "{wanted}: {}", held.body);
    serde_json::from_value(held.body["reservation"]["seats"].clone()).unwrap()
}

/// Which seats of each row are free.
async fn free(evently: &TestApp, event: &str, area: &str) -> Vec<String> {
    let seats = evently.anybody().get(&format!("/events/{event}/seats?area={area}")).await;
    assert_eq!((seats.status, seats.text("area")), (200, area.to_owned()), "{}", seats.body);
    let rows = seats.body["rows"].as_array().unwrap();
    rows.iter().map(|row| row["free"].as_str().unwrap().to_owned()).collect()
}

pub(crate) async fn assert_exact(evently: &TestApp, event: &str) {
    let inventory = evently.admin().get(&format!("/admin/events/{event}/inventory")).await;
    assert_eq!((inventory.status, &inventory.body["drift"]), (200, &json!(0)), "{}", inventory.body);
}

#[tokio::test]
async fn chosen_seats_are_held_booked_shown_and_come_back() {
    let evently = TestApp::start().await;
    let (event, ada, bob) = (theatre_event(&evently).await, evently.user(), evently.user());
    let shown = evently.anybody().get(&format!("/events/{event}")).await.body;
    let kinds: Vec<_> = shown["areas"].as_array().unwrap().iter().map(|area| &area["kind"]).collect();
    assert_eq!(kinds, ["general", "numbered", "numbered"]);
    assert_eq!((&shown["capacity"], &shown["areas"][1]["capacity"]), (&json!(49), &json!(25)));

    let wanted = json!({ "area": "balcony", "seats": ["C-7a", "A-7", "A-8"] });
    let held = book(&ada, &event, wanted.clone()).await;
    let reservation = &held.body["reservation"];
    assert_eq!(
        (held.status, &reservation["seats"], &reservation["quantity"], &reservation["total"]),
        (201, &json!(["A-7", "A-8", "C-7a"]), &json!(3), &json!(19_500)),
        "{}",
        held.body
    );
    assert_eq!(free(&evently, &event, "balcony").await, ["1111110011", "1111111111", "11110"]);
    let taken = book(&bob, &event, json!({ "area": "balcony", "seats": ["A-8", "A-9"] })).await;
    taken.assert_problem(409, "seats_taken");
    assert_eq!((&taken.body["seats"], &taken.body["area"]), (&json!(["A-8"]), &json!("balcony")));
    assert_eq!(free(&evently, &event, "balcony").await, ["1111110011", "1111111111", "11110"], "all or none");

    let id = reservation["id"].as_str().unwrap();
    let looked = ada.get(&format!("/reservations/{id}")).await;
    assert_eq!(looked.body["reservation"]["seats"], json!(["A-7", "A-8", "C-7a"]));
    let confirmed = ada.confirm(id).await;
    assert_eq!(
        (confirmed.status, &confirmed.body["booking"]["seats"], &confirmed.body["booking"]["area_name"]),
        (201, &json!(["A-7", "A-8", "C-7a"]), &json!("Balcony")),
        "{}",
        confirmed.body
    );
    assert_eq!(ada.get("/bookings").await.body["items"][0]["seats"], json!(["A-7", "A-8", "C-7a"]));
    book(&bob, &event, wanted.clone()).await.assert_problem(409, "seats_taken");
    assert_exact(&evently, &event).await;

    assert_eq!(ada.cancel(id).await.status, 200);
    assert_eq!(free(&evently, &event, "balcony").await, ["1111111111", "1111111111", "11111"]);
    let id = hold(&bob, &event, wanted).await;
    assert_eq!(bob.delete(&format!("/reservations/{id}")).await.status, 204);
    assert_eq!(free(&evently, &event, "balcony").await, ["1111111111", "1111111111", "11111"]);
    assert_exact(&evently, &event).await;
    // A place of the floor has no name.
    let held = book(&ada, &event, json!({ "area": "floor", "quantity": 2 })).await;
    assert_eq!((held.status, &held.body["reservation"]["seats"]), (201, &Value::Null), "{}", held.body);
}

#[tokio::test]
async fn the_best_seats_stand_side_by_side_in_the_middle_of_the_best_row_that_has_them() {
    let evently = TestApp::start().await;
    let (event, ada) = (theatre_event(&evently).await, evently.user());
    let best = async |wanted: Value| {
        let mut wanted = wanted;
        wanted["area"] = json!("balcony");
        held_seats(&ada, &event, wanted).await
    };
    assert_eq!(best(json!({ "quantity": 2 })).await, ["A-5", "A-6"]);
    assert_eq!(best(json!({ "quantity": 3 })).await, ["A-2", "A-3", "A-4"]);
    // Nobody who can do without is given an accessible seat while others are free.
    assert_eq!(best(json!({ "quantity": 4 })).await, ["B-4", "B-5", "B-6", "B-7"]);
    assert_eq!(best(json!({ "quantity": 3 })).await, ["A-7", "A-8", "A-9"]);
    assert_eq!(best(json!({ "accessible": true })).await, ["A-1"]);
    assert_eq!(best(json!({ "quantity": 5 })).await, ["C-1", "C-2", "C-3", "C-5", "C-7a"]);
    let refused = book(&ada, &event, json!({ "area": "balcony", "quantity": 4 })).await;
    refused.assert_problem(409, "not_together");
    assert_eq!((&refused.body["largest"], &refused.body["area"]), (&json!(3), &json!("balcony")));
    assert_eq!(best(json!({ "quantity": 4, "together": false })).await, ["B-1", "B-2", "B-3", "B-8"]);
    let refused = book(&ada, &event, json!({ "area": "balcony", "quantity": 2, "accessible": true })).await;
    refused.assert_problem(409, "all_held");
    assert_eq!(best(json!({ "quantity": 2 })).await, ["B-9", "B-10"]);
    assert_eq!(best(json!({ "quantity": 1 })).await, ["A-10"], "the last one is anybody's");
    book(&ada, &event, json!({ "area": "balcony" })).await.assert_problem(409, "all_held");
    assert_exact(&evently, &event).await;
}

#[tokio::test]
async fn a_hold_of_seats_is_the_same_for_the_same_key_and_no_other() {
    let evently = TestApp::start().await;
    let (event, ada) = (theatre_event(&evently).await, evently.user());
    let asked = async |wanted: Value| {
        let request = ada.request(Method::POST, &format!("/events/{event}/book"));
        send(request.header("idempotency-key", "one").json(&wanted)).await
    };
    let first = asked(json!({ "area": "balcony", "seats": ["A-2", "A-3"] })).await;
    assert_eq!(first.status, 201, "{}", first.body);
    let again = asked(json!({ "area": "balcony", "seats": ["A-3", "A-2"] })).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body["reservation"]["seats"], json!(["A-2", "A-3"]));
    for other in [
        json!({ "area": "balcony", "seats": ["A-2", "A-4"] }),
        json!({ "area": "balcony", "quantity": 2 }),
        json!({ "area": "balcony", "quantity": 2, "together": false }),
        json!({ "area": "box", "seats": ["Box 1-1", "Box 1-2"] }),
    ] {
        asked(other).await.assert_problem(422, "idempotency_key_reused");
    }
    assert_exact(&evently, &event).await;
}

#[tokio::test]
async fn what_no_seats_can_be_is_refused_with_its_field_and_nothing_is_held() {
    let evently = TestApp::start().await;
    let (event, ada) = (theatre_event(&evently).await, evently.user());
    let many: Vec<String> = (1..=51).map(|seat| format!("A-{seat}")).collect();
    for (wanted, fields) in [
        (json!({ "area": "balcony", "seats": ["A-1"], "quantity": 1 }), vec!["quantity beside"]),
        (json!({ "area": "balcony", "seats": ["A-1", "A-2", "A-1"] }), vec!["seats.2 duplicate"]),
        (json!({ "area": "balcony", "seats": [] }), vec!["seats wrong_count"]),
        (json!({ "area": "balcony", "seats": many }), vec!["seats wrong_count"]),
        (json!({ "area": "balcony", "seats": "A-1" }), vec!["seats wrong_type"]),
        (json!({ "area": "balcony", "seats": ["A-1", 2] }), vec!["seats wrong_type"]),
        (json!({ "area": "balcony", "seats": ["x".repeat(50)] }), vec!["seats wrong_length"]),
        (
            json!({ "area": "balcony", "together": "no", "accessible": 1 }),
            vec!["together wrong_type", "accessible wrong_type"],
        ),
        (json!({ "area": "balcony", "seats": ["A-1"], "accessible": true }), vec!["accessible beside"]),
        (json!({ "area": "balcony", "seats": ["A-1"], "rates": { "full": 2 } }), vec!["rates more_than"]),
    ] {
        let refused = book(&ada, &event, wanted.clone()).await;
        refused.assert_problem(422, "validation_failed");
        let errors = refused.body["errors"].as_array().unwrap();
        let named: Vec<String> = errors
            .iter()
            .map(|error| format!("{} {}", error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect();
        assert_eq!(named, fields, "{wanted}");
    }
    for (wanted, unknown) in [
        (json!({ "area": "balcony", "seats": ["A-1", "A-11", "D-1", "C-4"] }), json!(["A-11", "C-4", "D-1"])),
        (
            json!({ "area": "balcony", "seats": ["A-01", "A-", "-", "A", "C-5/7a"] }),
            json!(["-", "A", "A-", "A-01", "C-5/7a"]),
        ),
        (json!({ "area": "box", "seats": ["A-1"] }), json!(["A-1"])),
        (json!({ "area": "floor", "seats": ["A-1"] }), json!(["A-1"])),
    ] {
        let refused = book(&ada, &event, wanted.clone()).await;
        refused.assert_problem(422, "unknown_seats");
        assert_eq!(refused.body["seats"], unknown, "{wanted}");
    }
    book(&ada, &event, json!({ "seats": ["A-1"] })).await.assert_problem(422, "area_required");
    let small = event_of(&evently, theatre(), json!({ "max_per_booking": 2 })).await;
    let refused = book(&ada, &small, json!({ "area": "balcony", "seats": ["A-1", "A-2", "A-3"] })).await;
    assert_eq!(refused.bad_fields(), ["seats"], "{}", refused.body);
    let floor = book(&ada, &event, json!({ "area": "floor", "accessible": true })).await;
    floor.assert_problem(409, "sold_out");
    assert_eq!(free(&evently, &event, "balcony").await, ["1111111111", "1111111111", "11111"]);
    assert_exact(&evently, &event).await;
}

fn row(name: &str, seats: Value) -> Value {
    json!({ "name": name, "seats": seats })
}

#[tokio::test]
async fn rows_that_can_be_none_are_refused_with_their_field_and_no_event_is_made() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    let rows = |count: usize, seats: usize| -> Vec<Value> {
        (0..count).map(|number| row(&number.to_string(), json!(seats))).collect()
    };
    let of = |rows: Value| json!([{ "id": "hall", "name": "Hall", "base_price": 1, "rows": rows }]);
    for (areas, expected) in [
        (of(json!([])), "areas.0.rows wrong_count"),
        (of(json!([row("A", json!(0))])), "areas.0.rows.0.seats out_of_range"),
        (of(json!([row("A", json!(201))])), "areas.0.rows.0.seats out_of_range"),
        (
            of(json!([row("A", json!((1..=201).map(|n| n.to_string()).collect::<Vec<_>>()))])),
            "areas.0.rows.0.seats wrong_count",
        ),
        (of(json!([row("A", json!([]))])), "areas.0.rows.0.seats wrong_count"),
        (of(json!([row("A", json!(["1", "2", "1"]))])), "areas.0.rows.0.seats.2 duplicate"),
        (of(json!([row("A", json!(["1/2"]))])), "areas.0.rows.0.seats.0 slash"),
        (of(json!([row("A", json!(["123456789"]))])), "areas.0.rows.0.seats.0 wrong_length"),
        (of(json!([row("A", json!([""]))])), "areas.0.rows.0.seats.0 wrong_length"),
        (of(json!([row("A", json!([7]))])), "areas.0.rows.0.seats wrong_type"),
        (of(json!([row("A", json!("24"))])), "areas.0.rows.0.seats wrong_type"),
        (of(json!([row("A/B", json!(2))])), "areas.0.rows.0.name slash"),
        (of(json!([row("", json!(2))])), "areas.0.rows.0.name wrong_length"),
        (of(json!([row("A", json!(2)), row("A", json!(3))])), "areas.0.rows.1.name duplicate"),
        (of(json!([row("A", json!(["1-1"])), row("A-1", json!(["1"]))])), "areas.0.rows.1.seats.0 duplicate"),
        (
            of(json!([{ "name": "A", "seats": 3, "accessible": ["4"] }])),
            "areas.0.rows.0.accessible.0 not_a_seat",
        ),
        (
            of(json!([{ "name": "A", "seats": 3, "accessible": ["2", "2"] }])),
            "areas.0.rows.0.accessible.1 duplicate",
        ),
        (of(json!([{ "name": "A", "seats": 3, "aisle": true }])), "areas.0.rows.0.aisle unknown"),
        (of(json!(rows(2_001, 1))), "areas.0.rows wrong_count"),
        (of(json!(rows(501, 200))), "areas too_many_places"),
        (
            json!([
                { "id": "a", "name": "A", "base_price": 1, "rows": rows(1_500, 1) },
                { "id": "b", "name": "B", "base_price": 1, "rows": rows(501, 1) },
            ]),
            "areas too_many_rows",
        ),
        (
            json!([{ "id": "a", "name": "A", "base_price": 1, "rows": rows(1, 1), "capacity": 1 }]),
            "areas.0.capacity beside",
        ),
        (json!([{ "id": "a", "name": "A", "base_price": 1 }]), "areas.0.capacity required"),
        (json!([{ "id": "a", "name": "A", "base_price": 1, "rows": 7 }]), "areas.0.rows wrong_type"),
        (
            json!([{ "id": "a", "name": "A", "base_price": 1, "rows": rows(1, 1), "no_single_seats": 1 }]),
            "areas.0.no_single_seats wrong_type",
        ),
    ] {
        let refused = admin.post("/admin/events", body(areas.clone(), json!({}))).await;
        refused.assert_problem(422, "validation_failed");
        let errors: BTreeSet<String> = refused.body["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| format!("{} {}", error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
            .collect();
        assert_eq!(errors, BTreeSet::from([expected.to_owned()]), "{:.200}", areas.to_string());
    }
    assert_eq!(admin.get("/admin/events").await.body["items"], json!([]));
}
