//! Changing the capacity: raising it, lowering it to what is sold and held, over many inventory shards. Shards of
//! two seats make a small event as split as a large one.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::Notify;

use crate::common::{Answer, Session, TestApp, between::Call, concert};

const SEATS_PER_SHARD: u32 = 2;

struct Hall {
    evently: TestApp,
    admin: Session,
    event: String,
}

impl Hall {
    async fn with_seats(capacity: u32) -> Self {
        let evently = TestApp::with(|config| config.seats_per_shard = SEATS_PER_SHARD).await;
        let event = evently.event_with(json!({ "capacity": capacity, "max_per_booking": 50 })).await;
        let admin = evently.admin();
        Self { evently, admin, event }
    }

    async fn change(&self, capacity: u32) -> Answer {
        let change = concert(json!({ "capacity": capacity, "max_per_booking": 50 }));
        self.admin.put(&format!("/admin/events/{}", self.event), "*", change).await
    }

    /// Changes the capacity, which must work, and looks at what it is then.
    async fn change_to(&self, capacity: u32, taken: u32) {
        let changed = self.change(capacity).await;
        assert_eq!(changed.status, 200, "to {capacity}: {}", changed.body);
        assert_eq!(changed.body["capacity"], capacity);
        assert_eq!(changed.body["available"], capacity - taken);
        assert!(changed.header("etag").starts_with(&format!("\"{}.", changed.body["version"])));
        self.assert_seats(capacity, taken).await;
    }

    /// Both stores and the API agree on so many seats, of which `taken` are sold or held.
    async fn assert_seats(&self, capacity: u32, taken: u32) {
        let inventory = self.evently.inventory(&self.event).await;
        let stored: u32 = inventory.iter().map(|shard| shard.capacity).sum();
        assert_eq!(stored, capacity);
        for shard in &inventory {
            assert_eq!(shard.sold + shard.unsold, shard.capacity, "{shard:?}");
        }
        let event = self.evently.anybody().get(&format!("/events/{}", self.event)).await;
        assert_eq!(event.body["capacity"], capacity);
        assert_eq!(event.body["available"], capacity - taken);
    }

    /// Buys every seat that is left, and asserts that then there is none.
    async fn sell_the_rest(&self, mut left: u32) {
        let user = self.evently.user();
        while left > 0 {
            let quantity = left.min(50);
            user.buy(&self.event, quantity).await;
            left -= quantity;
        }
        let refused = user.book(&self.event, 1).await;
        refused.assert_problem(409, "sold_out");
        assert_eq!(refused.body["available"], 0);
        for shard in self.evently.inventory(&self.event).await {
            assert_eq!((shard.sold, shard.unsold), (shard.capacity, 0), "{shard:?}");
        }
    }

    async fn shards(&self) -> usize {
        self.evently.inventory(&self.event).await.len()
    }
}

#[tokio::test]
async fn a_capacity_raised_over_many_shards_can_all_be_sold() {
    for known_to_redis in [true, false] {
        let hall = Hall::with_seats(10).await;
        if known_to_redis {
            hall.evently.available(&hall.event).await;
        }
        hall.change_to(300, 0).await;
        assert!(hall.shards().await > 90, "more than one step changes");
        hall.sell_the_rest(300).await;
        assert_eq!(hall.evently.sold(&hall.event).await, 300);
    }
}

#[tokio::test]
async fn a_capacity_is_lowered_over_many_shards_to_what_is_sold_and_held_and_no_further() {
    let hall = Hall::with_seats(300).await;
    let (event, ada) = (&hall.event, hall.evently.user());
    ada.buy(event, 20).await;
    let (held, given_back) = (ada.hold(event, 10).await, ada.hold(event, 5).await);
    assert!(hall.shards().await > 90);
    for capacity in [34, 1] {
        let refused = hall.change(capacity).await;
        refused.assert_problem(409, "capacity_below_sold");
        assert_eq!(refused.body["lowest_capacity"], 35, "20 sold and 15 held");
    }
    hall.assert_seats(300, 35).await;
    let unchanged = hall.evently.anybody().get(&format!("/events/{event}")).await;
    assert_eq!(unchanged.body["version"], 1);

    hall.change_to(35, 35).await;
    ada.book(event, 1).await.assert_problem(409, "all_held");
    assert_eq!(ada.delete(&format!("/reservations/{given_back}")).await.status, 204);
    hall.assert_seats(35, 30).await;
    hall.change_to(30, 30).await;
    assert_eq!(ada.confirm(&held).await.status, 201, "what is held can still be bought");
    let refused = hall.change(29).await;
    assert_eq!(refused.body["lowest_capacity"], 30, "{}", refused.body);
    hall.change_to(41, 30).await;
    hall.sell_the_rest(11).await;
}

#[tokio::test]
async fn a_capacity_that_goes_up_and_down_keeps_every_seat() {
    let hall = Hall::with_seats(100).await;
    for capacity in [300, 7, 181, 1, 2, 256, 255, 3, 299, 100] {
        hall.change_to(capacity, 0).await;
    }
    hall.sell_the_rest(100).await;
}

#[tokio::test]
async fn a_cancelled_booking_makes_room_for_a_lower_capacity() {
    let hall = Hall::with_seats(60).await;
    let ada = hall.evently.user();
    let (kept, cancelled) = (ada.buy(&hall.event, 25).await, ada.buy(&hall.event, 30).await);
    hall.change(54).await.assert_problem(409, "capacity_below_sold");
    assert_eq!(ada.cancel(&cancelled).await.status, 200);
    hall.change_to(25, 25).await;
    assert_eq!(ada.cancel(&kept).await.status, 200);
    hall.assert_seats(25, 0).await;
    hall.sell_the_rest(25).await;
}

