//! What the service measures. How it comes to CloudWatch is tested in `shared`.

use jiff::Timestamp;
use serde_json::json;
use telemetry::names;
use tokio::time::sleep;

use crate::common::{TestApp, metrics::Measured};

fn value(measured: &[(String, f64)], name: &str) -> f64 {
    measured.iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("no {name}")).1
}

#[tokio::test]
async fn every_request_is_measured() {
    let measured = Measured::start();
    let evently = TestApp::start().await;
    evently.anybody().get("/events").await;
    evently.anybody().get("/nothing/here").await;
    let seen = measured.take();
    assert_eq!(value(&seen, names::REQUESTS), 2.0);
    assert_eq!(value(&seen, names::REQUESTS_REFUSED), 1.0);
    assert_eq!(value(&seen, names::REQUESTS_FAILED), 0.0);
    assert!(value(&seen, names::REQUEST_MS) > 0.0);

    let broken = TestApp::without_dynamodb().await;
    assert_eq!(broken.anybody().get("/events").await.status, 503);
    assert_eq!(value(&measured.take(), names::REQUESTS_FAILED), 1.0);
}

#[tokio::test]
async fn what_becomes_of_holds_and_confirms_is_measured_by_kind() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "capacity": 3, "max_per_user": 2 })).await;
    let (ada, bob) = (evently.user(), evently.user());
    let measured = Measured::start();

    let hold = ada.hold(&event, 2).await;
    ada.book(&event, 1).await.assert_problem(409, "max_per_user_reached");
    bob.book(&event, 2).await.assert_problem(409, "all_held");
    for status in [201, 200] {
        assert_eq!(ada.confirm(&hold).await.status, status);
    }
    bob.book(&event, 2).await.assert_problem(409, "sold_out");
    let given_back = bob.hold(&event, 1).await;
    assert_eq!(bob.delete(&format!("/reservations/{given_back}")).await.status, 204);
    bob.confirm(&given_back).await.assert_problem(410, "reservation_released");
    for _ in 0..2 {
        assert_eq!(ada.cancel(&hold).await.status, 200);
    }

    let seen = measured.take();
    let expected = [
        (names::HOLDS_MADE, 2.0),
        (names::HOLDS_OVER_LIMIT, 1.0),
        (names::HOLDS_ALL_HELD, 1.0),
        (names::HOLDS_SOLD_OUT, 1.0),
        (names::HOLDS_RELEASED, 1.0),
        (names::CONFIRMS_MADE, 1.0),
        (names::SEATS_BOOKED, 2.0),
        (names::CONFIRMS_REFUSED, 1.0),
        (names::BOOKINGS_CANCELLED, 1.0),
    ];
    for (name, times) in expected {
        assert_eq!(value(&seen, name), times, "{name}");
    }
}

#[tokio::test]
async fn the_janitor_measures_what_it_did_and_where_the_seats_are() {
    let evently = TestApp::with(|config| {
        config.seats_per_shard = 10;
        config.hold_ttl_ms = 600;
    })
    .await;
    let (event, ada) = (evently.event_with(json!({ "capacity": 30 })).await, evently.user());
    ada.buy(&event, 3).await;
    ada.hold(&event, 4).await;
    let begun = ada.hold(&event, 5).await;
    evently.app.redis.begin(begun.parse().unwrap(), ada.user_id.unwrap(), 60_000).await.unwrap();

    let measured = Measured::start();
    let seats = [
        names::SEATS_CAPACITY,
        names::SEATS_SOLD,
        names::SEATS_HELD,
        names::SEATS_IN_FLIGHT,
        names::SEATS_FREE,
    ];
    janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    let seen = measured.take();
    assert_eq!(seats.map(|name| value(&seen, name)), [30.0, 3.0, 4.0, 5.0, 18.0]);
    assert_eq!(value(&seen, names::SEATS_DRIFT), 0.0);
    assert_eq!(value(&seen, names::HOLDS_EXPIRED), 0.0, "a zero is a value, too");
    assert_eq!((value(&seen, names::EVENTS_SWEPT), value(&seen, names::RUN_COMPLETE)), (1.0, 1.0));

    sleep(std::time::Duration::from_millis(700)).await;
    let state = evently.keys().state(event.parse::<domain::id::EventId>().unwrap());
    evently.redis_command(redis::cmd("HINCRBY").arg(&state).arg("free:0").arg(2)).await;
    evently.redis_command(redis::cmd("HINCRBY").arg(&state).arg("free").arg(2)).await;
    janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    let seen = measured.take();
    assert_eq!(seats.map(|name| value(&seen, name)), [30.0, 3.0, 0.0, 5.0, 24.0]);
    assert_eq!(value(&seen, names::SEATS_DRIFT), -2.0, "it is told as it was found");
    assert_eq!(value(&seen, names::HOLDS_EXPIRED), 1.0);
    assert_eq!((value(&seen, names::SHARDS_REPAIRED), value(&seen, names::SEATS_TOO_MANY)), (1.0, 2.0));
}

#[tokio::test]
async fn every_metric_has_its_name_in_the_list() {
    let measured = Measured::start();
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    ada.buy(&event, 1).await;
    janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    let seen = measured.take();
    assert!(!seen.is_empty());
    for (name, _) in seen {
        assert!(names::ALL.contains(&name.as_str()), "{name} is not among the names");
    }
}
