//! What endpoints are told: every change once, signed, by the streams or by the look alone.

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Got, Hooks, Receiver, teller_over};
use crate::common::{Permissions, permissions::as_function};

/// Books and cancels, and does all that admins do to an event. What there is to tell of it, in the order of words.
async fn a_day(hooks: &Hooks) -> Vec<(String, String)> {
    let (evently, admin) = (&hooks.evently, hooks.evently.admin());
    let event = evently.event_with(json!({ "status": "draft" })).await;
    let path = format!("/admin/events/{event}");
    let change = async |change: Value| {
        let changed = admin.patch(&path, "*", change).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    };
    change(json!({ "name": "Not yet on show" })).await;
    change(json!({ "status": "published" })).await;
    let ada = evently.user();
    let booking = ada.buy(&event, 2).await;
    assert_eq!(ada.cancel(&booking).await.status, 200);
    change(json!({ "venue": "The Old Mill" })).await;
    change(json!({ "starts_at": "2033-06-12T18:00:00Z" })).await;
    change(json!({ "status": "cancelled" })).await;
    let (of_booking, of_event) = ([&booking], [&event]);
    let said = |kinds: &[&str], ids: [&String; 1]| -> Vec<(String, String)> {
        kinds.iter().map(|kind| ((*kind).to_owned(), ids[0].clone())).collect()
    };
    [
        said(&["booking.cancelled", "booking.confirmed"], of_booking),
        said(&["event.cancelled", "event.published", "event.rescheduled", "event.updated"], of_event),
    ]
    .concat()
}

#[tokio::test]
async fn a_server_tells_an_endpoint_every_change_once_and_signed() {
    let hooks = Hooks::start().await;
    let _reading = hooks.reading().await;
    let receiver = Receiver::start().await;
    let (_, secret) = hooks.endpoint(&format!("{}/hook?key=1", receiver.url)).await;
    let told = a_day(&hooks).await;
    let got = receiver.await_got(6).await;
    assert_eq!(receiver.said(), told);
    for got in &got {
        assert!(got.is_signed_by(&secret) && got.path == "/hook", "{got:?}");
        assert_eq!(got.header("content-type"), "application/json");
        let at: i64 = got.header("webhook-timestamp").parse().unwrap();
        assert!((Timestamp::now().as_second() - at).abs() < 60);
        assert!(!got.header("webhook-id").contains('.'), "it parts what is signed");
    }
    // Another run, and a look, tell nothing again.
    hooks.run_looking_every(SignedDuration::ZERO).await;
    assert_eq!(receiver.got().len(), 6);
}

#[tokio::test]
async fn a_message_shows_the_thing_as_the_api_does() {
    let hooks = Hooks::start().await;
    let receiver = Receiver::start().await;
    hooks.endpoint(&receiver.url).await;
    let event = hooks.evently.event(10).await;
    let ada = hooks.evently.user();
    let booking = ada.buy(&event, 2).await;
    hooks.tell_bookings().await;
    let got = receiver.await_got(1).await[0].json();
    let mut shown = ada.get(&format!("/bookings/{booking}")).await.body["booking"].clone();
    let fields = shown.as_object_mut().unwrap();
    fields.remove("event");
    fields.insert("user_id".to_owned(), json!(ada.user_id.unwrap()));
    assert_eq!((&got["type"], &got["data"]), (&json!("booking.confirmed"), &shown));
    assert_eq!(got["timestamp"], shown["created_at"]);

    let changed =
        hooks.evently.admin().patch(&format!("/admin/events/{event}"), "*", json!({ "venue": "Barn" })).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    hooks.tell_events().await;
    let got =
        receiver.await_got(3).await.iter().map(Got::json).find(|got| got["type"] == "event.updated").unwrap();
    let mut shown = hooks.evently.anybody().get(&format!("/events/{event}")).await.body;
    shown.as_object_mut().unwrap().remove("available");
    shown["areas"][0].as_object_mut().unwrap().remove("available");
    assert_eq!(got["data"], shown);
}