#[tokio::test]
async fn a_hold_that_ran_out_makes_room_for_a_lower_capacity() {
    let evently = TestApp::with(|config| {
        config.hold_ttl_ms = 100;
        config.seats_per_shard = SEATS_PER_SHARD;
    })
    .await;
    let event = evently.event_with(json!({ "capacity": 20, "max_per_booking": 50 })).await;
    let admin = evently.admin();
    let hall = Hall { evently, admin, event };
    hall.evently.user().hold(&hall.event, 15).await;
    tokio::time::sleep(std::time::Duration::from_millis(110)).await;
    hall.change_to(5, 0).await;
    hall.sell_the_rest(5).await;
}

#[tokio::test]
async fn capacity_and_all_else_change_together() {
    let hall = Hall::with_seats(10).await;
    let path = format!("/admin/events/{}", hall.event);
    for (capacity, name, price) in [(250, "Larger", 3_000), (20, "Smaller", 1_000)] {
        let change = concert(json!({ "capacity": capacity, "name": name, "base_price": price }));
        let changed = hall.admin.put(&path, "*", change).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        let seen = hall.evently.anybody().get(&format!("/events/{}", hall.event)).await;
        assert_eq!(seen.body, changed.body);
        assert_eq!((seen.body["name"].as_str(), &seen.body["price"]), (Some(name), &json!(price)));
        let held = hall.evently.user().book(&hall.event, 1).await;
        assert_eq!(held.body["reservation"]["unit_price"], price, "Redis heard of it at once");
        let id = held.body["reservation"]["id"].as_str().unwrap();
        assert_eq!(hall.evently.user().get(&format!("/reservations/{id}")).await.status, 404);
    }
}

#[tokio::test]
async fn the_capacity_changes_while_people_buy_and_every_seat_is_accounted_for() {
    let hall = Hall::with_seats(200).await;
    let buyers = async {
        let bought = join_all((0..40).map(|_| async {
            let user = hall.evently.user();
            let held = user.book(&hall.event, 3).await;
            if held.status != 201 {
                assert_eq!(held.status, 409, "{}", held.body);
                return 0;
            }
            let confirmed = user.confirm(held.body["reservation"]["id"].as_str().unwrap()).await;
            assert_eq!(confirmed.status, 201, "{}", confirmed.body);
            3
        }));
        bought.await.into_iter().sum::<u32>()
    };
    let admin = async {
        let mut capacity = 200;
        for wanted in [120, 210, 60, 150] {
            let changed = hall.change(wanted).await;
            if changed.status == 200 {
                capacity = wanted;
            } else {
                changed.assert_problem(409, "capacity_below_sold");
            }
        }
        capacity
    };
    let (bought, capacity) = tokio::join!(buyers, admin);
    assert_eq!(hall.evently.sold(&hall.event).await, bought);
    hall.assert_seats(capacity, bought).await;
    hall.sell_the_rest(capacity - bought).await;
}

/// An admin's process that lowers the capacity, and dies when DynamoDB has it and before Redis hears of that.
async fn lower_and_die(evently: &TestApp, event: &str, capacity: u32) {
    let committed = Arc::new(Notify::new());
    let told = Arc::clone(&committed);
    let between = move |call: Call| {
        let told = Arc::clone(&told);
        async move {
            let reply = call.done().await;
            if call.is_transaction() {
                told.notify_one();
                std::future::pending::<()>().await;
            }
            reply
        }
    };
    let through = evently.another_through(between).await;
    let (app, id) = (Arc::clone(&through.app), event.parse().unwrap());
    let dying = tokio::spawn(async move {
        let details = |event: &domain::event::Event| {
            let mut details = event.details.clone();
            details.capacity = capacity;
            Ok(details)
        };
        booking::replace_event(&app.protocol, id, |_| true, details, None, Timestamp::now()).await
    });
    committed.notified().await;
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn a_withdrawal_that_nobody_finished_is_at_its_end_before_the_next_one_and_stays_withdrawn() {
    let evently = TestApp::with(|config| {
        config.seats_per_shard = SEATS_PER_SHARD;
        config.confirm_grace_ms = 200;
    })
    .await;
    let event = evently.event_with(json!({ "capacity": 20, "max_per_booking": 50 })).await;
    let hall = Hall { admin: evently.admin(), evently, event };
    hall.evently.user().buy(&hall.event, 1).await;
    lower_and_die(&hall.evently, &hall.event, 14).await;
    lower_and_die(&hall.evently, &hall.event, 12).await;
    hall.change_to(8, 1).await;
    let seen = hall
        .evently
        .app
        .redis
        .inventory(hall.event.parse::<domain::id::EventId>().unwrap())
        .await
        .unwrap()
        .unwrap();
    for shard in hall.evently.inventory(&hall.event).await {
        let redis = seen.shard(shard.shard);
        let seats = redis.free + redis.held + i64::from(shard.sold);
        assert_eq!(seats, i64::from(shard.capacity), "{shard:?} {redis:?}");
        assert_eq!(redis.applied, shard.version, "{shard:?} {redis:?}");
    }
    tokio::time::sleep(Duration::from_millis(250)).await;
    // The janitor must find nothing that it takes for a withdrawal which was never committed.
    let swept = janitor::run(&hall.evently.app, Timestamp::now()).await.unwrap();
    assert_eq!((swept.done.confirms_undone, swept.done.confirms_finished), (0, 0));
    hall.assert_seats(8, 1).await;
    hall.sell_the_rest(7).await;
}
