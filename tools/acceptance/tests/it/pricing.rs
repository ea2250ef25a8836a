//! Demand pricing: what people pay, what admins see of it, and what becomes of both on bad days.

use std::{future::ready, time::Duration};

use ::pricing::{Limits, Report};
use catalogue::{decide_price, pricing_day};
use domain::event::{Event, EventDetails, EventStatus, Pricing};
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stores::dynamodb;
use telemetry::names;

use crate::common::{Session, TestApp, concert, in_hours, metrics::Measured, shared_dynamodb};

const DAY: i64 = 24;
const BASE_PRICE: u32 = 4_500;
const ONE_STEP_DOWN: u32 = 4_050;
const ONE_STEP_UP: u32 = 4_950;

/// On sale for ten days, and for thirty more; 80 to 150 percent of 45.00 EUR.
fn in_mid_sale(details: &mut EventDetails) {
    details.starts_at = Timestamp::now() + SignedDuration::from_hours(30 * DAY);
    details.base_price = BASE_PRICE;
    details.max_per_booking = 50;
    details.pricing = Some(Pricing::default());
}

async fn event_in_mid_sale(evently: &TestApp) -> String {
    evently.event_created(10 * DAY, in_mid_sale).await
}

/// Nearly sold out, all of it today.
async fn wanted_event(evently: &TestApp) -> String {
    let event = event_in_mid_sale(evently).await;
    for quantity in [50, 40] {
        evently.user().buy(&event, quantity).await;
    }
    event
}

/// The pricing run that comes in so many days.
async fn run_in_days(evently: &TestApp, days: i64) -> Report {
    let then = Timestamp::now() + SignedDuration::from_hours(days * DAY);
    ::pricing::run(&evently.app, then).await.unwrap()
}

async fn run(evently: &TestApp) -> Report {
    run_in_days(evently, 0).await
}

async fn price(evently: &TestApp, event: &str) -> u32 {
    let shown = evently.anybody().get(&format!("/events/{event}")).await;
    u32::try_from(shown.body["price"].as_u64().unwrap()).unwrap()
}

async fn stored(evently: &TestApp, event: &str) -> Event {
    evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap()
}

/// The event's prices, newest first.
async fn prices(evently: &TestApp, event: &str) -> Vec<Value> {
    let listed = evently.admin().get(&format!("/admin/events/{event}/prices?limit=100")).await;
    assert_eq!(listed.status, 200, "{}", listed.body);
    listed.body["items"].as_array().unwrap().clone()
}

async fn quoted(user: &Session, event: &str) -> Value {
    let held = user.book(event, 1).await;
    assert_eq!(held.status, 201, "{}", held.body);
    held.body["reservation"]["unit_price"].clone()
}

#[tokio::test]
async fn what_nobody_buys_becomes_cheaper() {
    let evently = TestApp::start().await;
    let event = event_in_mid_sale(&evently).await;
    let ada = evently.user();
    assert_eq!(quoted(&ada, &event).await, BASE_PRICE);
    let report = run(&evently).await;
    assert_eq!(report, Report { events: 1, prices_lowered: 1, complete: true, ..Report::default() });
    assert_eq!(quoted(&ada, &event).await, ONE_STEP_DOWN, "the next hold");
    let shown = evently.anybody().get(&format!("/events/{event}")).await;
    assert_eq!(shown.body["price"], ONE_STEP_DOWN);
    assert_eq!(shown.body["base_price"], BASE_PRICE);
    assert!(shown.body["version"] == 2 && shown.header("etag").starts_with("\"2."), "{shown:?}");
}

