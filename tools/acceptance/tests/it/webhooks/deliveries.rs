//! What was told to whom, as admins see it, and telling it once more.

use axum::{http::StatusCode, response::IntoResponse};
use serde_json::{Value, json};

use super::{Hooks, Receiver};
use crate::{common::browser::Browser, mails};

async fn replay(hooks: &Hooks, delivery: &Value) -> u16 {
    let path = format!("/admin/deliveries/{}/replay", delivery["id"].as_str().unwrap());
    hooks.evently.admin().post(&path, json!({})).await.status
}

#[tokio::test]
async fn what_waits_for_an_endpoint_that_is_removed_is_dropped_and_not_told_again() {
    let hooks = Hooks::start().await;
    let (good, failing) =
        (Receiver::start().await, Receiver::that(|_| StatusCode::BAD_GATEWAY.into_response()).await);
    hooks.endpoint(&good.url).await;
    let (id, _) = hooks.endpoint(&failing.url).await;
    for _ in 0..3 {
        hooks.book().await;
        hooks.tell_bookings().await;
    }
    let of = async |status: &str| {
        let listed = hooks.deliveries(&format!("?limit=100&status={status}")).await;
        listed.into_iter().filter(|one| one["webhook_id"] == *id).collect::<Vec<_>>()
    };
    let tried = of("failed").await;
    assert!(!tried.is_empty() && tried.iter().all(|one| !one["next_try_at"].is_null()), "{tried:?}");
    assert_eq!(tried.len() + of("pending").await.len(), 3, "{:#?}", hooks.deliveries("?limit=100").await);
    assert_eq!(hooks.evently.admin().delete(&format!("/admin/webhooks/{id}")).await.status, 204);
    let got = failing.got().len();

    let report = hooks.run().await;
    assert_eq!((report.webhooks.dropped, report.webhooks.failed), (3, 0), "{report:?}");
    let dropped = of("dropped").await;
    assert_eq!(dropped.len(), 3);
    assert!(dropped.iter().all(|one| one["next_try_at"].is_null()), "{dropped:?}");
    assert_eq!(hooks.run().await.webhooks.dropped, 0);
    assert_eq!((of("failed").await.len() + of("pending").await.len(), failing.got().len()), (0, got));
    assert_eq!(hooks.deliveries("?status=delivered").await.len(), 3, "others are told");
    assert_eq!(replay(&hooks, &dropped[0]).await, 409);
    let mut admin = Browser::new(&hooks.evently);
    admin.sign_in_as_admin().await;
    let (message, recipient) = dropped[0]["id"].as_str().unwrap().split_once('~').unwrap();
    let again =
        admin.submit("/console/deliveries/replay", &[("message", message), ("recipient", recipient)]).await;
    admin.follow(again).await.says("Its endpoint was removed.");
}

