//! Redis Cluster: every script finds its keys in one slot, and a failover in the middle of a sale ends exact.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use settings::Config;
use tokio::time::{Instant, sleep};

use crate::common::{Session, TestApp, cluster::Cluster, shared_dynamodb};

fn in_cluster(config: &mut Config) {
    config.redis.cluster = true;
    config.seats_per_shard = 10;
    config.confirm_grace_ms = 1_000;
    config.hold_ttl_ms = 30_000;
}

#[tokio::test]
async fn the_journey_works_over_all_slots_of_a_cluster() {
    let cluster = Cluster::start().await;
    let evently = TestApp::on(shared_dynamodb(), cluster.url(), in_cluster).await;
    let ada = evently.user();
    let events = join_all((0..12).map(|_| evently.event(25))).await;
    for event in &events {
        let booking = ada.buy(event, 3).await;
        ada.hold(event, 2).await;
        let given_back = ada.hold(event, 2).await;
        assert_eq!(ada.delete(&format!("/reservations/{given_back}")).await.status, 204);
        assert_eq!(ada.cancel(&booking).await.status, 200);
    }
    let listed = evently.anybody().get("/events").await;
    let available: Vec<_> =
        listed.body["items"].as_array().unwrap().iter().map(|item| item["available"].clone()).collect();
    assert_eq!(available, [23; 12]);
    let reused = ada.book_with_key(&events[0], 1, "a-key").await;
    assert_eq!(reused.status, 201);
    ada.book_with_key(&events[1], 1, "a-key").await.assert_problem(422, "idempotency_key_reused");
    let report = janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    assert_eq!((report.events_swept, report.events_failed, report.done.shards_repaired), (12, 0, 0));
}

/// Buys a seat as a stubborn client does: the same request again as long as the outcome is not known. Answers
/// whether it got one.
async fn buy(buyer: Session, event: String) -> bool {
    let deadline = Instant::now() + Duration::from_secs(40);
    let key = uuid::Uuid::now_v7().to_string();
    let mut last = None;
    while Instant::now() < deadline {
        let held = buyer.book_with_key(&event, 1, &key).await;
        let Some(id) = held.body["reservation"]["id"].as_str() else {
            if held.status == 409 && held.body["code"] == "sold_out" {
                return false;
            }
            sleep(Duration::from_millis(100)).await;
            last = Some(held.body);
            continue;
        };
        loop {
            let confirmed = buyer.confirm(id).await;
            match confirmed.status {
                200 | 201 => return true,
                // The hold was lost with the old primary, or its seat was sold.
                409 | 410 => return false,
                503 if Instant::now() < deadline => sleep(Duration::from_millis(100)).await,
                other => panic!("{other}: {}", confirmed.body),
            }
        }
    }
    panic!("no answer for a long time, but {last:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_in_the_middle_of_a_sale_ends_exact() {
    let cluster = Cluster::with_replica().await;
    let evently = TestApp::on(shared_dynamodb(), cluster.url(), in_cluster).await;
    // One whose keys are on the first node.
    let mut event = evently.event(60).await;
    while crc16(&event) % 16_384 > 5_460 {
        event = evently.event(60).await;
    }
    let buyers = (0..90).map(|n| {
        let (buyer, event) = (evently.user(), event.clone());
        tokio::spawn(async move {
            sleep(Duration::from_millis(20 * n)).await;
            buy(buyer, event).await
        })
    });
    let sale = tokio::spawn(join_all(buyers));
    // Its runs may fail while there is no primary.
    let app = std::sync::Arc::clone(&evently.app);
    let janitors = tokio::spawn(async move {
        loop {
            let _ = janitor::run(&app, Timestamp::now()).await;
            sleep(Duration::from_millis(500)).await;
        }
    });
    sleep(Duration::from_millis(600)).await;
    cluster.nodes[0].kill().unwrap();
    cluster.wait_for(3, "INFO replication", "role:master").await;

    let bought = sale.await.unwrap().into_iter().filter(|bought| *bought.as_ref().unwrap()).count();
    assert_eq!(
        evently.sold(&event).await as usize,
        bought,
        "everybody who was told so has a seat, nobody else has"
    );
    janitors.abort();
    // What was lost in the failover comes back, and the sale goes on until the last seat.
    let deadline = Instant::now() + Duration::from_secs(20);
    while evently.sold(&event).await < 60 {
        janitor::run(&evently.app, Timestamp::now()).await.unwrap();
        buy(evently.user(), event.clone()).await;
        sleep(Duration::from_millis(200)).await;
        assert!(Instant::now() < deadline, "seats are lost");
    }
    assert_eq!(evently.sold(&event).await, 60);
}

/// The checksum that gives a hash tag its slot (Redis Cluster specification: CRC16, XMODEM).
fn crc16(tag: &str) -> u16 {
    tag.bytes().fold(0, |crc, byte| {
        (0..8).fold(
            crc ^ u16::from(byte) << 8,
            |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 },
        )
    })
}