#[tokio::test]
async fn what_many_buy_becomes_dearer_but_a_hold_keeps_its_price() {
    let evently = TestApp::start().await;
    let event = wanted_event(&evently).await;
    let (ada, bob) = (evently.user(), evently.user());
    let held = ada.hold(&event, 2).await;
    let report = run(&evently).await;
    assert_eq!(report, Report { events: 1, prices_raised: 1, complete: true, ..Report::default() });
    assert_eq!(price(&evently, &event).await, ONE_STEP_UP);
    assert_eq!(quoted(&bob, &event).await, ONE_STEP_UP);

    let looked = ada.get(&format!("/reservations/{held}")).await;
    assert_eq!(looked.body["reservation"]["unit_price"], BASE_PRICE);
    let confirmed = ada.confirm(&held).await;
    assert_eq!(confirmed.body["booking"]["unit_price"], BASE_PRICE, "{}", confirmed.body);
    assert_eq!(confirmed.body["booking"]["total"], 2 * BASE_PRICE);
    let revenue: u64 = evently.inventory(&event).await.iter().map(|shard| shard.revenue).sum();
    assert_eq!(revenue, 92 * u64::from(BASE_PRICE));
}

#[tokio::test]
async fn recent_sales_count_and_those_cancelled_do_not() {
    let evently = TestApp::start().await;
    let event = event_in_mid_sale(&evently).await;
    let id = event.parse().unwrap();
    let ada = evently.user();
    // 60 seats, nine days ago.
    for quantity in [50, 10] {
        let hold = ada.hold(&event, quantity).await.parse().unwrap();
        let then = Timestamp::now() - SignedDuration::from_hours(9 * DAY);
        booking::confirm(&evently.app.protocol, ada.user_id.unwrap(), hold, then, ready(Ok(())))
            .await
            .unwrap();
    }
    let demand = || async {
        decide_price(&evently.app.catalogue, id, Timestamp::now()).await.unwrap().unwrap().demand
    };
    let of_old = demand().await;
    assert_eq!((of_old.sold, of_old.recent_tickets), (60, 0));
    assert!((7.0..7.05).contains(&(of_old.recent_ms as f64 / 86_400_000.0)), "{of_old:?}");
    let booking = ada.buy(&event, 20).await;
    assert_eq!((demand().await.sold, demand().await.recent_tickets), (80, 20));
    assert_eq!(ada.cancel(&booking).await.status, 200);
    assert_eq!((demand().await.sold, demand().await.recent_tickets), (60, 0), "sold and given back");
    run(&evently).await;
    // pressure 0.3: 92 percent, 41.40, in steps of 0.50.
    assert_eq!(price(&evently, &event).await, 4_150);
}

#[tokio::test]
async fn an_event_without_pricing_is_never_touched() {
    let evently = TestApp::start().await;
    let event = evently
        .event_created(10 * DAY, |details| {
            in_mid_sale(details);
            details.pricing = None;
        })
        .await;
    let before = stored(&evently, &event).await;
    for day in 0..3 {
        let report = run_in_days(&evently, day).await;
        assert_eq!(report, Report { complete: true, ..Report::default() });
    }
    assert_eq!(stored(&evently, &event).await, before);
    assert_eq!(prices(&evently, &event).await.len(), 1);
}

#[tokio::test]
async fn only_events_that_can_be_bought_are_priced() {
    let evently = TestApp::start().await;
    let now = Timestamp::now();
    let other = |change: fn(&mut EventDetails)| {
        let evently = &evently;
        async move {
            let changed = |details: &mut EventDetails| {
                in_mid_sale(details);
                change(details);
            };
            evently.event_created(10 * DAY, changed).await
        }
    };
    let draft = other(|details| details.status = EventStatus::Draft).await;
    let cancelled = other(|details| details.status = EventStatus::Cancelled).await;
    let closed = other(|details| details.sales_close_at = Some(Timestamp::now())).await;
    let over = other(|details| details.starts_at = Timestamp::now()).await;
    let at_the_door = other(|details| {
        details.starts_at = Timestamp::now();
        details.ends_at = Some(Timestamp::now() + SignedDuration::from_hours(5));
        details.sales_close_at = details.ends_at;
    })
    .await;
    let not_open = other(|details| {
        details.sales_open_at = Some(Timestamp::now() + SignedDuration::from_hours(DAY));
    })
    .await;
    let new = evently.event_with(json!({ "base_price": BASE_PRICE, "pricing": {} })).await;
    let report = ::pricing::run(&evently.app, now + SignedDuration::from_secs(30)).await.unwrap();
    assert_eq!(report.prices_kept, 2, "nothing is known of demand on the first day, or before: {report:?}");
    assert_eq!(report.prices_lowered, 1, "it has started, but is still on sale");
    assert_eq!(stored(&evently, &at_the_door).await.version, 2);
    assert_eq!(report.prices_raised + report.events_failed, 0);
    for event in [draft, cancelled, closed, over, not_open, new] {
        let event = stored(&evently, &event).await;
        assert_eq!((event.price, event.version), (BASE_PRICE, 1), "{:?}", event.details);
    }
}

