//! Pending bookings: durable holds, whose seats are taken in DynamoDB until they are confirmed or expire, exactly once. Payments are
//! to come: here a test writes what the outside would.

use std::future::ready;

use aws_sdk_dynamodb::types::AttributeValue;
use booking::{Confirmed, Decided, checkout, decide};
use domain::{
    booking::{Booking, BookingStatus, PendingReason},
    error::Error,
    id::ReservationId,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use settings::Config;
use stores::dynamodb::{self, Ending};

use crate::{
    bad_days::empty,
    common::{Answer, Session, TestApp, send, shared_dynamodb},
    seats::{self, hall_event},
};

fn quick(config: &mut Config) {
    config.confirm_grace_ms = 300;
}

async fn check_out(evently: &TestApp, user: &Session, id: &str, seconds: i64) -> Result<Confirmed, Error> {
    check_out_for(evently, user, id, PendingReason::Checkout, seconds).await
}

async fn check_out_for(
    evently: &TestApp,
    user: &Session,
    id: &str,
    reason: PendingReason,
    seconds: i64,
) -> Result<Confirmed, Error> {
    let (user, now) = (user.user_id.unwrap(), Timestamp::now());
    let until = now + SignedDuration::from_secs(seconds);
    let protocol = &evently.app.protocol;
    checkout(protocol, user, id.parse().unwrap(), (reason, until), now, None, ready(Ok(()))).await
}

/// Holds so many seats and checks out; the booking's id.
async fn pending(evently: &TestApp, user: &Session, event: &str, seats: u32, seconds: i64) -> String {
    let id = user.hold(event, seats).await;
    let booking = check_out(evently, user, &id, seconds).await.unwrap().booking;
    assert_eq!((booking.status, booking.version), (BookingStatus::Pending, 1));
    id
}

async fn booking_of(evently: &TestApp, user: &Session, id: &str) -> Booking {
    evently.app.store.booking(user.user_id.unwrap(), id.parse().unwrap()).await.unwrap().unwrap()
}

async fn decided(evently: &TestApp, user: &Session, id: &str) -> Decided {
    let user = user.user_id.unwrap();
    decide(&evently.app.protocol, user, id.parse().unwrap(), Timestamp::now()).await.unwrap()
}

/// What whoever talks to the outside would write on a booking.
async fn write(evently: &TestApp, user: &Session, id: &str, change: &str, values: &[(&str, AttributeValue)]) {
    let client = dynamodb::client_for_endpoint(shared_dynamodb());
    let mut update = client
        .update_item()
        .table_name(&evently.app.config.tables.bookings)
        .key("user_id", AttributeValue::S(user.user_id.unwrap().to_string()))
        .key("id", AttributeValue::S(id.to_owned()))
        .update_expression(change);
    for (name, value) in values {
        update = update.expression_attribute_values(*name, value.clone());
    }
    update.send().await.unwrap();
}

async fn open_attempt(evently: &TestApp, user: &Session, id: &str) {
    write(evently, user, id, "SET attempt = :one", &[(":one", AttributeValue::N("1".into()))]).await;
}

/// The outside's word, with which the booking is due.
async fn say(evently: &TestApp, user: &Session, id: &str, word: &str) {
    let values = [
        (":word", AttributeValue::S(word.into())),
        (":bucket", AttributeValue::S("3".into())),
        (":now", AttributeValue::N(Timestamp::now().as_millisecond().to_string())),
    ];
    write(evently, user, id, "SET outside = :word, due_bucket = :bucket, due_at = :now", &values).await;
}

async fn give_up(user: &Session, id: &str) -> Answer {
    user.delete(&format!("/bookings/{id}")).await
}

/// A closing booking of which nothing was paid, as the bookings' stream tells of it.
pub(crate) async fn answered(evently: &TestApp, user: &Session, event: &str) -> Value {
    let id = pending(evently, user, event, 1, 600).await;
    open_attempt(evently, user, &id).await;
    assert_eq!(give_up(user, &id).await.body["booking"]["status"], "closing");
    say(evently, user, &id, "none").await;
    record_of(evently, &booking_of(evently, user, &id).await)
}

/// An invocation with that booking as it is now.
fn record_of(evently: &TestApp, booking: &Booking) -> Value {
    let image: Value =
        serde_json::to_value(serde_dynamo::to_item::<_, serde_dynamo::Item>(booking).unwrap()).unwrap();
    let mut image = image;
    image["event_bucket"] = json!({ "S": format!("{}#1", booking.event_id) });
    let table = &evently.app.config.tables.bookings;
    json!({ "Records": [{
        "eventSourceARN": format!("arn:aws:dynamodb:eu-central-1:123456789012:table/{table}/stream/2026-01-01T00:00:00.000"),
        "dynamodb": { "SequenceNumber": "111", "NewImage": image },
    }] })
}

/// Where the seats are: sold, pending, free, and what is missing.
async fn seats_of(evently: &TestApp, event: &str) -> [i64; 4] {
    let shown = evently.admin().get(&format!("/admin/events/{event}/inventory")).await.body;
    ["sold", "pending", "free", "drift"].map(|name| shown[name].as_i64().unwrap_or_else(|| panic!("{shown}")))
}

async fn janitor(evently: &TestApp) -> janitor::Report {
    janitor::run(&evently.app, Timestamp::now()).await.unwrap()
}

#[tokio::test]
async fn a_hold_that_checks_out_is_pending_until_its_user_gives_it_up() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(5).await, evently.user());
    let id = pending(&evently, &ada, &event, 3, 600).await;
    assert_eq!(seats_of(&evently, &event).await, [0, 3, 2, 0]);
    assert_eq!(evently.available(&event).await, 2);

    let shown = ada.get(&format!("/bookings/{id}")).await.body["booking"].clone();
    assert_eq!(
        (&shown["status"], &shown["reason"], &shown["total"], &shown["version"]),
        (&json!("pending"), &json!("checkout"), &json!(7_500), &json!(1)),
        "{shown}"
    );
    assert!(shown["expires_at"].is_string());
    assert_eq!(ada.get("/bookings?status=pending").await.body["items"][0]["id"], json!(id));
    assert_eq!(ada.get("/bookings?status=confirmed").await.body["items"], json!([]));
    assert_eq!(ada.get(&format!("/reservations/{id}")).await.body["reservation"]["status"], "pending");
    assert_eq!(evently.user().get(&format!("/bookings/{id}")).await.status, 404, "it is nobody else's");

    let again = check_out(&evently, &ada, &id, 60).await.unwrap();
    assert!(again.replayed);
    assert_eq!(json!(again.booking.expires_at), json!(booking_of(&evently, &ada, &id).await.expires_at));
    let refused = ada.confirm(&id).await;
    refused.assert_problem(402, "payment_required");
    assert_eq!(refused.body["booking_id"], json!(id));
    ada.delete(&format!("/reservations/{id}")).await.assert_problem(409, "already_confirmed");
    ada.cancel(&id).await.assert_problem(409, "not_confirmed");
    give_up(&evently.user(), &id).await.assert_problem(404, "booking_not_found");

    for _ in 0..2 {
        let given_up = give_up(&ada, &id).await;
        assert_eq!(
            (given_up.status, &given_up.body["booking"]["status"], &given_up.body["booking"]["expires_at"]),
            (202, &json!("expired"), &Value::Null),
            "{}",
            given_up.body
        );
        assert_eq!(seats_of(&evently, &event).await, [0, 0, 5, 0]);
    }
    ada.confirm(&id).await.assert_problem(410, "reservation_expired");
    ada.cancel(&id).await.assert_problem(410, "reservation_expired");
    ada.delete(&format!("/reservations/{id}")).await.assert_problem(410, "reservation_expired");
    assert!(matches!(check_out(&evently, &ada, &id, 60).await, Err(Error::ReservationExpired)));
    let analytics = evently.admin().get("/admin/analytics").await.body;
    assert_eq!((&analytics["total_bookings"], &analytics["revenue"]), (&json!(0), &json!([])), "{analytics}");
}

