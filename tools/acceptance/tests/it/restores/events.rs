//! Events of another second than their bookings and shards.

use restore::{Kind, Table};
use serde_json::json;

use super::{CAPACITY, Stock};

#[tokio::test]
async fn an_event_that_is_older_than_its_shards_keeps_its_capacity_unless_more_was_sold() {
    let stock = Stock::sold().await;
    let then = stock.items(Table::Events).await;
    stock.patch(json!({ "capacity": 60 })).await;
    let party: Vec<_> = (0..4).map(|_| stock.evently.user()).collect();
    for buyer in &party {
        buyer.buy(&stock.event, 6).await;
    }
    stock.set(Table::Events, &then).await;
    let plan = stock.plan().await;
    assert!(plan.remarks.iter().any(|remark| remark.contains("was changed by admins since")), "{plan}");
    let kinds = stock.mend().await;
    assert!(kinds.contains(&Kind::Event), "{kinds:?}");
    let sold = 4 + 7 + 2 + 24;
    assert_eq!(stock.shown().await["capacity"], sold);
    // What the admin had decided is done again, and all is sold.
    stock.patch(json!({ "capacity": 60 })).await;
    stock.sell_to_the_last(60).await;
}

#[tokio::test]
async fn an_event_that_is_newer_than_its_shards_has_the_capacity_that_it_says() {
    let stock = Stock::sold().await;
    let then = stock.items(Table::Inventory).await;
    stock.patch(json!({ "capacity": 41 })).await;
    stock.set(Table::Inventory, &then).await;
    assert_eq!(stock.mend().await, [Kind::MissingShard]);
    stock.sell_to_the_last(41).await;

    let stock = Stock::sold().await;
    let then = stock.items(Table::Inventory).await;
    stock.patch(json!({ "capacity": 20 })).await;
    stock.set(Table::Inventory, &then).await;
    assert_eq!(stock.mend().await, [Kind::Shard]);
    stock.sell_to_the_last(20).await;
}

#[tokio::test]
async fn a_missing_event_is_made_again_as_the_audit_trail_has_it() {
    let stock = Stock::sold().await;
    stock
        .patch(json!({
            "description": "With an orchestra", "venue": "Opera", "pricing": { "max_percent": 130 },
            "sales_close_at": crate::common::in_hours(24 * 29), "capacity": 40,
        }))
        .await;
    stock.patch(json!({ "venue": null, "name": "Gala" })).await;
    let before = stock.shown().await;
    stock.set(Table::Events, &super::Items::new()).await;
    assert_eq!(stock.mend().await, [Kind::MissingEvent]);
    let mut after = stock.shown().await;
    assert!(after["version"].as_u64() > before["version"].as_u64(), "no version stands for two events");
    after["version"] = before["version"].clone();
    assert_eq!(after, before);
    stock.sell_to_the_last(40).await;
    // Its prices go on from its first.
    stock.patch(json!({ "base_price": 3_000 })).await;
}

#[tokio::test]
async fn a_missing_event_of_which_the_audit_trail_knows_nothing_is_made_again_by_its_bookings_with_closed_sales()
 {
    let stock = Stock::sold().await;
    let before = stock.shown().await;
    stock.set(Table::Events, &super::Items::new()).await;
    stock.set(Table::Audit, &super::Items::new()).await;
    let plan = stock.plan().await;
    assert!(plan.remarks.iter().any(|remark| remark.contains("with its sales closed")), "{plan}");
    assert_eq!(stock.mend().await, [Kind::MissingEvent]);
    let after = stock.shown().await;
    for field in ["id", "name", "starts_at", "capacity", "base_price", "currency", "status"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    stock.evently.redis_command(&redis::cmd("FLUSHALL")).await;
    stock.buyers[0].book(&stock.event, 1).await.assert_problem(409, "not_on_sale");
    stock.patch(json!({ "sales_close_at": null })).await;
    stock.sell_to_the_last(CAPACITY).await;
}

#[tokio::test]
async fn a_missing_event_without_bookings_is_only_told() {
    let stock = Stock::sold().await;
    let then = stock.items(Table::Events).await;
    let other = stock.evently.event(7).await;
    stock.set(Table::Events, &then).await;
    let plan = stock.plan().await;
    assert!(plan.changes.is_empty(), "{plan}");
    assert!(plan.remarks.iter().any(|remark| remark.contains(&other)), "{plan}");
}

#[tokio::test]
async fn the_note_of_a_creation_that_has_ended_does_not_take_shards_away() {
    let stock = Stock::sold().await;
    let note = [
        ("id", json!(format!("surplus#{}", stock.event))),
        ("event_id", json!(stock.event)),
        ("shards", json!(600)),
        ("listing", json!("surplus")),
        ("starts_at", json!(1_000)),
    ];
    let note = note
        .into_iter()
        .map(|(name, value)| (name.to_owned(), serde_dynamo::to_attribute_value(value).unwrap()));
    let put = stock.tables.client.put_item().table_name(&stock.tables.names.events);
    put.set_item(Some(note.collect())).send().await.unwrap();
    assert_eq!(stock.mend().await, [Kind::Note]);
    let cleared = stock.evently.app.store.clear_broken_creations(jiff::Timestamp::now()).await.unwrap();
    assert_eq!(cleared, 0);
    stock.sell_to_the_last(CAPACITY).await;
}

#[tokio::test]
async fn prices_that_are_there_already_do_not_stop_the_next_one() {
    let stock = Stock::sold().await;
    let then = stock.items(Table::Events).await;
    stock.patch(json!({ "base_price": 3_000 })).await;
    // As a copy leaves it that deletes nothing: the event of before, and its later price.
    let mut both = stock.items(Table::Events).await;
    both.extend(then);
    stock.set(Table::Events, &both).await;
    assert_eq!(stock.mend().await, [Kind::Event]);
    stock.patch(json!({ "base_price": 2_800 })).await;
}
