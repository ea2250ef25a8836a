//! Where nobody can empty Redis, it knows of commits that are gone, and of events of before. It follows all the same.

use std::time::Duration;

use jiff::Timestamp;
use restore::{Table, apply, recompute};
use serde_json::json;
use tokio::time::sleep;

use super::{CAPACITY, GRACE_MS, Stock};

#[tokio::test]
async fn a_redis_that_was_not_emptied_follows_what_was_restored() {
    let stock = Stock::sold().await;
    let then = (stock.items(Table::Inventory).await, stock.items(Table::Events).await);
    let bookings = stock.items(Table::Bookings).await;
    // Redis hears of sales that are lost, and of a price.
    for seats in [3, 5, 1] {
        stock.evently.user().buy(&stock.event, seats).await;
    }
    stock.patch(json!({ "base_price": 3_900 })).await;
    assert_eq!(stock.evently.available(&stock.event).await, 8);
    let stopped_at = Timestamp::now();
    stock.set(Table::Inventory, &then.0).await;
    stock.set(Table::Events, &then.1).await;
    stock.set(Table::Bookings, &bookings).await;

    let plan = recompute(&stock.tables, Timestamp::now(), Some(stopped_at)).await.unwrap();
    assert!(plan.differences.is_empty(), "{plan}");
    assert_eq!(plan.changes.len(), 7, "six shards and the event: {plan}");
    apply(&stock.tables, &plan.changes).await.unwrap();
    let again = recompute(&stock.tables, Timestamp::now(), Some(stopped_at)).await.unwrap();
    assert!(again.changes.is_empty(), "{again}");

    // Two runs of the janitor, and a grace between them.
    let app = &stock.evently.app;
    janitor::run(app, Timestamp::now()).await.unwrap();
    sleep(Duration::from_millis(GRACE_MS + 200)).await;
    let report = janitor::run(app, Timestamp::now()).await.unwrap();
    assert_eq!(report.done.seats_too_few, 9, "{report:?}");
    assert_eq!(stock.evently.available(&stock.event).await, 17);
    let buyer = stock.evently.user();
    let held = buyer.book(&stock.event, 1).await;
    assert_eq!(held.body["reservation"]["unit_price"], 2_500, "{}", held.body);
    assert_eq!(buyer.confirm(held.body["reservation"]["id"].as_str().unwrap()).await.status, 201);
    stock.sell_on(CAPACITY).await;
}
