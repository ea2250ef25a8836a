//! What an admin may write about an event.

use domain::time::shown;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::common::{TestApp, concert, in_hours};

/// One bad field each, and a few that are bad together.
fn bad_events() -> Vec<(Value, Vec<&'static str>)> {
    let week = in_hours(24 * 7);
    vec![
        (json!({ "name": null }), vec!["name"]),
        (json!({ "name": "" }), vec!["name"]),
        (json!({ "name": " \t " }), vec!["name"]),
        (json!({ "name": "n".repeat(201) }), vec!["name"]),
        (json!({ "name": 1 }), vec!["name"]),
        (json!({ "venue": "v".repeat(201) }), vec!["venue"]),
        (json!({ "description": "d".repeat(5_001) }), vec!["description"]),
        (json!({ "starts_at": null }), vec!["starts_at"]),
        (json!({ "starts_at": "soon" }), vec!["starts_at"]),
        (json!({ "starts_at": 1_900_000_000 }), vec!["starts_at"]),
        (json!({ "starts_at": in_hours(-1) }), vec!["starts_at"]),
        (json!({ "time_zone": "" }), vec!["time_zone"]),
        (json!({ "time_zone": "CEST" }), vec!["time_zone"]),
        (json!({ "time_zone": "europe/berlin" }), vec!["time_zone"]),
        (json!({ "time_zone": "+02:00" }), vec!["time_zone"]),
        (json!({ "ends_at": "2027-06-12" }), vec!["ends_at"]),
        (json!({ "ends_at": week }), vec!["ends_at", "sales_close_at"]),
        (json!({ "starts_at": week, "ends_at": week, "sales_close_at": in_hours(1) }), vec!["ends_at"]),
        (json!({ "starts_at": week, "ends_at": in_hours(24 * (7 + 31) + 1) }), vec!["ends_at"]),
        (json!({ "sales_close_at": in_hours(24 * 31) }), vec!["sales_close_at"]),
        (json!({ "starts_at": week, "sales_open_at": week }), vec!["sales_open_at"]),
        (json!({ "sales_open_at": in_hours(2), "sales_close_at": in_hours(1) }), vec!["sales_open_at"]),
        (json!({ "capacity": null }), vec!["capacity"]),
        (json!({ "capacity": 0 }), vec!["capacity"]),
        (json!({ "capacity": 1_000_001 }), vec!["capacity"]),
        (json!({ "capacity": -1 }), vec!["capacity"]),
        (json!({ "base_price": null }), vec!["base_price"]),
        (json!({ "base_price": 100_000_001 }), vec!["base_price"]),
        (json!({ "base_price": -1 }), vec!["base_price"]),
        (json!({ "base_price": 24.99 }), vec!["base_price"]),
        (json!({ "currency": null }), vec!["currency"]),
        (json!({ "currency": "" }), vec!["currency"]),
        (json!({ "currency": "eur" }), vec!["currency"]),
        (json!({ "currency": "EURO" }), vec!["currency"]),
        (json!({ "currency": "ZZZ" }), vec!["currency"]),
        (json!({ "max_per_booking": 0 }), vec!["max_per_booking"]),
        (json!({ "max_per_booking": 51 }), vec!["max_per_booking"]),
        (json!({ "status": "sold" }), vec!["status"]),
        (json!({ "pricing": { "min_percent": 0, "max_percent": 100 } }), vec!["pricing.min_percent"]),
        (json!({ "pricing": { "min_percent": 1, "max_percent": 1_001 } }), vec!["pricing.max_percent"]),
        (json!({ "pricing": { "min_percent": 101, "max_percent": 100 } }), vec!["pricing.max_percent"]),
        (json!({ "price": 2_500 }), vec!["price"]),
        (json!({ "version": 1 }), vec!["version"]),
        (json!({ "name": "", "capacity": 0 }), vec!["name", "capacity"]),
        (
            json!({ "name": "", "venue": "v".repeat(201), "capacity": 0, "base_price": 100_000_001,
                "currency": "eur", "max_per_booking": 0, "starts_at": in_hours(-1) }),
            vec!["name", "venue", "starts_at", "capacity", "base_price", "max_per_booking", "currency"],
        ),
    ]
}

#[tokio::test]
async fn an_event_is_refused_for_every_bad_field_at_once() {
    let evently = TestApp::start().await;
    let (admin, event) = (evently.admin(), evently.event(100).await);
    for (changes, fields) in bad_events() {
        let path = format!("/admin/events/{event}");
        let created = admin.post("/admin/events", concert(changes.clone())).await;
        let replaced = admin.put(&path, "\"1\"", concert(changes.clone())).await;
        let patched = admin.patch(&path, "\"1\"", changes).await;
        for refused in [created, replaced, patched] {
            assert_eq!(refused.status, 422, "{fields:?}: {}", refused.body);
            refused.assert_problem(422, "validation_failed");
            assert_eq!(refused.bad_fields(), fields, "{}", refused.body);
        }
    }
    let all = admin.get("/admin/events").await;
    assert_eq!(all.body["items"].as_array().unwrap().len(), 1, "none was created");
    assert_eq!(all.body["items"][0]["version"], 1, "none was replaced");
}