#[tokio::test]
async fn an_endpoint_is_told_what_it_asked_for_alone_and_each_by_itself() {
    let hooks = Hooks::start().await;
    let (all, some, off) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let (_, secret) = hooks.endpoint(&all.url).await;
    let types = ["booking.cancelled", "event.updated"];
    let (_, other) = hooks.endpoint_with(json!({ "url": some.url, "types": types })).await;
    hooks.endpoint_with(json!({ "url": off.url, "status": "disabled" })).await;
    let told = a_day(&hooks).await;
    hooks.tell_bookings().await;
    hooks.tell_events().await;
    assert_eq!(all.said(), told);
    let wanted: Vec<_> = told.into_iter().filter(|(kind, _)| types.contains(&kind.as_str())).collect();
    assert_eq!(some.said(), wanted);
    assert!(off.got().is_empty());
    assert!(all.got().iter().all(|got| got.is_signed_by(&secret) && !got.is_signed_by(&other)));
}

#[tokio::test]
async fn an_event_that_is_on_show_from_the_start_is_told_by_the_stream_and_by_looking_alike() {
    for by_stream in [true, false] {
        let hooks = Hooks::start().await;
        let receiver = Receiver::start().await;
        hooks.endpoint(&receiver.url).await;
        let event = hooks.evently.event_with(json!({ "status": "published" })).await;
        hooks.evently.event_with(json!({ "status": "draft" })).await;
        if by_stream {
            hooks.tell_events().await;
        }
        let report = hooks.run_looking_every(SignedDuration::ZERO).await;
        assert_eq!(report.missed, u32::from(!by_stream), "{report:?}");
        assert_eq!(receiver.said(), [("event.published".to_owned(), event)]);
    }
}

#[tokio::test]
async fn notes_of_what_is_being_created_are_read_by_nobody() {
    let hooks = Hooks::start().await;
    let receiver = Receiver::start().await;
    hooks.endpoint(&receiver.url).await;
    // With more shards than fit into its transaction: a note tells of them meanwhile.
    let event = hooks.evently.event_with(json!({ "capacity": 10_000 })).await;
    hooks.tell_events().await;
    assert_eq!(receiver.said(), [("event.published".to_owned(), event)]);
}

#[tokio::test]
async fn what_happened_before_an_endpoint_was_made_is_not_told() {
    let hooks = Hooks::start().await;
    hooks.book().await;
    let receiver = Receiver::start().await;
    hooks.endpoint(&receiver.url).await;
    hooks.tell_bookings().await;
    hooks.run_looking_every(SignedDuration::ZERO).await;
    assert!(receiver.got().is_empty(), "{:?}", receiver.got());
}

#[tokio::test]
async fn without_streams_all_is_told_by_looking_and_once() {
    let hooks = Hooks::start().await;
    let (one, other) = (Receiver::start().await, Receiver::start().await);
    hooks.endpoint(&one.url).await;
    hooks.endpoint_with(json!({ "url": other.url, "types": ["event.updated"] })).await;
    let told = a_day(&hooks).await;
    let report = hooks.run_looking_every(SignedDuration::ZERO).await;
    assert_eq!(report.missed, 7, "{report:?}");
    assert_eq!(one.said(), told);
    assert_eq!(other.got().len(), 1);
    hooks.run_looking_every(SignedDuration::ZERO).await;
    hooks.tell_bookings().await;
    hooks.tell_events().await;
    assert_eq!((one.got().len(), other.got().len()), (6, 1));
}

#[tokio::test]
async fn several_processes_tell_everything_once() {
    let hooks = Hooks::start().await;
    let receiver = Receiver::start().await;
    hooks.endpoint(&receiver.url).await;
    let told = a_day(&hooks).await;
    let tables = &hooks.evently.app.config.tables;
    let records =
        [crate::mails::records_of(&tables.bookings).await, crate::mails::records_of(&tables.events).await];
    let records: Vec<Value> = records.concat();
    let tellers =
        join_all((0..3).map(|_| async { teller_over(&hooks.evently, &Permissions::default()).await })).await;
    join_all(tellers.iter().map(|teller| {
        let mut records = records.clone();
        fastrand::shuffle(&mut records);
        as_function("notifications", notifications::handle(teller, json!({ "Records": records })))
    }))
    .await;
    assert_eq!(receiver.said(), told);
}