#[tokio::test]
async fn what_is_confirmed_or_cancelled_is_not_given_up() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(5).await, evently.user());
    let id = ada.buy(&event, 1).await;
    give_up(&ada, &id).await.assert_problem(409, "already_confirmed");
    assert!(check_out(&evently, &ada, &id, 60).await.unwrap().replayed, "it is bought: nothing to pay");
    ada.cancel(&id).await;
    give_up(&ada, &id).await.assert_problem(409, "already_confirmed");
    assert_eq!(seats_of(&evently, &event).await, [0, 0, 5, 0]);
}

#[tokio::test]
async fn who_comes_too_late_is_told_when_pending_seats_may_return() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let (event, ada, bob) = (evently.event(4).await, evently.user(), evently.user());
    let later = pending(&evently, &ada, &event, 2, 900).await;
    let sooner = pending(&evently, &ada, &event, 1, 600).await;
    ada.buy(&event, 1).await;
    let expires_at = |booking: Booking| domain::time::shown(booking.expires_at.unwrap());
    let refused = bob.book(&event, 1).await;
    refused.assert_problem(409, "all_held");
    assert_eq!(refused.body["retry_at"], json!(expires_at(booking_of(&evently, &ada, &sooner).await)));
    bob.book(&event, 4).await.assert_problem(409, "sold_out");
    // Redis has lost which is the first; it loads how many there are.
    empty(&redis).await;
    bob.book(&event, 1).await.assert_problem(409, "all_held");
    for id in [&sooner, &later] {
        say(&evently, &ada, id, "paid").await;
        assert_eq!(decided(&evently, &ada, id).await, Decided::Confirmed);
    }
    janitor(&evently).await;
    bob.book(&event, 1).await.assert_problem(409, "sold_out");
}

