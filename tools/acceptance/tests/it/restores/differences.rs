//! Each kind of difference is found and mended.

use restore::{Kind, Table};
use serde_json::json;

use super::{CAPACITY, Stock};

/// What a lost or doubled sale disturbs: its shards, its user's seats, and the sales of its hour.
const OF_A_SALE: [Kind; 4] = [Kind::Shard, Kind::UserSeats, Kind::Sales, Kind::AllSales];

#[tokio::test]
async fn an_inventory_that_is_older_than_the_bookings_gets_their_sales() {
    let stock = Stock::sold().await;
    let then = stock.items(Table::Inventory).await;
    stock.buyers[1].buy(&stock.event, 5).await;
    assert_eq!(stock.buyers[0].cancel(&stock.bookings[0]).await.status, 200);
    stock.set(Table::Inventory, &then).await;
    assert_eq!(stock.mend().await, OF_A_SALE);
    assert_eq!(stock.evently.sold(&stock.event).await, 7 + 2 + 5);
    stock.sell_to_the_last(CAPACITY).await;
}

#[tokio::test]
async fn an_inventory_that_is_newer_than_the_bookings_gives_their_seats_back() {
    let stock = Stock::sold().await;
    let then = stock.items(Table::Bookings).await;
    stock.evently.user().buy(&stock.event, 9).await;
    assert_eq!(stock.buyers[1].cancel(&stock.bookings[1]).await.status, 200);
    stock.set(Table::Bookings, &then).await;
    assert_eq!(stock.mend().await, OF_A_SALE);
    assert_eq!(stock.evently.sold(&stock.event).await, 4 + 7 + 2);
    stock.sell_to_the_last(CAPACITY).await;
}

#[tokio::test]
async fn a_booking_whose_seats_were_not_taken_takes_them() {
    let stock = Stock::sold().await;
    let shard = stock.a_sold_shard().await;
    stock.add(&shard, "sold", -2).await;
    stock.add(&shard, "unsold", 2).await;
    assert_eq!(stock.mend().await, [Kind::Shard]);
    stock.sell_to_the_last(CAPACITY).await;
}

#[tokio::test]
async fn a_cancelled_booking_whose_seats_did_not_come_back_gives_them_back() {
    let stock = Stock::sold().await;
    let before = stock.items(Table::Inventory).await;
    assert_eq!(stock.buyers[2].cancel(&stock.bookings[2]).await.status, 200);
    stock.set(Table::Inventory, &before).await;
    assert_eq!(stock.mend().await, OF_A_SALE);
    assert_eq!(stock.evently.sold(&stock.event).await, 4 + 7);
    stock.sell_to_the_last(CAPACITY).await;
}

#[tokio::test]
async fn what_was_sold_at_each_rate_is_counted_anew() {
    let stock = Stock::sold().await;
    let rates = json!([{ "id": "full", "name": "Adults", "percent": 100 }, { "id": "child", "name": "Children", "percent": 50 }]);
    stock.patch(json!({ "rates": rates })).await;
    let then = stock.items(Table::Inventory).await;
    let first = stock.buyers[0].buy_at(&stock.event, 2, json!({ "child": 2 })).await;
    let second = stock.buyers[1].buy_at(&stock.event, 3, json!({ "child": 1 })).await;
    assert!(stock.plan().await.changes.is_empty());
    stock.set(Table::Inventory, &then).await;
    assert_eq!(stock.mend().await, OF_A_SALE);
    // What is counted and was not sold goes.
    let shard = stock.evently.inventory(&stock.event).await;
    let shard = stock.shard(shard.iter().find(|shard| shard.by_rate.contains_key("child")).unwrap().shard);
    stock.add(&shard, "child:sold", 1).await;
    stock.add(&shard, "pupil:revenue", 7).await;
    let plan = stock.plan().await.to_string();
    assert!(plan.contains("sold at the rate child") && plan.contains("sold at the rate pupil"), "{plan}");
    assert_eq!(stock.mend().await, [Kind::Shard]);
    assert!(
        stock.evently.inventory(&stock.event).await.iter().all(|shard| !shard.by_rate.contains_key("pupil"))
    );
    for (buyer, booking) in [(0, first), (1, second)] {
        assert_eq!(stock.buyers[buyer].cancel(&booking).await.status, 200);
    }
    assert!(stock.evently.inventory(&stock.event).await.iter().all(|shard| shard.by_rate.is_empty()));
    stock.sell_to_the_last(CAPACITY).await;
}

