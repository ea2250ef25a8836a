//! Sales by rate: counted where places are sold, shown to admins, and exact whatever is cancelled or changed meanwhile.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use stores::dynamodb::client_for_endpoint;

use crate::common::{TestApp, shared_dynamodb};

fn rates() -> Value {
    json!([
        { "id": "full", "name": "Adults", "percent": 100 },
        { "id": "child", "name": "Up to 14", "percent": 50 },
    ])
}

fn sold(rate: &str, name: &str, sold: u64, revenue: u64) -> Value {
    json!({ "rate": rate, "name": name, "sold": sold, "revenue": revenue })
}

/// What admins see, which is the same wherever they look and comes to all that is sold.
async fn by_rate(evently: &TestApp, event: &str) -> Value {
    let admin = evently.admin();
    let inventory = admin.get(&format!("/admin/events/{event}/inventory")).await;
    let utilization = admin.get("/admin/events/capacity_utilization?limit=100").await;
    let items = utilization.body["items"].as_array().unwrap().iter();
    let item = items.clone().find(|item| item["event_id"] == event).unwrap();
    let by_rate = &inventory.body["by_rate"];
    assert_eq!((by_rate, &inventory.body["sold"]), (&item["by_rate"], &item["sold"]));
    let sum = |field: &str| {
        by_rate.as_array().unwrap().iter().map(|rate| rate[field].as_u64().unwrap()).sum::<u64>()
    };
    let revenue: u64 = evently.inventory(event).await.iter().map(|shard| shard.revenue).sum();
    assert_eq!((sum("sold"), sum("revenue")), (item["sold"].as_u64().unwrap(), revenue), "{by_rate}");
    by_rate.clone()
}

async fn event_with_rates(evently: &TestApp) -> String {
    let many = json!({ "capacity": 40, "base_price": 999, "max_per_user": 40, "rates": rates() });
    evently.event_with(many).await
}

#[tokio::test]
async fn what_is_sold_at_each_rate_is_counted_over_all_shards_and_taken_back_once() {
    let evently = TestApp::with(|config| config.seats_per_shard = 4).await;
    let (event, ada, ben) = (event_with_rates(&evently).await, evently.user(), evently.user());
    assert_eq!(
        by_rate(&evently, &event).await,
        json!([sold("full", "Adults", 0, 0), sold("child", "Up to 14", 0, 0)])
    );
    let wide = ada.buy_at(&event, 10, json!({ "child": 7 })).await;
    assert!(evently.inventory(&event).await.iter().filter(|shard| !shard.by_rate.is_empty()).count() > 1);
    ben.buy_at(&event, 2, json!({})).await;
    let expected = json!([sold("full", "Adults", 5, 5 * 999), sold("child", "Up to 14", 7, 7 * 500)]);
    assert_eq!(by_rate(&evently, &event).await, expected);
    let csv = evently.admin().get("/admin/events/capacity_utilization?format=csv").await;
    let csv = String::from_utf8(csv.bytes).unwrap();
    assert!(csv.contains(",0.3,\"full 5, child 7\",\"full 4995, child 3500\""), "{csv}");

    for _ in 0..2 {
        assert_eq!(ada.cancel(&wide).await.status, 200);
    }
    let expected = json!([sold("full", "Adults", 2, 2 * 999), sold("child", "Up to 14", 0, 0)]);
    assert_eq!(by_rate(&evently, &event).await, expected);
}

#[tokio::test]
async fn what_was_sold_keeps_its_rate_when_the_rates_change() {
    let evently = TestApp::start().await;
    let (event, ada, admin) = (evently.event(40).await, evently.user(), evently.admin());
    let change = async |rates: Value| {
        let changed = admin.patch(&format!("/admin/events/{event}"), "*", json!({ "rates": rates })).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    };
    let before = ada.buy(&event, 2).await;
    assert_eq!(by_rate(&evently, &event).await, json!([sold("full", "Full price", 2, 5_000)]));
    change(rates()).await;
    let child = ada.buy_at(&event, 1, json!({ "child": 1 })).await;
    let expected = json!([
        sold("full", "Adults", 0, 0),
        sold("child", "Up to 14", 1, 1_250),
        { "rate": null, "name": null, "sold": 2, "revenue": 5_000 },
    ]);
    assert_eq!(by_rate(&evently, &event).await, expected);

    change(json!([{ "id": "pupil", "name": "Pupils", "percent": 10 }])).await;
    let expected = json!([
        sold("pupil", "Pupils", 0, 0),
        { "rate": "child", "name": null, "sold": 1, "revenue": 1_250 },
        { "rate": null, "name": null, "sold": 2, "revenue": 5_000 },
    ]);
    assert_eq!(by_rate(&evently, &event).await, expected);
    for booking in [before, child] {
        assert_eq!(ada.cancel(&booking).await.status, 200);
    }
    assert_eq!(by_rate(&evently, &event).await, json!([sold("pupil", "Pupils", 0, 0)]));
}

#[tokio::test]
async fn a_booking_of_a_release_that_did_not_count_is_taken_back_from_no_rate() {
    let evently = TestApp::start().await;
    let (event, ada) = (event_with_rates(&evently).await, evently.user());
    let old = ada.buy_at(&event, 3, json!({ "child": 1 })).await;
    // As that release would have left it: the booking says nothing, and the shard counts nothing by rate.
    let (client, tables) = (client_for_endpoint(shared_dynamodb()), &evently.app.config.tables);
    let update = |table: &str| client.update_item().table_name(table);
    let text = AttributeValue::S;
    let shard = format!("{event}#{}", evently.inventory(&event).await[0].shard);
    update(&tables.bookings)
        .key("user_id", text(ada.user_id.unwrap().to_string()))
        .key("id", text(old.clone()))
        .update_expression("REMOVE counted_by_rate")
        .send()
        .await
        .unwrap();
    update(&tables.inventory)
        .key("shard_id", text(shard))
        .update_expression("REMOVE #a, #b, #c, #d")
        .expression_attribute_names("#a", "full:sold")
        .expression_attribute_names("#b", "full:revenue")
        .expression_attribute_names("#c", "child:sold")
        .expression_attribute_names("#d", "child:revenue")
        .send()
        .await
        .unwrap();
    let new = ada.buy_at(&event, 2, json!({ "child": 2 })).await;
    let expected = json!([
        sold("full", "Adults", 0, 0),
        sold("child", "Up to 14", 2, 1_000),
        { "rate": null, "name": null, "sold": 3, "revenue": 2_498 },
    ]);
    assert_eq!(by_rate(&evently, &event).await, expected);
    assert_eq!(ada.cancel(&old).await.status, 200);
    let expected = json!([sold("full", "Adults", 0, 0), sold("child", "Up to 14", 2, 1_000)]);
    assert_eq!(by_rate(&evently, &event).await, expected);
    assert_eq!(ada.cancel(&new).await.status, 200);
    assert_eq!(by_rate(&evently, &event).await[1], sold("child", "Up to 14", 0, 0));
}