#[tokio::test]
async fn pending_seats_count_for_what_one_user_may_have() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let event = evently.event_with(json!({ "max_per_user": 3 })).await;
    let ada = evently.user();
    let id = pending(&evently, &ada, &event, 2, 600).await;
    ada.book(&event, 2).await.assert_problem(409, "max_per_user_reached");
    empty(&redis).await;
    let held = ada.hold(&event, 2).await;
    ada.confirm(&held).await.assert_problem(409, "max_per_user_reached");
    assert_eq!(give_up(&ada, &id).await.status, 202);
    assert_eq!(ada.confirm(&held).await.status, 201);
}

#[tokio::test]
async fn the_janitor_ends_what_is_over_and_what_was_extended_goes_on() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let over = pending(&evently, &ada, &event, 2, -1).await;
    let extended = pending(&evently, &ada, &event, 3, -1).await;
    let lasting = pending(&evently, &ada, &event, 1, 600).await;
    let read = booking_of(&evently, &ada, &extended).await;
    let later = AttributeValue::N((Timestamp::now().as_millisecond() + 600_000).to_string());
    write(&evently, &ada, &extended, "SET expires_at = :later", &[(":later", later)]).await;
    let store = &evently.app.store;
    assert!(
        !store.expire_pending(&read, Ending::TimeOver, Timestamp::now()).await.unwrap(),
        "it was extended"
    );
    assert!(!store.close_pending(&read, Ending::TimeOver).await.unwrap());

    let report = janitor(&evently).await;
    assert_eq!((report.done.bookings_expired, report.done.bookings_undecided), (1, 0), "{report:?}");
    assert!(report.done.oldest_due_booking_ms >= 1_000, "{report:?}");
    assert_eq!(seats_of(&evently, &event).await, [0, 4, 6, 0]);
    for (id, status) in [(&over, "expired"), (&extended, "pending"), (&lasting, "pending")] {
        assert_eq!(ada.get(&format!("/bookings/{id}")).await.body["booking"]["status"], status);
    }
    assert_eq!(janitor(&evently).await.done.bookings_expired, 0);
}

