//! The janitor's last step: what Redis has wrong is found and repaired, and nothing else is touched.

use std::time::Duration;

use domain::{
    booking::Booking,
    id::{EventId, ReservationId},
    inventory::Draw,
    reservation::BegunHold,
};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::sleep;

use crate::common::{Session, TestApp, concert};

const LONGER_THAN_THE_GRACE: Duration = Duration::from_millis(350);

async fn evently() -> TestApp {
    TestApp::with(|config| {
        config.seats_per_shard = 10;
        config.confirm_grace_ms = 250;
    })
    .await
}

async fn janitor(evently: &TestApp) -> janitor::Sweep {
    let report = janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    assert_eq!(report.events_failed, 0);
    report.done
}

/// A commit that Redis never hears of, as after a loss of Redis in the middle of a confirm.
async fn commit_behind_its_back(evently: &TestApp, buyer: &Session, event: &str, draws: Vec<Draw>) -> String {
    let event: EventId = event.parse().unwrap();
    let hold = BegunHold {
        id: ReservationId::new(event, Timestamp::now()),
        quantity: draws.iter().map(|draw| draw.seats).sum(),
        seats: Vec::new(),
        unit_price: Some(2_500),
        lines: Vec::new(),
        currency: "EUR".into(),
        draws,
        event_name: "Concert".into(),
        starts_at: Timestamp::now() + Duration::from_secs(3_600),
        area: Default::default(),
        max_per_user: u32::MAX,
        event: None,
        begins: 1,
        is_first: true,
    };
    let booking = Booking::from_hold(&hold, buyer.user_id.unwrap(), Timestamp::now());
    evently.app.store.commit_booking(&booking, u32::MAX).await.unwrap();
    hold.id.to_string()
}

/// Asserts that no seat is lost or made: free + held + sold = capacity on every shard.
async fn assert_conserved(evently: &TestApp, event: &str) {
    let seen =
        evently.app.redis.inventory(event.parse::<domain::id::EventId>().unwrap()).await.unwrap().unwrap();
    for shard in evently.inventory(event).await {
        let redis = seen.shard(shard.shard);
        assert_eq!(
            redis.free + redis.held + i64::from(shard.sold),
            i64::from(shard.capacity),
            "{shard:?} {redis:?}"
        );
        assert_eq!(redis.applied, shard.version, "{shard:?}");
    }
}

#[tokio::test]
async fn when_all_is_well_nothing_is_changed() {
    let evently = evently().await;
    let event = evently.event_with(json!({ "capacity": 25, "max_per_booking": 20 })).await;
    let ada = evently.user();
    ada.buy(&event, 3).await;
    let booking = ada.buy(&event, 12).await;
    ada.cancel(&booking).await;
    ada.hold(&event, 4).await;
    let done = janitor(&evently).await;
    assert_eq!((done.shards_repaired, done.shards_waiting), (0, 0));
    assert_eq!((done.seats.capacity, done.seats.sold, done.seats.held, done.seats.free), (25, 3, 4, 18));
    assert_eq!(done.seats.drift(), 0);
    assert_conserved(&evently, &event).await;
}

#[tokio::test]
async fn an_admin_sees_where_the_seats_are() {
    let evently = evently().await;
    let (event, ada) = (evently.event(30).await, evently.user());
    ada.buy(&event, 3).await;
    ada.hold(&event, 4).await;
    let begun = ada.hold(&event, 5).await;
    evently.app.redis.begin(begun.parse().unwrap(), ada.user_id.unwrap(), 250).await.unwrap();
    let path = format!("/admin/events/{event}/inventory");
    let shown = evently.admin().get(&path).await;
    let expected = json!({ "event_id": event, "capacity": 30, "sold": 3, "pending": 0, "held": 4, "in_flight": 5, "free": 18,
        "drift": 0, "by_rate": [{ "rate": "full", "name": "Full price", "sold": 3, "revenue": 7_500 }],
        "by_area": [{ "area": "general", "name": "General", "capacity": 30, "sold": 3, "pending": 0, "held": 4, "in_flight": 5, "free": 18,
            "drift": 0, "revenue": 7_500 }] });
    assert_eq!((shown.status, &shown.body), (200, &expected));
    commit_behind_its_back(&evently, &ada, &event, vec![Draw::places(0, 1)]).await;
    assert_eq!(evently.admin().get(&path).await.body["drift"], -1);
    ada.get(&path).await.assert_problem(403, "forbidden");
    evently.admin().get("/admin/events/none/inventory").await.assert_problem(404, "event_not_found");
}

#[tokio::test]
async fn free_seats_that_are_wrong_are_set_right_at_once() {
    let evently = evently().await;
    let (event, ada) = (evently.event(20).await, evently.user());
    ada.buy(&event, 2).await;
    ada.hold(&event, 3).await;
    let state = evently.keys().state(event.parse::<domain::id::EventId>().unwrap());
    for (shard, lie) in [("free:0", 4), ("free:1", -1)] {
        evently.redis_command(redis::cmd("HINCRBY").arg(&state).arg(shard).arg(lie)).await;
    }
    evently.redis_command(redis::cmd("HINCRBY").arg(&state).arg("free").arg(3)).await;
    assert_eq!(evently.available(&event).await, 18);
    let done = janitor(&evently).await;
    assert_eq!((done.shards_repaired, done.seats_too_many, done.seats_too_few), (2, 4, 1));
    assert_eq!(evently.available(&event).await, 15);
    assert_conserved(&evently, &event).await;
}

