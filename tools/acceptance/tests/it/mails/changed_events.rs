//! Changed events: all who have seats are told once, and nobody else.

use jiff::SignedDuration;
use serde_json::json;

use super::{Mails, records_of};
use crate::{
    cancelled_events::cancelled_by_release_before,
    common::{in_hours, send},
};

/// An event with a name of its own; Ada has two bookings of it, Bob one, Eve none any more.
async fn sold(mails: &Mails) -> String {
    let event = mails.evently.event_with(json!({ "capacity": 20, "name": "Gala" })).await;
    let ada = mails.user("ada@example.com").await;
    ada.buy(&event, 1).await;
    ada.buy(&event, 2).await;
    mails.user("bob@example.com").await.buy(&event, 1).await;
    let eve = mails.user("eve@example.com").await;
    let booking = eve.buy(&event, 1).await;
    assert_eq!(eve.cancel(&booking).await.status, 200);
    event
}

/// Tells what the stream of events has, and what follows from it.
async fn tell_changes(mails: &Mails) {
    let records = records_of(&mails.evently.app.config.tables.events).await;
    assert_eq!(mails.told(records).await, json!({ "batchItemFailures": [] }));
    make_due(mails).await;
    mails.run().await;
}

/// What the index of bookings is given time for is due now.
pub(super) async fn make_due(mails: &Mails) {
    let store = &mails.evently.app.store;
    let later = jiff::Timestamp::now() + SignedDuration::from_hours(1);
    for waiting in store.due_deliveries(stores::dynamodb::Queue::Mails, later, 100).await.unwrap() {
        let due = domain::delivery::Delivery { due_at: Some(jiff::Timestamp::now()), ..waiting.clone() };
        store.change_delivery(&waiting, &due).await.unwrap();
    }
}

async fn patch(mails: &Mails, event: &str, change: serde_json::Value) {
    let changed = mails.evently.admin().patch(&format!("/admin/events/{event}"), "*", change).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
}

#[tokio::test]
async fn who_has_seats_is_told_of_a_cancelled_a_moved_and_a_revived_event() {
    let mails = Mails::start().await;
    let event = sold(&mails).await;
    let told = |subjects: &[&str]| {
        for (email, subjects) in
            [("ada@example.com", subjects), ("bob@example.com", subjects), ("eve@example.com", &[])]
        {
            assert_eq!(mails.got(email), subjects, "{email}");
        }
    };
    patch(&mails, &event, json!({ "starts_at": in_hours(24 * 40) })).await;
    tell_changes(&mails).await;
    told(&["New time: Gala"]);
    // What nobody has to know.
    patch(&mails, &event, json!({ "description": "Black tie", "base_price": 9_900 })).await;
    tell_changes(&mails).await;
    told(&["New time: Gala"]);
    cancelled_by_release_before(&mails.evently, &event).await;
    tell_changes(&mails).await;
    told(&["New time: Gala", "Called off: Gala"]);
    patch(&mails, &event, json!({ "status": "published" })).await;
    tell_changes(&mails).await;
    told(&["New time: Gala", "Called off: Gala", "It takes place: Gala"]);
    let ids: std::collections::BTreeSet<_> = mails.mails().into_iter().map(|mail| mail.id).collect();
    assert_eq!(ids.len(), 6, "each is a mail of its own");
}

#[tokio::test]
async fn what_was_overtaken_before_it_was_told_is_not_told() {
    let mails = Mails::start().await;
    let event = sold(&mails).await;
    cancelled_by_release_before(&mails.evently, &event).await;
    patch(&mails, &event, json!({ "status": "published" })).await;
    tell_changes(&mails).await;
    assert_eq!(mails.got("bob@example.com"), ["It takes place: Gala"]);
}

#[tokio::test]
async fn who_books_a_moved_event_knows_when_it_starts() {
    let mails = Mails::start().await;
    let event = sold(&mails).await;
    patch(&mails, &event, json!({ "starts_at": in_hours(24 * 40) })).await;
    let mut records = records_of(&mails.evently.app.config.tables.events).await;
    // As if it had happened a while ago.
    let then = (jiff::Timestamp::now() - SignedDuration::from_mins(10)).as_second();
    for record in &mut records {
        record["dynamodb"]["ApproximateCreationDateTime"] = json!(then);
    }
    mails.told(records).await;
    make_due(&mails).await;
    mails.run().await;
    assert_eq!(mails.mails().len(), 0, "all of them booked after it");
}

#[tokio::test]
async fn many_bookers_are_told_over_several_runs() {
    let mails = Mails::start().await;
    let event = mails.evently.event_with(json!({ "capacity": 500, "name": "Gala" })).await;
    // More than one page of bookings.
    for number in 0..7 {
        let user = mails.user(&format!("user{number}@example.com")).await;
        for _ in 0..30 {
            user.buy(&event, 1).await;
        }
    }
    cancelled_by_release_before(&mails.evently, &event).await;
    tell_changes(&mails).await;
    let mut got: Vec<_> = mails.mails().into_iter().map(|mail| (mail.to, mail.subject)).collect();
    got.sort_unstable();
    let expected: Vec<_> =
        (0..7).map(|number| (format!("user{number}@example.com"), "Called off: Gala".to_owned())).collect();
    assert_eq!(got, expected);
}

#[tokio::test]
async fn whose_booking_was_cancelled_with_its_event_is_told_why_once_for_each() {
    let mails = Mails::start().await;
    let event = sold(&mails).await;
    let path = format!("/admin/events/{event}/cancel");
    let request = mails.evently.admin().request(reqwest::Method::POST, &path).header("If-Match", "*");
    let cancelled = send(request.json(&json!({ "reason": "The roof <leaks>." }))).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.body);
    janitor::run(&mails.evently.app, jiff::Timestamp::now()).await.unwrap();
    let tables = &mails.evently.app.config.tables;
    for table in [&tables.events, &tables.bookings, &tables.bookings] {
        assert_eq!(mails.told(records_of(table).await).await, json!({ "batchItemFailures": [] }));
    }
    make_due(&mails).await;
    mails.run().await;
    let got = |email: &str| {
        let mut got = mails.got(email);
        got.sort_unstable();
        got
    };
    assert_eq!(
        got("ada@example.com"),
        ["Booked: Gala", "Booked: Gala", "Called off: Gala", "Called off: Gala"]
    );
    assert_eq!(got("bob@example.com"), ["Booked: Gala", "Called off: Gala"]);
    assert_eq!(got("eve@example.com"), ["Booked: Gala", "Cancelled: Gala"], "she had cancelled before");
}