#[tokio::test]
async fn one_that_was_paid_is_sold_in_one_transaction_that_moves_no_seat_for_redis() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "capacity": 10, "rates": [
        { "id": "adult", "name": "Adults", "percent": 100 }, { "id": "child", "name": "Up to 14", "percent": 50 },
    ] })).await;
    let ada = evently.user();
    let held = ada.book_with(&event, json!({ "quantity": 3, "rates": { "child": 1 } })).await;
    assert_eq!(held.status, 201, "{}", held.body);
    let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
    check_out(&evently, &ada, &id, 600).await.unwrap();
    let before = evently.inventory(&event).await;
    assert_eq!(before.iter().map(|shard| (shard.pending, shard.sold, shard.revenue)).next(), Some((3, 0, 0)));

    say(&evently, &ada, &id, "paid").await;
    let report = janitor(&evently).await;
    assert_eq!(report.done.bookings_confirmed, 1, "{report:?}");
    let after = evently.inventory(&event).await;
    assert_eq!(after[0].version, before[0].version);
    assert_eq!((after[0].pending, after[0].sold, after[0].revenue, after[0].bookings), (0, 3, 6_250, 1));
    let by_rate =
        evently.admin().get(&format!("/admin/events/{event}/inventory")).await.body["by_rate"].clone();
    assert_eq!((&by_rate[0]["sold"], &by_rate[1]["sold"]), (&json!(2), &json!(1)), "{by_rate}");
    assert_eq!(seats_of(&evently, &event).await, [3, 0, 7, 0]);
    let shown = ada.get(&format!("/bookings/{id}")).await.body["booking"].clone();
    assert_eq!(
        (&shown["status"], &shown["version"], &shown["expires_at"]),
        (&json!("confirmed"), &json!(2), &Value::Null)
    );
    assert_eq!(ada.confirm(&id).await.status, 200, "it was confirmed before");
    assert_eq!(decided(&evently, &ada, &id).await, Decided::Nothing, "once");
    let sales = evently.admin().get("/admin/analytics").await.body;
    assert_eq!((&sales["confirmed_bookings"], &sales["tickets_sold"]), (&json!(1), &json!(3)), "{sales}");

    assert_eq!(ada.cancel(&id).await.body["booking"]["version"], 3);
    let left = &evently.inventory(&event).await[0];
    assert_eq!(
        (
            left.sold,
            left.revenue,
            left.cancelled_bookings,
            left.by_rate.values().map(|sold| sold.seats).sum::<u64>()
        ),
        (0, 0, 1, 0)
    );
    assert_eq!(seats_of(&evently, &event).await, [0, 0, 10, 0]);
}

#[tokio::test]
async fn once_somebody_began_to_pay_the_outside_decides() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let [unpaid, paid] =
        [pending(&evently, &ada, &event, 2, -1).await, pending(&evently, &ada, &event, 3, 600).await];
    for id in [&unpaid, &paid] {
        open_attempt(&evently, &ada, id).await;
    }
    let report = janitor(&evently).await;
    assert_eq!((report.done.bookings_closed, report.done.bookings_expired), (1, 0), "{report:?}");
    let given_up = give_up(&ada, &paid).await;
    assert_eq!((given_up.status, &given_up.body["booking"]["status"]), (202, &json!("closing")));
    assert_eq!(give_up(&ada, &paid).await.status, 202);
    ada.confirm(&paid).await.assert_problem(402, "payment_required");
    ada.cancel(&paid).await.assert_problem(409, "not_confirmed");
    // Nothing is known yet: whoever looks leaves them.
    janitor(&evently).await;
    for id in [&unpaid, &paid] {
        assert_eq!(decided(&evently, &ada, id).await, Decided::Nothing);
    }
    assert_eq!(seats_of(&evently, &event).await, [0, 5, 5, 0]);

    say(&evently, &ada, &unpaid, "none").await;
    say(&evently, &ada, &paid, "paid").await;
    let report = janitor(&evently).await;
    assert_eq!((report.done.bookings_expired, report.done.bookings_confirmed), (1, 1), "{report:?}");
    assert_eq!(seats_of(&evently, &event).await, [3, 0, 7, 0]);
    // A word that comes once more, or another one, finds it decided.
    for word in ["paid", "none"] {
        say(&evently, &ada, &unpaid, word).await;
        say(&evently, &ada, &paid, word).await;
        let report = janitor(&evently).await;
        assert_eq!((report.done.bookings_expired, report.done.bookings_confirmed), (0, 0), "{report:?}");
    }
    assert_eq!(seats_of(&evently, &event).await, [3, 0, 7, 0]);
}