#[tokio::test]
async fn prices_stay_within_their_bounds_over_many_days() {
    let evently = TestApp::start().await;
    let (unwanted, wanted) = (event_in_mid_sale(&evently).await, wanted_event(&evently).await);
    evently.user().buy(&wanted, 10).await;
    let (mut falling, mut rising) = (Vec::new(), Vec::new());
    for day in 0..8 {
        run_in_days(&evently, day).await;
        falling.push(price(&evently, &unwanted).await);
        rising.push(price(&evently, &wanted).await);
    }
    assert_eq!(falling, [4_050, 3_600, 3_600, 3_600, 3_600, 3_600, 3_600, 3_600]);
    assert_eq!(rising, [4_950, 5_400, 5_850, 6_300, 6_750, 6_750, 6_750, 6_750]);
    assert_eq!(stored(&evently, &unwanted).await.version, 3, "a price that stays makes no new version");

    // An admin who tightens them is obeyed at the next run, however far that is.
    let mut details = stored(&evently, &wanted).await.details;
    details.pricing = Some(Pricing { min_percent: 80, max_percent: 100 });
    let id = wanted.parse().unwrap();
    booking::replace_event(&evently.app.protocol, id, |_| true, |_| Ok(details), Timestamp::now())
        .await
        .unwrap();
    run_in_days(&evently, 8).await;
    assert_eq!(price(&evently, &wanted).await, BASE_PRICE);
}

#[tokio::test]
async fn a_second_run_on_the_same_day_changes_nothing_more() {
    let evently = TestApp::start().await;
    let moved = event_in_mid_sale(&evently).await;
    let kept = evently
        .event_created(10 * DAY, |details| {
            in_mid_sale(details);
            details.pricing = Some(Pricing { min_percent: 100, max_percent: 100 });
        })
        .await;
    let now = Timestamp::now();
    let first = ::pricing::run(&evently.app, now).await.unwrap();
    assert_eq!((first.prices_lowered, first.prices_kept), (1, 1));
    let after = (stored(&evently, &moved).await, stored(&evently, &kept).await);
    assert_eq!((after.0.version, after.1.version), (2, 1));
    assert_eq!(after.1.priced_on, Some(pricing_day(now)));

    // What sells out meanwhile waits until tomorrow, too.
    for _ in 0..2 {
        evently.user().buy(&moved, 50).await;
    }
    let second = ::pricing::run(&evently.app, now).await.unwrap();
    assert_eq!(second, Report { events: 2, prices_skipped: 2, complete: true, ..Report::default() });
    assert_eq!((stored(&evently, &moved).await, stored(&evently, &kept).await), after);
    assert_eq!(prices(&evently, &moved).await.len(), 2);
    let tomorrow = run_in_days(&evently, 1).await;
    assert_eq!((tomorrow.prices_raised, tomorrow.prices_kept), (1, 1));
    assert_eq!(run(&evently).await.prices_skipped, 2, "a run that comes late changes nothing either");
}

