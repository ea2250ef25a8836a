//! Who booked an event, and when the tickets of all were sold.

use std::collections::BTreeSet;

use super::*;

#[tokio::test]
async fn an_events_bookings_come_complete_and_newest_first_in_pages_of_any_size() {
    let evently = TestApp::start().await;
    let (event, other) = (evently.event(500).await, evently.event(500).await);
    let admin = evently.admin();
    let mut expected: Vec<Value> = Vec::new();
    for n in 0..170 {
        let buyer = evently.user();
        let booking = buyer.buy(&event, 1 + n % 2).await;
        if n % 10 == 0 {
            buyer.buy(&other, 1).await;
        }
        // One of 16 is cancelled: a status that is rare.
        let answer = match n % 16 {
            3 => buyer.cancel(&booking).await,
            _ => buyer.get(&format!("/bookings/{booking}")).await,
        };
        let mut item = answer.body["booking"].clone();
        item["user_id"] = json!(buyer.user_id.unwrap().to_string());
        // Their tokens are good, but they have no accounts.
        item["user"] = Value::Null;
        expected.insert(0, item);
    }
    // Ids are ordered by time, to the millisecond.
    expected.sort_by_key(|item| std::cmp::Reverse(text(&item["id"])));
    let list = format!("/admin/events/{event}/bookings");
    for limit in [7, 20, 100] {
        let (items, lengths) = walk(&admin, &list, limit).await;
        assert_eq!(items, expected, "in pages of {limit}");
        assert!(lengths.iter().rev().skip(1).all(|length| *length == limit), "{lengths:?}");
    }
    for status in ["confirmed", "cancelled"] {
        let of_status: Vec<Value> =
            expected.iter().filter(|item| item["status"] == status).cloned().collect();
        for limit in [9, 100] {
            let (items, _) = walk(&admin, &format!("{list}?status={status}"), limit).await;
            assert_eq!(items, of_status, "{status} in pages of {limit}");
        }
    }

    let mut path = format!("{list}?limit=60");
    let mut ids = Vec::new();
    loop {
        let (rows, answer) = csv(&admin, &path).await;
        ids.extend(rows.iter().map(|row| row["id"].clone()));
        assert!(rows.iter().all(|row| row["currency"] == "EUR" && row["event_id"] == event));
        let Some(link) = answer.headers.get("link") else { break };
        let link = link.to_str().unwrap();
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
    }
    let expected_ids: Vec<String> = expected.iter().map(|item| text(&item["id"])).collect();
    assert_eq!(ids, expected_ids, "the Link leads from page to page");
}

#[tokio::test]
async fn a_cursor_of_an_events_bookings_is_good_for_that_list_only() {
    let evently = TestApp::start().await;
    let (event, other) = (evently.event(50).await, evently.event(50).await);
    for _ in 0..3 {
        evently.user().buy(&event, 1).await;
    }
    let admin = evently.admin();
    let cursor = admin.get(&format!("/admin/events/{event}/bookings?limit=1")).await.text("next_cursor");
    for (event, filter) in [(&other, ""), (&event, "&status=confirmed")] {
        let refused = admin.get(&format!("/admin/events/{event}/bookings?cursor={cursor}{filter}")).await;
        refused.assert_problem(400, "invalid_cursor");
    }
    let none = admin.get(&format!("/admin/events/{other}/bookings")).await;
    assert_eq!(none.body, json!({ "items": [], "next_cursor": null }));
}

#[tokio::test]
async fn the_timeline_has_every_bucket_and_what_was_sold_in_it() {
    let evently = TestApp::start().await;
    let (admin, ada) = (evently.admin(), evently.user());
    let euros = evently.event(10).await;
    let dollars = evently.event_with(json!({ "base_price": 100, "currency": "USD" })).await;
    let booking = ada.buy(&euros, 3).await;
    ada.buy(&euros, 1).await;
    ada.buy(&dollars, 2).await;
    ada.cancel(&booking).await;

    for (query, buckets, hours) in [
        ("", 24, 1),
        ("bucket=hour", 24, 1),
        ("bucket=day", 30, 24),
        ("bucket=day&from=2026-01-01T00:00:00Z&to=2026-01-08T00:00:00Z", 7, 24),
    ] {
        let answer = admin.get(&format!("/admin/analytics/timeline?{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let items = answer.body["items"].as_array().unwrap();
        assert_eq!(items.len(), buckets, "{query}");
        let starts: Vec<Timestamp> = items.iter().map(|item| text(&item["start"]).parse().unwrap()).collect();
        assert!(starts.windows(2).all(|pair| pair[1].duration_since(pair[0]).as_hours() == hours), "{query}");
        assert!(items[0]["revenue"].as_array().unwrap().is_empty());
        let sum = |name: &str| items.iter().map(|item| item[name].as_u64().unwrap()).sum::<u64>();
        let sums = ["bookings", "tickets_sold", "tickets_cancelled", "bookings_cancelled"].map(sum);
        assert_eq!(sums, if buckets == 7 { [0; 4] } else { [3, 6, 3, 1] }, "{query}");
    }
    let now = Timestamp::now();
    let all = admin.get("/admin/analytics/timeline?bucket=day").await;
    assert!(all.body["event_id"].is_null());
    let today = &all.body["items"][29];
    // Unless the day has just begun.
    if now.as_second() % 86_400 > 60 {
        assert_eq!(
            (&today["revenue"], &today["refunds"]),
            (
                &json!([{ "currency": "EUR", "amount": 10_000 }, { "currency": "USD", "amount": 200 }]),
                &json!([{ "currency": "EUR", "amount": 7_500 }])
            )
        );
    }
    let one = admin.get(&format!("/admin/analytics/timeline?event_id={dollars}&bucket=day")).await;
    assert_eq!(one.body["event_id"], *dollars);
    assert_eq!(one.body["items"][0]["revenue"], json!([{ "currency": "USD", "amount": 0 }]));
    let revenue: u64 = one.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| day["revenue"][0]["amount"].as_u64().unwrap())
        .sum();
    assert_eq!(revenue, 200);

    let (rows, _) = csv(&admin, "/admin/analytics/timeline?bucket=day").await;
    let starts: BTreeSet<&String> = rows.iter().map(|row| &row["start"]).collect();
    assert_eq!(starts.len(), 30);
    let sum = |name: &str, currency: &str| {
        let rows = rows.iter().filter(|row| currency.is_empty() || row["currency"] == currency);
        rows.filter_map(|row| row[name].parse::<u64>().ok()).sum::<u64>()
    };
    let sums = [("tickets_sold", ""), ("revenue", "EUR"), ("revenue", "USD"), ("refunds", "EUR")];
    assert_eq!(sums.map(|(name, currency)| sum(name, currency)), [6, 10_000, 200, 7_500]);
}
