//! An event becomes a draft only while nothing of it is sold or held, whoever buys meanwhile and whatever crashes. Shards of
//! two seats make a small event as split as a large one.

use std::time::Duration;

use domain::{
    event::{Event, EventStatus},
    id::{EventId, ReservationId},
};
use futures::future::join_all;
use jiff::Timestamp;
use serde_json::json;
use settings::Config;
use stores::redis::scripts::Withdraw;
use tokio::time::sleep;

use crate::{
    cancelled_events::as_by_release_before,
    common::{Answer, Session, TestApp, concert},
};

fn small_shards(config: &mut Config) {
    config.seats_per_shard = 2;
    config.confirm_grace_ms = 300;
}

async fn set_status(evently: &TestApp, event: &str, status: &str) -> Answer {
    evently.admin().patch(&format!("/admin/events/{event}"), "*", json!({ "status": status })).await
}

async fn event_of(evently: &TestApp, event: &str) -> Event {
    evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap()
}

/// Redis loses what it knows of the event.
async fn forget_in_redis(evently: &TestApp, event: &str) {
    let (keys, event): (_, EventId) = (evently.keys(), event.parse().unwrap());
    let mut forget = redis::cmd("DEL");
    forget.arg(keys.state(event)).arg(keys.deadlines(event)).arg(keys.holds(event));
    evently.redis_command(&forget).await;
}

async fn janitor(evently: &TestApp) {
    janitor::run(&evently.app, Timestamp::now()).await.unwrap();
}

/// Every seat can be sold, each once.
async fn assert_all_can_be_sold(evently: &TestApp, event: &str, seats: u32) {
    evently.user().buy(event, seats).await;
    evently.user().book(event, 1).await.assert_problem(409, "sold_out");
    assert_eq!(evently.sold(event).await, seats);
}

#[tokio::test]
async fn the_status_of_an_event_that_nobody_bought_may_become_any_other() {
    let evently = TestApp::with(small_shards).await;
    let anybody = evently.anybody();
    for is_known_to_redis in [true, false] {
        let event = evently.event_with(json!({ "capacity": 9, "status": "draft" })).await;
        for status in
            ["cancelled", "draft", "published", "draft", "draft", "published", "cancelled", "published"]
        {
            let changed = set_status(&evently, &event, status).await;
            assert_eq!((changed.status, &changed.body["status"]), (200, &json!(status)), "{}", changed.body);
            as_by_release_before(&evently, &event).await;
            assert_eq!((&changed.body["capacity"], &changed.body["available"]), (&json!(9), &json!(9)));
            let listed = anybody.get("/events").await.body["items"].as_array().unwrap().len();
            assert_eq!(listed == 1, status == "published", "{status}");
            let seen = anybody.get(&format!("/events/{event}")).await.status;
            assert_eq!(seen == 200, status != "draft", "{status}");
            let ada = evently.user();
            let booked = ada.book(&event, 1).await;
            match status {
                "published" => {
                    assert_eq!(ada.delete(booked.header("location")).await.status, 204);
                    if !is_known_to_redis {
                        forget_in_redis(&evently, &event).await;
                    }
                }
                "draft" => booked.assert_problem(404, "event_not_found"),
                _ => booked.assert_problem(409, "not_on_sale"),
            }
        }
        assert_all_can_be_sold(&evently, &event, 9).await;
        assert_eq!(set_status(&evently, &event, "cancelled").await.status, 200, "off sale at any time");
    }
}