#[tokio::test]
async fn two_who_decide_at_once_do_it_once() {
    let evently = TestApp::with(|config| config.seats_per_shard = 2).await;
    let (event, ada) = (evently.event(40).await, evently.user());
    for _ in 0..6 {
        let id = pending(&evently, &ada, &event, 4, -1).await;
        let decisions = futures::future::join_all((0..4).map(|_| decided(&evently, &ada, &id))).await;
        let expired = decisions.iter().filter(|decided| **decided == Decided::Expired).count();
        assert_eq!((expired, decisions.contains(&Decided::Closing)), (1, false), "{decisions:?}");
        assert_eq!(seats_of(&evently, &event).await, [0, 0, 40, 0]);
    }
    for _ in 0..6 {
        let id = pending(&evently, &ada, &event, 4, -1).await;
        say(&evently, &ada, &id, "paid").await;
        let (one, other, answer) =
            tokio::join!(decided(&evently, &ada, &id), decided(&evently, &ada, &id), give_up(&ada, &id));
        let booking = booking_of(&evently, &ada, &id).await;
        let confirmed = [one, other].iter().filter(|decided| **decided == Decided::Confirmed).count();
        assert_eq!(
            confirmed == 1,
            booking.status == BookingStatus::Confirmed,
            "{one:?} {other:?} {}",
            answer.body
        );
        assert!(matches!(booking.status, BookingStatus::Confirmed | BookingStatus::Expired), "{booking:?}");
        assert_eq!(seats_of(&evently, &event).await[1..], [0, 40 - seats_of(&evently, &event).await[0], 0]);
    }
}

#[tokio::test]
async fn a_checkout_that_crashed_is_settled_as_one_that_is_pending() {
    let evently = TestApp::with(quick).await;
    let (event, ada) = (evently.event(5).await, evently.user());
    let id = ada.hold(&event, 2).await;
    let (user, reservation) = (ada.user_id.unwrap(), id.parse::<ReservationId>().unwrap());
    let begun = evently.app.redis.begin(reservation, user, 300).await.unwrap();
    let stores::redis::scripts::Begin::Begun(hold) = begun else { panic!("{begun:?}") };
    let now = Timestamp::now();
    let until = now + SignedDuration::from_secs(600);
    let booking = Booking::from_hold(&hold, user, now).pending(PendingReason::Checkout, until);
    evently.app.store.commit_booking(&booking, 100).await.unwrap();
    // The process is gone. Confirming finds what it left.
    ada.confirm(&id).await.assert_problem(402, "payment_required");
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    janitor(&evently).await;
    assert_eq!(seats_of(&evently, &event).await, [0, 2, 3, 0]);
    evently.user().book(&event, 4).await.assert_problem(409, "all_held");
    assert_eq!(give_up(&ada, &id).await.status, 202);
    assert_eq!(seats_of(&evently, &event).await, [0, 0, 5, 0]);
}

#[tokio::test]
async fn without_redis_a_pending_booking_ends_all_the_same() {
    let (evently, mut redis) = TestApp::with_own_redis(quick).await;
    let (event, ada) = (evently.event(5).await, evently.user());
    let id = pending(&evently, &ada, &event, 2, 600).await;
    redis.kill().unwrap();
    redis.wait_dead().await;
    let given_up = give_up(&ada, &id).await;
    assert_eq!(
        (given_up.status, &given_up.body["booking"]["status"]),
        (202, &json!("expired")),
        "{}",
        given_up.body
    );
    redis.restart().await.unwrap();
    assert_eq!(seats_of(&evently, &event).await, [0, 0, 5, 0]);
}

