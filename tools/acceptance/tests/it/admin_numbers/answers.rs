//! How numbers are answered: CSV, to whom, and what is refused.

use super::*;

#[tokio::test]
async fn a_name_that_a_spreadsheet_would_run_is_plain_text_in_csv_only() {
    let evently = TestApp::start().await;
    let (admin, ada) = (evently.admin(), evently.user());
    for name in ["=HYPERLINK(\"http://example.com\", \"win\")", "+1", "-1", "@SUM(1)"] {
        let event = evently.event_with(json!({ "name": name })).await;
        ada.buy(&event, 1).await;
        let bookings = format!("/admin/events/{event}/bookings");
        let (rows, _) = csv(&admin, &bookings).await;
        assert_eq!(rows[0]["event_name"], format!("'{name}"));
        assert_eq!(admin.get(&bookings).await.body["items"][0]["event_name"], name);
    }
    let (rows, _) = csv(&admin, "/admin/events/capacity_utilization").await;
    assert!(rows.len() == 4 && rows.iter().all(|row| row["name"].starts_with('\'')));
    let (rows, _) = csv(&admin, "/admin/analytics").await;
    assert!(rows[0]["most_popular_1_name"].starts_with('\''));
}

#[tokio::test]
async fn json_is_answered_unless_csv_is_preferred() {
    let evently = TestApp::start().await;
    let (admin, event) = (evently.admin(), evently.event(10).await);
    let bookings = format!("/admin/events/{event}/bookings");
    for path in NUMBERS.into_iter().chain([bookings.as_str()]) {
        for (accept, expected) in [
            ("*/*", "application/json"),
            ("application/json, text/csv;q=0.9", "application/json"),
            ("text/csv;q=0.9, application/json;q=0.1", "text/csv; charset=utf-8; header=present"),
        ] {
            let answer = admin.get_with(path, "accept", accept).await;
            assert_eq!((answer.status, answer.header("content-type")), (200, expected), "{path} {accept}");
        }
    }
}

#[tokio::test]
async fn only_admins_see_the_numbers() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let bookings = format!("/admin/events/{event}/bookings");
    for path in NUMBERS.into_iter().chain([bookings.as_str()]) {
        evently.anybody().get(path).await.assert_problem(401, "unauthorized");
        evently.user().get(path).await.assert_problem(403, "forbidden");
        evently.user().get_with(path, "accept", "text/csv").await.assert_problem(403, "forbidden");
        assert_eq!(evently.admin().get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn bookings_of_a_time_count_as_they_are_now() {
    let evently = TestApp::start().await;
    let (admin, ada) = (evently.admin(), evently.user());
    let event = evently.event_with(json!({ "capacity": 10, "base_price": 2_500, "currency": "EUR" })).await;
    ada.buy(&event, 3).await;
    let cancelled = ada.buy(&event, 2).await;
    assert_eq!(ada.cancel(&cancelled).await.status, 200);
    let all = analytics(&admin, "").await;
    assert_eq!((&all["total_bookings"], &all["tickets_sold"]), (&json!(2), &json!(3)));
    for query in [
        format!("sold_from={}", in_hours(-1)),
        format!("sold_to={}", in_hours(1)),
        format!("sold_from={}&sold_to={}", in_hours(-24), in_hours(1)),
        format!("sold_from={}&starts_from={}", in_hours(-1), in_hours(-1)),
    ] {
        assert_eq!(analytics(&admin, &format!("?{query}")).await, all, "{query}");
    }
    for query in [
        "sold_to=9999-12-30T22:00:00Z&sold_from=9999-12-30T21:59:59Z".to_owned(),
        "sold_to=-009999-01-02T01:59:59Z".to_owned(),
        format!("sold_from={}&sold_to={}", in_hours(-24), in_hours(-1)),
        format!("sold_from={}", in_hours(2)),
    ] {
        let none = analytics(&admin, &format!("?{query}")).await;
        assert_eq!((&none["total_bookings"], &none["capacity"]), (&json!(0), &json!(10)), "{query}");
        assert_eq!((&none["revenue"], &none["most_popular"]), (&json!([]), &json!([])), "{query}");
    }
    let (rows, answer) = csv(&admin, &format!("/admin/analytics?sold_from={}", in_hours(-1))).await;
    assert_eq!((rows[0]["tickets_sold"].as_str(), rows[0]["revenue"].as_str()), ("3", "7500"));
    let name = answer.header("content-disposition");
    assert!(name.contains("analytics-sold-from-20"), "{name}");
}

#[tokio::test]
async fn a_bad_parameter_is_named() {
    let evently = TestApp::start().await;
    let (admin, event) = (evently.admin(), evently.event(10).await);
    let backwards = "from=2027-01-02T00:00:00Z&to=2027-01-01T00:00:00Z";
    let bookings = format!("/admin/events/{event}/bookings");
    for (path, query, field) in [
        ("/admin/analytics", "from=yesterday", "from"),
        ("/admin/analytics", backwards, "to"),
        ("/admin/analytics", "sold_from=2027-01-02T00:00:00Z&sold_to=2027-01-01T00:00:00Z", "sold_to"),
        ("/admin/analytics", "sold_from=2025-01-01T00:00:00Z&sold_to=2026-01-02T00:00:00.001Z", "sold_from"),
        ("/admin/analytics", "sold_from=2020-01-01T00:00:00Z", "sold_from"),
        ("/admin/analytics", "sold_from=-009999-01-02T01:59:59Z&sold_to=9999-12-30T22:00:00Z", "sold_from"),
        ("/admin/events/capacity_utilization", backwards, "to"),
        ("/admin/events/capacity_utilization", "limit=0", "limit"),
        ("/admin/events/capacity_utilization", "limit=101", "limit"),
        ("/admin/analytics/timeline", "bucket=week", "bucket"),
        ("/admin/analytics/timeline", "event_id=none", "event_id"),
        ("/admin/analytics/timeline", backwards, "to"),
        ("/admin/analytics/timeline", "from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:01Z", "from"),
        ("/admin/analytics/timeline", "bucket=day&from=2025-01-01T00:00:00Z&to=2026-01-03T00:00:00Z", "from"),
        ("/admin/analytics/timeline", "from=-009999-01-02T01:59:59Z&to=9999-12-30T22:00:00Z", "from"),
        (&bookings, "status=held", "status"),
        (&bookings, "limit=1000", "limit"),
    ] {
        let refused = admin.get(&format!("{path}?{query}")).await;
        refused.assert_problem(400, "invalid_parameter");
        assert_eq!(refused.bad_fields(), [field], "{path} {query}");
    }
    let nobodys = "0189f7c0-0000-7000-8000-000000000000";
    admin.get(&format!("/admin/events/{nobodys}/bookings")).await.assert_problem(404, "event_not_found");
    let gone = domain::id::EventId::new(Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(500_000));
    for path in
        [format!("/admin/events/{gone}/bookings"), format!("/admin/analytics/timeline?event_id={gone}")]
    {
        admin.get(&path).await.assert_problem(404, "event_not_found");
    }
}
