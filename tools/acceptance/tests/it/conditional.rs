//! Conditional requests and caching: ETag, If-None-Match, If-Match, Cache-Control.

use std::collections::BTreeMap;

use futures::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::common::{Answer, Session, TestApp, concert, in_hours, send};

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
    assert!(before.header("etag").starts_with("\"1.") && before.body["version"] == 1, "{before:?}");
    let (list, popular) = (anybody.get("/events").await, anybody.get("/events/popular").await);

    let changed = evently
        .admin()
        .put(&format!("/admin/events/{event}"), "\"1\"", concert(json!({ "name": "New" })))
        .await;
    assert!(changed.header("etag").starts_with("\"2.") && changed.body["version"] == 2, "{changed:?}");
    assert_eq!(anybody.get(&path).await.header("etag"), changed.header("etag"), "the same is shown to all");
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
    // A weak tag can never match here (RFC 9110, section 13.1.1).
    for malformed in ["", "1", "\"1", "version 1", "\"1\" \"2\"", "W/\"1\"", "\"1\", W/\"1\""] {
        let refused = admin.put(&path, malformed, change("malformed")).await;
        assert_eq!(refused.status, 400, "{malformed}: {}", refused.body);
        refused.assert_problem(400, "invalid_parameter");
        assert_eq!(refused.bad_fields(), ["If-Match"]);
    }
    for stale in ["\"0\"", "\"2\"", "\"01\"", "\"2\", \"3\"", "\"2.1\""] {
        let refused = admin.put(&path, stale, change("stale")).await;
        assert_eq!(refused.status, 412, "{stale}: {}", refused.body);
        refused.assert_problem(412, "stale_version");
        assert_eq!(refused.body["current_version"], 1);
    }
    assert_eq!(evently.anybody().get(&format!("/events/{event}")).await.body["name"], "Concert");

    for (version, current) in [(2, "\"1\""), (3, "\"1\", \"2\""), (4, "*")] {
        let changed = admin.put(&path, current, change(current)).await;
        assert_eq!(changed.status, 200, "{current}: {}", changed.body);
        assert!(changed.header("etag").starts_with(&format!("\"{version}.")), "{changed:?}");
        assert_eq!((&changed.body["version"], &changed.body["name"]), (&json!(version), &json!(current)));
    }
}

#[tokio::test]
async fn what_changes_nothing_makes_no_version_and_no_entry() {
    let evently = TestApp::start().await;
    let wanted = json!({ "capacity": 10, "venue": "Hall", "description": "Doors at 8", "pricing": {} });
    let event = evently.event_with(wanted.clone()).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
    let before = admin.get(&path).await;
    let mut same = before.body.clone();
    for shown_only in ["id", "available", "price", "version", "areas"] {
        same.as_object_mut().unwrap().remove(shown_only);
    }
    let patches = [
        json!({}),
        json!({ "venue": "Hall", "capacity": 10.0 }),
        json!({ "pricing": {}, "status": null }),
        same.clone(),
    ];
    let mut answers = vec![admin.put(&path, "\"1\"", same).await];
    for patch in patches {
        answers.push(admin.patch(&path, "\"1\"", patch).await);
    }
    for answer in answers {
        assert_eq!((answer.status, &answer.body), (200, &before.body));
        assert_eq!(answer.header("etag"), before.header("etag"));
    }
    let entries = admin.get(&format!("/admin/audit?event={event}")).await;
    assert_eq!(entries.body["items"].as_array().unwrap().len(), 1, "{}", entries.body);
    admin.patch(&path, "\"2\"", json!({})).await.assert_problem(412, "stale_version");
    assert_eq!(admin.patch(&path, "\"1\"", json!({ "venue": "Park" })).await.body["version"], 2);
}