#[tokio::test]
async fn redis_hears_of_seats_that_came_back_while_a_process_died() {
    let evently = TestApp::with(quick).await;
    let (event, ada) = (evently.event(5).await, evently.user());
    let id = pending(&evently, &ada, &event, 2, 600).await;
    let booking = booking_of(&evently, &ada, &id).await;
    let expired = evently.app.store.expire_pending(&booking, Ending::GivenUp, Timestamp::now()).await;
    assert!(expired.unwrap(), "and the process is gone before it tells Redis");
    assert_eq!(seats_of(&evently, &event).await, [0, 0, 3, 2]);
    // A difference must be old before it is believed.
    janitor(&evently).await;
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    janitor(&evently).await;
    assert_eq!(seats_of(&evently, &event).await, [0, 0, 5, 0]);
    assert_eq!(give_up(&ada, &id).await.status, 202);
    assert_eq!(seats_of(&evently, &event).await, [0, 0, 5, 0], "once");
}

#[tokio::test]
async fn seats_with_names_are_pending_sold_and_come_back_by_name() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let (event, ada, bob) = (hall_event(&evently, 1, 6).await, evently.user(), evently.user());
    let id = seats::hold(&ada, &event, json!({ "seats": ["1-2", "1-3"] })).await;
    check_out(&evently, &ada, &id, 600).await.unwrap();
    let free = async || {
        evently.anybody().get(&format!("/events/{event}/seats")).await.body["rows"][0]["free"].clone()
    };
    assert_eq!(free().await, "100111");
    seats::book(&bob, &event, json!({ "seats": ["1-3"] })).await.assert_problem(409, "seats_taken");
    empty(&redis).await;
    assert_eq!(free().await, "100111", "as DynamoDB has it");
    assert_eq!(give_up(&ada, &id).await.status, 202);
    assert_eq!(free().await, "111111");

    let id = seats::hold(&ada, &event, json!({ "seats": ["1-2", "1-3"] })).await;
    check_out(&evently, &ada, &id, 600).await.unwrap();
    say(&evently, &ada, &id, "paid").await;
    assert_eq!(decided(&evently, &ada, &id).await, Decided::Confirmed);
    assert_eq!(free().await, "100111");
    assert_eq!(ada.cancel(&id).await.status, 200);
    assert_eq!(free().await, "111111");
    assert_eq!(seats_of(&evently, &event).await, [0, 0, 6, 0]);
}

#[tokio::test]
async fn a_cancelled_event_takes_pending_bookings_with_it_even_if_they_are_paid_later() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let [plain, begun, closing] = [
        pending(&evently, &ada, &event, 1, 600).await,
        pending(&evently, &ada, &event, 2, 600).await,
        pending(&evently, &ada, &event, 3, 600).await,
    ];
    let bought = ada.buy(&event, 1).await;
    for id in [&begun, &closing] {
        open_attempt(&evently, &ada, id).await;
    }
    assert_eq!(give_up(&ada, &closing).await.body["booking"]["status"], "closing");
    let cancel = evently.admin().request(reqwest::Method::POST, &format!("/admin/events/{event}/cancel"));
    let cancelled = send(cancel.header("If-Match", "*").json(&json!({ "reason": "Storm" }))).await;
    assert_eq!(
        (cancelled.status, &cancelled.body["cancellation"]["places_left"]),
        (200, &json!(7)),
        "{}",
        cancelled.body
    );

    let report = janitor(&evently).await;
    assert_eq!((report.done.bookings_cancelled, report.done.events_being_cancelled), (2, 1), "{report:?}");
    let statuses = async || {
        let mut statuses = Vec::new();
        for id in [&plain, &begun, &closing, &bought] {
            statuses.push(booking_of(&evently, &ada, id).await.status.as_str());
        }
        statuses
    };
    assert_eq!(statuses().await, ["expired", "closing", "closing", "cancelled"]);
    say(&evently, &ada, &begun, "paid").await;
    say(&evently, &ada, &closing, "none").await;
    assert_eq!(janitor(&evently).await.done.events_being_cancelled, 0, "what is due is decided first");
    assert_eq!(statuses().await, ["expired", "expired", "expired", "cancelled"]);
    assert!(
        evently.inventory(&event).await.iter().all(|shard| shard.closed && shard.sold + shard.pending == 0)
    );
    assert_eq!(seats_of(&evently, &event).await, [0, 0, 10, 0]);

    // Whoever began before the end can't check out behind it.
    let told = evently.anybody().get(&format!("/events/{event}")).await.body;
    assert_eq!(told["status"], "cancelled");
}

