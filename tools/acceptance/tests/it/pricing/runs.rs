//! Runs: twice, at once, broken off, continued, and while a store fails.

use super::*;

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
    booking::replace_event(&evently.app.protocol, id, |_| true, |_| Ok(renamed), None, now).await.unwrap();

    // The run that read before.
    let priced = read.event.repriced(&[(0, read.areas[0].next.price)], today);
    let change = domain::pricing::PriceChange::by_demand(&read.event, &priced, &read.areas, now);
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
    let after =
        before.repriced(&[(0, 3_600)], pricing_day(Timestamp::now() + SignedDuration::from_hours(DAY)));
    let change = domain::pricing::PriceChange::by_demand(&before, &after, &[], Timestamp::now());
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