#[tokio::test]
async fn runs_at_once_move_each_price_once() {
    let evently = TestApp::start().await;
    let events = join_all((0..6).map(|_| event_in_mid_sale(&evently))).await;
    for day in 0..2_i64 {
        let reports = join_all((0..4).map(|_| run_in_days(&evently, day))).await;
        let lowered: u32 = reports.iter().map(|report| report.prices_lowered).sum();
        assert_eq!(lowered, 6, "{reports:?}");
        assert!(reports.iter().all(|report| report.events_failed == 0 && report.complete), "{reports:?}");
        for event in &events {
            let moved = u32::try_from(day).unwrap() + 1;
            assert_eq!(price(&evently, event).await, BASE_PRICE - 450 * moved);
            assert_eq!(prices(&evently, event).await.len(), 1 + moved as usize);
        }
    }
}

#[tokio::test]
async fn an_admins_change_is_not_lost_to_a_run_that_read_before_it() {
    let evently = TestApp::start().await;
    let event = event_in_mid_sale(&evently).await;
    let id = event.parse().unwrap();
    let now = Timestamp::now();
    let today = pricing_day(now);
    let read = decide_price(&evently.app.catalogue, id, now).await.unwrap().unwrap();
    let renamed = EventDetails { name: "Opera".into(), ..read.event.details.clone() };
    booking::replace_event(&evently.app.protocol, id, |_| true, |_| Ok(renamed), now).await.unwrap();

    // The run that read before.
    let priced = read.event.repriced(read.next.price, today);
    let change =
        domain::pricing::PriceChange::by_demand(&read.event, &priced, read.demand, read.next.target, now);
    let store = &evently.app.store;
    assert!(!store.reprice_event(&read.event, &priced, &change, today).await.unwrap());
    assert!(!store.keep_price(&read.event, today).await.unwrap());
    assert_eq!(prices(&evently, &event).await.len(), 1, "neither is there a price in the history");

    // As it does go on: it reads again.
    assert_eq!(run(&evently).await.prices_lowered, 1);
    let event = stored(&evently, &event).await;
    assert_eq!((event.details.name.as_str(), event.price, event.version), ("Opera", ONE_STEP_DOWN, 3));
}

#[tokio::test]
async fn admins_and_runs_at_once_both_get_their_way() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "base_price": BASE_PRICE, "pricing": {} })).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
    let mut written = 1;
    for day in 2..12 {
        let capacity = 100 + day;
        let change = concert(json!({ "base_price": BASE_PRICE, "pricing": {}, "capacity": capacity }));
        let (report, put) = tokio::join!(run_in_days(&evently, day), admin.put(&path, "*", change));
        assert_eq!((report.events, report.events_failed), (1, 0), "{report:?}");
        let after = stored(&evently, &event).await;
        written += u64::from(report.prices_lowered);
        if put.status == 200 {
            written += 1;
            assert_eq!(i64::from(after.details.capacity), capacity);
        } else {
            put.assert_problem(412, "stale_version");
        }
        assert_eq!(after.version, written);
    }
    assert_eq!(price(&evently, &event).await, 3_600);
    assert_eq!(prices(&evently, &event).await.len(), 3);
}

#[tokio::test]
async fn redis_may_lose_everything_before_and_after_a_run() {
    let (evently, _redis) = TestApp::with_own_redis(|_| {}).await;
    let event = event_in_mid_sale(&evently).await;
    let ada = evently.user();
    assert_eq!(quoted(&ada, &event).await, BASE_PRICE);
    evently.redis_command(&redis::cmd("FLUSHALL")).await;
    assert_eq!(run(&evently).await.prices_lowered, 1);
    assert_eq!(quoted(&ada, &event).await, ONE_STEP_DOWN);
    assert_eq!(run_in_days(&evently, 1).await.prices_lowered, 1);
    evently.redis_command(&redis::cmd("FLUSHALL")).await;
    assert_eq!(quoted(&ada, &event).await, 3_600);
}