#[tokio::test]
async fn a_new_event_cannot_be_cancelled_already() {
    let evently = TestApp::start().await;
    let off = concert(json!({ "status": "cancelled" }));
    let refused = evently.admin().post("/admin/events", off).await;
    refused.assert_problem(422, "validation_failed");
    assert_eq!(refused.bad_fields(), ["status"]);
    let off = concert(json!({ "status": "cancelled", "name": "", "currency": "" }));
    let refused = evently.admin().post("/admin/events", off).await;
    assert_eq!(refused.bad_fields(), ["name", "currency", "status"], "{}", refused.body);
}

#[tokio::test]
async fn the_currency_stays() {
    let evently = TestApp::start().await;
    let (admin, event) = (evently.admin(), evently.event(100).await);
    let path = format!("/admin/events/{event}");
    let refused = admin.put(&path, "\"1\"", concert(json!({ "currency": "USD", "capacity": 0 }))).await;
    refused.assert_problem(422, "validation_failed");
    assert_eq!(refused.bad_fields(), ["capacity", "currency"]);
    assert_eq!(admin.get("/admin/events").await.body["items"][0]["currency"], "EUR");
}

#[tokio::test]
async fn the_largest_and_the_smallest_values_are_accepted() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    let week = in_hours(24 * 7);
    let most = shown(week.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * 31));
    for event in [
        json!({
            "name": "n".repeat(200), "venue": "ü".repeat(200), "description": "d".repeat(5_000),
            "starts_at": week, "ends_at": most, "sales_open_at": in_hours(-1), "sales_close_at": most,
            "capacity": 1_000_000, "base_price": 100_000_000, "currency": "USD", "max_per_booking": 50,
            "status": "draft", "pricing": { "min_percent": 1, "max_percent": 1_000 },
            "time_zone": "America/Argentina/ComodRivadavia",
        }),
        json!({
            "name": "n", "description": null, "venue": null, "starts_at": in_hours(1), "capacity": 1,
            "base_price": 0, "currency": "JPY", "max_per_booking": 1, "status": "published",
            "pricing": { "min_percent": 100, "max_percent": 100 },
        }),
    ] {
        let created = admin.post("/admin/events", event.clone()).await;
        assert_eq!(created.status, 201, "{}", created.body);
        for (field, value) in event.as_object().unwrap() {
            assert_eq!(&created.body[field], value, "{field}");
        }
        assert_eq!(created.body["available"], event["capacity"]);
        assert_eq!(created.body["price"], event["base_price"]);
        let path = format!("/admin/events/{}", created.text("id"));
        let replaced = admin.put(&path, "\"1\"", event).await;
        assert_eq!(replaced.status, 200, "{}", replaced.body);
    }
}

#[tokio::test]
async fn what_a_replacement_leaves_out_gets_its_default() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    let created = admin
        .post(
            "/admin/events",
            concert(json!({
                "description": "Loud", "time_zone": "Asia/Kolkata", "ends_at": in_hours(24 * 31), "sales_open_at": in_hours(1),
                "sales_close_at": in_hours(2), "max_per_booking": 3, "status": "draft",
                "pricing": { "min_percent": 80, "max_percent": 120 },
            })),
        )
        .await;
    assert_eq!(created.status, 201, "{}", created.body);
    let path = format!("/admin/events/{}", created.text("id"));
    let replaced = admin.put(&path, "*", concert(json!({ "name": "  Plain  ", "venue": null }))).await;
    assert_eq!(replaced.status, 200, "{}", replaced.body);
    for field in
        ["description", "venue", "time_zone", "ends_at", "sales_open_at", "sales_close_at", "pricing"]
    {
        assert_eq!(replaced.body[field], Value::Null, "{field}");
    }
    assert_eq!(replaced.body["name"], "Plain");
    assert_eq!(replaced.body["max_per_booking"], 10);
    assert_eq!(replaced.body["status"], "draft", "only the status stays");
}

#[tokio::test]
async fn a_past_event_can_be_corrected_but_none_is_moved_into_the_past() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    let event = evently.event_created(3, |_| {}).await;
    let path = format!("/admin/events/{event}");
    let starts_at = evently.anybody().get(&format!("/events/{event}")).await.text("starts_at");
    let corrected =
        admin.put(&path, "*", concert(json!({ "name": "Corrected", "starts_at": starts_at }))).await;
    assert_eq!((corrected.status, corrected.body["name"].as_str()), (200, Some("Corrected")));
    let refused = admin.put(&path, "*", concert(json!({ "starts_at": starts_at, "currency": "eur" }))).await;
    refused.assert_problem(422, "validation_failed");
    assert_eq!(refused.bad_fields(), ["currency"], "its start was not moved");
    let refused = admin.put(&path, "*", concert(json!({ "starts_at": in_hours(-1) }))).await;
    refused.assert_problem(422, "validation_failed");
    assert_eq!(refused.bad_fields(), ["starts_at"]);
}
