//! Whoever is killed between two writes starts again, and ends with the same.

use restore::{Table, apply};
use serde_json::json;

use super::Stock;

#[tokio::test]
async fn killed_after_any_write_and_run_again_it_ends_with_the_same() {
    let stock = Stock::sold().await;
    let inventory = stock.items(Table::Inventory).await;
    stock.patch(json!({ "capacity": 44 })).await;
    stock.evently.user().buy(&stock.event, 8).await;
    assert_eq!(stock.buyers[0].cancel(&stock.bookings[0]).await.status, 200);
    let no_events = super::Items::new();
    let damage = async || {
        stock.set(Table::Inventory, &inventory).await;
        stock.set(Table::Events, &no_events).await;
    };

    damage().await;
    let writes = stock.plan().await.changes.len();
    assert!(writes > 8, "{writes}");
    stock.mend().await;
    let mended = (stock.items(Table::Inventory).await, stock.items(Table::Events).await);
    for killed_after in 0..writes {
        damage().await;
        let plan = stock.plan().await;
        apply(&stock.tables, &plan.changes[..killed_after]).await.unwrap();
        stock.mend().await;
        let again = (stock.items(Table::Inventory).await, stock.items(Table::Events).await);
        assert_eq!(again, mended, "killed after {killed_after} of {writes} writes");
    }
    stock.sell_to_the_last(44).await;
}
