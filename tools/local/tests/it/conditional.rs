//! Conditional requests and caching: ETag, If-None-Match, If-Match, Cache-Control.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::common::{TestApp, concert, in_hours, send};

#[tokio::test]
async fn a_public_answer_that_the_client_has_already_is_not_sent_again() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let anybody = evently.anybody();
    for path in [
        "/events".to_owned(),
        "/events/popular".into(),
        format!("/events/{event}"),
        "/openapi.json".into(),
        "/docs".into(),
    ] {
        let first = anybody.get(&path).await;
        assert_eq!(first.status, 200);
        assert!(first.header("cache-control").starts_with("public, max-age="), "{path}");
        let tag = first.header("etag");
        for known in [
            tag.to_owned(),
            format!("\"other\", {tag}"),
            format!("W/{}", tag.trim_start_matches("W/")),
            "*".into(),
        ] {
            let unchanged = anybody.get_with(&path, "if-none-match", &known).await;
            assert_eq!(unchanged.status, 304, "{path}: {known}");
            assert_eq!(unchanged.body, Value::Null);
            assert_eq!(unchanged.header("etag"), tag);
            assert_eq!(unchanged.header("cache-control"), first.header("cache-control"));
        }
        let other = anybody.get_with(&path, "if-none-match", "\"other\"").await;
        assert_eq!((other.status, &other.body), (200, &first.body), "{path}");
        for malformed in ["no tag", "", "\"open"] {
            let answer = anybody.get_with(&path, "if-none-match", malformed).await;
            assert_eq!((answer.status, &answer.body), (200, &first.body), "{path}: matches nothing");
        }
    }
}

#[tokio::test]
async fn a_change_changes_the_tag() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let (anybody, path) = (evently.anybody(), format!("/events/{event}"));
    let before = anybody.get(&path).await;
    assert_eq!((before.header("etag"), &before.body["version"]), ("\"1\"", &json!(1)));
    let (list, popular) = (anybody.get("/events").await, anybody.get("/events/popular").await);

    let changed = evently
        .admin()
        .put(&format!("/admin/events/{event}"), "\"1\"", concert(json!({ "name": "New" })))
        .await;
    assert_eq!((changed.header("etag"), &changed.body["version"]), ("\"2\"", &json!(2)));
    for (path, before) in [(path.as_str(), &before), ("/events", &list), ("/events/popular", &popular)] {
        let after = anybody.get_with(path, "if-none-match", before.header("etag")).await;
        assert_eq!(after.status, 200, "{path}");
        assert_ne!(after.header("etag"), before.header("etag"));
    }

    let list = anybody.get("/events").await;
    evently.user().hold(&event, 1).await;
    let after = anybody.get_with("/events", "if-none-match", list.header("etag")).await;
    assert_eq!(after.body["items"][0]["available"], changed.body["available"].as_u64().unwrap() - 1);
}

#[tokio::test]
async fn personal_answers_and_problems_are_never_stored() {
    let evently = TestApp::start().await;
    let (event, user, admin) = (evently.event(10).await, evently.user(), evently.admin());
    let held = user.book(&event, 1).await;
    let id = held.body["reservation"]["id"].as_str().unwrap().to_owned();
    let looked = user.get(&format!("/reservations/{id}")).await;
    let confirmed = user.confirm(&id).await;
    let given_back = user.delete(&format!("/reservations/{}", user.hold(&event, 1).await)).await;
    let created = admin.post("/admin/events", concert(json!({}))).await;
    for (what, status, answer) in [
        ("book", 201, held),
        ("look", 200, looked),
        ("confirm", 201, confirmed),
        ("release", 204, given_back),
        ("history", 200, user.get("/bookings").await),
        ("booking", 200, user.get(&format!("/bookings/{id}")).await),
        ("cancel", 200, user.cancel(&id).await),
        ("create", 201, created),
        ("all events", 200, admin.get("/admin/events").await),
        ("any event", 200, admin.get(&format!("/admin/events/{event}")).await),
        ("change", 200, admin.patch(&format!("/admin/events/{event}"), "*", json!({})).await),
        ("replace", 200, admin.put(&format!("/admin/events/{event}"), "*", concert(json!({}))).await),
        ("health", 200, user.get("/health").await),
        ("missing", 404, user.get("/events/42").await),
        ("nowhere", 404, user.get("/nowhere").await),
        ("bad query", 400, user.get("/events?limit=0").await),
    ] {
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        assert_eq!(answer.header("cache-control"), "no-store", "{what}");
    }
}