#[tokio::test]
async fn a_users_seats_are_counted_anew() {
    let stock = Stock::sold().await;
    let user = stock.buyers[1].user_id.unwrap();
    stock.add(&format!("{}#user#{user}", stock.event), "seats", 3).await;
    let stranger = stock.evently.user().user_id.unwrap();
    stock.add(&format!("{}#user#{stranger}", stock.event), "seats", 1).await;
    assert_eq!(stock.mend().await, [Kind::UserSeats]);
    for (user, seats) in [(user, 7), (stranger, 0)] {
        assert_eq!(stock.evently.app.store.seats_of_user(stock.event_id(), user).await.unwrap(), seats);
    }
    stock.sell_to_the_last(CAPACITY).await;
}

#[tokio::test]
async fn seats_that_are_counted_on_another_shard_are_moved_to_theirs() {
    let stock = Stock::sold().await;
    let shard = stock.a_sold_shard().await;
    let other = (0..6).map(|number| stock.shard(number)).find(|other| *other != shard).unwrap();
    for (shard, seats) in [(&shard, -1), (&other, 1)] {
        stock.add(shard, "capacity", seats).await;
        stock.add(shard, "sold", seats).await;
        stock.add(shard, "revenue", seats * 2_500).await;
    }
    assert_eq!(stock.mend().await, [Kind::Shard]);
    stock.sell_to_the_last(CAPACITY).await;
}

#[tokio::test]
async fn lost_shards_and_a_lost_inventory_are_made_anew() {
    let stock = Stock::sold().await;
    let shards = stock.items(Table::Inventory).await;
    let lost = &shards[&vec![stock.a_sold_shard().await]];
    stock.delete(Table::Inventory, lost.clone()).await;
    let kinds = stock.mend().await;
    assert!(kinds.contains(&Kind::MissingShard), "{kinds:?}");
    assert_eq!(stock.evently.sold(&stock.event).await, 4 + 7 + 2);

    stock.set(Table::Inventory, &super::Items::new()).await;
    assert_eq!(stock.mend().await, [Kind::MissingShard, Kind::UserSeats, Kind::Sales, Kind::AllSales]);
    stock.sell_to_the_last(CAPACITY).await;
}

#[tokio::test]
async fn sales_by_the_hour_are_counted_anew_wherever_they_were() {
    let stock = Stock::sold().await;
    let analytics = async || {
        let shown = stock.evently.admin().get("/admin/analytics").await;
        assert_eq!(shown.status, 200, "{}", shown.body);
        shown.body
    };
    let before = analytics().await;
    let shard = stock.a_sold_shard().await;
    let inventory = stock.items(Table::Inventory).await;
    let hour = inventory[&vec![shard.clone()]].keys().find(|name| name.starts_with("t4")).unwrap().clone();
    stock.add(&shard, &hour, 5).await;
    stock.add(&format!("{}#day#20000", stock.event), "b13", 1).await;
    stock.add("all#2#day#20000", "a13_EUR", 2_500).await;
    assert_eq!(stock.mend().await, [Kind::Sales, Kind::AllSales]);
    assert_eq!(analytics().await, before);
    stock.sell_to_the_last(CAPACITY).await;
}

#[tokio::test]
async fn who_sells_meanwhile_is_noticed() {
    let stock = Stock::sold().await;
    let shard = stock.a_sold_shard().await;
    stock.add(&shard, "sold", -1).await;
    let plan = stock.plan().await;
    stock.add(&shard, "version", 1).await;
    let refused = restore::apply(&stock.tables, &plan.changes).await.unwrap_err().to_string();
    assert!(refused.contains("stop the sales"), "{refused}");
}