#[tokio::test]
async fn a_second_line_of_a_header_that_says_one_thing_is_refused() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let (admin, path) = (evently.admin(), format!("/admin/events/{event}"));
    for lines in [["\"1\"", "\"1\""], ["\"1\"", "\"2\""], ["*", "\"1\""]] {
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            let request = admin
                .request(method.clone(), &path)
                .header("if-match", lines[0])
                .header("if-match", lines[1]);
            let refused = send(request.json(&concert(json!({})))).await;
            refused.assert_problem(400, "invalid_parameter");
            assert_eq!(refused.bad_fields(), ["If-Match"], "{method} {lines:?}");
        }
    }
    let reservation = evently.user().hold(&event, 1).await;
    for path in [
        format!("/events/{event}/book"),
        "/admin/events".to_owned(),
        format!("/reservations/{reservation}/confirm"),
    ] {
        for keys in [&["one", "two"][..], &["one", "one"], &["one,two"]] {
            let mut request = admin.request(Method::POST, &path);
            for key in keys {
                request = request.header("idempotency-key", *key);
            }
            let refused = send(request.json(&json!({}))).await;
            refused.assert_problem(400, "invalid_parameter");
            assert_eq!(refused.bad_fields(), ["Idempotency-Key"], "{path} {keys:?}: {}", refused.body);
        }
    }
    assert_eq!(evently.available(&event).await, 9, "nothing else is held");
    let token = |session: &Session| format!("Bearer {}", session.token.as_deref().unwrap());
    let (one, two) = (token(&admin), token(&evently.user()));
    for lines in [
        vec![one.clone(), two.clone()],
        vec![one.clone(), one.clone()],
        vec![one.clone(), "Basic YTpi".to_owned()],
        vec![format!("{one},{two}")],
        vec![format!("{one}, {one}")],
    ] {
        for (method, path) in
            [(Method::GET, "/me"), (Method::GET, "/admin/events"), (Method::POST, "/admin/events")]
        {
            let mut request = evently.anybody().request(method, path);
            for line in &lines {
                request = request.header("authorization", line);
            }
            let refused = send(request.json(&concert(json!({})))).await;
            refused.assert_problem(400, "invalid_parameter");
            assert_eq!(refused.bad_fields(), ["Authorization"], "{path} {}", lines.len());
        }
    }
    let events = admin.get("/admin/events").await;
    assert_eq!(events.body["items"].as_array().unwrap().len(), 1, "nothing else was created");
}