#[tokio::test]
async fn commits_that_never_were_are_forgotten_after_the_grace() {
    let evently = evently().await;
    let (event, ada) = (evently.event(20).await, evently.user());
    ada.buy(&event, 2).await;
    let lies = [Draw::places(0, 5)];
    let id: domain::id::EventId = event.parse().unwrap();
    let epoch = evently.app.redis.state_seen(id).await.unwrap().unwrap().epoch;
    assert!(evently.app.redis.restock(id, "a lie", &epoch, &lies, None).await.unwrap());
    assert_eq!(evently.available(&event).await, 23);
    assert_eq!(janitor(&evently).await.shards_waiting, 1);
    sleep(LONGER_THAN_THE_GRACE).await;
    let done = janitor(&evently).await;
    assert_eq!((done.shards_repaired, done.seats_too_many, done.seats_too_few), (1, 5, 0));
    assert_eq!(evently.available(&event).await, 18);
    assert_conserved(&evently, &event).await;
}

#[tokio::test]
async fn a_commit_that_redis_never_heard_of_is_adopted_after_the_grace_and_not_before() {
    let evently = evently().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    ada.hold(&event, 1).await;
    commit_behind_its_back(&evently, &ada, &event, vec![Draw::places(0, 4)]).await;
    assert_eq!(janitor(&evently).await.shards_waiting, 1);
    assert_eq!(evently.available(&event).await, 9, "its Redis half may still come");
    sleep(LONGER_THAN_THE_GRACE).await;
    let done = janitor(&evently).await;
    assert_eq!((done.shards_repaired, done.seats_too_many), (1, 4));
    assert_eq!(evently.available(&event).await, 5);
    assert_conserved(&evently, &event).await;
}

#[tokio::test]
async fn a_new_commit_starts_the_grace_anew() {
    let evently = evently().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    ada.hold(&event, 1).await;
    for _ in 0..3 {
        commit_behind_its_back(&evently, &ada, &event, vec![Draw::places(0, 1)]).await;
        assert_eq!(janitor(&evently).await.shards_waiting, 1);
        sleep(Duration::from_millis(150)).await;
    }
    sleep(LONGER_THAN_THE_GRACE).await;
    assert_eq!(janitor(&evently).await.seats_too_many, 3);
    assert_conserved(&evently, &event).await;
}

#[tokio::test]
async fn a_cancel_that_redis_never_heard_of_returns_its_seats() {
    let evently = evently().await;
    let event = evently.event_with(json!({ "capacity": 20, "max_per_booking": 20 })).await;
    let ada = evently.user();
    let id = ada.buy(&event, 15).await;
    let booking =
        evently.app.store.booking(ada.user_id.unwrap(), id.parse().unwrap()).await.unwrap().unwrap();
    evently.app.store.cancel_booking(&booking, Timestamp::now()).await.unwrap();
    assert_eq!(evently.available(&event).await, 5);
    assert_eq!(janitor(&evently).await.shards_waiting, 2);
    sleep(LONGER_THAN_THE_GRACE).await;
    assert_eq!(janitor(&evently).await.seats_too_few, 15);
    assert_eq!(evently.available(&event).await, 20);
    assert_conserved(&evently, &event).await;
}

#[tokio::test]
async fn a_raised_capacity_that_redis_never_heard_of_comes_on_sale_with_its_new_shards() {
    let evently = evently().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    ada.hold(&event, 1).await;
    let before = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
    let mut details = before.details.clone();
    details.capacity = 25;
    let after = domain::event::Event { shards: 3.into(), ..before.replaced(details) };
    let added = [Draw::places(1, 8), Draw::places(2, 7)];
    assert!(evently.app.store.replace_event_adding(&before, &after, &[], &added, &[], None).await.unwrap());
    assert_eq!(evently.available(&event).await, 9);
    janitor(&evently).await;
    sleep(LONGER_THAN_THE_GRACE).await;
    janitor(&evently).await;
    assert_eq!(evently.available(&event).await, 24);
    assert_conserved(&evently, &event).await;
    evently.user().hold(&event, 10).await;
    evently.user().hold(&event, 10).await;
    evently.user().hold(&event, 4).await;
}