#[tokio::test]
async fn deliveries_are_listed_the_newest_first_page_by_page_and_by_what_became_of_them() {
    let hooks = Hooks::start().await;
    let good = Receiver::start().await;
    let gone = Receiver::that(|got| match got.path.as_str() {
        "/fails" => StatusCode::BAD_GATEWAY.into_response(),
        _ => StatusCode::GONE.into_response(),
    })
    .await;
    let (good_id, _) = hooks.endpoint(&good.url).await;
    let (failing_id, _) = hooks.endpoint(&format!("{}/fails", gone.url)).await;
    let (gone_id, _) = hooks.endpoint(&gone.url).await;
    let booking = hooks.book().await;
    hooks.tell_bookings().await;
    for _ in 0..4 {
        hooks.book().await;
    }
    hooks.tell_bookings().await;

    let all = hooks.deliveries("?limit=100").await;
    let of = |id: &str, status: &str| {
        let is = |delivery: &&Value| delivery["webhook_id"] == id && delivery["status"] == status;
        all.iter().filter(is).count()
    };
    assert_eq!((of(&good_id, "delivered"), of(&gone_id, "dead")), (5, 1));
    assert_eq!(of(&failing_id, "failed") + of(&failing_id, "pending"), 5);
    let times: Vec<_> = all.iter().map(|delivery| delivery["happened_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|one, next| one >= next), "{times:?}");

    for (query, expected) in [
        ("", all.len()),
        ("status=delivered", 5),
        ("status=dead", 1),
        ("status=failed", of(&failing_id, "failed")),
        ("status=dropped", 0),
    ] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let listed =
                hooks.evently.admin().get(&format!("/admin/deliveries?limit=2&{query}{cursor}")).await;
            assert_eq!(listed.status, 200, "{}", listed.body);
            seen.extend(listed.body["items"].as_array().unwrap().iter().map(|one| one["id"].clone()));
            let Some(next) = listed.body["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let number = seen.len();
        seen.sort_by_key(ToString::to_string);
        seen.dedup();
        assert_eq!((seen.len(), number), (expected, expected), "{query}");
    }
    let of_message = hooks.deliveries(&format!("?message_id=booking_confirmed_{booking}_1")).await;
    let to: Vec<_> = of_message.iter().map(|delivery| delivery["webhook_id"].as_str().unwrap()).collect();
    assert_eq!(to, [&*good_id, &failing_id, &gone_id]);
    let dead = hooks.deliveries(&format!("?message_id=booking_confirmed_{booking}_1&status=dead")).await;
    assert_eq!(
        dead,
        [json!({ "id": dead[0]["id"], "message_id": format!("booking_confirmed_{booking}_1"),
            "type": "booking.confirmed", "channel": "webhook", "webhook_id": gone_id, "user_id": null,
            "event_id": dead[0]["event_id"], "booking_id": booking, "status": "dead", "tries": 1, "answer": "410",
            "happened_at": dead[0]["happened_at"], "tried_at": dead[0]["tried_at"], "next_try_at": null })]
    );
    let refused = hooks.evently.admin().get("/admin/deliveries?status=lost").await;
    refused.assert_problem(400, "invalid_parameter");
    // What those who tell keep for each other is nobody's delivery.
    assert!(hooks.deliveries("?message_id=look").await.is_empty());
}

#[tokio::test]
async fn what_was_told_is_told_once_more_with_the_same_id_and_what_failed_at_once() {
    let hooks = Hooks::start().await;
    let receiver = Receiver::start().await;
    let (_, secret) = hooks.endpoint(&receiver.url).await;
    hooks.book().await;
    hooks.tell_bookings().await;
    let told = &hooks.deliveries("").await[0];
    assert_eq!(told["status"], "delivered");
    assert_eq!(replay(&hooks, told).await, 202);
    let waiting = &hooks.deliveries("").await[0];
    assert_eq!((&waiting["status"], &waiting["tries"]), (&json!("pending"), &json!(0)));
    // Again while it waits: nothing more.
    assert_eq!(replay(&hooks, told).await, 202);
    hooks.tell_asked().await;
    let got = receiver.await_got(2).await;
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    assert!(got[1].is_signed_by(&secret) && got[0].body == got[1].body);
    for id in ["made-up", "a~b", "~", "look~place", "rate~1"] {
        let answer = hooks.evently.admin().post(&format!("/admin/deliveries/{id}/replay"), json!({})).await;
        answer.assert_problem(404, "delivery_not_found");
    }
}

#[tokio::test]
async fn a_mail_is_sent_once_more_but_none_about_an_account() {
    let mails = mails::with_webhooks().await;
    let admin = mails.admin_of_settings().await;
    let booking = mails.somebody_books().await;
    let listed = admin.get(&format!("/admin/deliveries?message_id=booking.confirmed.{booking}.1")).await;
    let told = &listed.body["items"][0];
    assert_eq!(
        (&told["channel"], &told["status"], &told["webhook_id"]),
        (&json!("mail"), &json!("delivered"), &Value::Null)
    );
    assert!(told["user_id"].is_string() && !listed.body.to_string().contains('@'), "{}", listed.body);
    let again = format!("/admin/deliveries/{}/replay", told["id"].as_str().unwrap());
    assert_eq!(admin.post(&again, json!({})).await.status, 202);
    mails.run_now().await;
    assert_eq!(mails.subjects_to("ada@example.com").len(), 2);

    let forgotten = json!({ "email": "ada@example.com" });
    assert_eq!(admin.post("/password/forgot", forgotten).await.status, 202);
    mails.run_now().await;
    let listed = admin.get("/admin/deliveries?limit=100").await;
    let items = listed.body["items"].as_array().unwrap();
    let of_account = items.iter().find(|one| one["type"] == "account.reset").unwrap();
    let again = format!("/admin/deliveries/{}/replay", of_account["id"].as_str().unwrap());
    admin.post(&again, json!({})).await.assert_problem(409, "not_replayable");
    // Of an address that nobody has, nothing is shown: it would tell who has an account.
    let before = items.len();
    assert_eq!(admin.post("/password/forgot", json!({ "email": "nobody@example.com" })).await.status, 202);
    let listed = admin.get("/admin/deliveries?limit=100").await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), before);
}
