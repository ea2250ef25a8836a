//! CSV as a real export: all rows, in files that a spreadsheet opens and whose columns stay.

mod columns;
mod large;

use std::collections::{BTreeSet, HashMap};

use domain::{
    event::EventStatus,
    id::{EventId, ReservationId},
};
use futures::{StreamExt, future::join, stream};
use http_api::gateway::gateway;
use iso_currency::Currency;
use jiff::{SignedDuration, Timestamp};
use lambda_http::{LambdaEvent, request::LambdaRequest, tower::ServiceExt};
use reqwest::Method;
use serde_json::{Value, json};
use stores::dynamodb::CommitOutcome;

use self::columns::columns_of_guide;
use crate::{
    common::{Answer, Session, TestApp, in_hours, many::many_events, permissions, send},
    lists::{booked, walk},
};

const CSV: &str = "text/csv; charset=utf-8; header=present";
const BYTE_ORDER_MARK: &str = "\u{feff}";

type Row = HashMap<String, String>;

/// Everything that is answered as CSV, too.
fn paths(event: &str) -> Vec<String> {
    let paths = columns_of_guide().into_iter().map(|(path, _)| path.replace("{id}", event));
    paths.collect()
}

fn content(file: &Answer) -> &str {
    assert_eq!((file.status, file.header("content-type")), (200, CSV), "{}", file.body);
    std::str::from_utf8(&file.bytes).unwrap()
}

fn rows_of(content: &str) -> Vec<Row> {
    csv::Reader::from_reader(content.as_bytes()).deserialize().map(Result::unwrap).collect()
}

/// A file. A busy store may ask to try again, once or twice.
async fn file(reader: &Session, path: &str) -> Answer {
    for _ in 0..2 {
        let answer = reader.get(path).await;
        if answer.status != 503 {
            return answer;
        }
    }
    reader.get(path).await
}

/// All rows, in however many files: a slow store makes them shorter.
async fn rows(reader: &Session, path: &str) -> Vec<Row> {
    files(reader, path).await.iter().flat_map(|file| rows_of(content(file))).collect()
}

