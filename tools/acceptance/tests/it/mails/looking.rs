//! The look: what no stream told is told all the same, each once.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use stores::dynamodb::Look;

use super::{Mails, records_of};

/// The streams have had their time for all that happened so far.
async fn look(mails: &Mails) {
    let store = &mails.evently.app.store;
    let look = store.look().await.unwrap().unwrap();
    assert_eq!(look.began, None, "the last look came to its end");
    // No interval, so that also what happened a moment ago is looked at.
    mails.run_looking_every(SignedDuration::ZERO).await;
    // What all who have seats are told of is due a moment later.
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    for waiting in store.due_deliveries(stores::dynamodb::Queue::Mails, later, 100).await.unwrap() {
        let due = domain::delivery::Delivery { due_at: Some(Timestamp::now()), ..waiting.clone() };
        store.change_delivery(&waiting, &due).await.unwrap();
    }
    mails.run().await;
}

#[tokio::test]
async fn without_streams_all_is_told_by_looking() {
    let mails = Mails::start().await;
    let event = mails.evently.event_with(json!({ "name": "Gala" })).await;
    let ada = mails.user("ada@example.com").await;
    let booking = ada.buy(&event, 2).await;
    assert_eq!(ada.cancel(&booking).await.status, 200);
    let bob = mails.user("bob@example.com").await;
    bob.buy(&event, 1).await;
    let other = mails.evently.event_with(json!({ "name": "Ball" })).await;
    let kept = bob.buy(&other, 1).await;
    let cancelled = mails
        .evently
        .admin()
        .patch(&format!("/admin/events/{event}"), "*", json!({ "status": "cancelled" }))
        .await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    janitor::run(&mails.evently.app, Timestamp::now()).await.unwrap();
    look(&mails).await;
    let got = |email| {
        let mut got = mails.got(email);
        got.sort_unstable();
        got
    };
    assert_eq!(got("ada@example.com"), ["Booked: Gala", "Cancelled: Gala"]);
    assert_eq!(got("bob@example.com"), ["Booked: Ball", "Booked: Gala", "Called off: Gala"]);
    // Whatever comes later, by a stream or by another look, is told before.
    let tables = &mails.evently.app.config.tables;
    for table in [&tables.bookings, &tables.events] {
        mails.told(records_of(table).await).await;
    }
    look(&mails).await;
    assert_eq!(mails.mails().len(), 5);
    // A booking of before that is cancelled now.
    assert_eq!(bob.cancel(&kept).await.status, 200);
    look(&mails).await;
    assert_eq!(
        got("bob@example.com"),
        ["Booked: Ball", "Booked: Gala", "Called off: Gala", "Cancelled: Ball"]
    );
}

#[tokio::test]
async fn a_look_that_was_broken_off_goes_on() {
    let mails = Mails::start().await;
    let event = mails.evently.event(10).await;
    let ada = mails.user("ada@example.com").await;
    ada.buy(&event, 1).await;
    let store = &mails.evently.app.store;
    let begun = Look { began: Some(Timestamp::now()), ..store.look().await.unwrap().unwrap() };
    store.keep_look(&begun).await.unwrap();
    // It is not due; but it was begun.
    mails.run().await;
    assert_eq!(mails.mails().len(), 1);
    assert_eq!(store.look().await.unwrap().unwrap().from, jiff_ms(begun.began.unwrap()));
}

fn jiff_ms(at: Timestamp) -> Timestamp {
    domain::time::to_whole_ms(at)
}

#[tokio::test]
async fn what_happened_days_ago_is_not_told_any_more() {
    let mails = Mails::start().await;
    let event = mails.evently.event(10).await;
    let ada = mails.user("ada@example.com").await;
    ada.buy(&event, 1).await;
    let mut records = records_of(&mails.evently.app.config.tables.bookings).await;
    for record in &mut records {
        let image = &mut record["dynamodb"]["NewImage"];
        if image["created_at"].is_object() {
            let then = Timestamp::now() - SignedDuration::from_hours(24 * 5);
            image["created_at"] = json!({ "N": then.as_millisecond().to_string() });
        }
    }
    assert_eq!(mails.told(records).await, json!({ "batchItemFailures": [] }));
    assert_eq!(mails.mails().len(), 0);
}