#[tokio::test]
async fn a_change_needs_the_version_that_it_is_based_on() {
    let evently = TestApp::start().await;
    let event = evently.event(100).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
    let change = |name: &str| concert(json!({ "name": name }));

    let without = send(admin.request(Method::PUT, &path).json(&change("without"))).await;
    without.assert_problem(428, "if_match_required");
    for malformed in ["", "1", "\"1", "version 1", "\"1\" \"2\""] {
        let refused = admin.put(&path, malformed, change("malformed")).await;
        assert_eq!(refused.status, 400, "{malformed}: {}", refused.body);
        refused.assert_problem(400, "invalid_parameter");
        assert_eq!(refused.bad_fields(), ["If-Match"]);
    }
    // A weak tag never matches here (RFC 9110, section 13.1.1).
    for stale in ["\"0\"", "\"2\"", "\"01\"", "\"2\", \"3\"", "W/\"1\""] {
        let refused = admin.put(&path, stale, change("stale")).await;
        assert_eq!(refused.status, 412, "{stale}: {}", refused.body);
        refused.assert_problem(412, "stale_version");
        assert_eq!(refused.body["current_version"], 1);
    }
    assert_eq!(evently.anybody().get(&format!("/events/{event}")).await.body["name"], "Concert");

    for (version, current) in [(2, "\"1\""), (3, "\"1\", \"2\""), (4, "*")] {
        let changed = admin.put(&path, current, change(current)).await;
        assert_eq!(changed.status, 200, "{current}: {}", changed.body);
        assert_eq!(changed.header("etag"), format!("\"{version}\""));
        assert_eq!((&changed.body["version"], &changed.body["name"]), (&json!(version), &json!(current)));
    }
}

#[tokio::test]
async fn of_ten_changes_at_once_based_on_one_version_one_succeeds() {
    let evently = TestApp::start().await;
    let event = evently.event(100).await;
    let answers = join_all((0..10).map(|n| {
        let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
        async move { admin.put(&path, "\"1\"", concert(json!({ "name": format!("Change {n}") }))).await }
    }))
    .await;
    let (done, stale): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(done.len(), 1, "{done:?}");
    for answer in stale {
        answer.assert_problem(412, "stale_version");
        assert_eq!(answer.body["current_version"], 2);
    }
    let now = evently.anybody().get(&format!("/events/{event}")).await;
    assert_eq!(now.body["name"], done[0].body["name"]);
}

#[tokio::test]
async fn the_five_events_with_most_tickets_sold_are_popular() {
    let evently = TestApp::start().await;
    let user = evently.user();
    let mut events = Vec::new();
    for (sold, hours) in [(2_u32, 10), (0, 5), (7, 30), (1, 40), (2, 9), (9, 50), (4, 60)] {
        let event = evently
            .event_with(json!({ "name": format!("{sold} {hours}"), "starts_at": in_hours(hours) }))
            .await;
        if sold > 0 {
            user.buy(&event, sold).await;
        }
        events.push(event);
    }
    // Neither held nor cancelled tickets count.
    user.hold(&events[1], 10).await;
    let booking = user.buy(&events[3], 10).await;
    assert_eq!(user.cancel(&booking).await.status, 200);
    let past = evently.event_created(1, |details| {
        details.name = "past".to_owned();
        details.ends_at = Some(details.starts_at + jiff::SignedDuration::from_hours(9));
        details.sales_close_at = details.ends_at;
    });
    user.buy(&past.await, 10).await;
    let off = json!({ "name": "cancelled", "starts_at": in_hours(20) });
    let cancelled = evently.event_with(off.clone()).await;
    user.buy(&cancelled, 10).await;
    let mut off = concert(off);
    off["status"] = json!("cancelled");
    assert_eq!(evently.admin().put(&format!("/admin/events/{cancelled}"), "*", off).await.status, 200);

    let names = async || {
        let popular = evently.anybody().get("/events/popular").await;
        assert_eq!(popular.status, 200);
        let items = popular.body["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["9 50", "7 30", "4 60", "2 9", "2 10"], "ties go to the earlier start");
    user.buy(&events[1], 10).await;
    assert_eq!(names().await, ["0 5", "9 50", "7 30", "4 60", "2 9"], "after more sales");
}
