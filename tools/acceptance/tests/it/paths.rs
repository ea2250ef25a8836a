//! Paths and methods: what is nowhere, and what is there in another way.

use std::collections::BTreeSet;

use accounts::mailed_tokens::{MailedClaims, Purpose};
use domain::{email::Email, id::UserId};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::common::{Answer, TestApp, concert, send};
use crate::seats::theatre_event;

#[tokio::test]
async fn an_id_that_names_nothing_is_not_found() {
    let evently = TestApp::start().await;
    let (user, admin) = (evently.user(), evently.admin());
    let malformed = ["42", "popular2", "%20", "%ff", "%00", "0189f7c0000070008000000000000000"];
    let unknown = [Uuid::now_v7().to_string(), Uuid::nil().to_string(), Uuid::max().to_string()];
    for id in malformed.into_iter().chain(unknown.iter().map(String::as_str)) {
        user.get(&format!("/events/{id}")).await.assert_problem(404, "event_not_found");
        user.book(id, 1).await.assert_problem(404, "event_not_found");
        let put = admin.put(&format!("/admin/events/{id}"), "\"1\"", concert(json!({}))).await;
        put.assert_problem(404, "event_not_found");
        let path = format!("/admin/events/{id}");
        admin.get(&path).await.assert_problem(404, "event_not_found");
        admin.patch(&path, "*", json!({})).await.assert_problem(404, "event_not_found");
        admin.delete_version(&path, "*").await.assert_problem(404, "event_not_found");
        user.get(&format!("/reservations/{id}")).await.assert_problem(404, "reservation_not_found");
        user.delete(&format!("/reservations/{id}")).await.assert_problem(404, "reservation_not_found");
        user.get(&format!("/bookings/{id}")).await.assert_problem(404, "booking_not_found");
        user.cancel(id).await.assert_problem(404, "booking_not_found");
    }
    for id in malformed {
        user.confirm(id).await.assert_problem(404, "reservation_not_found");
    }
    // Whether there ever was such a reservation is forgotten when it runs out.
    for id in &unknown {
        user.confirm(id).await.assert_problem(410, "reservation_expired");
    }
}

#[tokio::test]
async fn another_path_is_not_found_whatever_the_method() {
    let evently = TestApp::start().await;
    for path in [
        "/event",
        "/Events",
        "/events/",
        "/events/popular/",
        "/events/1/2",
        "/admin",
        "/admin/events/1/2",
        "/bookings/1/confirm",
        "/reservation",
        "/openapi.yaml",
        "//events",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = send(evently.admin().request(method.clone(), path)).await;
            assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
            answer.assert_problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn another_method_is_not_allowed_and_the_answer_says_which_are() {
    let evently = TestApp::start().await;
    let document: Value = serde_json::from_str(&local::api::openapi().unwrap()).unwrap();
    let mut refused = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let mut expected: BTreeSet<String> =
            operations.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        if expected.contains("GET") {
            expected.insert("HEAD".to_owned());
        }
        let address = path.replace("{id}", &Uuid::now_v7().to_string()).replace("{area}", "balcony");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"] {
            if expected.contains(method) {
                continue;
            }
            refused += 1;
            let answer = send(evently.anybody().request(method.parse().unwrap(), &address)).await;
            assert_eq!(answer.status, 405, "{method} {path}: {}", answer.body);
            let allow: Vec<_> = answer.headers.get_all("allow").iter().collect();
            assert_eq!(allow.len(), 1, "{method} {path}: {allow:?}");
            let allowed: BTreeSet<String> = answer.header("allow").split(", ").map(str::to_owned).collect();
            assert_eq!(allowed, expected, "{method} {path}");
            if method == "HEAD" {
                assert_eq!(answer.header("content-type"), "application/problem+json");
            } else {
                answer.assert_problem(405, "method_not_allowed");
            }
        }
    }
    assert!(refused > 50, "{refused}");
}

