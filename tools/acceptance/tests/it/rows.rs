//! Rows: which areas may have them, and how many; how parties of all sizes find neighbours in them; and what becomes of an event that
//! has lost what they are called.

use domain::event::MAX_PER_BOOKING_MAX;
use serde_json::{Value, json};
use stores::dynamodb;

use crate::{
    common::{TestApp, shared_dynamodb},
    seats::{assert_exact, book, event_of, hall_event, held_seats, hold, theatre_event},
};

#[tokio::test]
async fn an_area_without_rows_never_gets_any() {
    let evently = TestApp::start().await;
    let general = json!({ "id": "general", "name": "General", "base_price": 4_500 });
    for (seats, named) in [(50, false), (3, false), (3, true)] {
        let event = match named {
            true => {
                event_of(
                    &evently,
                    json!([
                        { "id": "general", "name": "Everywhere", "base_price": 4_500, "capacity": 10 },
                        { "id": "box", "name": "Box", "base_price": 9_000, "capacity": 4 },
                    ]),
                    json!({}),
                )
                .await
            }
            false => evently.event(10).await,
        };
        evently.user().book_with(&event, json!({ "area": "general", "quantity": 2 })).await;
        let mut with_rows = general.clone();
        with_rows["rows"] = json!([{ "name": "A", "seats": seats }]);
        let path = format!("/admin/events/{event}");
        let before = evently.admin().get(&path).await.body;
        let refused = evently.admin().patch(&path, "*", json!({ "areas": [with_rows] })).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), ["areas.0.rows"], "{}", refused.body);
        let added = evently
            .admin()
            .post(&format!("{path}/areas/general/rows"), json!({ "rows": [{ "name": "A", "seats": seats }] }))
            .await;
        added.assert_problem(404, "area_not_found");
        assert_eq!(evently.admin().get(&path).await.body, before);
    }
}

#[tokio::test]
async fn fifty_areas_may_have_rows() {
    let evently = TestApp::start().await;
    let area = |number: usize| {
        let rows: Vec<Value> =
            (0..40).map(|row| json!({ "name": format!("{number}.{row}"), "seats": 3 })).collect();
        json!({ "id": format!("area-{number}"), "name": format!("Area {number}"), "base_price": 100 * number, "rows": rows })
    };
    let areas: Vec<Value> = (1..=50).map(area).collect();
    let event = event_of(&evently, json!(areas), json!({})).await;
    let seats = held_seats(&evently.user(), &event, json!({ "area": "area-50", "quantity": 3 })).await;
    assert_eq!(seats, ["50.0-1", "50.0-2", "50.0-3"]);
    let layout = evently.anybody().get(&format!("/events/{event}/layout")).await.body;
    assert_eq!(layout["areas"].as_array().unwrap().len(), 50);
    assert_exact(&evently, &event).await;
}

#[tokio::test]
async fn neighbours_are_found_for_parties_of_all_sizes() {
    let evently = TestApp::start().await;
    let rows: Vec<Value> =
        (1..=MAX_PER_BOOKING_MAX).map(|seats| json!({ "name": seats.to_string(), "seats": seats })).collect();
    let hall = json!([{ "id": "hall", "name": "Hall", "base_price": 2_500, "rows": rows }]);
    let event =
        event_of(&evently, hall, json!({ "max_per_booking": MAX_PER_BOOKING_MAX, "max_per_user": 10_000 }))
            .await;
    let ada = evently.user();
    for party in (1..=MAX_PER_BOOKING_MAX).rev() {
        let seats = held_seats(&ada, &event, json!({ "quantity": party })).await;
        let row: Vec<String> = (1..=party).map(|seat| format!("{party}-{seat}")).collect();
        assert_eq!(seats, row, "all larger rows are held");
    }
}

#[tokio::test]
async fn what_others_hold_is_no_hope_for_who_needs_accessible_seats() {
    let evently = TestApp::start().await;
    let (event, ada, bob) = (theatre_event(&evently).await, evently.user(), evently.user());
    let accessible = |area: &str, quantity: u32| json!({ "area": area, "quantity": quantity, "accessible": true, "together": false });
    hold(&ada, &event, json!({ "area": "box", "quantity": 2 })).await;
    let none = book(&bob, &event, accessible("box", 1)).await;
    none.assert_problem(409, "sold_out");
    assert_eq!(none.body["available"], 0);
    let bought = hold(&ada, &event, accessible("balcony", 1)).await;
    assert_eq!(ada.confirm(&bought).await.status, 201);
    hold(&ada, &event, json!({ "area": "balcony", "quantity": 4 })).await;
    let one_left = book(&bob, &event, accessible("balcony", 2)).await;
    one_left.assert_problem(409, "sold_out");
    assert_eq!(one_left.body["available"], 1);
    hold(&ada, &event, accessible("balcony", 1)).await;
    let held = book(&bob, &event, accessible("balcony", 1)).await;
    held.assert_problem(409, "all_held");
    assert_eq!(held.body["available"], 0);
}

#[tokio::test]
async fn an_event_whose_layout_is_gone_takes_down_no_list_of_others() {
    let evently = TestApp::start().await;
    let (broken, whole) = (hall_event(&evently, 2, 3).await, evently.event(10).await);
    let client = dynamodb::client_for_endpoint(shared_dynamodb());
    let key = aws_sdk_dynamodb::types::AttributeValue::S(format!("{broken}#layout#1"));
    let gone = client.delete_item().table_name(&evently.app.config.tables.events).key("id", key);
    gone.send().await.unwrap();
    let reader = evently.another_with(|_| {}).await;
    let listed = reader.anybody().get("/events").await;
    assert_eq!(listed.status, 200, "{}", listed.body);
    let ids: Vec<&str> =
        listed.body["items"].as_array().unwrap().iter().filter_map(|item| item["id"].as_str()).collect();
    assert_eq!(ids, [whole.as_str()]);
    assert_eq!(reader.anybody().get(&format!("/events/{broken}/layout")).await.status, 500);
}
