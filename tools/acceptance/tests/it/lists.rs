//! Lists: pages and cursors.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use domain::{
    booking::Booking,
    event::AreaName,
    id::{EventId, ReservationId},
    inventory::Draw,
    reservation::BegunHold,
};

use crate::common::{Session, TestApp, in_hours};

/// All items of a list, page by page; each page's length with them.
pub(crate) async fn walk(reader: &Session, list: &str, limit: usize) -> (Vec<Value>, Vec<usize>) {
    let separator = if list.contains('?') { '&' } else { '?' };
    let (mut items, mut lengths, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = reader.get(&format!("{list}{separator}limit={limit}{cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let part = page.body["items"].as_array().unwrap();
        assert!(part.len() <= limit);
        lengths.push(part.len());
        items.extend(part.iter().cloned());
        assert!(!part.is_empty(), "a cursor leads to something: {lengths:?}");
        match &page.body["next_cursor"] {
            Value::Null => return (items, lengths),
            Value::String(next) => cursor = format!("&cursor={next}"),
            other => panic!("next_cursor is {other}"),
        }
        assert!(lengths.len() < 50, "the list has no end: {lengths:?}");
    }
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// Seven events, by start; two of them start at the same time.
async fn seven_events(evently: &TestApp) -> Vec<String> {
    let mut events = Vec::new();
    for hours in [50, 20, 30, 60, 20, 70, 40] {
        let starts_at = in_hours(hours);
        events.push((
            hours,
            evently.event_with(json!({ "name": format!("Concert {hours}"), "starts_at": starts_at })).await,
        ));
    }
    events.sort();
    events.into_iter().map(|(_, id)| id).collect()
}

#[tokio::test]
async fn events_come_page_by_page_in_order_and_each_once() {
    let evently = TestApp::start().await;
    let events = seven_events(&evently).await;
    for (reader, list) in [(evently.anybody(), "/events"), (evently.admin(), "/admin/events")] {
        for limit in [1, 2, 3, 7, 100] {
            let (items, lengths) = walk(&reader, list, limit).await;
            assert!(
                items.is_sorted_by_key(|item| item["starts_at"].as_str().unwrap().to_owned()),
                "{list} {limit}"
            );
            let mut found = ids(&items);
            found.sort_unstable();
            let mut expected: Vec<&str> = events.iter().map(String::as_str).collect();
            expected.sort_unstable();
            assert_eq!(found, expected, "{list} in pages of {limit}");
            assert!(
                lengths.iter().rev().skip(1).all(|length| *length == limit),
                "only the last page may be short: {lengths:?}"
            );
        }
        let all = reader.get(list).await;
        assert_eq!(all.body["items"].as_array().unwrap().len(), 7);
        assert_eq!(all.body["next_cursor"], Value::Null);
    }
}

#[tokio::test]
async fn a_filtered_list_has_full_pages_too() {
    let evently = TestApp::start().await;
    for n in 0..9 {
        let name = if n % 3 == 0 { "Jazz night" } else { "Opera" };
        evently.event_with(json!({ "name": name, "starts_at": in_hours(10 + n) })).await;
    }
    let (items, lengths) = walk(&evently.anybody(), "/events?q=jazz", 2).await;
    assert_eq!(items.len(), 3);
    assert_eq!(lengths[..2], [2, 1]);
    assert!(items.iter().all(|item| item["name"] == "Jazz night"));
}

#[tokio::test]
async fn bookings_come_newest_first_page_by_page() {
    let evently = TestApp::start().await;
    let event = evently.event(50).await;
    let (ada, bob) = (evently.user(), evently.user());
    let mut bookings = Vec::new();
    for n in 0..5 {
        bookings.insert(0, ada.buy(&event, 1 + n).await);
        bob.buy(&event, 1).await;
    }
    for limit in [1, 2, 5, 100] {
        let (items, _) = walk(&ada, "/bookings", limit).await;
        assert_eq!(ids(&items), bookings, "in pages of {limit}");
        // Not as text: what ends in a zero is written without it.
        let made_at = |item: &Value| item["created_at"].as_str().unwrap().parse::<Timestamp>().unwrap();
        assert!(items.is_sorted_by(|a, b| made_at(a) >= made_at(b)));
    }
    let nobody = evently.user().get("/bookings").await;
    assert_eq!(nobody.body, json!({ "items": [], "next_cursor": null }));
}

#[tokio::test]
async fn bookings_come_in_the_order_in_which_they_were_confirmed() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(100).await, evently.user());
    let mut held = Vec::new();
    for _ in 0..45 {
        held.push(ada.hold(&event, 1).await);
    }
    // Neither the order in which they were held nor its reverse.
    let confirmed_in = (0..held.len()).map(|n| &held[n * 7 % held.len()]);
    let mut bookings = Vec::new();
    for (n, id) in confirmed_in.enumerate() {
        assert_eq!(ada.confirm(id).await.status, 201);
        bookings.insert(0, id.clone());
        if n % 3 == 0 {
            assert_eq!(ada.cancel(id).await.status, 200);
        }
    }
    for limit in [1, 7, 20, 45, 100] {
        let (items, _) = walk(&ada, "/bookings", limit).await;
        assert_eq!(ids(&items), bookings, "in pages of {limit}");
    }
    let cancelled: Vec<_> = bookings.iter().rev().step_by(3).rev().cloned().collect();
    let (items, _) = walk(&ada, "/bookings?status=cancelled", 4).await;
    assert_eq!(ids(&items), cancelled);
}

#[tokio::test]
async fn a_booking_held_long_before_it_was_confirmed_is_in_its_place() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(100).await, evently.user());
    let id: EventId = event.parse().unwrap();
    let now = Timestamp::now();
    let mut expected = Vec::new();
    // Each was held an hour before the one above it in the list of ids, which has more than one read.
    for n in 0..45_i64 {
        let held_at = now - SignedDuration::from_hours(n);
        let confirmed_at = if n == 23 { now } else { held_at };
        let booking = booked(&ada, id, held_at, confirmed_at);
        evently.app.store.commit_booking(&booking, u32::MAX).await.unwrap();
        expected.push((confirmed_at, booking.id));
    }
    expected.sort_unstable_by(|one, other| other.cmp(one));
    let expected: Vec<String> = expected.iter().map(|(_, id)| id.to_string()).collect();
    for limit in [1, 3, 20] {
        let (items, _) = walk(&ada, "/bookings", limit).await;
        assert_eq!(ids(&items), expected, "in pages of {limit}");
    }
}