fn next(file: &Answer) -> Option<String> {
    let link = file.headers.get("link")?.to_str().unwrap();
    Some(link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

/// All files of a list, following `Link`.
async fn files(reader: &Session, path: &str) -> Vec<Answer> {
    let (mut files, mut path) = (Vec::new(), Some(path.to_owned()));
    while let Some(asked) = path {
        let file = file(reader, &asked).await;
        content(&file);
        path = next(&file);
        files.push(file);
        assert!(files.len() < 50, "the list has no end");
    }
    files
}

fn with_query(path: &str, query: &str) -> String {
    format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' })
}

/// So many bookings of an event, each a minute older; their ids, newest first.
async fn book_many(evently: &TestApp, buyer: &Session, event: &str, count: i64) -> Vec<ReservationId> {
    let (event, now): (EventId, _) = (event.parse().unwrap(), Timestamp::now());
    let bookings = (1..=count).map(|n| {
        let held_at = now - SignedDuration::from_mins(n);
        let booking = booked(buyer, event, held_at, held_at);
        async move {
            let committed = evently.app.store.commit_booking(&booking, u32::MAX).await.unwrap();
            assert!(matches!(committed, CommitOutcome::Committed), "{committed:?}");
            booking.id
        }
    });
    stream::iter(bookings).buffered(8).collect().await
}

#[tokio::test]
async fn an_export_has_every_row_once_while_others_book() {
    let evently = TestApp::with(|config| config.seats_per_shard = 2_000).await;
    let (event, admin, ada) = (evently.event(2_000).await, evently.admin(), evently.user());
    let before = book_many(&evently, &ada, &event, 450).await;
    let list = format!("/admin/events/{event}/bookings?format=csv");
    let sell = async {
        let mut sold = Vec::new();
        for _ in 0..40 {
            sold.push(evently.user().buy(&event, 1).await);
        }
        sold
    };
    let (exported, sold) = join(rows(&admin, &list), sell).await;
    let ids: Vec<String> = exported.into_iter().map(|row| row["id"].clone()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "no row is there twice");
    let before: Vec<String> = before.iter().map(ToString::to_string).collect();
    assert_eq!(ids[ids.len() - before.len()..], before, "no row is missing");
    assert!(ids[..ids.len() - before.len()].iter().all(|id| sold.contains(id)));

    // All of them, as the pages have them; and one's own.
    let (items, _) = walk(&admin, &format!("/admin/events/{event}/bookings"), 100).await;
    let all = rows(&admin, &list).await;
    assert_eq!(all.len(), 490);
    assert!(all.iter().zip(&items).all(|(row, item)| row["id"] == item["id"].as_str().unwrap()));
    let own = rows(&ada, "/bookings?format=csv").await;
    assert_eq!(own.iter().map(|row| row["id"].clone()).collect::<Vec<_>>(), before);
    assert!(
        own.iter().all(|row| row["event_name_now"] == "Concert" && row["event_status_now"] == "published")
    );
}

#[tokio::test]
async fn a_limit_makes_a_page_and_a_filter_holds_for_all_files() {
    let evently = TestApp::start().await;
    let (event, admin, ada) = (evently.event(100).await, evently.admin(), evently.user());
    let mut cancelled = Vec::new();
    for n in 0..9 {
        let booking = ada.buy(&event, 1).await;
        if n % 3 == 0 {
            assert_eq!(ada.cancel(&booking).await.status, 200);
            cancelled.insert(0, booking);
        }
    }
    for list in [format!("/admin/events/{event}/bookings"), "/bookings".to_owned()] {
        let reader = if list == "/bookings" { &ada } else { &admin };
        let asked = format!("{list}?status=cancelled&limit=2&format=csv&bom=1");
        let files = files(reader, &asked).await;
        assert_eq!(files.len(), 2);
        let mut ids = Vec::new();
        for file in &files {
            let content = content(file).strip_prefix(BYTE_ORDER_MARK).unwrap();
            ids.extend(rows_of(content).into_iter().map(|row| row["id"].clone()));
        }
        assert_eq!(ids, cancelled, "{list}");
        assert_eq!(rows(reader, &format!("{list}?status=cancelled&format=csv")).await.len(), 3);
        // A place in the one is a place in the other.
        let cursor = reader.get(&format!("{list}?limit=4")).await.text("next_cursor");
        assert_eq!(rows(reader, &format!("{list}?format=csv&cursor={cursor}")).await.len(), 5);
    }
}

/// What Lambda hands on for a request: the answer's JSON.
async fn by_lambda(evently: &TestApp, reader: &Session, path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let token = format!("Bearer {}", reader.token.as_deref().unwrap());
    let http = json!({ "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
        "userAgent": "test" });
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": { "authorization": token, "accept-encoding": "gzip" }, "isBase64Encoded": false,
        "requestContext": { "http": http, "stage": "$default", "timeEpoch": 1_931_000_638_390_u64 },
    });
    let request: LambdaRequest = serde_json::from_value(event).unwrap();
    let event = LambdaEvent::new(request, lambda_http::Context::default());
    let answer = gateway(permissions::service(&evently.app)).oneshot(event).await.unwrap();
    serde_json::to_string(&answer).unwrap()
}

#[tokio::test]
async fn a_byte_order_mark_is_there_where_it_is_wanted() {
    let evently = TestApp::start().await;
    let (admin, event) = (evently.admin(), evently.event(10).await);
    for path in paths(&event) {
        let plain = admin.get(&with_query(&path, "format=csv")).await;
        assert!(!content(&plain).starts_with(BYTE_ORDER_MARK), "{path}");
        assert!(
            content(&admin.get(&with_query(&path, "format=csv&bom=0")).await)
                .starts_with(char::is_alphabetic)
        );
        let marked = admin.get(&with_query(&path, "format=csv&bom=1")).await;
        let header = |content: &str| content.split("\r\n").next().unwrap().to_owned();
        assert_eq!(
            header(content(&marked)),
            format!("{BYTE_ORDER_MARK}{}", header(content(&plain))),
            "{path}"
        );
        let by_accept = admin.get_with(&with_query(&path, "bom=1"), "accept", "text/csv").await;
        assert!(content(&by_accept).starts_with(BYTE_ORDER_MARK), "{path}");
        let answer: Value =
            serde_json::from_str(&by_lambda(&evently, &admin, &with_query(&path, "format=csv&bom=1")).await)
                .unwrap();
        let body = answer["body"].as_str().unwrap();
        assert_eq!(body.matches(BYTE_ORDER_MARK).count(), 1, "{path}");
        assert!(body.starts_with(BYTE_ORDER_MARK), "{path}");
    }
}

