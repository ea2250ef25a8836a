//! Endpoints, as admins write them.

use domain::endpoint_url::Addresses;
use serde_json::{Value, json};

use super::{Hooks, Receiver};
use crate::common::TestApp;

#[tokio::test]
async fn an_endpoint_is_made_shown_changed_and_removed_and_its_secret_shown_once() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    let hook = json!({ "url": "https://Example.com/hook", "types": ["booking.confirmed", "booking.confirmed"],
        "description": "The till" });
    let created = admin.post("/admin/webhooks", hook).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let (id, secret) = (created.text("id").to_owned(), created.text("secret").to_owned());
    assert_eq!(created.header("location"), format!("/admin/webhooks/{id}"));
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "32 bytes in base64");
    let mut shown = created.body.clone();
    shown.as_object_mut().unwrap().remove("secret");
    assert_eq!(
        shown,
        json!({ "id": id, "url": "https://example.com/hook", "types": ["booking.confirmed"],
            "description": "The till", "status": "enabled", "disabled_because": null, "failing_since": null,
            "created_at": created.body["created_at"] })
    );
    let path = format!("/admin/webhooks/{id}");
    assert_eq!(admin.get(&path).await.body, shown);
    assert_eq!(admin.get("/admin/webhooks").await.body, json!({ "items": [shown] }));

    let changed =
        admin.put(&path, "*", json!({ "url": "https://example.com/other", "status": "disabled" })).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    let expected = json!({ "id": id, "url": "https://example.com/other", "types": null, "description": null,
        "status": "disabled", "disabled_because": null, "failing_since": null, "created_at": shown["created_at"] });
    assert_eq!(changed.body, expected);
    assert_eq!(admin.get(&path).await.body, expected);

    assert_eq!(admin.delete(&path).await.status, 204);
    for answer in [
        admin.get(&path).await,
        admin.delete(&path).await,
        admin.put(&path, "*", json!({ "url": "https://example.com/" })).await,
        admin.post(&format!("{path}/test"), json!({})).await,
        admin.post(&format!("{path}/rotate"), json!({})).await,
        admin.get("/admin/webhooks/made-up").await,
    ] {
        answer.assert_problem(404, "webhook_not_found");
    }
    assert_eq!(admin.get("/admin/webhooks").await.body, json!({ "items": [] }));
}

#[tokio::test]
async fn what_can_be_no_endpoint_is_refused_with_its_field_and_nothing_is_made() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    let made = admin.post("/admin/webhooks", json!({ "url": "https://example.com/" })).await;
    let path = format!("/admin/webhooks/{}", made.text("id"));
    let before = admin.get("/admin/webhooks").await.body;
    let url = |url: &str| json!({ "url": url });
    let long = "x".repeat(201);
    for (hook, field, code) in [
        (json!({}), "url", "required"),
        (json!({ "url": 7 }), "url", "wrong_type"),
        (url(""), "url", "not_an_endpoint"),
        (url("example.com"), "url", "not_an_endpoint"),
        (url("http://example.com/"), "url", "not_an_endpoint"),
        (url("http://127.0.0.1:8000/"), "url", "not_an_endpoint"),
        (url("https://user:secret@example.com/"), "url", "not_an_endpoint"),
        (url("https://localhost/"), "url", "not_an_endpoint"),
        (url("https://169.254.169.254/latest/meta-data"), "url", "not_an_endpoint"),
        (url("https://[::ffff:10.0.0.1]/"), "url", "not_an_endpoint"),
        (url("https://0x7f000001/"), "url", "not_an_endpoint"),
        (json!({ "url": "https://example.com/", "types": "booking.confirmed" }), "types", "wrong_type"),
        (json!({ "url": "https://example.com/", "types": [1] }), "types", "wrong_type"),
        (json!({ "url": "https://example.com/", "types": [] }), "types", "not_one_of"),
        (json!({ "url": "https://example.com/", "types": ["ping"] }), "types", "not_one_of"),
        (json!({ "url": "https://example.com/", "types": ["payment.captured"] }), "types", "not_one_of"),
        (json!({ "url": "https://example.com/", "status": "off" }), "status", "not_one_of"),
        (json!({ "url": "https://example.com/", "description": "" }), "description", "wrong_length"),
        (json!({ "url": "https://example.com/", "description": long }), "description", "wrong_length"),
        (
            json!({ "url": "https://example.com/", "description": "a\nb" }),
            "description",
            "control_characters",
        ),
        (json!({ "url": "https://example.com/", "secret": "whsec_mine" }), "secret", "unknown"),
    ] {
        for answer in
            [admin.post("/admin/webhooks", hook.clone()).await, admin.put(&path, "*", hook.clone()).await]
        {
            answer.assert_problem(422, "validation_failed");
            let errors = answer.body["errors"].as_array().unwrap();
            let found: Vec<_> = errors.iter().map(|error| (&error["field"], &error["code"])).collect();
            assert_eq!(found, [(&json!(field), &json!(code))], "{hook}");
        }
    }
    assert_eq!(admin.get("/admin/webhooks").await.body, before);
}