#[tokio::test]
async fn an_event_with_seats_held_or_sold_stays_what_it_is_until_they_are_back() {
    let evently = TestApp::with(small_shards).await;
    let (event, ada) =
        (evently.event_with(json!({ "capacity": 40, "max_per_booking": 50 })).await, evently.user());
    let refused = async |why: &str| {
        let before = event_of(&evently, &event).await;
        let refused = set_status(&evently, &event, "draft").await;
        assert_eq!(refused.status, 409, "{why}: {}", refused.body);
        refused.assert_problem(409, "event_has_bookings");
        let replaced = concert(json!({ "status": "draft", "capacity": 40, "max_per_booking": 50 }));
        let refused = evently.admin().put(&format!("/admin/events/{event}"), "*", replaced).await;
        refused.assert_problem(409, "event_has_bookings");
        assert_eq!(event_of(&evently, &event).await, before);
    };
    let held = ada.hold(&event, 1).await;
    refused("held").await;
    assert_eq!(ada.confirm(&held).await.status, 201);
    refused("sold").await;
    assert_eq!(set_status(&evently, &event, "cancelled").await.status, 200);
    as_by_release_before(&evently, &event).await;
    refused("sold, and off sale").await;
    assert_eq!(ada.cancel(&held).await.status, 200);
    let draft = set_status(&evently, &event, "draft").await;
    assert_eq!(
        (draft.status, &draft.body["available"]),
        (200, &json!(40)),
        "cancelled bookings do not count"
    );

    assert_eq!(set_status(&evently, &event, "published").await.status, 200);
    let held = ada.hold(&event, 39).await;
    refused("held again").await;
    assert_eq!(ada.delete(&format!("/reservations/{held}")).await.status, 204);
    assert_eq!(set_status(&evently, &event, "draft").await.status, 200);
    assert_eq!(set_status(&evently, &event, "published").await.status, 200);
    assert_all_can_be_sold(&evently, &event, 40).await;
}

#[tokio::test]
async fn an_event_becomes_a_draft_of_another_capacity() {
    let evently = TestApp::with(small_shards).await;
    for capacity in [7_u32, 300] {
        let event = evently.event_with(json!({ "capacity": 100, "max_per_booking": 50 })).await;
        let change = json!({ "status": "draft", "capacity": capacity, "base_price": 900 });
        let changed = evently.admin().patch(&format!("/admin/events/{event}"), "\"1\"", change).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_eq!((&changed.body["status"], &changed.body["capacity"]), (&json!("draft"), &json!(capacity)));
        assert_eq!((&changed.body["available"], &changed.body["price"]), (&json!(capacity), &json!(900)));
        assert_eq!(set_status(&evently, &event, "published").await.status, 200);
        let held = evently.user().book(&event, 5).await;
        assert_eq!(held.body["reservation"]["unit_price"], 900);
        assert_eq!(evently.available(&event).await, u64::from(capacity) - 5);
    }
}

#[tokio::test]
async fn without_redis_nobody_knows_what_is_held_so_no_event_becomes_a_draft() {
    let (evently, redis) = TestApp::with_own_redis(small_shards).await;
    let event = evently.event(10).await;
    drop(redis);
    set_status(&evently, &event, "draft").await.assert_problem(503, "try_again");
    assert_eq!(set_status(&evently, &event, "cancelled").await.status, 200, "that works all the same");
}

/// Seats of a cancel that Redis never heard of: it thinks them taken, DynamoDB knows better.
#[tokio::test]
async fn what_only_redis_thinks_taken_is_no_booking_and_can_be_tried_again() {
    let evently = TestApp::with(small_shards).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let id: ReservationId = ada.buy(&event, 2).await.parse().unwrap();
    let booking = evently.app.store.booking(ada.user_id.unwrap(), id).await.unwrap().unwrap();
    evently.app.store.cancel_booking(&booking, Timestamp::now()).await.unwrap();
    set_status(&evently, &event, "draft").await.assert_problem(503, "try_again");
    janitor(&evently).await;
    sleep(Duration::from_millis(400)).await;
    janitor(&evently).await;
    assert_eq!(set_status(&evently, &event, "draft").await.status, 200);
}

#[tokio::test]
async fn what_redis_thinks_free_and_is_sold_is_a_booking() {
    let evently = TestApp::with(small_shards).await;
    let event = evently.event(2).await;
    evently.user().buy(&event, 2).await;
    let mut lie = redis::cmd("HSET");
    lie.arg(evently.keys().state(event.parse::<domain::id::EventId>().unwrap()))
        .arg("free")
        .arg(2)
        .arg("free:0")
        .arg(2);
    evently.redis_command(&lie).await;
    set_status(&evently, &event, "draft").await.assert_problem(409, "event_has_bookings");
    assert_eq!(event_of(&evently, &event).await.details.status, EventStatus::Published);
}

#[tokio::test]
async fn a_confirm_under_way_is_waited_for() {
    let evently = TestApp::with(small_shards).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let held = ada.hold(&event, 2).await;
    evently.app.redis.begin(held.parse().unwrap(), ada.user_id.unwrap(), 300).await.unwrap();
    set_status(&evently, &event, "draft").await.assert_problem(503, "try_again");
    assert_eq!(ada.confirm(&held).await.status, 201);
    set_status(&evently, &event, "draft").await.assert_problem(409, "event_has_bookings");
}

