//! Admins look at any event, and change a part of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{Answer, Session, TestApp, concert, in_hours, send};

const MERGE_PATCH: &str = "application/merge-patch+json";

async fn patch_bytes(admin: &Session, path: &str, content_type: Option<&str>, body: &'static str) -> Answer {
    let request = admin.request(Method::PATCH, path).header("if-match", "*");
    let request = match content_type {
        Some(content_type) => request.header("content-type", content_type),
        None => request,
    };
    send(request.body(body)).await
}

/// An event with a value in every field, and its path.
async fn full_event(evently: &TestApp) -> (Answer, String) {
    let event = concert(json!({
        "description": "Loud", "ends_at": in_hours(24 * 31), "sales_open_at": in_hours(-1),
        "sales_close_at": in_hours(24 * 30), "max_per_booking": 3, "max_per_user": 7, "status": "draft",
        "pricing": { "min_percent": 90, "max_percent": 120 },
    }));
    let created = evently.admin().post("/admin/events", event).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let path = created.header("location").to_owned();
    (created, path)
}

#[tokio::test]
async fn an_admin_sees_an_event_of_any_status_and_its_version() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    for status in ["draft", "published", "cancelled"] {
        let id = evently.event_with(json!({ "status": "draft" })).await;
        let path = format!("/admin/events/{id}");
        let changed = admin.patch(&path, "\"1\"", json!({ "status": status, "name": status })).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        let seen = admin.get(&path).await;
        assert_eq!((seen.status, &seen.body), (200, &changed.body));
        assert_eq!(seen.header("etag"), changed.header("etag"));
        assert_eq!(seen.header("cache-control"), "no-store");
        evently.user().get(&path).await.assert_problem(403, "forbidden");
        evently.anybody().get(&path).await.assert_problem(401, "unauthorized");
    }
    let past = evently.event_created(48, |details| details.capacity = 7).await;
    let seen = admin.get(&format!("/admin/events/{past}")).await;
    assert_eq!((seen.status, &seen.body["available"]), (200, &json!(7)));
}

