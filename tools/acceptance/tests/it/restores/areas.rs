//! Events of several areas, of another second than their bookings and shards.

use restore::{Kind, Table};
use serde_json::{Value, json};

use super::Stock;

fn areas() -> Value {
    json!([
        { "id": "general", "name": "General", "capacity": 30, "base_price": 2_500 },
        { "id": "balcony", "name": "Balcony", "capacity": 12, "base_price": 6_000 },
    ])
}

impl Stock {
    async fn buy_in(&self, area: &str, quantity: u32) -> String {
        let buyer = self.evently.user();
        let held = buyer.book_with(&self.event, json!({ "area": area, "quantity": quantity })).await;
        assert_eq!(held.status, 201, "{}", held.body);
        let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
        assert_eq!(buyer.confirm(&id).await.status, 201);
        id
    }

    fn sums(shown: &Value) -> Vec<(String, u64)> {
        let areas = shown["areas"].as_array().unwrap().iter();
        areas
            .map(|area| (area["id"].as_str().unwrap().to_owned(), area["capacity"].as_u64().unwrap()))
            .collect()
    }
}

#[tokio::test]
async fn an_event_that_is_older_than_its_areas_gets_those_of_which_places_are_sold() {
    let stock = Stock::sold().await;
    let then = stock.items(Table::Events).await;
    stock.patch(json!({ "areas": areas() })).await;
    stock.buy_in("balcony", 5).await;
    stock.buy_in("general", 1).await;
    stock.set(Table::Events, &then).await;
    let kinds = stock.mend().await;
    assert!(kinds.contains(&Kind::Event), "{kinds:?}");
    let shown = stock.shown().await;
    assert_eq!(Stock::sums(&shown), [("general".to_owned(), 30), ("balcony".to_owned(), 12)]);
    assert_eq!(shown["areas"][1]["name"], "Balcony");
    assert_eq!(shown["areas"][1]["base_price"], 6_000);
    stock.evently.redis_command(&redis::cmd("FLUSHALL")).await;
    let inventory = stock.evently.admin().get(&format!("/admin/events/{}/inventory", stock.event)).await.body;
    assert_eq!((&inventory["sold"], &inventory["drift"]), (&json!(4 + 7 + 2 + 6), &json!(0)), "{inventory}");
    stock.buy_in("balcony", 7).await;
    let plan = stock.plan().await;
    assert!(plan.changes.is_empty(), "{plan}");
}

#[tokio::test]
async fn a_lost_inventory_of_several_areas_is_made_anew_area_by_area() {
    let stock = Stock::sold().await;
    stock.patch(json!({ "areas": areas() })).await;
    stock.buy_in("balcony", 5).await;
    let before = stock.evently.inventory(&stock.event).await;
    stock.set(Table::Inventory, &super::Items::new()).await;
    assert_eq!(stock.mend().await, [Kind::MissingShard, Kind::UserSeats, Kind::Sales, Kind::AllSales]);
    let after = stock.evently.inventory(&stock.event).await;
    assert_eq!(
        after.iter().map(|shard| (shard.shard, shard.sold)).collect::<Vec<_>>(),
        before.iter().map(|shard| (shard.shard, shard.sold)).collect::<Vec<_>>()
    );
    let capacity = |of_further: bool| {
        let shards = after.iter().filter(|shard| (shard.shard > u32::from(u16::MAX)) == of_further);
        shards.map(|shard| shard.capacity).sum::<u32>()
    };
    assert_eq!((capacity(false), capacity(true)), (30, 12));
    stock.evently.redis_command(&redis::cmd("FLUSHALL")).await;
    let timeline = format!("/admin/analytics/timeline?event_id={}&area=balcony", stock.event);
    let timeline = stock.evently.admin().get(&timeline).await.body;
    let sold: u64 =
        timeline["items"].as_array().unwrap().iter().filter_map(|hour| hour["tickets_sold"].as_u64()).sum();
    assert_eq!(sold, 5, "{timeline}");
    let refused =
        stock.evently.user().book_with(&stock.event, json!({ "area": "balcony", "quantity": 8 })).await;
    refused.assert_problem(409, "sold_out");
    stock.buy_in("balcony", 7).await;
}

#[tokio::test]
async fn a_missing_event_of_which_only_bookings_are_left_has_the_areas_that_they_name() {
    let stock = Stock::sold().await;
    stock.patch(json!({ "areas": areas() })).await;
    stock.buy_in("balcony", 5).await;
    stock.set(Table::Events, &super::Items::new()).await;
    stock.set(Table::Audit, &super::Items::new()).await;
    let kinds = stock.mend().await;
    assert!(kinds.contains(&Kind::MissingEvent), "{kinds:?}");
    let shown = stock.shown().await;
    assert_eq!(Stock::sums(&shown), [("general".to_owned(), 30), ("balcony".to_owned(), 12)], "{shown}");
}