#[tokio::test]
async fn the_parameter_wins_over_accept_and_head_says_what_get_does() {
    let evently = TestApp::start().await;
    let (admin, event) = (evently.admin(), evently.event(10).await);
    for _ in 0..3 {
        admin.buy(&event, 1).await;
    }
    for path in paths(&event) {
        for (query, accept, expected) in [
            ("", "text/csv", CSV),
            ("", "*/*", "application/json"),
            ("format=csv", "*/*", CSV),
            ("format=csv", "application/json", CSV),
            ("format=json", "text/csv", "application/json"),
            ("format=json", "*/*", "application/json"),
        ] {
            let path = with_query(&path, query);
            let got = admin.get_with(&path, "accept", accept).await;
            let found = (got.status, got.header("content-type"), got.header("vary"));
            assert_eq!(found, (200, expected, "Accept"), "{path} {accept}");
            assert_eq!(got.headers.contains_key("content-disposition"), expected == CSV);
            let head = send(admin.request(Method::HEAD, &path).header("accept", accept)).await;
            assert_eq!((head.status, head.bytes.len()), (200, 0));
            for name in ["content-type", "vary", "link"] {
                assert_eq!(head.headers.get(name), got.headers.get(name), "{path} {name}");
            }
            assert_eq!(head.headers.contains_key("content-disposition"), expected == CSV);
        }
    }
    let page = format!("/admin/events/{event}/bookings?format=csv&limit=1");
    let head = send(admin.request(Method::HEAD, &page)).await;
    assert!(next(&head).unwrap().contains("limit=1&cursor="));
}

#[tokio::test]
async fn a_bad_form_is_refused_beside_what_else_is_bad() {
    let evently = TestApp::start().await;
    let (admin, event) = (evently.admin(), evently.event(10).await);
    for path in paths(&event) {
        for (query, fields) in [
            ("format=xml", vec!["format"]),
            ("format=CSV", vec!["format"]),
            ("format=", vec!["format"]),
            ("format=csv&format=json", vec!["format"]),
            ("format=csv&bom=yes", vec!["bom"]),
            ("bom=1", vec!["bom"]),
            ("format=json&bom=1", vec!["bom"]),
            ("from=soon&starts_from=soon&limit=0&cursor=&bom=1&colour=red", vec!["bom", "colour"]),
        ] {
            let refused = admin.get(&with_query(&path, query)).await;
            refused.assert_problem(400, "invalid_parameter");
            let bad: BTreeSet<&str> = refused.bad_fields().into_iter().collect();
            assert!(fields.iter().all(|field| bad.contains(field)), "{path} {query} {bad:?}");
            assert!(fields.len() > 1 || bad.len() == 1, "{path} {query} {bad:?}");
        }
        let refused = admin.get(&with_query(&path, "bom=1")).await;
        assert_eq!(refused.body["errors"][0]["code"], "only_with");
        let params = json!({ "other": "format", "value": "csv" });
        assert_eq!(refused.body["errors"][0]["params"], params);
    }
    // Who may not see a list may not have it as a file.
    for path in paths(&event).iter().filter(|path| *path != "/bookings") {
        evently.user().get(&with_query(path, "format=csv")).await.assert_problem(403, "forbidden");
        evently.anybody().get(&with_query(path, "format=csv")).await.assert_problem(401, "unauthorized");
    }
    // What answers no CSV knows no form.
    let refused = evently.anybody().get("/events?format=csv").await;
    assert_eq!((refused.status, refused.bad_fields()), (400, vec!["format"]));
}

