//! How many round trips to the stores a request waits for, one after the other.

use std::time::Duration;

use local::{delayed::delayed, redis_server::RedisServer};
use tokio::time::Instant;

use serde_json::json;
use settings::RateLimits;

use crate::{
    common::{TestApp, own_redis, shared_dynamodb},
    seats::hall_event,
};

/// What each answer of a store takes longer. Far more than all else, so that the time of a request counts its trips.
const DELAY: Duration = Duration::from_millis(200);
/// Measurements, of which the shortest counts: what is longer was waiting for the machine.
const TRIES: usize = 3;

/// Bytes of the answer that says which of 20,000 seats are free, before it is compressed.
const SEATS_BYTES_MAX: usize = 60 * 1024;

/// The round trips of a request: the fewest of several times that it is sent.
async fn trips<T>(mut request: impl AsyncFnMut() -> T) -> u128 {
    let mut fewest = u128::MAX;
    for _ in 0..TRIES {
        let asked = Instant::now();
        request().await;
        fewest = fewest.min(asked.elapsed().as_millis() / DELAY.as_millis());
    }
    fewest
}

/// A service whose stores take their time, and its Redis, which lives as long as it is kept.
async fn slow() -> (TestApp, RedisServer) {
    let redis = own_redis().await;
    let redis_at = delayed(redis.url(), DELAY).await.unwrap();
    let dynamodb_at = delayed(shared_dynamodb(), DELAY).await.unwrap();
    let limited = |config: &mut settings::Config| {
        config.rate_limits = RateLimits {
            writes_per_minute: 1_000,
            reads_per_minute: 1_000,
            auth_per_minute: 1_000,
            registrations_per_hour: 1_000,
        };
    };
    let evently =
        TestApp::on(&format!("http://{dynamodb_at}"), &format!("redis://{redis_at}"), limited).await;
    (evently, redis)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_waits_for_few_round_trips() {
    let (evently, _redis) = slow().await;
    let (event, ada) = (evently.event(100).await, evently.user());
    // All is warm: connections, scripts, the event, the index.
    let warm = ada.buy(&event, 1).await;
    ada.cancel(&warm).await;
    for path in ["/events", "/events/popular"] {
        ada.get(path).await;
    }

    for path in [format!("/events/{event}"), "/events?q=conc".into(), "/events/popular".into()] {
        assert_eq!(trips(async || ada.get(&path).await).await, 1, "{path}");
    }
    let mut held = Vec::new();
    assert_eq!(trips(async || held.push(ada.hold(&event, 1).await)).await, 1, "book");
    let mut unconfirmed = held.clone();
    // Each event refuses for the first time.
    let mut sold_out = Vec::new();
    for _ in 0..TRIES {
        let event = evently.event(1).await;
        ada.hold(&event, 1).await;
        sold_out.push(event);
    }
    let bob = evently.user();
    let refused = async || bob.book(&sold_out.pop().unwrap(), 1).await.assert_problem(409, "all_held");
    assert_eq!(trips(refused).await, 1, "refusal");
    let replay = async || assert_eq!(ada.book_with_key(&event, 1, "again").await.status, 201);
    assert_eq!(trips(replay).await, 1, "replay");
    let mut given_back = Vec::new();
    for _ in 0..TRIES {
        given_back.push(bob.hold(&event, 1).await);
    }
    let release = async || {
        let path = format!("/reservations/{}", given_back.pop().unwrap());
        assert_eq!(bob.delete(&path).await.status, 204);
    };
    // The rate limit, then the hold.
    assert_eq!(trips(release).await, 2, "release");
    let confirm = async || assert_eq!(ada.confirm(&unconfirmed.pop().unwrap()).await.status, 201);
    // Begin, beside the rate limit; commit; finish.
    assert_eq!(trips(confirm).await, 3, "confirm");
    let cancel = async || assert_eq!(ada.cancel(&held.pop().unwrap()).await.status, 200);
    assert_eq!(trips(cancel).await, 3, "cancel");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seats_with_names_take_no_more_of_them_and_a_large_hall_is_seen_in_one() {
    let (evently, _redis) = slow().await;
    let (event, ada) = (hall_event(&evently, 100, 200).await, evently.user());
    let seats = format!("/events/{event}/seats");
    // All is warm.
    ada.get(&seats).await;
    let warm = ada.hold(&event, 1).await;
    assert_eq!(ada.confirm(&warm).await.status, 201);
    let mut size = 0;
    let look = async || size = ada.get(&seats).await.bytes.len();
    assert_eq!(trips(look).await, 1, "seats");
    assert!((20_000..SEATS_BYTES_MAX).contains(&size), "{size} bytes");
    let mut held = Vec::new();
    let best = async || held.push(ada.hold(&event, 2).await);
    assert_eq!(trips(best).await, 1, "the best");
    let mut row = 40;
    let choose = async || {
        row += 1;
        let wanted = json!({ "seats": [format!("{row}-1"), format!("{row}-2")] });
        assert_eq!(ada.book_with(&event, wanted).await.status, 201);
    };
    assert_eq!(trips(choose).await, 1, "chosen");
    let confirm = async || assert_eq!(ada.confirm(&held.pop().unwrap()).await.status, 201);
    assert_eq!(trips(confirm).await, 3, "confirm");
}