#[tokio::test]
async fn who_checks_out_and_gives_up_again_and_again_has_to_pause() {
    let evently = TestApp::with(|config| {
        config.unbought_ttls_max = 3;
        config.hold_ttl_ms = 1_000;
    })
    .await;
    let (event, ada, bob) = (evently.event(5).await, evently.user(), evently.user());
    let hold_for_long = async |user: &Session, reason| {
        let id = user.hold(&event, 1).await;
        check_out_for(&evently, user, &id, reason, 600).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(3_100)).await;
        assert_eq!(give_up(user, &id).await.status, 202);
    };
    tokio::join!(hold_for_long(&ada, PendingReason::Checkout), hold_for_long(&bob, PendingReason::Offer));
    ada.book(&event, 1).await.assert_problem(409, "held_too_long");
    assert_eq!(bob.book(&event, 1).await.status, 201, "who was offered seats has not asked for them");
}

#[tokio::test]
async fn pending_seats_are_in_nobodys_way_and_nobody_is_in_theirs() {
    let evently = TestApp::start().await;
    let (event, ada, admin) = (evently.event(5).await, evently.user(), evently.admin());
    let id = pending(&evently, &ada, &event, 2, 600).await;
    let path = format!("/admin/events/{event}");
    let lowered = admin.patch(&path, "*", json!({ "capacity": 1 })).await;
    lowered.assert_problem(409, "capacity_below_sold");
    assert_eq!(lowered.body["lowest_capacity"], 2);
    admin.patch(&path, "*", json!({ "status": "draft" })).await.assert_problem(409, "event_has_bookings");
    assert_eq!(admin.patch(&path, "*", json!({ "capacity": 2 })).await.status, 200);
    let utilization = admin.get("/admin/events/capacity_utilization").await.body["items"][0].clone();
    assert_eq!(
        (
            &utilization["sold"],
            &utilization["pending"],
            &utilization["available"],
            &utilization["by_area"][0]["pending"]
        ),
        (&json!(0), &json!(2), &json!(0), &json!(2)),
        "{utilization}"
    );
    let listed = admin.get(&format!("/admin/events/{event}/bookings?status=pending")).await.body;
    assert_eq!(listed["items"][0]["id"], json!(id), "{listed}");
    assert_eq!(admin.patch(&path, "*", json!({ "capacity": 6 })).await.status, 200);
    assert_eq!(seats_of(&evently, &event).await, [0, 2, 4, 0]);
    assert_eq!(give_up(&ada, &id).await.status, 202);
    assert_eq!(seats_of(&evently, &event).await, [0, 0, 6, 0]);
}

