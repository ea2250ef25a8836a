//! Endpoints that behave badly: they hang, redirect, answer much, break off, are gone. Others are none the worse for it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use domain::{endpoint_url::Addresses, webhook::Endpoint};
use futures::stream;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpListener};

use super::{Hooks, Receiver};
use crate::{common::TestApp, mails};

/// Takes connections and says nothing.
async fn hanging() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            held.push(connection);
        }
    });
    url
}

/// Reads a request, and breaks off.
async fn breaking_off() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 64]).await;
            let _ = connection.set_zero_linger();
        }
    });
    url
}

/// Ten megabytes, as fast as they are read.
fn much() -> Response {
    let piece = vec![b'x'; 64 * 1_024];
    let pieces = (0..160).map(move |_| Ok::<_, std::io::Error>(piece.clone()));
    (StatusCode::INTERNAL_SERVER_ERROR, Body::from_stream(stream::iter(pieces))).into_response()
}

/// The only delivery to that endpoint, as the API shows it.
async fn delivery_to(hooks: &Hooks, id: &str) -> Value {
    let all = hooks.deliveries("?limit=100").await;
    let mut to_it = all
        .into_iter()
        .filter(|delivery| delivery["webhook_id"] == id && delivery["type"] == "booking.confirmed");
    let one = to_it.next().unwrap();
    assert!(to_it.next().is_none());
    one
}

#[tokio::test]
async fn others_get_theirs_within_a_second_whatever_some_do() {
    let hooks = Hooks::start().await;
    let _reading = hooks.reading().await;
    let redirected = Receiver::start().await;
    let to = redirected.url.clone();
    let redirecting = Receiver::that(move |_| Redirect::permanent(&to).into_response()).await;
    let failing =
        Receiver::that(|_| (StatusCode::INTERNAL_SERVER_ERROR, "out of order").into_response()).await;
    let talking = Receiver::that(|_| much()).await;
    let nobody = "http://127.0.0.1:9/";
    let mut bad = Vec::new();
    for (url, said) in [
        (hanging().await, "it did not answer within 5 s"),
        (breaking_off().await, "no answer: "),
        (redirecting.url.clone(), "308 (redirects are not followed)"),
        (failing.url.clone(), "500 out of order"),
        (talking.url.clone(), "500 xxx"),
        (nobody.to_owned(), "no answer: "),
    ] {
        let hook = json!({ "url": url, "types": ["booking.confirmed"] });
        bad.push((hooks.endpoint_with(hook).await.0, said));
    }
    let good = Receiver::start().await;
    hooks.endpoint_with(json!({ "url": good.url, "types": ["booking.confirmed"] })).await;
    let event = hooks.evently.event(10).await;
    let ada = hooks.evently.user();
    for number in 1..=3 {
        let booked = Instant::now();
        ada.buy(&event, 1).await;
        good.await_got(number).await;
        // A second for reading the streams, which is done once in a second, and one.
        assert!(booked.elapsed() < Duration::from_secs(4), "{:?}", booked.elapsed());
        if number == 1 {
            // What each of them said to the first.
            tokio::time::sleep(Duration::from_secs(6)).await;
            for (id, said) in &bad {
                let delivery = delivery_to(&hooks, id).await;
                assert!(delivery["answer"].as_str().unwrap().starts_with(said), "{said}: {delivery}");
                assert_eq!((&delivery["status"], &delivery["tries"]), (&json!("failed"), &json!(1)));
                assert!(delivery["answer"].as_str().unwrap().len() <= 1_024);
                let shown = hooks.evently.admin().get(&format!("/admin/webhooks/{id}")).await;
                assert!(
                    shown.body["failing_since"].is_string() && shown.body["status"] == "enabled",
                    "{}",
                    shown.body
                );
            }
        }
    }
    assert!(redirected.got().is_empty(), "nobody is sent on");
    // The others' turn comes with the run; the one that hangs keeps it no longer than its own time.
    assert!(failing.got().len() == 1, "it is known to fail: nothing waits for it");
}

