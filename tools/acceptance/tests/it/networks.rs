//! One network gets no more places of an event than one may, however many accounts it has.

use std::{future::ready, time::Duration};

use booking::Wanted;
use domain::{id::UserId, rate::ALL_AT_FIRST, reservation::BEST_SEATS};
use jiff::Timestamp;
use tokio::time::sleep;

use crate::common::{Session, TestApp};

async fn evently(most: u32, hold_ttl: Duration) -> TestApp {
    TestApp::with(|config| {
        config.network_places_max = Some(most);
        config.hold_ttl_ms = hold_ttl.as_millis().try_into().unwrap();
    })
    .await
}

const TEN_MINUTES: Duration = Duration::from_secs(600);

/// Somebody else each time, from there.
async fn somebody(evently: &TestApp, address: &str) -> Session {
    evently.from(address).await.signed_in_as(&evently.user())
}

#[tokio::test]
async fn many_accounts_of_one_address_get_as_much_as_one_network_may() {
    let evently = evently(10, TEN_MINUTES).await;
    let event = evently.event(100).await;
    for quantity in [6, 4] {
        somebody(&evently, "192.0.2.1").await.hold(&event, quantity).await;
    }
    let (carol, before) = (somebody(&evently, "192.0.2.1").await, Timestamp::now());
    let refused = carol.book(&event, 1).await;
    refused.assert_problem(409, "network_limit");
    let retry_at: Timestamp = refused.text("retry_at").parse().unwrap();
    let wait = retry_at.duration_since(before).as_secs();
    assert!((590..=600).contains(&wait), "{wait} s: when the first hold runs out");
    assert!(refused.header("retry-after").parse::<i64>().unwrap() >= wait - 1);
    assert_eq!(evently.available(&event).await, 90, "what was refused holds nothing");
    assert_eq!(carol.get("/reservations").await.body["items"].as_array().unwrap().len(), 0);

    somebody(&evently, "192.0.2.2").await.hold(&event, 10).await;
    carol.hold(&evently.event(10).await, 10).await;
}

#[tokio::test]
async fn a_hold_counts_as_long_as_it_lives_and_what_was_bought_for_an_hour() {
    let evently = evently(10, Duration::from_secs(1)).await;
    let event = evently.event(100).await;
    let (ada, ben) = (somebody(&evently, "192.0.2.1").await, somebody(&evently, "192.0.2.1").await);
    let booking = ada.buy(&event, 6).await;
    ben.hold(&event, 4).await;
    ben.book(&event, 1).await.assert_problem(409, "network_limit");
    sleep(Duration::from_millis(1_100)).await;
    ben.hold(&event, 4).await;
    let refused = ben.book(&event, 5).await;
    refused.assert_problem(409, "network_limit");
    sleep(Duration::from_millis(1_100)).await;
    ben.book(&event, 5).await.assert_problem(409, "network_limit");
    assert_eq!(ada.cancel(&booking).await.status, 200);
    sleep(Duration::from_millis(1_100)).await;
    ben.hold(&event, 10).await;
}

#[tokio::test]
async fn what_is_given_back_does_not_count() {
    let evently = evently(10, TEN_MINUTES).await;
    let (event, ada) = (evently.event(100).await, somebody(&evently, "192.0.2.1").await);
    for _ in 0..5 {
        let held = ada.hold(&event, 10).await;
        assert_eq!(ada.delete(&format!("/reservations/{held}")).await.status, 204);
    }
    somebody(&evently, "192.0.2.1").await.hold(&event, 10).await;
}

#[tokio::test]
async fn a_network_that_gets_seats_while_others_are_refused_is_counted_too() {
    let evently = evently(10, TEN_MINUTES).await;
    let event = evently.event(12).await;
    somebody(&evently, "192.0.2.1").await.hold(&event, 10).await;
    let (ben, carol) = (somebody(&evently, "192.0.2.2").await, somebody(&evently, "192.0.2.1").await);
    for _ in 0..2 {
        let held = ben.hold(&event, 2).await;
        somebody(&evently, "192.0.2.3").await.book(&event, 1).await.assert_problem(409, "all_held");
        assert_eq!(ben.delete(&format!("/reservations/{held}")).await.status, 204);
        carol.book(&event, 1).await.assert_problem(409, "network_limit");
    }
    assert_eq!(evently.available(&event).await, 2);
    ben.hold(&event, 2).await;
}