fn mailed(evently: &TestApp, purpose: Purpose) -> String {
    let email = Email::parse("ada@example.com").unwrap();
    let claims = MailedClaims::new(purpose, UserId::new(), email, 0, Timestamp::now());
    evently.app.tokens.seal_mailed(purpose, &claims).unwrap()
}

#[tokio::test]
async fn head_answers_like_get_without_the_body() {
    let evently = TestApp::start().await;
    let (event, user) = (evently.event(10).await, evently.user());
    let (booking, reservation) = (user.buy(&event, 1).await, user.hold(&event, 1).await);
    let webhook = evently.admin().post("/admin/webhooks", json!({ "url": "https://example.com/hook" })).await;
    let webhook = webhook.text("id");
    let theatre = theatre_event(&evently).await;
    let mut seen = BTreeSet::new();
    for (who, path) in [
        (&user, "/me".to_owned()),
        (&user, "/events".to_owned()),
        (&user, "/events/popular".to_owned()),
        (&user, format!("/events/{event}")),
        (&user, "/bookings".to_owned()),
        (&user, format!("/bookings/{booking}")),
        (&user, "/reservations".to_owned()),
        (&user, format!("/reservations/{reservation}")),
        (&user, "/health".to_owned()),
        (&user, "/openapi.json".to_owned()),
        (&user, "/docs".to_owned()),
        (&user, "/problems/sold_out".to_owned()),
        (&user, "/password/forgot".to_owned()),
        (&user, format!("/password/reset?token={}", mailed(&evently, Purpose::Reset))),
        (&user, format!("/verify-email?token={}", mailed(&evently, Purpose::Verify))),
        (&user, format!("/verify-email?token={}", mailed(&evently, Purpose::Move))),
        (&user, format!("/verify-email?token={}", mailed(&evently, Purpose::Undo))),
        (&user, format!("/events/{theatre}/seats?area=balcony")),
        (&user, format!("/events/{theatre}/layout")),
        (&evently.admin(), "/admin/events".to_owned()),
        (&evently.admin(), format!("/admin/events/{event}")),
        (&evently.admin(), format!("/admin/events/{event}/inventory")),
        (&evently.admin(), format!("/admin/events/{event}/cancel")),
        (&evently.admin(), format!("/admin/events/{event}/prices")),
        (&evently.admin(), format!("/admin/events/{event}/bookings")),
        (&evently.admin(), "/admin/events/capacity_utilization".to_owned()),
        (&evently.admin(), "/admin/analytics".to_owned()),
        (&evently.admin(), "/admin/audit".to_owned()),
        (&evently.admin(), "/admin/webhooks".to_owned()),
        (&evently.admin(), format!("/admin/webhooks/{webhook}")),
        (&evently.admin(), "/admin/deliveries".to_owned()),
        (&evently.admin(), "/admin/analytics/timeline".to_owned()),
    ] {
        let got = who.get(&path).await;
        let head = send(who.request(Method::HEAD, &path)).await;
        let status = if path.starts_with("/problems/") { 308 } else { 200 };
        assert_eq!((got.status, head.status), (status, status), "{path}");
        let of_no_request_alone = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            for name in ["date", "x-request-id"] {
                assert!(headers.remove(name).is_some(), "{path}: {name}");
            }
            headers
        };
        assert_eq!(of_no_request_alone(&head), of_no_request_alone(&got), "{path}");
        assert!(head.bytes.is_empty(), "{path}");
        let path = path
            .replace(&event, "{id}")
            .replace(&theatre, "{id}")
            .replace(&booking, "{id}")
            .replace(&reservation, "{id}");
        let path = path.replace(&webhook, "{id}");
        let path = path.split('?').next().unwrap();
        seen.insert(path.replace("sold_out", "{code}"));
    }
    let document: Value = serde_json::from_str(&local::api::openapi().unwrap()).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        assert!(operations.get("get").is_none() || seen.contains(path), "GET {path} is not looked at here");
    }
    let missing = send(user.request(Method::HEAD, &format!("/events/{}", Uuid::now_v7()))).await;
    assert_eq!(missing.status, 404);
}