#[tokio::test]
async fn what_the_outside_says_is_followed_at_once_and_however_often_it_is_told() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(5).await, evently.user());
    let unpaid = answered(&evently, &ada, &event).await;
    let paid = pending(&evently, &ada, &event, 2, 600).await;
    open_attempt(&evently, &ada, &paid).await;
    say(&evently, &ada, &paid, "paid").await;
    let paid = record_of(&evently, &booking_of(&evently, &ada, &paid).await);
    let untouched = pending(&evently, &ada, &event, 1, -1).await;
    let untouched = record_of(&evently, &booking_of(&evently, &ada, &untouched).await);
    for record in [&unpaid, &paid, &untouched, &paid, &unpaid] {
        let done = followup::handle(&evently.app, record.clone()).await.unwrap();
        assert_eq!(done, json!({ "batchItemFailures": [] }));
    }
    assert_eq!(seats_of(&evently, &event).await, [2, 1, 2, 0]);
    let mut unreadable = paid.clone();
    unreadable["Records"][0]["dynamodb"]["NewImage"]["quantity"] = json!({ "S": "many" });
    let done = followup::handle(&evently.app, unreadable).await.unwrap();
    assert_eq!(done, json!({ "batchItemFailures": [{ "itemIdentifier": "111" }] }));
    // Without the store it comes again.
    let later = followup::handle(&evently.losing_dynamodb().await.app, paid).await.unwrap();
    assert_eq!(later, json!({ "batchItemFailures": [{ "itemIdentifier": "111" }] }));
}

/// What other releases meet in the table. The golden files have no such booking: each new one of their day changes them all.
#[tokio::test]
async fn each_status_is_kept_as_other_releases_read_it() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let kept = async |id: &str| {
        let item = dynamodb::client_for_endpoint(shared_dynamodb())
            .get_item()
            .table_name(&evently.app.config.tables.bookings)
            .key("user_id", AttributeValue::S(ada.user_id.unwrap().to_string()))
            .key("id", AttributeValue::S(id.to_owned()));
        let item = item.send().await.unwrap().item.unwrap();
        let word =
            |name: &str| item.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        let words = [word("status"), word("reason"), word("outside")];
        let always =
            ["created_at", "currency", "draws", "event_bucket", "event_id", "event_name", "id", "quantity"];
        let always = [&always[..], &["starts_at", "status", "unit_price", "user_id", "version"]].concat();
        let mut names: Vec<_> =
            item.keys().filter(|name| !always.contains(&name.as_str())).cloned().collect();
        names.sort_unstable();
        let is_time = |name: &str| item.get(name).is_none_or(|at| at.as_n().is_ok_and(|at| at.len() == 13));
        assert!(["expires_at", "due_at", "confirmed_at", "expired_at"].into_iter().all(is_time), "{item:?}");
        (words.join(" "), names.join(" "), item["version"].as_n().unwrap().clone())
    };
    let is =
        |words: &str, names: &str, version: &str| (words.to_owned(), names.to_owned(), version.to_owned());
    let [first, second, third, fourth] = [
        pending(&evently, &ada, &event, 1, 600).await,
        pending(&evently, &ada, &event, 1, 600).await,
        pending(&evently, &ada, &event, 1, 600).await,
        pending(&evently, &ada, &event, 1, 600).await,
    ];
    assert_eq!(kept(&first).await, is("pending checkout ", "due_at due_bucket expires_at reason", "1"));
    assert_eq!(give_up(&ada, &first).await.status, 202);
    assert_eq!(kept(&first).await, is("expired checkout ", "expired_at expires_at reason", "2"));
    open_attempt(&evently, &ada, &second).await;
    assert_eq!(give_up(&ada, &second).await.status, 202);
    assert_eq!(kept(&second).await, is("closing checkout ", "attempt expires_at reason", "2"));
    say(&evently, &ada, &third, "paid").await;
    assert_eq!(decided(&evently, &ada, &third).await, Decided::Confirmed);
    assert_eq!(
        kept(&third).await,
        is("confirmed checkout paid", "confirmed_at expires_at outside reason", "2")
    );
    open_attempt(&evently, &ada, &fourth).await;
    evently.app.store.void_pending(&booking_of(&evently, &ada, &fourth).await).await.unwrap();
    assert_eq!(kept(&fourth).await, is("closing checkout ", "attempt expires_at reason void", "2"));
    let at_once = ada.buy(&event, 1).await;
    assert_eq!(kept(&at_once).await, is("confirmed  ", "", "1"), "as before");
    let shard = evently.inventory(&event).await.remove(0);
    assert_eq!((shard.sold, shard.pending, shard.unsold), (2, 2, 6));
}