/// A booking whose seats were held and confirmed then.
pub(crate) fn booked(
    buyer: &Session,
    event: EventId,
    held_at: Timestamp,
    confirmed_at: Timestamp,
) -> Booking {
    let hold = BegunHold {
        id: ReservationId::new(event, held_at),
        quantity: 1,
        seats: Vec::new(),
        unit_price: Some(2_500),
        lines: Vec::new(),
        currency: "EUR".into(),
        draws: vec![Draw::places(0, 1)],
        event_name: "Concert".into(),
        starts_at: held_at,
        area: AreaName::default(),
        max_per_user: u32::MAX,
        event: None,
        begins: 1,
        is_first: true,
    };
    Booking::from_hold(&hold, buyer.user_id.unwrap(), confirmed_at)
}

#[tokio::test]
async fn bookings_of_one_status_come_in_full_pages() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(50).await, evently.user());
    let (mut confirmed, mut cancelled) = (Vec::new(), Vec::new());
    for n in 0..8 {
        let booking = ada.buy(&event, 1).await;
        if n % 2 == 0 {
            assert_eq!(ada.cancel(&booking).await.status, 200);
            cancelled.insert(0, booking);
        } else {
            confirmed.insert(0, booking);
        }
    }
    for (status, expected) in [("confirmed", confirmed), ("cancelled", cancelled)] {
        let (items, lengths) = walk(&ada, &format!("/bookings?status={status}"), 3).await;
        assert_eq!(ids(&items), expected);
        assert!(items.iter().all(|item| item["status"] == status));
        assert_eq!(lengths[..2], [3, 1]);
    }
    let refused = ada.get("/bookings?status=held").await;
    refused.assert_problem(400, "invalid_parameter");
    assert_eq!(refused.bad_fields(), ["status"]);
}