#[tokio::test]
async fn without_redis_prices_move_all_the_same_and_the_janitor_tells_it_later() {
    let (evently, mut redis) = TestApp::with_own_redis(|_| {}).await;
    let event = event_in_mid_sale(&evently).await;
    redis.kill().unwrap();
    redis.wait_dead().await;
    let report = run(&evently).await;
    assert_eq!(report, Report { events: 1, prices_lowered: 1, complete: true, ..Report::default() });
    redis.restart().await.unwrap();
    assert_eq!(quoted(&evently.user(), &event).await, ONE_STEP_DOWN);

    // A price that DynamoDB has and Redis did not hear of.
    let before = stored(&evently, &event).await;
    let after = before.repriced(3_600, pricing_day(Timestamp::now() + SignedDuration::from_hours(DAY)));
    let change =
        domain::pricing::PriceChange::by_demand(&before, &after, Default::default(), None, Timestamp::now());
    let day = after.priced_on.unwrap();
    assert!(evently.app.store.reprice_event(&before, &after, &change, day).await.unwrap());
    assert_eq!(quoted(&evently.user(), &event).await, ONE_STEP_DOWN);
    assert_eq!(janitor::run(&evently.app, Timestamp::now()).await.unwrap().done.events_refreshed, 1);
    assert_eq!(quoted(&evently.user(), &event).await, 3_600);
}

/// A run that has no time: it prices one event. Pages have two, so that it stops inside of one, too.
async fn short_run(evently: &TestApp, days: i64) -> Report {
    let then = Timestamp::now() + SignedDuration::from_hours(days * DAY);
    let limits = Limits { run_time: Duration::ZERO, page_events: 2 };
    ::pricing::run_within(&evently.app, then, limits).await.unwrap()
}

async fn five_events(evently: &TestApp) -> Vec<String> {
    let mut events = Vec::new();
    for n in 0..5 {
        let later = |details: &mut EventDetails| {
            in_mid_sale(details);
            details.starts_at += SignedDuration::from_hours(n);
        };
        events.push(evently.event_created(10 * DAY, later).await);
    }
    events
}

async fn all_prices(evently: &TestApp, events: &[String]) -> Vec<u32> {
    join_all(events.iter().map(|event| price(evently, event))).await
}

#[tokio::test]
async fn a_run_whose_time_is_up_is_continued_where_it_stopped() {
    let evently = TestApp::start().await;
    let events = five_events(&evently).await;
    for lowered in 1..=5 {
        let (report, complete) = (short_run(&evently, 0).await, lowered == 5);
        assert_eq!((report.events, report.complete), (1, complete), "{report:?}");
        assert_eq!(report.finished().is_ok(), complete, "Lambda must repeat a run that is not complete");
        let prices = all_prices(&evently, &events).await;
        assert_eq!(prices.iter().filter(|price| **price == ONE_STEP_DOWN).count(), lowered);
    }
    let again = run(&evently).await;
    assert_eq!((again.events, again.prices_skipped), (5, 5), "from the first event again");
}

#[tokio::test]
async fn a_run_that_lost_its_place_starts_over_and_moves_nothing_twice() {
    let evently = TestApp::start().await;
    let events = five_events(&evently).await;
    assert!(!short_run(&evently, 0).await.complete);
    evently.redis_command(redis::cmd("DEL").arg(evently.keys().pricing_cursor())).await;
    let over = run(&evently).await;
    assert_eq!((over.prices_skipped, over.prices_lowered, over.complete), (1, 4, true));
    assert_eq!(all_prices(&evently, &events).await, [ONE_STEP_DOWN; 5]);

    evently.redis_command(redis::cmd("SET").arg(evently.keys().pricing_cursor()).arg("nonsense")).await;
    assert_eq!(run_in_days(&evently, 1).await.prices_lowered, 5);
}