#[tokio::test]
async fn what_an_admin_sees_of_a_draft_brings_it_not_to_redis() {
    let evently = TestApp::start().await;
    let id = evently.event_with(json!({ "status": "draft", "capacity": 12 })).await;
    let admin = evently.admin();
    for path in [format!("/admin/events/{id}"), format!("/admin/events/{id}/inventory")] {
        assert_eq!(admin.get(&path).await.status, 200);
    }
    let listed = admin.get("/admin/events").await;
    assert_eq!(listed.body["items"][0]["available"], 12);
    assert_eq!(evently.app.redis.state_seen(id.parse::<domain::id::EventId>().unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn a_replacement_without_a_status_leaves_it_as_it_is() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    for status in ["draft", "published", "cancelled"] {
        let id = evently.event_with(json!({ "status": "draft" })).await;
        let path = format!("/admin/events/{id}");
        assert_eq!(admin.put(&path, "*", concert(json!({ "status": status }))).await.status, 200);
        let mut with_null = concert(json!({ "name": "Null" }));
        with_null["status"] = Value::Null;
        for change in [concert(json!({ "name": "Left out" })), with_null] {
            let replaced = admin.put(&path, "*", change).await;
            assert_eq!(replaced.body["status"], status, "{}", replaced.body);
        }
        let seen = evently.anybody().get(&format!("/events/{id}")).await;
        assert_eq!(seen.status == 200, status != "draft", "{}", seen.body);
    }
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_keeps_the_rest() {
    let evently = TestApp::start().await;
    let (admin, (before, path)) = (evently.admin(), full_event(&evently).await);
    let later = in_hours(24 * 29);
    let mut expected = before.body.clone();
    for (version, (field, value)) in [
        ("name", json!("Other")),
        ("description", json!("Quiet")),
        ("venue", json!("Elsewhere")),
        ("time_zone", json!("America/New_York")),
        ("sales_close_at", json!(later)),
        ("starts_at", json!(later)),
        ("ends_at", json!(in_hours(24 * 30))),
        ("sales_open_at", json!(in_hours(2))),
        ("max_per_booking", json!(4)),
        ("max_per_user", json!(9)),
        ("pricing", json!({ "min_percent": 50, "max_percent": 200 })),
        ("status", json!("published")),
    ]
    .into_iter()
    .enumerate()
    {
        let patched = admin.patch(&path, &format!("\"{}\"", version + 1), json!({ field: value })).await;
        if field == "pricing" {
            expected["areas"][0][field] = value.clone();
        }
        expected[field] = value;
        expected["version"] = json!(version + 2);
        assert_eq!((patched.status, &patched.body), (200, &expected), "{field}");
        assert!(patched.header("etag").starts_with(&format!("\"{}.", version + 2)));
    }
    let patched = admin.patch(&path, "*", json!({ "capacity": 150, "base_price": 9_000.0 })).await;
    assert_eq!((&patched.body["capacity"], &patched.body["available"]), (&json!(150), &json!(150)));
    assert_eq!((&patched.body["base_price"], &patched.body["price"]), (&json!(9_000), &json!(9_000)));
    for nothing in [json!({}), json!({ "currency": "EUR", "capacity": 150 })] {
        let same = admin.patch(&path, "*", nothing).await;
        assert_eq!((same.status, &same.body), (200, &patched.body), "nothing is changed");
    }
}

#[tokio::test]
async fn null_in_a_patch_brings_the_default_back() {
    let evently = TestApp::start().await;
    let (admin, (_, path)) = (evently.admin(), full_event(&evently).await);
    for (field, default) in [
        ("description", Value::Null),
        ("venue", Value::Null),
        ("time_zone", Value::Null),
        ("sales_open_at", Value::Null),
        ("sales_close_at", Value::Null),
        ("ends_at", Value::Null),
        ("max_per_booking", json!(10)),
        ("max_per_user", json!(10)),
        ("pricing", Value::Null),
        ("status", json!("draft")),
    ] {
        let patched = admin.patch(&path, "*", json!({ field: null })).await;
        assert_eq!((patched.status, &patched.body[field]), (200, &default), "{field}: {}", patched.body);
    }
    let needed = ["name", "starts_at", "capacity", "base_price", "currency"];
    for field in needed {
        let refused = admin.patch(&path, "*", json!({ field: null })).await;
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), [field], "{}", refused.body);
    }
}

#[tokio::test]
async fn the_bounds_of_pricing_are_patched_one_by_one() {
    let evently = TestApp::start().await;
    let (admin, (_, path)) = (evently.admin(), full_event(&evently).await);
    for (patch, min, max) in [
        (json!({ "max_percent": 130 }), 90, 130),
        (json!({ "min_percent": 70.0 }), 70, 130),
        (json!({}), 70, 130),
        (json!({ "min_percent": null }), 80, 130),
        (json!({ "min_percent": 60, "max_percent": null }), 60, 150),
    ] {
        let patched = admin.patch(&path, "*", json!({ "pricing": patch })).await;
        let bounds = json!({ "min_percent": min, "max_percent": max });
        assert_eq!((patched.status, &patched.body["pricing"]), (200, &bounds), "{patch}");
    }
    assert_eq!(admin.patch(&path, "*", json!({ "pricing": null })).await.body["pricing"], Value::Null);
    let again = admin.patch(&path, "*", json!({ "pricing": { "max_percent": 200 } })).await;
    assert_eq!(again.body["pricing"], json!({ "min_percent": 80, "max_percent": 200 }), "there was none");
    let refused = admin.patch(&path, "*", json!({ "pricing": { "min_percent": 201 } })).await;
    assert_eq!(refused.bad_fields(), ["pricing.max_percent"], "{}", refused.body);
}

#[tokio::test]
async fn a_patch_takes_no_field_that_an_event_does_not_have_and_none_twice() {
    let evently = TestApp::start().await;
    let (admin, (_, path)) = (evently.admin(), full_event(&evently).await);
    for (body, fields) in [
        (r#"{"colour": "red"}"#, vec!["colour"]),
        (r#"{"colour": null}"#, vec!["colour"]),
        (r#"{"available": 7}"#, vec!["available"]),
        (r#"{"pricing": {"step": null}}"#, vec!["pricing.step"]),
        (r#"{"name": "a", "name": "b"}"#, vec!["name"]),
        (r#"{"venue": null, "venue": null}"#, vec!["venue"]),
        (r#"{"name": 7, "capacity": "many", "colour": "red"}"#, vec!["name", "capacity", "colour"]),
        ("[]", vec!["body"]),
    ] {
        let refused = patch_bytes(&admin, &path, Some(MERGE_PATCH), body).await;
        assert_eq!(refused.status, 422, "{body}: {}", refused.body);
        refused.assert_problem(422, "validation_failed");
        assert_eq!(refused.bad_fields(), fields, "{body}: {}", refused.body);
    }
    patch_bytes(&admin, &path, Some(MERGE_PATCH), "{").await.assert_problem(400, "malformed_json");
    assert_eq!(admin.get(&path).await.body["version"], 1);
}

#[tokio::test]
async fn a_patch_must_say_that_it_is_a_merge_patch() {
    let evently = TestApp::start().await;
    let (admin, (_, path)) = (evently.admin(), full_event(&evently).await);
    let others = ["application/json", "application/json-patch+json", "text/plain", "merge-patch+json", ""];
    for content_type in others.map(Some).into_iter().chain([None]) {
        let refused = patch_bytes(&admin, &path, content_type, "{}").await;
        refused.assert_problem(415, "unsupported_media_type");
        assert_eq!(refused.header("accept-patch"), MERGE_PATCH, "{content_type:?}");
    }
    for content_type in [MERGE_PATCH, "Application/Merge-Patch+JSON; charset=utf-8"] {
        let patched = patch_bytes(&admin, &path, Some(content_type), r#"{"name": "New"}"#).await;
        assert_eq!((patched.status, &patched.body["name"]), (200, &json!("New")), "{content_type}");
    }
}

#[tokio::test]
async fn a_patch_needs_the_version_that_it_is_based_on() {
    let evently = TestApp::start().await;
    let (admin, (_, path)) = (evently.admin(), full_event(&evently).await);
    let without = admin.request(Method::PATCH, &path).header("content-type", MERGE_PATCH).body("{}");
    send(without).await.assert_problem(428, "if_match_required");
    let stale = admin.patch(&path, "\"2\"", json!({ "name": "Stale" })).await;
    stale.assert_problem(412, "stale_version");
    assert_eq!(stale.body["current_version"], 1);
    admin.patch(&path, "1", json!({})).await.assert_problem(400, "invalid_parameter");
    evently.user().patch(&path, "*", json!({})).await.assert_problem(403, "forbidden");
    assert_eq!(admin.get(&path).await.body["version"], 1);
}
