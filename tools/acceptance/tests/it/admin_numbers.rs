//! What admins see of the sales: every number held against a plain recount, as JSON and as CSV.

mod answers;
mod bookings;

use std::{
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use domain::event::{EventDetails, EventStatus};
use fastrand::Rng;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    common::{Answer, Session, TestApp, concert, in_hours, many::many_events},
    lists::walk,
};

const NUMBERS: [&str; 3] =
    ["/admin/analytics", "/admin/events/capacity_utilization", "/admin/analytics/timeline"];

/// An event and the test's own count of it.
#[derive(Clone, Debug)]
struct Counted {
    id: String,
    name: String,
    starts_at: String,
    currency: &'static str,
    price: u64,
    capacity: u64,
    bookings: u64,
    cancelled_bookings: u64,
    sold: u64,
    cancelled: u64,
}

impl Counted {
    async fn new(evently: &TestApp, hours: i64, currency: &'static str, price: u64, capacity: u64) -> Self {
        let (name, starts_at) = (format!("Concert in {hours} hours"), in_hours(hours));
        let changes = json!({ "name": name, "starts_at": starts_at, "capacity": capacity, "base_price": price,
            "currency": currency });
        let id = evently.event_with(changes).await;
        Self {
            id,
            name,
            starts_at,
            currency,
            price,
            capacity,
            bookings: 0,
            cancelled_bookings: 0,
            sold: 0,
            cancelled: 0,
        }
    }
}

fn rounded(part: u64, whole: u64) -> f64 {
    let ratio = if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    (ratio * 10_000.0).round() / 10_000.0
}

/// What the analytics should be, by a plain recount.
fn recount(events: &[Counted], from: Option<&str>, to: Option<&str>) -> Value {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let events: Vec<&Counted> = events
        .iter()
        .filter(|event| from.is_none_or(|from| at(&event.starts_at) >= at(from)))
        .filter(|event| to.is_none_or(|to| at(&event.starts_at) <= at(to)))
        .collect();
    let sum = |of: fn(&Counted) -> u64| events.iter().map(|event| of(event)).sum::<u64>();
    let mut revenue: BTreeMap<&str, u64> = BTreeMap::new();
    for event in events.iter().filter(|event| event.bookings > 0) {
        *revenue.entry(event.currency).or_default() += event.sold * event.price;
    }
    let revenue: Vec<Value> =
        revenue.iter().map(|(currency, amount)| json!({ "currency": currency, "amount": amount })).collect();
    let mut best: Vec<&&Counted> = events.iter().filter(|event| event.sold > 0).collect();
    best.sort_by_key(|event| (std::cmp::Reverse(event.sold), at(&event.starts_at), event.id.clone()));
    let best: Vec<Value> = best
        .iter()
        .take(5)
        .map(|event| {
            json!({ "event_id": event.id, "name": event.name, "starts_at": event.starts_at,
                "tickets_sold": event.sold, "capacity": event.capacity,
                "utilization": rounded(event.sold, event.capacity),
                "by_area": [{ "area": "general", "name": "General", "tickets_sold": event.sold,
                    "capacity": event.capacity, "utilization": rounded(event.sold, event.capacity) }] })
        })
        .collect();
    let (bookings, cancelled) = (sum(|event| event.bookings), sum(|event| event.cancelled_bookings));
    let (sold, capacity) = (sum(|event| event.sold), sum(|event| event.capacity));
    json!({ "total_bookings": bookings, "confirmed_bookings": bookings - cancelled,
        "cancelled_bookings": cancelled, "cancellation_rate": rounded(cancelled, bookings),
        "tickets_sold": sold, "tickets_cancelled": sum(|event| event.cancelled), "revenue": revenue,
        "capacity": capacity, "capacity_utilization": rounded(sold, capacity), "most_popular": best })
}