/// All seats withdrawn, as a process does that is about to make a draft; it dies then, or one step later.
async fn withdraw(evently: &TestApp, event: &Event) -> i64 {
    let id = ReservationId::new(event.id, Timestamp::now());
    match evently.app.redis.withdraw(id, event.details.capacity, 512, 300).await.unwrap() {
        Withdraw::Withdrawn { deadline_ms, .. } => deadline_ms,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn after_a_crash_before_the_draft_is_written_all_seats_are_on_sale_again() {
    let evently = TestApp::with(small_shards).await;
    let event = evently.event(10).await;
    evently.available(&event).await;
    withdraw(&evently, &event_of(&evently, &event).await).await;
    evently.user().book(&event, 1).await.assert_problem(409, "all_held");
    set_status(&evently, &event, "draft").await.assert_problem(503, "try_again");
    sleep(Duration::from_millis(400)).await;
    janitor(&evently).await;
    assert_all_can_be_sold(&evently, &event, 10).await;
}

#[tokio::test]
async fn after_a_crash_once_the_draft_is_written_no_seat_can_be_held() {
    let evently = TestApp::with(small_shards).await;
    let event = evently.event(10).await;
    evently.available(&event).await;
    let before = event_of(&evently, &event).await;
    withdraw(&evently, &before).await;
    let mut details = before.details.clone();
    details.status = EventStatus::Draft;
    let draft = before.replaced(details);
    assert!(evently.app.store.replace_event_adding(&before, &draft, &[], &[], &[], None).await.unwrap());
    // Redis has not heard of it, and the seats are not back.
    evently.user().book(&event, 1).await.assert_problem(409, "all_held");
    sleep(Duration::from_millis(400)).await;
    // The janitor's list is from before the change.
    let budget = jobs::Budget::of(Duration::from_secs(10));
    let swept = booking::expire(&evently.app.protocol, &before, Timestamp::now(), budget).await.unwrap();
    assert_eq!(swept.confirms_undone, 1);
    evently.user().book(&event, 1).await.assert_problem(404, "event_not_found");
    assert_eq!(set_status(&evently, &event, "published").await.status, 200);
    assert_all_can_be_sold(&evently, &event, 10).await;
}

/// Holds, and confirms if that worked; answers how many seats were bought.
async fn try_to_buy(buyer: Session, event: &str) -> u32 {
    let held = buyer.book(event, 3).await;
    let Some(id) = held.body["reservation"]["id"].as_str() else {
        assert!([404, 409].contains(&held.status), "{}", held.body);
        return 0;
    };
    let confirmed = buyer.confirm(id).await;
    assert_eq!(confirmed.status, 201, "{}", confirmed.body);
    3
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_buyers_and_an_admin_at_once_either_somebody_buys_or_the_event_is_a_draft() {
    let evently = TestApp::with(small_shards).await;
    let (mut drafts, mut sold_events) = (0, 0);
    for round in 0..24 {
        let event = evently.event(60).await;
        evently.available(&event).await;
        // Now the buyers are first, now the admin is, and mostly they meet.
        let head_start = [0, 5, 20, 40, 80, 400][usize::try_from(round % 6).unwrap()];
        let buyers = join_all((0..4).map(|n| {
            let (buyer, event) = (evently.user(), event.clone());
            async move {
                sleep(Duration::from_millis(head_start + n * round % 13)).await;
                try_to_buy(buyer, &event).await
            }
        }));
        let (bought, draft) = tokio::join!(buyers, async {
            sleep(Duration::from_millis(if round % 6 == 0 { 30 } else { 0 })).await;
            set_status(&evently, &event, "draft").await
        });
        let bought: u32 = bought.into_iter().sum();
        assert_eq!(evently.sold(&event).await, bought);
        match draft.status {
            200 => {
                drafts += 1;
                assert_eq!(bought, 0, "a draft was sold");
                assert_eq!(set_status(&evently, &event, "published").await.status, 200);
            }
            503 | 409 => sold_events += u32::from(bought > 0),
            _ => panic!("{}", draft.body),
        }
        evently.user().buy(&event, 10).await;
        let seats = evently.admin().get(&format!("/admin/events/{event}/inventory")).await;
        assert_eq!(seats.body["drift"], 0, "{}", seats.body);
    }
    assert!(drafts > 0 && sold_events > 0, "both must be reached: {drafts}, {sold_events}");
}