#[tokio::test]
async fn a_page_has_1_to_100_items() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    for list in ["/events", "/admin/events", "/bookings"] {
        for limit in ["0", "101", "-1", "abc", "", "1.5", "4294967297"] {
            let refused = admin.get(&format!("{list}?limit={limit}")).await;
            assert_eq!(refused.status, 400, "{list} {limit}: {}", refused.body);
            refused.assert_problem(400, "invalid_parameter");
            assert_eq!(refused.bad_fields(), ["limit"], "{}", refused.body);
        }
        for limit in ["1", "100"] {
            assert_eq!(admin.get(&format!("{list}?limit={limit}")).await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_list_without_a_limit_has_20_items() {
    let evently = TestApp::start().await;
    for n in 0..21 {
        evently.event_with(json!({ "starts_at": in_hours(10 + n) })).await;
    }
    for (reader, list) in [(evently.anybody(), "/events"), (evently.admin(), "/admin/events")] {
        let page = reader.get(list).await;
        assert_eq!(page.body["items"].as_array().unwrap().len(), 20, "{list}");
        assert!(page.body["next_cursor"].is_string());
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_list_its_filters_and_its_reader_only() {
    let evently = TestApp::start().await;
    seven_events(&evently).await;
    let event = evently.event(50).await;
    let (ada, bob, admin) = (evently.user(), evently.user(), evently.admin());
    for user in [&ada, &bob] {
        for _ in 0..3 {
            user.buy(&event, 1).await;
        }
    }
    let until = in_hours(24 * 365);
    let of_events = ada.get("/events?limit=2").await.text("next_cursor");
    let of_concerts = ada.get("/events?limit=2&q=concert").await.text("next_cursor");
    let of_a_year = ada.get(&format!("/events?limit=2&to={until}")).await.text("next_cursor");
    let of_all = admin.get("/admin/events?limit=2").await.text("next_cursor");
    let of_published = admin.get("/admin/events?limit=2&status=published").await.text("next_cursor");
    let of_halls = admin.get("/admin/events?limit=2&q=hall").await.text("next_cursor");
    let of_starts = admin.get(&format!("/admin/events?limit=2&starts_to={until}")).await.text("next_cursor");
    let of_ada = ada.get("/bookings?limit=1").await.text("next_cursor");
    let of_ada_confirmed = ada.get("/bookings?limit=1&status=confirmed").await.text("next_cursor");

    let lists = [
        (&ada, "/events?".to_owned(), &of_events),
        (&ada, "/events?q=concert&".to_owned(), &of_concerts),
        (&ada, format!("/events?to={until}&"), &of_a_year),
        (&admin, "/admin/events?".to_owned(), &of_all),
        (&admin, "/admin/events?status=published&".to_owned(), &of_published),
        (&admin, "/admin/events?q=hall&".to_owned(), &of_halls),
        (&admin, format!("/admin/events?starts_to={until}&"), &of_starts),
        (&ada, "/bookings?".to_owned(), &of_ada),
        (&ada, "/bookings?status=confirmed&".to_owned(), &of_ada_confirmed),
    ];
    for (reader, list, own) in &lists {
        for (_, _, cursor) in &lists {
            let answer = reader.get(&format!("{list}cursor={cursor}")).await;
            if cursor == own {
                assert_eq!(answer.status, 200, "{list}: {}", answer.body);
                let other_limit = reader.get(&format!("{list}cursor={cursor}&limit=3")).await;
                assert_eq!(other_limit.status, 200, "the limit may change from page to page");
            } else {
                answer.assert_problem(400, "invalid_cursor");
            }
        }
    }
    for (list, cursor) in [("/events?q=opera", &of_concerts), ("/events?q=Concert&", &of_concerts)] {
        ada.get(&format!("{list}&cursor={cursor}")).await.assert_problem(400, "invalid_cursor");
    }
    bob.get(&format!("/bookings?cursor={of_ada}")).await.assert_problem(400, "invalid_cursor");
}

#[tokio::test]
async fn a_tampered_cursor_is_refused() {
    let evently = TestApp::start().await;
    seven_events(&evently).await;
    let anybody = evently.anybody();
    let cursor = anybody.get("/events?limit=2").await.text("next_cursor");
    let parts: Vec<&str> = cursor.split('.').collect();
    let other = TestApp::start().await;
    seven_events(&other).await;
    let (mut payload, mut signature) = (parts[1].to_owned(), parts[2].to_owned());
    for part in [&mut payload, &mut signature] {
        let first = if part.starts_with('A') { "B" } else { "A" };
        part.replace_range(..1, first);
    }
    for tampered in [
        String::new(),
        "abc".to_owned(),
        cursor[1..].to_owned(),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{payload}.{}", parts[0], parts[2]),
        format!("{}.{}.{signature}", parts[0], parts[1]),
        format!("eyJhbGciOiJub25lIiwidHlwIjoiY3Vyc29yIn0.{}.", parts[1]),
    ] {
        let refused = anybody.get(&format!("/events?cursor={tampered}")).await;
        assert_eq!(refused.status, 400, "{tampered}: {}", refused.body);
        refused.assert_problem(400, "invalid_cursor");
    }
    assert_eq!(anybody.get(&format!("/events?cursor={cursor}")).await.status, 200);
}
