//! Redis Cluster: every script finds its keys in one slot, and a failover in the middle of a sale ends exact.

use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;
use settings::Config;
use tokio::time::{Instant, sleep};

use crate::common::{Session, TestApp, cluster::Cluster, concert, shared_dynamodb};

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

/// The node of a hash tag's slot, of a cluster of three.
fn node_of(tag: &str) -> usize {
    usize::from(crc16(tag) % 16_384).div_euclid(5_461).min(2)
}

/// An event of two areas on two nodes, none of them the third.
async fn event_on_two_nodes(evently: &TestApp) -> String {
    let areas = json!([
        { "id": "floor", "name": "Floor", "capacity": 60, "base_price": 100 },
        { "id": "balcony", "name": "Balcony", "capacity": 20, "base_price": 200 },
    ]);
    loop {
        let mut event = concert(json!({ "capacity": null, "base_price": null }));
        event["areas"] = areas.clone();
        let created = evently.admin().post("/admin/events", event).await;
        assert_eq!(created.status, 201, "{}", created.body);
        let id = created.text("id");
        if (node_of(&id), node_of(&format!("{id}.1"))) == (0, 1) {
            return id;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_area_sells_on_while_the_node_of_another_is_dead() {
    let mut cluster = Cluster::start().await;
    let evently = TestApp::on(shared_dynamodb(), cluster.url(), in_cluster).await;
    let event = event_on_two_nodes(&evently).await;
    let buyer = || loop {
        let user = evently.user();
        if node_of(&user.user_id.unwrap().to_string()) != 1 {
            break user;
        }
    };
    let wanted = |area: &str| json!({ "area": area, "quantity": 1 });
    let sell = async |area: &str| {
        let user = buyer();
        let held = user.book_with(&event, wanted(area)).await;
        if held.status != 201 {
            return Err(held);
        }
        let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
        let confirmed = user.confirm(&id).await;
        if confirmed.status == 201 { Ok(()) } else { Err(confirmed) }
    };
    for area in ["floor", "balcony"] {
        sell(area).await.unwrap();
    }
    cluster.nodes[1].kill().unwrap();
    cluster.nodes[1].wait_dead().await;
    // At once, and also once the others have noticed.
    let (began, mut sold, mut slowest) = (Instant::now(), 0, Duration::ZERO);
    while began.elapsed() < Duration::from_secs(4) {
        let asked = Instant::now();
        sell("floor").await.unwrap();
        slowest = slowest.max(asked.elapsed());
        sold += 1;
        sleep(Duration::from_millis(150)).await;
    }
    assert!(sold >= 5, "{sold} sold, the slowest took {slowest:?}");
    let refused = sell("balcony").await.unwrap_err();
    refused.assert_problem(503, "try_again");
    // People see the event all the same.
    assert_eq!(evently.anybody().get(&format!("/events/{event}")).await.status, 200);

    cluster.nodes[1].restart().await.unwrap();
    cluster.wait_for(0, "CLUSTER INFO", "cluster_slots_ok:16384").await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while sell("balcony").await.is_err() {
        assert!(Instant::now() < deadline, "the balcony does not come back");
        sleep(Duration::from_millis(300)).await;
    }
    for _ in 0..3 {
        janitor::run(&evently.app, Timestamp::now()).await.unwrap();
        sleep(Duration::from_millis(1_100)).await;
    }
    let inventory = evently.admin().get(&format!("/admin/events/{event}/inventory")).await.body;
    let areas = inventory["by_area"].as_array().unwrap();
    assert_eq!((&areas[0]["sold"], &areas[0]["drift"]), (&json!(1 + sold), &json!(0)), "{inventory}");
    assert_eq!((&areas[1]["sold"], &areas[1]["drift"]), (&json!(2), &json!(0)), "{inventory}");
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