async fn analytics(admin: &Session, query: &str) -> Value {
    let answer = admin.get(&format!("/admin/analytics{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("vary"), "Accept");
    let mut body = answer.body;
    let generated_at = body.as_object_mut().unwrap().remove("generated_at").unwrap();
    let age = Timestamp::now().duration_since(generated_at.as_str().unwrap().parse().unwrap());
    assert!(age.as_secs() < 30, "{age}");
    body
}

/// The rows of a CSV answer, each by its columns.
pub(crate) async fn csv(reader: &Session, path: &str) -> (Vec<HashMap<String, String>>, Answer) {
    let answer = reader.get_with(path, "accept", "text/csv").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.header("vary"), "Accept");
    let rows = csv::Reader::from_reader(answer.bytes.as_slice()).deserialize().map(Result::unwrap).collect();
    (rows, answer)
}

#[tokio::test]
async fn analytics_are_exact_after_every_booking_and_cancel() {
    let evently = TestApp::with(|config| config.seats_per_shard = 10).await;
    let admin = evently.admin();
    let mut events = Vec::new();
    for (hours, currency, price, capacity) in [
        (50, "EUR", 2_500, 30),
        (60, "USD", 4_000, 8),
        (70, "EUR", 999, 55),
        (80, "JPY", 0, 12),
        (90, "USD", 1, 20),
        (100, "EUR", 100_000_000, 15),
        (110, "USD", 777, 40),
    ] {
        events.push(Counted::new(&evently, hours, currency, price, capacity).await);
    }
    // A draft counts for nothing.
    evently.event_with(json!({ "status": "draft", "capacity": 1_000, "starts_at": in_hours(75) })).await;

    let mut random = Rng::with_seed(11);
    let mut bought: Vec<(usize, Session, String, u64)> = Vec::new();
    for step in 0..150 {
        let index = random.usize(..events.len());
        if random.u32(..10) < 6 || bought.is_empty() {
            let (buyer, seats) = (evently.user(), random.u32(1..=10));
            let held = buyer.book(&events[index].id, seats).await;
            if held.status == 201 {
                let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
                assert_eq!(buyer.confirm(&id).await.status, 201);
                events[index].bookings += 1;
                events[index].sold += u64::from(seats);
                bought.push((index, buyer, id, seats.into()));
            }
        } else {
            let (index, buyer, id, seats) = bought.swap_remove(random.usize(..bought.len()));
            assert_eq!(buyer.cancel(&id).await.status, 200);
            events[index].cancelled_bookings += 1;
            events[index].sold -= seats;
            events[index].cancelled += seats;
        }
        if step % 3 == 0 {
            for _ in 0..2 {
                assert_eq!(analytics(&admin, "").await, recount(&events, None, None));
            }
        }
    }
    assert!(events.iter().any(|event| event.cancelled > 0));
    for (from, to) in [(Some(60), None), (None, Some(70)), (Some(60), Some(100)), (Some(101), Some(109))] {
        let (from, to) = (from.map(in_hours), to.map(in_hours));
        let pairs = [("from", &from), ("to", &to)];
        let pairs: Vec<String> =
            pairs.iter().filter_map(|(name, at)| at.as_ref().map(|at| format!("{name}={at}"))).collect();
        let expected = recount(&events, from.as_deref(), to.as_deref());
        let query = format!("?{}", pairs.join("&"));
        assert_eq!(analytics(&admin, &query).await, expected, "{query}");
    }
    assert_csv_has_the_same(&admin, &events).await;
    assert_capacities(&admin, &events).await;
}

async fn assert_csv_has_the_same(admin: &Session, events: &[Counted]) {
    let expected = recount(events, None, None);
    let (rows, _) = csv(admin, "/admin/analytics").await;
    let revenue = expected["revenue"].as_array().unwrap();
    assert_eq!(rows.len(), revenue.len());
    for number in [
        "total_bookings",
        "confirmed_bookings",
        "cancelled_bookings",
        "cancellation_rate",
        "tickets_sold",
        "tickets_cancelled",
        "capacity",
        "capacity_utilization",
    ] {
        assert_eq!(rows[0][number], expected[number].to_string().trim_end_matches(".0"), "{number}");
    }
    for (row, revenue) in rows.iter().zip(revenue) {
        assert_eq!(row["currency"], text(&revenue["currency"]));
        assert_eq!(row["revenue"], revenue["amount"].to_string());
    }
    assert!(rows[1..].iter().all(|row| row["total_bookings"].is_empty()), "counts stand there once");
    for (rank, event) in (1..).zip(expected["most_popular"].as_array().unwrap()) {
        assert_eq!(rows[0][&format!("most_popular_{rank}_event_id")], event["event_id"].as_str().unwrap());
        assert_eq!(rows[0][&format!("most_popular_{rank}_tickets_sold")], event["tickets_sold"].to_string());
    }
}

async fn assert_capacities(admin: &Session, events: &[Counted]) {
    for limit in [1, 3, 100] {
        let (items, _) = walk(admin, "/admin/events/capacity_utilization", limit).await;
        assert_eq!(items.len(), events.len() + 1, "the draft is there, too");
        for page in items.chunks(limit) {
            assert!(
                page.is_sorted_by(|one, other| one["utilization"].as_f64() >= other["utilization"].as_f64())
            );
        }
        for event in events {
            let item = items.iter().find(|item| item["event_id"] == *event.id).unwrap();
            let expected = json!({ "event_id": event.id, "name": event.name, "starts_at": event.starts_at,
                "capacity": event.capacity, "sold": event.sold, "pending": 0, "held": 0,
                "available": event.capacity - event.sold,
                "utilization": rounded(event.sold, event.capacity), "by_rate": [{ "rate": "full",
                "name": "Full price", "sold": event.sold, "revenue": event.sold * event.price }],
                "by_area": [{ "area": "general", "name": "General", "capacity": event.capacity, "sold": event.sold, "pending": 0, "held": 0,
                    "available": event.capacity - event.sold, "utilization": rounded(event.sold, event.capacity),
                    "revenue": event.sold * event.price }] });
            assert_eq!(*item, expected);
        }
    }
    let (rows, _) = csv(admin, "/admin/events/capacity_utilization?limit=100").await;
    let (items, _) = walk(admin, "/admin/events/capacity_utilization", 100).await;
    assert_eq!(rows.len(), items.len());
    for (row, item) in rows.iter().zip(&items) {
        assert_eq!((&row["event_id"], &row["name"]), (&text(&item["event_id"]), &text(&item["name"])));
        assert_eq!(row["sold"], item["sold"].to_string());
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn drafts_count_once_they_have_sold_and_cancelled_events_always() {
    let evently = TestApp::start().await;
    let (admin, ada) = (evently.admin(), evently.user());
    let event = evently.event(10).await;
    ada.buy(&event, 3).await;
    for status in [EventStatus::Draft, EventStatus::Cancelled] {
        // Past the API: only an earlier release made drafts of what was sold.
        let before = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
        let after = before.replaced(EventDetails { status, ..before.details.clone() });
        assert!(evently.app.store.replace_event_adding(&before, &after, &[], &[], &[], None).await.unwrap());
        catalogue::announce(&evently.app.catalogue, &after).await;
        let seen = analytics(&admin, "").await;
        assert_eq!((&seen["tickets_sold"], &seen["capacity"]), (&json!(3), &json!(10)), "{status:?}");
    }
    let past = evently
        .event_created(2, |details| {
            details.ends_at = Some(details.starts_at + jiff::SignedDuration::from_hours(5));
            details.sales_close_at = details.ends_at;
        })
        .await;
    ada.buy(&past, 2).await;
    assert_eq!(analytics(&admin, "").await["tickets_sold"], 5);
}

#[tokio::test]
async fn kept_analytics_need_no_dynamodb_and_are_not_used_once_anything_has_changed() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let booking = ada.buy(&event, 4).await;
    let counted = evently.admin().get("/admin/analytics").await;
    let lost = evently.losing_dynamodb().await;
    for _ in 0..3 {
        let kept = lost.admin().get("/admin/analytics").await;
        assert_eq!((kept.status, &kept.body), (200, &counted.body), "the same instant's numbers");
    }
    lost.admin().get("/admin/analytics?to=2999-01-01T00:00:00Z").await.assert_problem(503, "try_again");

    // Each of these makes the kept one old.
    assert_eq!(ada.cancel(&booking).await.status, 200);
    lost.admin().get("/admin/analytics").await.assert_problem(503, "try_again");
    assert_eq!(analytics(&evently.admin(), "").await["tickets_sold"], 0);
    ada.buy(&event, 1).await;
    assert_eq!(analytics(&evently.admin(), "").await["tickets_sold"], 1);
    let larger = concert(json!({ "capacity": 25 }));
    assert_eq!(evently.admin().put(&format!("/admin/events/{event}"), "*", larger).await.status, 200);
    assert_eq!(analytics(&evently.admin(), "").await["capacity"], 25);
    evently.event(75).await;
    assert_eq!(analytics(&evently.admin(), "").await["capacity"], 100);
    assert_eq!(lost.admin().get("/admin/analytics").await.body["capacity"], 100, "kept again");
    // Doing it again changes nothing.
    assert_eq!(ada.cancel(&booking).await.status, 200);
    assert_eq!(lost.admin().get("/admin/analytics").await.status, 200);
}

#[tokio::test]
async fn what_was_counted_while_a_sale_went_on_is_not_kept_as_new() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await.parse().unwrap();
    let redis = &evently.app.redis;
    let before = redis.report_seen("some").await.unwrap();
    redis.sold(event, 1).await.unwrap();
    redis.keep_report("some", before.generation, "old numbers").await.unwrap();
    let seen = redis.report_seen("some").await.unwrap();
    assert_eq!((seen.generation, seen.report), (redis.sales_generation().await.unwrap(), None));
    redis.keep_report("some", seen.generation, "new numbers").await.unwrap();
    assert_eq!(redis.report_seen("some").await.unwrap().report.as_deref(), Some("new numbers"));
}

#[tokio::test]
async fn capacity_shows_what_is_held() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(10).await, evently.user());
    ada.buy(&event, 2).await;
    ada.hold(&event, 3).await;
    let page = evently.admin().get("/admin/events/capacity_utilization").await;
    let item = &page.body["items"][0];
    let seats = ["capacity", "sold", "held", "available"].map(|name| item[name].as_u64().unwrap());
    assert_eq!((seats, item["utilization"].as_f64()), ([10, 2, 3, 5], Some(0.2)));
}