#[tokio::test]
async fn nothing_is_adopted_while_a_confirm_that_draws_on_the_shard_is_under_way() {
    let evently = TestApp::with(|config| config.confirm_grace_ms = 1_200).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let reservation = ada.hold(&event, 2).await;
    evently.app.redis.begin(reservation.parse().unwrap(), ada.user_id.unwrap(), 60_000).await.unwrap();
    commit_behind_its_back(&evently, &ada, &event, vec![Draw::places(0, 4)]).await;
    for _ in 0..2 {
        assert_eq!(janitor(&evently).await.shards_waiting, 1);
        sleep(Duration::from_millis(700)).await;
    }
    assert_eq!(janitor(&evently).await.shards_repaired, 0);
    assert_eq!(ada.confirm(&reservation).await.status, 201);
    janitor(&evently).await;
    sleep(Duration::from_millis(1_300)).await;
    assert_eq!(janitor(&evently).await.seats_too_many, 4);
    assert_conserved(&evently, &event).await;
}

#[tokio::test]
async fn what_was_read_before_a_commit_is_not_used_after_it() {
    let evently = evently().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let id: EventId = event.parse().unwrap();
    ada.hold(&event, 1).await;
    let (seen, inventory) =
        (evently.app.redis.inventory(id).await.unwrap().unwrap(), evently.inventory(&event).await);
    let booking = ada.buy(&event, 5).await;
    evently.app.redis.reconcile(id, &seen, &inventory, &[], 0).await.unwrap();
    assert_eq!(evently.available(&event).await, 4);
    // The count of commits is the same again, the commits are others: the epoch does not help, the order of reads does.
    let seen = evently.app.redis.inventory(id).await.unwrap().unwrap();
    ada.cancel(&booking).await;
    assert_ne!(evently.inventory(&event).await[0].version, seen.shard(0).applied);
    assert_conserved(&evently, &event).await;
}

#[tokio::test]
async fn a_state_that_was_loaded_anew_is_left_alone() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let event = evently.event(10).await;
    let id: EventId = event.parse().unwrap();
    evently.user().hold(&event, 1).await;
    let seen = evently.app.redis.inventory(id).await.unwrap().unwrap();
    let inventory = evently.inventory(&event).await;
    crate::bad_days::empty(&redis).await;
    evently.user().hold(&event, 2).await;
    assert_eq!(evently.app.redis.reconcile(id, &seen, &inventory, &[], 0).await.unwrap(), None);
    assert_eq!(evently.available(&event).await, 8);
}

#[tokio::test]
async fn after_a_loss_in_the_middle_of_confirms_the_janitor_brings_every_seat_back() {
    let (evently, redis) = TestApp::with_own_redis(|config| {
        config.seats_per_shard = 5;
        config.confirm_grace_ms = 250;
        config.hold_ttl_ms = 250;
    })
    .await;
    let event = evently.event(20).await;
    let mut begun = Vec::new();
    for _ in 0..4 {
        let buyer = evently.user();
        let reservation = buyer.hold(&event, 2).await;
        evently.app.redis.begin(reservation.parse().unwrap(), buyer.user_id.unwrap(), 250).await.unwrap();
        begun.push(buyer);
    }
    crate::bad_days::empty(&redis).await;
    evently.user().hold(&event, 3).await;
    for buyer in &begun[..2] {
        commit_behind_its_back(&evently, buyer, &event, vec![Draw::places(1, 2)]).await;
    }
    janitor(&evently).await;
    sleep(LONGER_THAN_THE_GRACE).await;
    janitor(&evently).await;
    assert_conserved(&evently, &event).await;
    assert_eq!(evently.available(&event).await, 16);
}

#[tokio::test]
async fn a_lowered_capacity_whose_admin_crashed_is_settled_either_way() {
    let evently = evently().await;
    let event = evently.event(20).await;
    let id: EventId = event.parse().unwrap();
    evently.user().hold(&event, 1).await;
    // Dies before the commit.
    let withdrawal = ReservationId::new(id, Timestamp::now());
    evently.app.redis.withdraw(withdrawal, 6, 90, 250).await.unwrap();
    assert_eq!(evently.available(&event).await, 13);
    sleep(LONGER_THAN_THE_GRACE).await;
    janitor(&evently).await;
    assert_eq!(evently.available(&event).await, 19);
    // Dies after the commit.
    let withdrawal = ReservationId::new(id, Timestamp::now());
    let made = evently.app.redis.withdraw(withdrawal, 6, 90, 250).await.unwrap();
    let stores::redis::scripts::Withdraw::Withdrawn { draws, .. } = made else { panic!("{made:?}") };
    let before = evently.app.store.event(id).await.unwrap().unwrap();
    let mut details = before.details.clone();
    details.capacity = 14;
    let after = domain::event::Event { last_withdrawal: Some(withdrawal), ..before.replaced(details) };
    evently.app.store.replace_event_removing(&before, &after, &[], &draws, None).await.unwrap();
    sleep(LONGER_THAN_THE_GRACE).await;
    janitor(&evently).await;
    assert_eq!(evently.available(&event).await, 13);
    assert_conserved(&evently, &event).await;
    // And the next change goes on from there.
    let admin = evently.admin();
    let higher =
        admin.put(&format!("/admin/events/{event}"), "\"2\"", concert(json!({ "capacity": 30 }))).await;
    assert_eq!(higher.body["available"], 29, "{}", higher.body);
    assert_conserved(&evently, &event).await;
}