#[tokio::test]
async fn a_change_may_be_based_on_any_tag_of_the_version_whatever_was_sold_since() {
    let evently = TestApp::start().await;
    let event = evently
        .event_with(json!({ "capacity": 100, "description": "long enough to be compressed ".repeat(80) }));
    let (event, admin) = (event.await, evently.admin());
    let seen = async |encoding: &str| {
        let path = format!("/events/{event}");
        let request = evently.anybody().request(Method::GET, &path).header("accept-encoding", encoding);
        send_as_it_comes(request).await.header("etag").to_owned()
    };
    let mut tags = vec![seen("identity").await, seen("gzip").await];
    assert!(tags[1].ends_with("-gzip\""), "{tags:?}");
    evently.user().buy(&event, 3).await;
    tags.push(seen("identity").await);
    assert_ne!(tags[0], tags[2], "other seats are shown");
    for (version, tag) in (2..).zip(&tags) {
        let based_on_it = tag.replacen("\"1.", &format!("\"{}.", version - 1), 1);
        let change = concert(json!({ "name": format!("Change {version}") }));
        let changed = admin.put(&format!("/admin/events/{event}"), &based_on_it, change).await;
        assert_eq!((changed.status, &changed.body["version"]), (200, &json!(version)), "{}", changed.body);
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
    let past = past.await;
    user.buy(&past, 10).await;
    let starts_at = evently.anybody().get(&format!("/events/{past}")).await.text("starts_at");
    let over = concert(json!({ "name": "past", "starts_at": starts_at }));
    assert_eq!(evently.admin().put(&format!("/admin/events/{past}"), "*", over).await.status, 200);
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

/// Sends a request whose answer may be compressed, so that it is not held against the API document.
async fn send_as_it_comes(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Answer { status, headers, body: Value::Null, bytes: response.bytes().await.unwrap().to_vec() }
}

/// What an answer says apart from its body: what may be different each time left out.
fn said(answer: &Answer) -> BTreeMap<String, Vec<String>> {
    let changes_anyway = ["date", "ratelimit", "x-request-id"];
    let of_the_body = ["content-length", "content-type", "content-encoding", "transfer-encoding"];
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &answer.headers {
        if !changes_anyway.contains(&name.as_str()) && !of_the_body.contains(&name.as_str()) {
            said.entry(name.to_string()).or_default().push(value.to_str().unwrap().to_owned());
        }
    }
    said
}

#[tokio::test]
async fn each_encoding_has_a_tag_of_its_own_and_304_and_head_say_what_200_says() {
    let shop = "https://shop.example.com";
    let evently = TestApp::with(|config| config.cors_allow_origins = vec![shop.to_owned()]).await;
    let long = json!({ "description": "long enough to be compressed ".repeat(80) });
    let (event, anybody) = (evently.event_with(long).await, evently.anybody());
    let ask = async |method: Method, path: &str, encoding: &str, known: Option<&str>| {
        let mut request =
            anybody.request(method, path).header("accept-encoding", encoding).header("origin", shop);
        if let Some(known) = known {
            request = request.header("if-none-match", known);
        }
        send_as_it_comes(request).await
    };
    for path in ["/events", "/events/popular", &format!("/events/{event}"), "/openapi.json", "/docs"] {
        let (plain, zipped) =
            (ask(Method::GET, path, "identity", None).await, ask(Method::GET, path, "gzip", None).await);
        let (plain_tag, zipped_tag) = (plain.header("etag"), zipped.header("etag"));
        assert_eq!(zipped.header("content-encoding"), "gzip", "{path}");
        assert_eq!(zipped_tag, format!("{}-gzip\"", plain_tag.trim_end_matches('"')), "{path}");
        for (encoding, whole, other) in [("identity", &plain, zipped_tag), ("gzip", &zipped, plain_tag)] {
            let varies = said(whole)["vary"].join(", ");
            assert!(varies.contains("origin") && varies.contains("accept-encoding"), "{path}: {varies}");
            let unchanged = ask(Method::GET, path, encoding, Some(whole.header("etag"))).await;
            assert_eq!((unchanged.status, unchanged.bytes.len()), (304, 0), "{path} {encoding}");
            assert_eq!(said(&unchanged), said(whole), "{path} {encoding}");
            assert!(unchanged.headers.get("content-encoding").is_none(), "{path} {encoding}");
            let head = ask(Method::HEAD, path, encoding, None).await;
            assert_eq!((head.status, said(&head)), (200, said(whole)), "{path} {encoding}");
            for of_the_body in ["content-encoding", "content-type", "content-length"] {
                assert_eq!(
                    head.headers.get(of_the_body),
                    whole.headers.get(of_the_body),
                    "{path} {encoding}: {of_the_body}"
                );
            }
            let length = unchanged.headers.get("content-length");
            assert!(length.is_none(), "304 says {length:?} of a body that is not empty: {path} {encoding}");
            let unchanged_head = ask(Method::HEAD, path, encoding, Some(whole.header("etag"))).await;
            assert_eq!(
                (unchanged_head.status, said(&unchanged_head)),
                (304, said(whole)),
                "{path} {encoding}"
            );
            assert_eq!(unchanged_head.headers.get("content-length"), None, "{path} {encoding}");
            assert_eq!(ask(Method::GET, path, encoding, Some(other)).await.status, 200, "{path} {encoding}");
        }
    }
}

#[tokio::test]
async fn who_takes_compressed_answers_only_is_told_what_became_of_a_change() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let request = evently.user().request(Method::POST, &format!("/events/{event}/book"));
    let held = send(
        request
            .header("idempotency-key", "k")
            .header("accept-encoding", "gzip;q=0, identity;q=0")
            .json(&json!({})),
    );
    assert_eq!(held.await.status, 201);
}

#[tokio::test]
async fn head_says_the_length_that_get_says_whatever_is_answered() {
    let evently = TestApp::start().await;
    let (event, user, admin) = (evently.event(10).await, evently.user(), evently.admin());
    let reservation = user.hold(&event, 1).await;
    for (who, path, status) in [
        (&user, "/health".to_owned(), 200),
        (&user, format!("/events/{event}"), 200),
        (&user, format!("/reservations/{reservation}"), 200),
        (&user, "/bookings".into(), 200),
        (&admin, "/admin/events".into(), 200),
        (&user, "/admin/events".into(), 403),
        (&user, "/events?limit=0".into(), 400),
        (&user, "/nowhere".into(), 404),
    ] {
        for encoding in ["identity", "gzip"] {
            let ask =
                |method| send_as_it_comes(who.request(method, &path).header("accept-encoding", encoding));
            let (get, head) = (ask(Method::GET).await, ask(Method::HEAD).await);
            assert_eq!((get.status, head.status), (status, status), "{path}");
            assert_eq!(head.bytes.len(), 0, "{path}");
            let length = |answer: &Answer| answer.headers.get("content-length").cloned();
            // What changes with the second is as long; what GET does not know, HEAD may leave out.
            assert_eq!(length(&head), length(&get), "{path} {encoding}");
        }
    }
    let released = user.delete(&format!("/reservations/{reservation}")).await;
    assert_eq!(
        (released.status, released.headers.get("content-length")),
        (204, None),
        "RFC 9110, section 8.6"
    );
}