#[tokio::test]
async fn one_that_works_again_is_told_all_it_missed_and_at_once_from_then_on() {
    let hooks = Hooks::start().await;
    let refusals = Arc::new(AtomicUsize::new(1));
    let left = Arc::clone(&refusals);
    let receiver = Receiver::that(move |_| match left.load(Ordering::SeqCst) {
        0 => "ok".into_response(),
        _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    })
    .await;
    let (id, _) = hooks.endpoint(&receiver.url).await;
    let bookings = [hooks.book().await, hooks.book().await];
    hooks.tell_bookings().await;
    let failed = receiver.got().len();
    assert!((1..=2).contains(&failed));
    refusals.store(0, Ordering::SeqCst);
    hooks.make_due().await;
    let report = hooks.run().await;
    assert_eq!((report.webhooks.sent, report.webhooks.failed), (2, 0), "{report:?}");
    let mut told: Vec<_> = receiver.said().into_iter().map(|(_, booking)| booking).collect();
    told.sort();
    told.dedup();
    assert_eq!(told, bookings);
    let shown = hooks.evently.admin().get(&format!("/admin/webhooks/{id}")).await;
    assert_eq!(shown.body["failing_since"], Value::Null);
    hooks.book().await;
    hooks.tell_bookings().await;
    assert_eq!(receiver.got().len(), failed + 3, "without a run");
}

#[tokio::test]
async fn one_that_is_gone_is_told_nothing_more_until_an_admin_wants_it_again() {
    let hooks = Hooks::start().await;
    let gone = Receiver::that(|_| StatusCode::GONE.into_response()).await;
    let (id, _) = hooks.endpoint(&gone.url).await;
    hooks.book().await;
    hooks.tell_bookings().await;
    let shown = hooks.evently.admin().get(&format!("/admin/webhooks/{id}")).await;
    assert_eq!(
        (&shown.body["status"], &shown.body["disabled_because"]),
        (&json!("disabled"), &json!("gone"))
    );
    let told = delivery_to(&hooks, &id).await;
    assert_eq!((&told["status"], &told["answer"]), (&json!("dead"), &json!("410")));
    hooks.book().await;
    hooks.tell_bookings().await;
    assert_eq!(gone.got().len(), 1);

    let receiver = Receiver::start().await;
    let again = hooks
        .evently
        .admin()
        .put(&format!("/admin/webhooks/{id}"), "*", json!({ "url": receiver.url }))
        .await;
    assert_eq!((&again.body["status"], &again.body["disabled_because"]), (&json!("enabled"), &Value::Null));
    let replay = format!("/admin/deliveries/{}/replay", told["id"].as_str().unwrap());
    assert_eq!(hooks.evently.admin().post(&replay, json!({})).await.status, 202);
    tokio::time::sleep(super::SOON / 6).await;
    hooks.run().await;
    assert_eq!(receiver.await_got(1).await[0].header("webhook-id"), told["message_id"].as_str().unwrap());
}

#[tokio::test]
async fn after_five_days_of_failure_it_is_disabled_and_its_admin_told() {
    let mails = mails::with_webhooks().await;
    let failing = Receiver::that(|_| StatusCode::BAD_GATEWAY.into_response()).await;
    let admin = mails.admin_of_settings().await;
    let created =
        admin.post("/admin/webhooks", json!({ "url": failing.url, "description": "The till" })).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let id = created.text("id").to_owned();
    let ago = Timestamp::now() - SignedDuration::from_hours(5 * 24);
    let store = &mails.app().store;
    store.endpoint_fails(id.parse().unwrap(), ago).await.unwrap();
    assert_eq!(admin.post(&format!("/admin/webhooks/{id}/test"), json!({})).await.status, 202);
    mails.run_now().await;
    let Endpoint { disabled_because, .. } = store.endpoint(id.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(disabled_because).unwrap(), "failing");
    mails.run_now().await;
    let subjects = mails.subjects_to("admin@example.com");
    assert_eq!(subjects, ["Evently: a webhook endpoint is disabled"]);
}

#[tokio::test]
async fn what_was_allowed_when_it_was_written_is_looked_at_again_when_it_is_called() {
    let receiver = Receiver::start().await;
    // Written where loopback is allowed, and called where it is not: as a name that leads elsewhere by then.
    let base = TestApp::with(|config| config.webhook_addresses = Addresses::AlsoLoopback).await;
    for url in [receiver.url.clone(), receiver.url.replace("http://127.0.0.1", "https://localhost")] {
        let created = base.admin().post("/admin/webhooks", json!({ "url": url })).await;
        assert_eq!(created.status, 201, "{}", created.body);
    }
    let evently = base.another_with(|config| config.webhook_addresses = Addresses::Public).await;
    let teller = Arc::new(super::teller_over(&evently, &crate::common::Permissions::default()).await);
    let hooks = Hooks { evently, teller };
    hooks.run().await;
    hooks.book().await;
    hooks.tell_bookings().await;
    let told = hooks.deliveries("").await;
    let mut answers: Vec<_> = told.iter().map(|delivery| delivery["answer"].as_str().unwrap()).collect();
    answers.sort_unstable();
    assert_eq!(answers, ["its address must be at a public address", "its address must begin with https://"]);
    assert!(receiver.got().is_empty());
}