#[tokio::test]
async fn what_is_refused_or_asked_again_does_not_count() {
    let evently = evently(10, TEN_MINUTES).await;
    let (event, small) = (evently.event(100).await, evently.event(1).await);
    let ada = somebody(&evently, "192.0.2.1").await;
    for _ in 0..12 {
        ada.book(&small, 2).await.assert_problem(409, "sold_out");
        assert_eq!(ada.book_with_key(&event, 5, "same").await.status, 201);
    }
    assert_eq!(somebody(&evently, "192.0.2.1").await.book(&event, 5).await.status, 201);
    assert_eq!(somebody(&evently, "192.0.2.1").await.book(&small, 1).await.status, 201);
}

#[tokio::test]
async fn wider_networks_have_ten_times_as_much() {
    let evently = evently(2, TEN_MINUTES).await;
    let event = evently.event(100).await;
    for subnet in 0..10 {
        somebody(&evently, &format!("2001:db8:1:{subnet}::7")).await.hold(&event, 2).await;
    }
    let refused = somebody(&evently, "2001:db8:1:ffff::1").await.book(&event, 1).await;
    refused.assert_problem(409, "network_limit");
    somebody(&evently, "2001:db8:2::1").await.hold(&event, 2).await;
    let refused = somebody(&evently, "2001:db8:2::2").await.book(&event, 1).await;
    refused.assert_problem(409, "network_limit");
}

#[tokio::test]
async fn without_a_setting_it_is_a_hundred_or_two_percent() {
    let evently = TestApp::with(|config| config.network_places_max = None).await;
    for (capacity, most) in [(200, 100), (10_000, 200)] {
        let event = evently.event(capacity).await;
        for _ in 0..most / 10 {
            somebody(&evently, "192.0.2.1").await.hold(&event, 10).await;
        }
        let refused = somebody(&evently, "192.0.2.1").await.book(&event, 1).await;
        refused.assert_problem(409, "network_limit");
    }
}

#[tokio::test]
async fn who_is_not_known_is_not_counted_and_zero_counts_nobody() {
    let evently = evently(2, TEN_MINUTES).await;
    let event = evently.event(100).await;
    for _ in 0..5 {
        let wanted = Wanted {
            user: UserId::new(),
            event: event.parse().unwrap(),
            area: None,
            quantity: 2,
            rates: &ALL_AT_FIRST,
            seats: &BEST_SEATS,
            idempotency_key: "a",
            network: None,
        };
        booking::reserve(&evently.app.protocol, wanted, Timestamp::now(), ready(Ok(()))).await.unwrap();
    }
    let off = evently.another_with(|config| config.network_places_max = Some(0)).await;
    for _ in 0..5 {
        somebody(&off, "192.0.2.1").await.hold(&event, 2).await;
    }
    somebody(&evently, "192.0.2.1").await.hold(&event, 2).await;
    somebody(&evently, "192.0.2.1").await.book(&event, 1).await.assert_problem(409, "network_limit");
}

#[tokio::test]
async fn an_event_that_an_older_release_loaded_has_no_limit_until_it_is_refreshed() {
    let evently = TestApp::with(|config| config.network_places_max = None).await;
    let event = evently.event(200).await;
    let state = evently.keys().state(event.parse::<domain::id::EventId>().unwrap());
    somebody(&evently, "192.0.2.1").await.hold(&event, 10).await;
    evently.redis_command(redis::cmd("HDEL").arg(&state).arg("capacity").arg("cancel_until")).await;
    for _ in 0..10 {
        somebody(&evently, "192.0.2.1").await.hold(&event, 10).await;
    }
    janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    let refused = somebody(&evently, "192.0.2.1").await.book(&event, 1).await;
    refused.assert_problem(409, "network_limit");
}