#[tokio::test]
async fn only_admins_have_to_do_with_endpoints_and_deliveries() {
    let evently = TestApp::start().await;
    let user = evently.user();
    let hook = json!({ "url": "https://example.com/" });
    user.post("/admin/webhooks", hook.clone()).await.assert_problem(403, "forbidden");
    evently.anybody().post("/admin/webhooks", hook).await.assert_problem(401, "unauthorized");
    for path in ["/admin/webhooks", "/admin/deliveries"] {
        user.get(path).await.assert_problem(403, "forbidden");
    }
    let id = "019b76da-a800-7101-9d5c-072a88001101";
    for path in [
        format!("/admin/webhooks/{id}/test"),
        format!("/admin/webhooks/{id}/rotate"),
        "/admin/deliveries/a~b/replay".to_owned(),
    ] {
        user.post(&path, json!({})).await.assert_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn there_are_twenty_at_most_however_many_are_made_at_once() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    let make = || admin.post("/admin/webhooks", json!({ "url": "https://example.com/" }));
    let made = futures::future::join_all((0..24).map(|_| make())).await;
    let created = made.iter().filter(|answer| answer.status == 201).count();
    let refused: Vec<_> = made.iter().filter(|answer| answer.status != 201).collect();
    assert_eq!((created, refused.len()), (20, 4));
    refused.iter().for_each(|answer| answer.assert_problem(409, "too_many_webhooks"));
    let id = made.iter().find(|answer| answer.status == 201).unwrap().text("id").to_owned();
    let path = format!("/admin/webhooks/{id}");
    // Two remove the same: it is counted once.
    let (one, other) = tokio::join!(admin.delete(&path), admin.delete(&path));
    let mut gone = [one.status, other.status];
    gone.sort_unstable();
    assert_eq!(gone, [204, 404]);
    assert_eq!(make().await.status, 201);
    make().await.assert_problem(409, "too_many_webhooks");
}

#[tokio::test]
async fn without_a_table_there_are_none() {
    let base = TestApp::start().await;
    let evently = base.another_with(|config| config.tables.webhooks = None).await;
    let admin = evently.admin();
    let hook = json!({ "url": "https://example.com/" });
    admin.post("/admin/webhooks", hook.clone()).await.assert_problem(409, "no_webhooks");
    admin.get("/admin/webhooks").await.assert_problem(409, "no_webhooks");
    let path = "/admin/webhooks/019b76da-a800-7101-9d5c-072a88001101";
    admin.put(path, "*", hook).await.assert_problem(409, "no_webhooks");
    admin.delete(path).await.assert_problem(409, "no_webhooks");
}

#[tokio::test]
async fn a_new_secret_signs_beside_the_old_one() {
    let hooks = Hooks::start().await;
    let receiver = Receiver::start().await;
    let (id, old) = hooks.endpoint(&receiver.url).await;
    let rotated = hooks.evently.admin().post(&format!("/admin/webhooks/{id}/rotate"), json!({})).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    let new = rotated.text("secret").to_owned();
    assert_ne!(new, old);
    hooks.book().await;
    hooks.tell_bookings().await;
    let got = &receiver.await_got(1).await[0];
    assert!(got.is_signed_by(&new) && got.is_signed_by(&old));
    assert_eq!(got.header("webhook-signature").split(' ').count(), 2);
    assert!(!got.is_signed_by("whsec_YW5vdGhlciBzZWNyZXQsIG5vdCBvdXJz"));
    // A second time, and the first one is forgotten.
    let newer = hooks.evently.admin().post(&format!("/admin/webhooks/{id}/rotate"), json!({})).await;
    tokio::time::sleep(super::SOON / 6).await;
    hooks.book().await;
    hooks.tell_bookings().await;
    let got = receiver.await_got(2).await.pop().unwrap();
    assert!(got.is_signed_by(&newer.text("secret")) && got.is_signed_by(&new) && !got.is_signed_by(&old));
}

#[tokio::test]
async fn an_admin_can_have_an_endpoint_tried() {
    let hooks = Hooks::start().await;
    let receiver = Receiver::start().await;
    let (id, secret) =
        hooks.endpoint_with(json!({ "url": receiver.url, "types": ["event.cancelled"] })).await;
    let asked = hooks.evently.admin().post(&format!("/admin/webhooks/{id}/test"), json!({})).await;
    assert_eq!(asked.status, 202, "{}", asked.body);
    hooks.tell_asked().await;
    let got = &receiver.await_got(1).await[0];
    assert!(got.is_signed_by(&secret));
    assert_eq!(got.header("webhook-id"), asked.text("message_id"));
    assert_eq!(
        (got.json()["type"].as_str(), got.json()["data"]["webhook_id"].as_str()),
        (Some("ping"), Some(&*id))
    );
    let told = hooks.deliveries(&format!("?message_id={}", asked.text("message_id"))).await;
    assert_eq!((&told[0]["status"], &told[0]["answer"]), (&json!("delivered"), &json!("200 ok")));
}

#[tokio::test]
async fn only_whoever_tries_it_at_home_has_their_own_machine_called() {
    let evently = TestApp::with(|config| config.webhook_addresses = Addresses::AlsoLoopback).await;
    let made = async |url: &str| -> Value {
        evently.admin().post("/admin/webhooks", json!({ "url": url })).await.body["status"].clone()
    };
    for url in ["http://127.0.0.1:8000/hook", "http://localhost:8000/hook", "http://[::1]:8000/hook"] {
        assert_eq!(made(url).await, "enabled", "{url}");
    }
    for url in ["http://10.0.0.1/hook", "http://example.com/hook"] {
        assert_eq!(made(url).await, 422, "{url}");
    }
}
