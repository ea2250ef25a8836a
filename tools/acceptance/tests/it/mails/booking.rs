//! Bookings: whoever books and cancels is told each once, by the streams.

use serde_json::json;

use super::{Mails, records_of};

#[tokio::test]
async fn who_books_and_cancels_gets_a_mail_of_each() {
    let mails = Mails::start().await;
    let _reading = mails.reading().await;
    let start = "2031-06-12T18:00:00.000Z";
    let event =
        json!({ "name": "Open Air", "starts_at": start, "time_zone": "Europe/Berlin", "base_price": 4_500 });
    let event = mails.evently.event_with(event).await;
    let ada = mails.user_called("ada@example.com", Some("Ada")).await;
    let booking = ada.buy(&event, 2).await;
    let booked = &mails.await_mails(1).await[0];
    assert_eq!((booked.to.as_str(), booked.name.as_deref()), ("ada@example.com", Some("Ada")));
    assert_eq!(
        (booked.from.as_str(), booked.subject.as_str()),
        ("tickets@evently.example", "Booked: Open Air")
    );
    assert_eq!(booked.id, format!("booking.confirmed.{booking}.1@evently.example"));
    assert!(booked.headers.contains("Auto-Submitted: auto-generated"), "{}", booked.headers);
    for part in ["Hello Ada,", "Thu, 12 June 2031, 20:00 CEST", "Town Hall", "90.00 EUR", &booking] {
        assert!(booked.text.contains(part) && booked.html.contains(part), "{part}: {booked:#?}");
    }
    let link = format!("https://tickets.example.com/shop/bookings/{booking}");
    assert!(booked.text.contains(&link) && booked.html.contains(&format!("href=\"{link}\"")), "{booked:#?}");
    let calendar = booked.calendar.as_deref().unwrap();
    assert!(
        calendar.contains("DTSTART:20310612T180000Z") && calendar.contains("STATUS:CONFIRMED"),
        "{calendar}"
    );

    assert_eq!(ada.cancel(&booking).await.status, 200);
    let cancelled = &mails.await_mails(2).await[1];
    assert_eq!(
        (cancelled.to.as_str(), cancelled.subject.as_str()),
        ("ada@example.com", "Cancelled: Open Air")
    );
    assert_eq!(cancelled.id, format!("booking.cancelled.{booking}.2@evently.example"));
    assert!(cancelled.text.contains("90.00 EUR"), "{}", cancelled.text);
    assert!(cancelled.calendar.as_deref().unwrap().contains("STATUS:CANCELLED"));
}

#[tokio::test]
async fn what_was_before_anybody_read_the_streams_is_not_told() {
    let mails = Mails::start().await;
    let event = mails.evently.event(10).await;
    let ada = mails.user("ada@example.com").await;
    ada.buy(&event, 1).await;
    let _reading = mails.reading().await;
    let second = ada.buy(&event, 1).await;
    assert!(mails.await_mails(1).await[0].id.contains(&second));
}

#[tokio::test]
async fn a_reader_that_starts_again_goes_on_where_it_stopped() {
    let mails = Mails::start().await;
    let event = mails.evently.event(10).await;
    let ada = mails.user("ada@example.com").await;
    let reading = mails.reading().await;
    ada.buy(&event, 1).await;
    mails.await_mails(1).await;
    drop(reading);
    let second = ada.buy(&event, 1).await;
    // Nobody else may read until the lease of the one that is gone is over.
    let _reading = mails.reading().await;
    let mails = mails.await_mails(2).await;
    assert!(mails[1].id.contains(&second), "{mails:#?}");
}

#[tokio::test]
async fn several_processes_tell_everything_once() {
    let mails = Mails::start().await;
    let event = mails.evently.event(100).await;
    let _readers = [mails.reading().await, mails.reading().await, mails.reading().await];
    let mut expected = Vec::new();
    for number in 0..8 {
        let user = mails.user(&format!("user{number}@example.com")).await;
        expected.push(format!("booking.confirmed.{}.1@evently.example", user.buy(&event, 1).await));
    }
    let mut told: Vec<_> = mails.await_mails(8).await.into_iter().map(|mail| mail.id).collect();
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn records_may_come_in_any_order_and_again_and_unreadable_ones_stop_nothing() {
    let mails = Mails::start().await;
    let event = mails.evently.event_with(json!({ "capacity": 50, "name": "Gala" })).await;
    let users = [mails.user("ada@example.com").await, mails.user("bob@example.com").await];
    for user in &users {
        let booking = user.buy(&event, 1).await;
        assert_eq!(user.cancel(&booking).await.status, 200);
    }
    let tables = &mails.evently.app.config.tables;
    let mut records = records_of(&tables.bookings).await;
    records.extend(records_of(&tables.events).await);
    let mut broken =
        records.iter().find(|record| record["dynamodb"]["NewImage"]["draws"].is_object()).unwrap().clone();
    broken["dynamodb"]["NewImage"]["quantity"] = json!({ "S": "many" });
    broken["dynamodb"]["SequenceNumber"] = json!("broken");
    let mut foreign = broken.clone();
    foreign["eventSourceARN"] = json!("arn:aws:dynamodb:eu-central-1:1:table/others/stream/2031");
    foreign["dynamodb"]["SequenceNumber"] = json!("foreign");
    records.insert(0, broken);
    records.insert(3, foreign);
    let mut shuffled = records.clone();
    fastrand::shuffle(&mut shuffled);
    for records in [shuffled, records] {
        let answer = mails.told(records).await;
        let failed = answer["batchItemFailures"].as_array().unwrap();
        let mut failed: Vec<_> = failed.iter().map(|item| item["itemIdentifier"].as_str().unwrap()).collect();
        failed.sort_unstable();
        assert_eq!(failed, ["broken", "foreign"]);
        for email in ["ada@example.com", "bob@example.com"] {
            let mut got = mails.got(email);
            got.sort_unstable();
            assert_eq!(got, ["Booked: Gala", "Cancelled: Gala"], "{email}");
        }
    }
}