#[tokio::test]
async fn a_run_that_goes_on_from_another_day_prices_the_events_before_its_place_too() {
    let evently = TestApp::start().await;
    let events = five_events(&evently).await;
    assert!(!short_run(&evently, 0).await.complete);
    let next_day = run_in_days(&evently, 1).await;
    assert_eq!((next_day.prices_lowered, next_day.prices_skipped), (5, 4), "{next_day:?}");
    assert!(next_day.complete);
    assert_eq!(all_prices(&evently, &events).await, [3_600, 4_050, 4_050, 4_050, 4_050]);

    // The same, stopped on the way, also just at the end of the list.
    let mut runs = 0;
    assert!(!short_run(&evently, 2).await.complete);
    while !short_run(&evently, 3).await.complete {
        runs += 1;
        assert!(runs < 20);
    }
    for event in &events {
        assert_eq!(stored(&evently, event).await.priced_on, Some(day_in(3)));
    }
}

fn day_in(days: i64) -> jiff::civil::Date {
    pricing_day(Timestamp::now() + SignedDuration::from_hours(days * DAY))
}

#[tokio::test]
async fn an_event_that_fails_keeps_no_other_waiting() {
    let evently = TestApp::start().await;
    let events = five_events(&evently).await;
    // One whose inventory is broken.
    let dynamodb = dynamodb::client_for_endpoint(shared_dynamodb());
    dynamodb
        .delete_item()
        .table_name(&evently.app.config.tables.inventory)
        .key("shard_id", aws_sdk_dynamodb::types::AttributeValue::S(format!("{}#0", events[2])))
        .send()
        .await
        .unwrap();
    let report = run(&evently).await;
    assert_eq!((report.prices_lowered, report.events_failed, report.complete), (4, 1, true));
    assert!(report.finished().is_err(), "it is tried again soon");
}

#[tokio::test]
async fn a_preview_says_what_the_run_then_does_and_changes_nothing() {
    let evently = TestApp::start().await;
    let (unwanted, wanted) = (event_in_mid_sale(&evently).await, wanted_event(&evently).await);
    let fixed = evently
        .event_created(10 * DAY, |details| {
            in_mid_sale(details);
            details.pricing = None;
        })
        .await;
    let before = [stored(&evently, &unwanted).await, stored(&evently, &wanted).await];
    let preview = evently.admin().post("/admin/pricing/preview", json!({})).await;
    assert_eq!(preview.status, 200, "{}", preview.body);
    let again = evently.admin().post("/admin/pricing/preview", json!({})).await;
    for (one, other) in
        preview.body["items"].as_array().unwrap().iter().zip(again.body["items"].as_array().unwrap())
    {
        assert_eq!((&one["event_id"], &one["new_price"]), (&other["event_id"], &other["new_price"]));
    }
    assert_eq!([stored(&evently, &unwanted).await, stored(&evently, &wanted).await], before);

    let items = preview.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "not {fixed}, which has no pricing: {items:?}");
    let of = |event: &str| items.iter().find(|item| item["event_id"] == event).unwrap().clone();
    let item = of(&wanted);
    assert_eq!((&item["price"], &item["new_price"]), (&json!(BASE_PRICE), &json!(ONE_STEP_UP)));
    assert_eq!((&item["base_price"], &item["currency"]), (&json!(BASE_PRICE), &json!("EUR")));
    assert_eq!((&item["name"], &item["priced_on"]), (&json!("Old concert"), &Value::Null));
    assert_eq!(
        (&item["demand"]["utilization"], &item["demand"]["target_percent"]),
        (&json!(0.9), &json!(145.0))
    );
    assert!((12.0..13.0).contains(&item["demand"]["tickets_per_day"].as_f64().unwrap()), "{item}");
    assert!((29.9..=30.0).contains(&item["demand"]["days_left"].as_f64().unwrap()), "{item}");
    run(&evently).await;
    for event in [&unwanted, &wanted] {
        assert_eq!(price(&evently, event).await, of(event)["new_price"]);
        assert_eq!(
            prices(&evently, event).await[0]["demand"]["target_percent"],
            of(event)["demand"]["target_percent"]
        );
    }
    let after = evently.admin().post("/admin/pricing/preview", json!({})).await;
    assert_eq!(after.body["items"][0]["priced_on"], pricing_day(Timestamp::now()).to_string());
}

