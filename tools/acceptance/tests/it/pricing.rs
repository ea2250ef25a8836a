//! Demand pricing: what people pay, what admins see of it, and what becomes of both on bad days.

mod history;
mod runs;

use std::{future::ready, time::Duration};

use ::pricing::{Limits, Report};
use catalogue::{decide_price, pricing_day};
use domain::{
    event::{Event, EventDetails, EventStatus, Pricing},
    id::ReservationId,
};
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
    let confirm_long_ago = async |hold: ReservationId| {
        let then = Timestamp::now() - SignedDuration::from_hours(9 * DAY);
        booking::confirm(&evently.app.protocol, ada.user_id.unwrap(), hold, then, None, ready(Ok(())))
            .await
            .unwrap();
    };
    let mut old = Vec::new();
    for quantity in [50, 10] {
        let hold = ada.hold(&event, quantity).await.parse().unwrap();
        confirm_long_ago(hold).await;
        old.push(hold);
    }
    let demand = || async {
        decide_price(&evently.app.catalogue, id, Timestamp::now()).await.unwrap().unwrap().areas[0].demand
    };
    let of_old = demand().await;
    assert_eq!((of_old.sold, of_old.recent_tickets), (60, 0));
    assert!((7.0..7.05).contains(&(of_old.recent_ms as f64 / 86_400_000.0)), "{of_old:?}");
    let booking = ada.buy(&event, 20).await;
    assert_eq!((demand().await.sold, demand().await.recent_tickets), (80, 20));
    assert_eq!(ada.cancel(&booking).await.status, 200);
    assert_eq!((demand().await.sold, demand().await.recent_tickets), (60, 0), "sold and given back");
    let recent = ada.buy(&event, 15).await;
    assert_eq!(ada.cancel(&old[1].to_string()).await.status, 200);
    let now = demand().await;
    assert_eq!((now.sold, now.recent_tickets), (65, 15), "a cancel counts for the day of its sale");
    // Also once the hours were moved.
    for _ in 0..2 {
        janitor::run(&evently.app, Timestamp::now() + SignedDuration::from_hours(2)).await.unwrap();
    }
    assert_eq!((demand().await.sold, demand().await.recent_tickets), (65, 15));
    assert_eq!(ada.cancel(&recent).await.status, 200);
    assert_eq!((demand().await.sold, demand().await.recent_tickets), (50, 0));
    // As many are sold again, and are no recent sale.
    old.push(ada.hold(&event, 10).await.parse().unwrap());
    confirm_long_ago(*old.last().unwrap()).await;
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
    booking::replace_event(&evently.app.protocol, id, |_| true, |_| Ok(details), None, Timestamp::now())
        .await
        .unwrap();
    run_in_days(&evently, 8).await;
    assert_eq!(price(&evently, &wanted).await, BASE_PRICE);
}
