//! What DynamoDB charges for a request, in capacity units. AWS's DynamoDB Local counts transactions twice, so this looks
//! at the embedded store only.

use http_api::App;
use local::{
    consumed::{Consumed, Units},
    embedded_store::{EmbeddedStore, Location},
};
use serde_json::json;
use settings::Config;
use stores::dynamodb;

use crate::{
    common::{TestApp, concert, own_redis},
    seats::{hall_event, hold},
};

/// Of one seat, booked and confirmed: 2 the booking and 1 its entry in the index `by_event`, 2 its inventory shard, 2 the
/// item that counts its user's seats, which is in the inventory, too. In a transaction a write costs two units.
const WRITES_TO_BUY: f64 = 7.0;
/// As docs/operate.md says, which warms the tables up by them.
const WRITES_BY_TABLE: [(&str, f64); 2] = [("bookings", 3.0), ("inventory", 4.0)];

#[tokio::test]
async fn each_request_consumes_few_units_and_none_is_read() {
    let dynamodb = EmbeddedStore::start(Location::Memory, None).await.unwrap();
    let redis = own_redis().await;
    let evently = TestApp::on(dynamodb.endpoint(), redis.url(), |_| {}).await;
    let consumed = Consumed::default();
    let client = consumed.counted(&dynamodb::client_for_endpoint(dynamodb.endpoint()));
    let evently = TestApp::serve(App::new(evently.app.config.clone(), client).unwrap()).await;
    let (event, warm) = (evently.event(100).await, evently.user());
    let booking = warm.buy(&event, 1).await;
    for path in ["/events", "/events/popular"] {
        warm.get(path).await;
    }
    consumed.take();

    let none = Units::default();
    for path in [format!("/events/{event}"), "/events".to_owned(), "/events/popular".to_owned()] {
        warm.get(&path).await;
        assert_eq!(consumed.take(), none, "{path}");
    }
    let ada = evently.user();
    let hold = ada.hold(&event, 1).await;
    assert_eq!(consumed.take(), none, "book");
    assert_eq!(ada.confirm(&hold).await.status, 201);
    assert_eq!(consumed.take(), Units { writes: WRITES_TO_BUY, reads: 0.0 }, "confirm");
    let hold = warm.hold(&event, 1).await;
    assert_eq!(warm.confirm(&hold).await.status, 201);
    let by_table = consumed.take_by_table().into_iter();
    let by_table: Vec<_> =
        by_table.map(|(table, units)| (table.rsplit('-').next().unwrap().to_owned(), units.writes)).collect();
    assert_eq!(by_table, WRITES_BY_TABLE.map(|(table, writes)| (table.to_owned(), writes)));
    warm.cancel(&booking).await;
    // The booking is read first, with strong consistency.
    assert_eq!(consumed.take(), Units { writes: WRITES_TO_BUY, reads: 1.0 }, "cancel");
}

#[tokio::test]
async fn seats_with_names_consume_no_more_even_if_all_of_the_longest_row_are_sold() {
    let dynamodb = EmbeddedStore::start(Location::Memory, None).await.unwrap();
    let redis = own_redis().await;
    let evently = TestApp::on(dynamodb.endpoint(), redis.url(), |_| {}).await;
    let consumed = Consumed::default();
    let client = consumed.counted(&dynamodb::client_for_endpoint(dynamodb.endpoint()));
    let evently = TestApp::serve(App::new(evently.app.config.clone(), client).unwrap()).await;
    for seats in [50, 200] {
        let (event, ada) = (hall_event(&evently, 1, seats).await, evently.user());
        ada.get(&format!("/events/{event}/seats")).await;
        for sold in 0..seats / 10 {
            consumed.take();
            let hold = hold(&ada, &event, json!({ "quantity": 10, "together": false })).await;
            assert_eq!(consumed.take(), Units::default(), "book");
            assert_eq!(ada.confirm(&hold).await.status, 201);
            let cost = Units { writes: WRITES_TO_BUY, reads: 0.0 };
            assert_eq!(consumed.take(), cost, "{sold} bookings of a row of {seats} before");
        }
    }
}

/// Of an entry of at most 1 KB, in a transaction.
const WRITES_TO_AUDIT: f64 = 2.0;

#[tokio::test]
async fn an_admins_action_costs_one_write_more_for_the_audit_trail_and_no_read() {
    let dynamodb = EmbeddedStore::start(Location::Memory, None).await.unwrap();
    let redis = own_redis().await;
    let audited = TestApp::on(dynamodb.endpoint(), redis.url(), |_| {}).await;
    let consumed = Consumed::default();
    let client = consumed.counted(&dynamodb::client_for_endpoint(dynamodb.endpoint()));
    let mut config = Config::clone(&audited.app.config);
    let audited = TestApp::serve(App::new(config.clone(), client.clone()).unwrap()).await;
    config.tables.audit = None;
    let unaudited = TestApp::serve(App::new(config, client).unwrap()).await;
    let mut costs = Vec::new();
    for evently in [&audited, &unaudited] {
        let (admin, mut units) = (evently.admin(), Vec::new());
        // A process looks once which tokens ended.
        assert_eq!(admin.get("/admin/events").await.status, 200);
        consumed.take();
        let created = admin.post("/admin/events", concert(json!({ "capacity": 10 }))).await;
        units.push(consumed.take());
        let path = created.header("location");
        for patch in [json!({ "capacity": 20 }), json!({ "capacity": 15 }), json!({ "status": "draft" })] {
            // Redis knows its seats.
            evently.anybody().get(&format!("/events/{}", created.text("id"))).await;
            consumed.take();
            assert_eq!(admin.patch(path, "*", patch).await.status, 200);
            units.push(consumed.take());
        }
        assert_eq!(admin.delete_version(path, "*").await.status, 204);
        units.push(consumed.take());
        costs.push(units);
    }
    let more = costs[0].iter().zip(&costs[1]).map(|(with, without)| {
        assert_eq!(with.reads, without.reads);
        with.writes - without.writes
    });
    assert_eq!(more.collect::<Vec<_>>(), [WRITES_TO_AUDIT; 5], "create, raise, lower, make a draft, delete");
}