#[tokio::test]
async fn a_preview_comes_in_pages() {
    let evently = TestApp::start().await;
    let events = five_events(&evently).await;
    let admin = evently.admin();
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = admin.post(&format!("/admin/pricing/preview{query}"), json!({})).await;
        assert_eq!(page.status, 200, "{}", page.body);
        for item in page.body["items"].as_array().unwrap() {
            seen.push(item["event_id"].as_str().unwrap().to_owned());
        }
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, events);
    for bad in ["limit=0", "limit=101"] {
        let refused = admin.post(&format!("/admin/pricing/preview?{bad}"), json!({})).await;
        refused.assert_problem(400, "invalid_parameter");
    }
    let of_events = admin.get("/admin/events?limit=1").await.text("next_cursor");
    let refused = admin.post(&format!("/admin/pricing/preview?cursor={of_events}"), json!({})).await;
    refused.assert_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn the_history_has_every_price_with_its_reason() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "base_price": BASE_PRICE, "pricing": {} })).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
    run_in_days(&evently, 2).await;
    run_in_days(&evently, 3).await;
    run_in_days(&evently, 4).await;
    for change in [
        json!({ "base_price": 6_000, "pricing": {} }),
        json!({ "base_price": 6_000, "pricing": {}, "name": "Opera" }),
    ] {
        assert_eq!(admin.put(&path, "*", concert(change)).await.status, 200);
    }
    run_in_days(&evently, 5).await;
    let fixed = admin.put(&path, "*", concert(json!({ "base_price": 6_000 }))).await;
    assert_eq!((fixed.status, &fixed.body["price"]), (200, &json!(6_000)), "back to the base price");
    run_in_days(&evently, 6).await;

    let prices = prices(&evently, &event).await;
    let told: Vec<_> = prices
        .iter()
        .map(|price| {
            let number = |field: &str| price[field].as_u64().unwrap_or(0);
            (
                number("number"),
                price["reason"].as_str().unwrap(),
                number("previous_price"),
                number("price"),
                number("base_price"),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (6, "pricing_removed", 5_400, 6_000, 6_000),
            (5, "demand", 6_000, 5_400, 6_000),
            (4, "base_price_changed", 3_600, 6_000, 6_000),
            (3, "demand", 4_050, 3_600, 4_500),
            (2, "demand", 4_500, 4_050, 4_500),
            (1, "created", 0, 4_500, 4_500),
        ]
    );
    assert_eq!(prices[5]["previous_price"], Value::Null);
    for (price, by_demand) in prices.iter().zip([false, true, false, true, true, false]) {
        assert_eq!(price["currency"], "EUR");
        assert!(price["changed_at"].as_str().unwrap().ends_with('Z'));
        assert_eq!(price["demand"].is_object(), by_demand, "{price}");
    }
    let demand = &prices[4]["demand"];
    assert_eq!((&demand["utilization"], &demand["tickets_per_day"]), (&json!(0.0), &json!(0.0)));
    assert_eq!(demand["target_percent"], 80.0);
    assert!((27.9..28.1).contains(&demand["days_left"].as_f64().unwrap()), "{demand}");
    let listed = admin.get("/admin/events").await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 1, "prices are no events");
}