#[tokio::test]
async fn amounts_are_also_written_in_the_digits_of_their_currency() {
    let evently = TestApp::start().await;
    let (admin, ada) = (evently.admin(), evently.user());
    let mut expected = Vec::new();
    for (currency, price, unit, total) in
        [("EUR", 4_505, "45.05", "90.10"), ("JPY", 4_500, "4500", "9000"), ("KWD", 5, "0.005", "0.010")]
    {
        let event = evently.event_with(json!({ "currency": currency, "base_price": price })).await;
        let booking = ada.buy(&event, 2).await;
        let of_admin = &rows(&admin, &format!("/admin/events/{event}/bookings?format=csv")).await[0];
        let own = rows(&ada, "/bookings?format=csv").await;
        for row in [of_admin, own.iter().find(|row| row["id"] == booking).unwrap()] {
            let found = ["currency", "unit_price", "unit_price_decimal", "total", "total_decimal"]
                .map(|column| row[column].as_str());
            assert_eq!(found, [currency, &price.to_string(), unit, &(2 * price).to_string(), total]);
        }
        let price_of = &rows(&admin, &format!("/admin/events/{event}/prices?format=csv")).await[0];
        let listed = rows(&admin, "/admin/events?format=csv").await;
        for row in [price_of, listed.iter().find(|row| row["id"] == event).unwrap()] {
            let found = ["currency", "price", "price_decimal", "base_price_decimal"]
                .map(|column| row[column].as_str());
            assert_eq!(found, [currency, &price.to_string(), unit, unit]);
        }
        assert_eq!(
            (price_of["previous_price"].as_str(), price_of["previous_price_decimal"].as_str()),
            ("", "")
        );
        expected.push([currency.to_owned(), (2 * price).to_string(), total.to_owned()]);

        // One event has one currency, in every bucket.
        let timeline = rows(&admin, &format!("/admin/analytics/timeline?format=csv&event_id={event}")).await;
        assert!(timeline.len() == 24 && timeline.iter().all(|row| row["currency"] == currency));
    }
    let revenues = |rows: &[Row]| {
        let rows = rows.iter().filter(|row| row["revenue"] != "0");
        let columns = ["currency", "revenue", "revenue_decimal"];
        rows.map(|row| columns.map(|column| row[column].clone())).collect::<Vec<_>>()
    };
    let analytics = rows(&admin, "/admin/analytics?format=csv").await;
    assert_eq!(revenues(&analytics), expected);
    assert_eq!(analytics[0]["tickets_sold"], "6");
    assert!(
        analytics[1..]
            .iter()
            .all(|row| row["tickets_sold"].is_empty() && row["most_popular_1_name"].is_empty())
    );
    // From yesterday on: an hour may just have begun.
    let timeline =
        rows(&admin, &format!("/admin/analytics/timeline?format=csv&from={}", in_hours(-24))).await;
    assert_eq!(revenues(&timeline).into_iter().collect::<BTreeSet<_>>().len(), 3);
    let counts = timeline.iter().filter(|row| !row["bookings"].is_empty());
    assert_eq!(counts.map(|row| row["bookings"].parse::<u32>().unwrap()).sum::<u32>(), 3);
    assert!(
        timeline.iter().filter(|row| row["currency"].is_empty()).all(|row| row["revenue_decimal"] == "0")
    );
}