#[tokio::test]
async fn without_redis_all_numbers_come_from_dynamodb() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let (event, ada) = (evently.event(10).await, evently.user());
    let booking = ada.buy(&event, 2).await;
    ada.hold(&event, 3).await;
    drop(redis);
    let admin = evently.admin();
    assert_eq!(analytics(&admin, "").await["tickets_sold"], 2);
    let item = &admin.get("/admin/events/capacity_utilization").await.body["items"][0];
    let seats = ["capacity", "sold", "held", "available"].map(|name| item[name].as_u64().unwrap());
    assert_eq!(seats, [10, 2, 0, 8]);
    let timeline = admin.get("/admin/analytics/timeline").await;
    assert_eq!(timeline.body["items"][23]["tickets_sold"], 2);
    let bookings = admin.get(&format!("/admin/events/{event}/bookings")).await;
    assert_eq!(bookings.body["items"][0]["id"], *booking);
    assert_eq!(ada.cancel(&booking).await.status, 200, "what is kept of reports holds nobody up");
    assert_eq!(analytics(&admin, "").await["tickets_sold"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_events_are_counted_in_time_and_at_once_when_nothing_has_changed() {
    for count in [10, 1_000, 5_000] {
        let evently = TestApp::start().await;
        let now = Timestamp::now();
        many_events(&evently, count, |index, details| {
            details.starts_at = now + jiff::SignedDuration::from_mins(i64::try_from(index).unwrap());
        })
        .await;
        let mut seen = Vec::new();
        for _ in 0..2 {
            let started = Instant::now();
            // What takes longer than the API waits is not answered with 200.
            let answer = evently.admin().get("/admin/analytics").await;
            assert_eq!((answer.status, &answer.body["capacity"]), (200, &json!(100 * count)));
            println!("{count} events in {:?}", started.elapsed());
            seen.push(answer.text("generated_at"));
        }
        assert_eq!(seen[0], seen[1], "the second time nothing is counted");
        assert_eq!(evently.admin().get("/admin/analytics/timeline").await.status, 200);
    }
}