#[tokio::test]
async fn the_history_comes_in_pages_of_its_event_only() {
    let evently = TestApp::start().await;
    let (event, other) = (event_in_mid_sale(&evently).await, event_in_mid_sale(&evently).await);
    for day in 0..2 {
        run_in_days(&evently, day).await;
    }
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}/prices"));
    let first = admin.get(&format!("{path}?limit=2")).await;
    let numbers = |page: &Value| {
        page["items"].as_array().unwrap().iter().map(|item| item["number"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(numbers(&first.body), [3, 2]);
    let cursor = first.text("next_cursor");
    // A price that comes in between moves no page.
    run_in_days(&evently, 2).await;
    let second = admin.get(&format!("{path}?limit=2&cursor={cursor}")).await;
    assert_eq!((numbers(&second.body), &second.body["next_cursor"]), (vec![json!(1)], &Value::Null));
    let others = admin.get(&format!("/admin/events/{other}/prices?cursor={cursor}")).await;
    others.assert_problem(400, "invalid_cursor");
    admin.get(&format!("{path}?limit=0")).await.assert_problem(400, "invalid_parameter");
    for unknown in ["01890000-0000-7000-8000-000000000000", "nothing"] {
        let missing = admin.get(&format!("/admin/events/{unknown}/prices")).await;
        missing.assert_problem(404, "event_not_found");
    }
}

#[tokio::test]
async fn an_event_of_before_there_was_a_history_gets_one_with_its_next_price() {
    let evently = TestApp::start().await;
    let event = event_in_mid_sale(&evently).await;
    let dynamodb = dynamodb::client_for_endpoint(shared_dynamodb());
    dynamodb
        .update_item()
        .table_name(&evently.app.config.tables.events)
        .key("id", aws_sdk_dynamodb::types::AttributeValue::S(event.clone()))
        .update_expression("REMOVE price_changes")
        .send()
        .await
        .unwrap();
    dynamodb
        .delete_item()
        .table_name(&evently.app.config.tables.events)
        .key("id", aws_sdk_dynamodb::types::AttributeValue::S(format!("{event}#price#1")))
        .send()
        .await
        .unwrap();
    assert_eq!(prices(&evently, &event).await, Vec::<Value>::new());
    assert_eq!(run(&evently).await.prices_lowered, 1);
    assert_eq!(prices(&evently, &event).await.len(), 1);
}

#[tokio::test]
async fn only_admins_see_prices_and_previews() {
    let evently = TestApp::start().await;
    let path = format!("/admin/events/{}/prices", event_in_mid_sale(&evently).await);
    for (who, status, code) in [(evently.anybody(), 401, "unauthorized"), (evently.user(), 403, "forbidden")]
    {
        who.get(&path).await.assert_problem(status, code);
        who.post("/admin/pricing/preview", json!({})).await.assert_problem(status, code);
    }
}

#[tokio::test]
async fn bounds_have_defaults_and_a_draft_has_a_first_price() {
    let evently = TestApp::start().await;
    let created = evently
        .admin()
        .post("/admin/events", concert(json!({ "pricing": {}, "status": "draft", "starts_at": in_hours(9) })))
        .await;
    assert_eq!(created.body["pricing"], json!({ "min_percent": 80, "max_percent": 150 }));
    assert_eq!(prices(&evently, &created.text("id")).await[0]["reason"], "created");
    let halves = concert(json!({ "pricing": { "min_percent": 50 } }));
    let created = evently.admin().post("/admin/events", halves).await;
    assert_eq!(created.body["pricing"], json!({ "min_percent": 50, "max_percent": 150 }));
}

#[tokio::test]
async fn an_event_with_as_many_shards_as_fit_in_a_transaction_has_its_first_price() {
    let evently = TestApp::with(|config| config.seats_per_shard = 1).await;
    for capacity in [97, 98, 99, 100, 197] {
        let event = evently.event_with(json!({ "capacity": capacity })).await;
        assert_eq!(evently.inventory(&event).await.len(), capacity);
        assert_eq!(prices(&evently, &event).await.len(), 1);
    }
}

#[tokio::test]
async fn a_run_is_measured() {
    let measured = Measured::start();
    let evently = TestApp::start().await;
    event_in_mid_sale(&evently).await;
    wanted_event(&evently).await;
    measured.take();
    run(&evently).await;
    let seen = measured.take();
    let value = |name: &str| seen.iter().find(|(found, _)| found == name).unwrap().1;
    assert_eq!([names::PRICES_RAISED, names::PRICES_LOWERED, names::RUN_COMPLETE].map(value), [1.0; 3]);
    assert_eq!([names::PRICES_KEPT, names::PRICES_SKIPPED, names::EVENTS_FAILED].map(value), [0.0; 3]);
    assert!(seen.iter().all(|(name, _)| names::ALL.contains(&name.as_str())), "{seen:?}");
}