#[tokio::test]
async fn a_file_is_named_after_what_is_in_it() {
    let evently = TestApp::start().await;
    let (admin, day) = (evently.admin(), "2031-06-12");
    for (name, expected) in [
        ("Open Air 2031", "filename=\"bookings-open-air-2031-2031-06-12.csv\""),
        ("../a\"b\\c;d=\u{201c}e\u{201d}", "filename=\"bookings-a-b-c-d-e-2031-06-12.csv\""),
        (
            "Fête à Łódź",
            "filename=\"bookings-fete-a-lodz-2031-06-12.csv\"; \
             filename*=UTF-8''bookings-F%C3%AAte-%C3%A0-%C5%81%C3%B3d%C5%BA-2031-06-12.csv",
        ),
        (
            "音楽祭 🎻",
            "filename=\"bookings-2031-06-12.csv\"; \
             filename*=UTF-8''bookings-%E9%9F%B3%E6%A5%BD%E7%A5%AD-2031-06-12.csv",
        ),
    ] {
        let starts_at = format!("{day}T20:00:00Z");
        let event = evently.event_with(json!({ "name": name, "starts_at": starts_at })).await;
        let file = admin.get(&format!("/admin/events/{event}/bookings?format=csv")).await;
        assert_eq!(file.header("content-disposition"), format!("attachment; {expected}"), "{name}");
        let prices = admin.get(&format!("/admin/events/{event}/prices?format=csv")).await;
        let expected = expected.replace("bookings", "prices");
        assert_eq!(prices.header("content-disposition"), format!("attachment; {expected}"), "{name}");
    }
    let range = "from=2026-11-02T00:00:00Z&to=2026-11-04T00:00:00Z";
    let starts = "starts_from=2026-11-02T00:00:00Z&starts_to=2026-11-04T00:00:00Z";
    for (path, start) in [
        ("/bookings?format=csv&status=cancelled".to_owned(), "bookings-cancelled.csv"),
        (
            format!("/admin/analytics/timeline?format=csv&bucket=day&{range}"),
            "sales-by-day-from-2026-11-02-to-2026-11-03.csv",
        ),
        (
            format!("/admin/analytics/timeline?format=csv&{range}"),
            "sales-by-hour-from-2026-11-02-0000-to-2026-11-03-2300.csv",
        ),
        (format!("/admin/analytics?format=csv&{starts}"), "analytics-from-2026-11-02-to-2026-11-04-at-20"),
        (
            format!("/admin/events/capacity_utilization?format=csv&{starts}"),
            "capacity-from-2026-11-02-to-2026-11-04-at-20",
        ),
        (
            format!("/admin/events?format=csv&status=draft&q=open+AIR&{starts}"),
            "events-draft-open-air-from-2026-11-02-to-2026-11-04-at-20",
        ),
        (format!("/admin/audit?format=csv&{range}"), "audit-from-2026-11-02-to-2026-11-04-at-20"),
        ("/admin/audit?format=csv".to_owned(), "audit-at-20"),
    ] {
        let file = admin.get(&path).await;
        let header = file.header("content-disposition");
        assert!(header.starts_with(&format!("attachment; filename=\"{start}")), "{path}: {header}");
        assert!(header.ends_with(".csv\""), "{header}");
    }
}

#[tokio::test]
async fn all_events_are_exported_by_start_with_what_they_are() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    let ids = many_events(&evently, 230, |index, details| {
        details.starts_at =
            Timestamp::now() + SignedDuration::from_hours(1_000 - i64::try_from(index).unwrap());
        details.status = if index == 7 { EventStatus::Draft } else { EventStatus::Published };
        details.currency = if index == 9 { Currency::JPY } else { Currency::EUR };
        details.venue = Some("=HALL".to_owned());
    })
    .await;
    let by_start: Vec<String> = ids.iter().rev().map(ToString::to_string).collect();
    let events = rows(&admin, "/admin/events?format=csv").await;
    assert_eq!(events.iter().map(|row| row["id"].clone()).collect::<Vec<_>>(), by_start);
    assert!(events.iter().all(|row| row["venue"] == "'=HALL" && row["available"] == row["capacity"]));
    let draft = &events[230 - 1 - 7];
    assert_eq!((draft["status"].as_str(), draft["price_decimal"].as_str()), ("draft", "25.00"));
    let filtered = rows(&admin, "/admin/events?format=csv&status=draft").await;
    assert_eq!(filtered.iter().collect::<Vec<_>>(), [draft]);
    let capacities = rows(&admin, "/admin/events/capacity_utilization?format=csv").await;
    assert_eq!(capacities.iter().map(|row| row["event_id"].clone()).collect::<Vec<_>>(), by_start);
}
