//! A cursor is good for its list with its filters, and for no other: every list, every filter.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;

use crate::common::{Answer, Session, TestApp, send};

/// A parameter of a list and its values; the first is none.
type Filter = (&'static str, Vec<String>);

/// A list with its filters, each set or not.
struct List {
    reader: Session,
    method: Method,
    path: String,
    filters: Vec<Filter>,
}

impl List {
    fn get(reader: &Session, path: impl Into<String>, filters: &[(&'static str, &[&str])]) -> Self {
        let filters = filters.iter().map(|(name, values)| {
            let values = values.iter().map(|value| (*value).to_owned());
            (*name, [String::new()].into_iter().chain(values).collect())
        });
        Self { reader: reader.clone(), method: Method::GET, path: path.into(), filters: filters.collect() }
    }

    /// Every choice of a value for each filter.
    fn choices(&self) -> Vec<Vec<usize>> {
        self.filters.iter().fold(vec![Vec::new()], |choices, (_, values)| {
            let longer = |choice: &Vec<usize>| {
                let choice = choice.clone();
                (0..values.len()).map(move |value| [choice.clone(), vec![value]].concat())
            };
            choices.iter().flat_map(longer).collect()
        })
    }

    async fn read(&self, choice: &[usize], cursor: Option<&str>) -> Answer {
        let mut query = vec!["limit=1".to_owned()];
        for ((name, values), value) in self.filters.iter().zip(choice) {
            if *value > 0 {
                query.push(format!("{name}={}", values[*value]));
            }
        }
        query.extend(cursor.map(|cursor| format!("cursor={cursor}")));
        send(self.reader.request(self.method.clone(), &format!("{}?{}", self.path, query.join("&")))).await
    }

    async fn cursor(&self, choice: &[usize]) -> String {
        let page = self.read(choice, None).await;
        assert!(page.body["next_cursor"].is_string(), "{} {choice:?}: {}", self.path, page.body);
        page.text("next_cursor")
    }

    /// The same list, one filter of which has another value.
    fn neighbours(&self, choice: &[usize]) -> Vec<Vec<usize>> {
        let mut neighbours = Vec::new();
        for (filter, (_, values)) in self.filters.iter().enumerate() {
            for value in (0..values.len()).filter(|value| *value != choice[filter]) {
                let mut other = choice.to_vec();
                other[filter] = value;
                neighbours.push(other);
            }
        }
        // The same value for another filter.
        if choice.len() >= 2 {
            let mut swapped = choice.to_vec();
            swapped.reverse();
            let has_all = swapped.iter().zip(&self.filters).all(|(value, (_, values))| *value < values.len());
            if has_all && swapped != choice {
                neighbours.push(swapped);
            }
        }
        neighbours
    }
}

#[tokio::test]
async fn a_cursor_is_tied_to_every_filter_of_its_list() {
    let evently = TestApp::start().await;
    let start = Timestamp::now() + SignedDuration::from_hours(48);
    let start = Timestamp::from_second(start.as_second()).unwrap();
    let (before, after) = (start - Duration::from_secs(3_600), start + Duration::from_secs(3_600));
    let [start, before, after] = [start, before, after].map(|time| time.to_string());
    let mut events = Vec::new();
    for status in ["published", "published", "draft", "draft"] {
        let pricing = json!({ "min_percent": 90 });
        let event = json!({ "starts_at": start, "status": status, "pricing": pricing });
        events.push(evently.event_with(event).await);
    }
    let (ada, bob, admin) = (evently.user(), evently.user(), evently.admin());
    for event in &events[..2] {
        for user in [&ada, &bob] {
            for _ in 0..2 {
                user.hold(event, 1).await;
                user.buy(event, 1).await;
                let cancelled = user.buy(event, 1).await;
                assert_eq!(user.cancel(&cancelled).await.status, 200);
            }
        }
        let dearer =
            admin.patch(&format!("/admin/events/{event}"), "*", json!({ "base_price": 9_900 })).await;
        assert_eq!(dearer.status, 200, "{}", dearer.body);
    }
    let editor = evently.admin();
    for event in &events[..2] {
        for (who, price) in [(&admin, 7_000), (&editor, 7_100), (&admin, 7_200), (&editor, 7_300)] {
            let path = format!("/admin/events/{event}");
            assert_eq!(who.patch(&path, "*", json!({ "base_price": price })).await.status, 200);
        }
    }
    let admins = [&admin, &editor].map(|admin| admin.user_id.unwrap().to_string());
    let admins = admins.each_ref().map(String::as_str);
    let hours = |hours: i64| (Timestamp::now() + SignedDuration::from_hours(hours)).to_string();
    let (long_ago, ago, soon, later) = (hours(-2), hours(-1), hours(1), hours(2));
    let audited = [events[0].as_str(), events[1].as_str()];
    let (q, from, to): (&[&str], &[&str], &[&str]) =
        (&["con", "cert"], &[&start, &before], &[&start, &after]);
    let status: &[&str] = &["confirmed", "cancelled"];
    let of_event = |event: &String| format!("/admin/events/{event}/bookings");
    let prices_of = |event: &String| format!("/admin/events/{event}/prices");
    let lists = [
        List::get(&ada, "/events", &[("from", from), ("to", to), ("q", q)]),
        List::get(&ada, "/bookings", &[("status", status)]),
        List::get(&bob, "/bookings", &[("status", status)]),
        List::get(&ada, "/reservations", &[]),
        List::get(&bob, "/reservations", &[]),
        List::get(
            &admin,
            "/admin/events",
            &[("starts_from", from), ("starts_to", to), ("q", q), ("status", &["published", "draft"])],
        ),
        List::get(&admin, "/admin/events/capacity_utilization", &[("from", from), ("to", to)]),
        List::get(&admin, of_event(&events[0]), &[("status", status)]),
        List::get(&admin, of_event(&events[1]), &[("status", status)]),
        List::get(&admin, prices_of(&events[0]), &[]),
        List::get(&admin, prices_of(&events[1]), &[]),
        List::get(
            &admin,
            "/admin/audit",
            &[("event", &audited), ("from", &[&ago, &long_ago]), ("to", &[&soon, &later]), ("user", &admins)],
        ),
        List { method: Method::POST, ..List::get(&admin, "/admin/pricing/preview", &[]) },
    ];
    let mut refused = 0;
    for list in &lists {
        for choice in list.choices() {
            let cursor = list.cursor(&choice).await;
            let what = format!("{} {choice:?}", list.path);
            let next = list.read(&choice, Some(&cursor)).await;
            assert_eq!(next.status, 200, "{what}: {}", next.body);
            for other in list.neighbours(&choice) {
                let answer = list.read(&other, Some(&cursor)).await;
                assert_eq!(answer.status, 400, "{what} for {other:?}");
                answer.assert_problem(400, "invalid_cursor");
                refused += 1;
            }
        }
        let (own, plain) =
            (list.cursor(&vec![0; list.filters.len()]).await, |list: &List| vec![0; list.filters.len()]);
        for other in lists.iter().filter(|other| !std::ptr::eq(*other, list)) {
            let answer = other.read(&plain(other), Some(&own)).await;
            assert_eq!(answer.status, 400, "of {} for {}", list.path, other.path);
            refused += 1;
        }
    }
    assert!(refused > 500, "{refused}");
}

/// Which lists there are is known from the API document: a new one must be looked at above.
#[test]
fn every_list_with_a_cursor_is_known_here() {
    let document: serde_json::Value =
        serde_json::from_str(include_str!("../../../../functions/events/openapi.json")).unwrap();
    let mut with_cursor = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let names: Vec<_> = parameters.filter_map(|parameter| parameter["name"].as_str()).collect();
            if names.contains(&"cursor") {
                let mut filters: Vec<_> = names
                    .into_iter()
                    .filter(|name| !["cursor", "limit", "id"].contains(&name.to_ascii_lowercase().as_str()))
                    .filter(|name| !name.starts_with(char::is_uppercase))
                    .collect();
                filters.sort_unstable();
                with_cursor.push(format!("{path} {}", filters.join(" ")).trim().to_owned());
            }
        }
    }
    with_cursor.sort();
    assert_eq!(
        with_cursor,
        [
            "/admin/audit bom event format from to user",
            "/admin/deliveries message_id status",
            "/admin/events bom format q starts_from starts_to status",
            "/admin/events/capacity_utilization bom format from starts_from starts_to to",
            "/admin/events/{id}/bookings bom format status",
            "/admin/events/{id}/prices bom format",
            "/admin/pricing/preview",
            "/bookings bom format status",
            "/events from q to",
            "/reservations",
        ]
    );
}
