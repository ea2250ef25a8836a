//! Which events are listed: by name, by start, by status.

use std::time::Duration;

use domain::event::EventStatus;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::common::{Session, TestApp, concert, in_hours, many::many_events};

async fn names(reader: &Session, list: &str) -> Vec<String> {
    let listed = reader.get(list).await;
    assert_eq!(listed.status, 200, "{list}: {}", listed.body);
    let items = listed.body["items"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn q_matches_a_part_of_the_name_in_any_case() {
    let evently = TestApp::start().await;
    for (hours, name) in [(10, "Open Air 2027"), (20, "Jazz im Grünen"), (30, "100 % Techno & more")] {
        evently.event_with(json!({ "name": name, "starts_at": in_hours(hours) })).await;
    }
    let anybody = evently.anybody();
    for (q, expected) in [
        ("open", vec!["Open Air 2027"]),
        ("AIR%202", vec!["Open Air 2027"]),
        ("air+2027", vec!["Open Air 2027"]),
        ("GR%C3%9CNEN", vec!["Jazz im Grünen"]),
        ("e", vec!["Open Air 2027", "Jazz im Grünen", "100 % Techno & more"]),
        ("%25", vec!["100 % Techno & more"]),
        ("%26", vec!["100 % Techno & more"]),
        ("techno.", vec![]),
    ] {
        assert_eq!(names(&anybody, &format!("/events?q={q}")).await, expected, "{q}");
    }
    for q in [String::new(), "q".repeat(201)] {
        let refused = anybody.get(&format!("/events?q={q}")).await;
        refused.assert_problem(400, "invalid_parameter");
        assert_eq!(refused.bad_fields(), ["q"]);
    }
}

#[tokio::test]
async fn from_and_to_bound_the_start_and_include_it() {
    let evently = TestApp::start().await;
    let starts = [in_hours(10), in_hours(20), in_hours(30)];
    for (name, starts_at) in ["first", "second", "third"].into_iter().zip(&starts) {
        evently.event_with(json!({ "name": name, "starts_at": starts_at })).await;
    }
    let anybody = evently.anybody();
    let [first, second, third] = &starts;
    for (query, expected) in [
        (format!("from={second}"), vec!["second", "third"]),
        (format!("to={second}"), vec!["first", "second"]),
        (format!("from={second}&to={second}"), vec!["second"]),
        (format!("from={first}&to={third}&q=ir"), vec!["first", "third"]),
        (format!("from={}", in_hours(31)), vec![]),
        (format!("to={}", in_hours(9)), vec![]),
        (format!("to={}", in_hours(-9)), vec![]),
        (format!("from={}", in_hours(-9)), vec!["first", "second", "third"]),
        ("from=1901-01-01T00:00:00Z&to=1902-01-01T00:00:00Z".to_owned(), vec![]),
        ("from=-009998-01-01T00:00:00Z".to_owned(), vec!["first", "second", "third"]),
        ("to=9999-12-30T22:00:00Z".to_owned(), vec!["first", "second", "third"]),
    ] {
        assert_eq!(names(&anybody, &format!("/events?{query}")).await, expected, "{query}");
    }
    let lower = second.to_lowercase();
    assert_eq!(names(&anybody, &format!("/events?from={lower}")).await, ["second", "third"]);
    let elsewhere = second.replace('Z', "%2B00:00");
    assert_eq!(names(&anybody, &format!("/events?from={elsewhere}")).await, ["second", "third"]);
}

#[tokio::test]
async fn a_parameter_that_is_not_known_is_refused_on_every_route_but_the_page() {
    let evently = TestApp::start().await;
    let document: serde_json::Value = serde_json::from_str(&local::api::openapi().unwrap()).unwrap();
    let id = evently.event(10).await;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let method = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let of_body = operation["requestBody"]["content"].as_object();
            let media_type = of_body.and_then(|content| content.keys().next());
            let path = format!("{}?colour=red", path.replace("{id}", &id));
            let mut request = evently.admin().request(method.clone(), &path).header("if-match", "*");
            request = request.header("idempotency-key", "a-key");
            if let Some(media_type) = media_type {
                request = request.header("content-type", media_type).body("{}");
            }
            let answer = crate::common::send(request).await;
            // Pages for people; the links of mails have no token here.
            if path.starts_with("/docs") || method == reqwest::Method::GET && is_page_of_accounts(&path) {
                assert!([200, 410].contains(&answer.status), "{path}: {}", answer.status);
                continue;
            }
            assert_eq!(answer.status, 400, "{method} {path}: {}", answer.body);
            answer.assert_problem(400, "invalid_parameter");
            assert_eq!(
                (answer.bad_fields(), &answer.body["errors"][0]["code"]),
                (vec!["colour"], &json!("unknown"))
            );
        }
    }
    assert_eq!(evently.available(&id).await, 10, "nothing is done");
}

fn is_page_of_accounts(path: &str) -> bool {
    ["/password/forgot", "/password/reset", "/verify-email"].iter().any(|page| path.starts_with(page))
}

#[tokio::test]
async fn numbers_by_start_take_the_names_of_their_bounds_and_those_of_before() {
    let evently = TestApp::start().await;
    let admin = evently.admin();
    let starts = [in_hours(10), in_hours(20)];
    for starts_at in &starts {
        evently.event_with(json!({ "capacity": 10, "starts_at": starts_at })).await;
    }
    for names in [["starts_from", "starts_to"], ["from", "to"], ["starts_from", "to"]] {
        let query = format!("{}={}&{}={}", names[0], starts[1], names[1], starts[1]);
        let analytics = admin.get(&format!("/admin/analytics?{query}")).await;
        assert_eq!(analytics.body["capacity"], 10, "{query}: {}", analytics.body);
        let capacity = admin.get(&format!("/admin/events/capacity_utilization?{query}")).await;
        assert_eq!(capacity.body["items"].as_array().unwrap().len(), 1, "{query}");
    }
    let both = format!("/admin/analytics?from={0}&starts_from={0}", starts[0]);
    assert_eq!(admin.get(&both).await.bad_fields(), ["from"]);
}

#[tokio::test]
async fn every_bad_parameter_is_named_at_once() {
    let evently = TestApp::start().await;
    let refused =
        evently.anybody().get("/events?limit=many&q=&from=soon&to=2031-06-12T20:00:60Z&colour=red").await;
    refused.assert_problem(400, "invalid_parameter");
    assert_eq!(refused.bad_fields(), ["q", "from", "to", "limit", "colour"]);
    assert_eq!(refused.body["errors"][0]["params"], json!({ "min": 1, "max": 200 }));
    assert_eq!(refused.body["errors"][0]["message"], "must have 1 to 200 characters");
}

#[tokio::test]
async fn a_time_that_is_none_is_refused() {
    let evently = TestApp::start().await;
    for bound in ["from", "to"] {
        for time in [
            "",
            "tomorrow",
            "2027-06-12",
            "2027-06-12T18:00:00",
            "1750000000",
            "2027-02-30T00:00:00Z",
            "2027-06-12T18:00:60Z",
            "2027-06-12T18:00:00%2B24:00",
            "2027-06-12T18:00:00Z[UTC]",
        ] {
            let refused = evently.anybody().get(&format!("/events?{bound}={time}")).await;
            assert_eq!(refused.status, 400, "{bound}={time}: {}", refused.body);
            refused.assert_problem(400, "invalid_parameter");
            assert_eq!(refused.bad_fields(), [bound], "{}", refused.body);
        }
    }
    let backwards = format!("/events?from={}&to={}", in_hours(2), in_hours(1));
    let refused = evently.anybody().get(&backwards).await;
    refused.assert_problem(400, "invalid_parameter");
    assert_eq!(refused.bad_fields(), ["to"]);
}

#[tokio::test]
async fn only_upcoming_published_events_are_listed_and_admins_see_all() {
    let evently = TestApp::start().await;
    evently.event_created(2, |details| details.name = "past".to_owned()).await;
    evently
        .event_created(2, |details| {
            details.name = "past draft".to_owned();
            details.status = EventStatus::Draft;
            details.starts_at += SignedDuration::from_mins(1);
        })
        .await;
    evently.event_with(json!({ "name": "upcoming", "starts_at": in_hours(10) })).await;
    evently.event_with(json!({ "name": "draft", "status": "draft", "starts_at": in_hours(20) })).await;
    let cancelled = json!({ "name": "cancelled", "starts_at": in_hours(30) });
    let id = evently.event_with(cancelled.clone()).await;
    let mut off = concert(cancelled);
    off["status"] = json!("cancelled");
    assert_eq!(evently.admin().put(&format!("/admin/events/{id}"), "*", off).await.status, 200);

    for reader in [evently.anybody(), evently.admin()] {
        assert_eq!(names(&reader, "/events").await, ["upcoming"]);
        assert_eq!(names(&reader, &format!("/events?from={}", in_hours(-24))).await, ["upcoming"]);
        assert_eq!(names(&reader, "/events/popular").await, ["upcoming"]);
    }
    let all = ["past", "past draft", "upcoming", "draft", "cancelled"];
    assert_eq!(names(&evently.admin(), "/admin/events").await, all);
}

#[tokio::test]
async fn who_knows_a_past_or_cancelled_event_still_sees_it_and_nobody_sees_a_draft() {
    let evently = TestApp::start().await;
    let past = evently.event_created(48, |_| {}).await;
    let seen = evently.anybody().get(&format!("/events/{past}")).await;
    assert_eq!((seen.status, seen.body["available"].as_u64()), (200, Some(100)), "{}", seen.body);
    let draft = evently.event_with(json!({ "status": "draft" })).await;
    for reader in [evently.anybody(), evently.user(), evently.admin()] {
        reader.get(&format!("/events/{draft}")).await.assert_problem(404, "event_not_found");
    }
}

#[tokio::test]
async fn a_list_goes_on_after_the_last_event_of_a_page_has_started() {
    let evently = TestApp::start().await;
    let soon = Timestamp::now() + SignedDuration::from_millis(1_200);
    let soon_too = soon + SignedDuration::from_millis(1);
    for (name, starts_at) in
        [("soon", soon.to_string()), ("too", soon_too.to_string()), ("later", in_hours(1))]
    {
        evently.event_with(json!({ "name": name, "starts_at": starts_at })).await;
    }
    let anybody = evently.anybody();
    let first = anybody.get("/events?limit=1").await;
    assert_eq!(first.body["items"][0]["name"], "soon", "{}", first.body);
    let next = format!("/events?limit=1&cursor={}", first.text("next_cursor"));
    let wait = soon_too.duration_since(Timestamp::now()) + SignedDuration::from_millis(5);
    tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
    assert_eq!(names(&anybody, &next).await, ["later"]);
}

#[tokio::test]
async fn every_word_of_q_must_be_in_the_name_or_the_venue_with_accents_or_without() {
    let evently = TestApp::start().await;
    for (hours, name, venue) in [
        (10, "Open Air 2031", "Riverside Park"),
        (20, "Park Opening", "Town Hall"),
        (30, "Jazz im Grünen", "GRÜNER PLATZ"),
    ] {
        evently.event_with(json!({ "name": name, "venue": venue, "starts_at": in_hours(hours) })).await;
    }
    evently.event_with(json!({ "name": "No venue", "venue": null, "starts_at": in_hours(40) })).await;
    let (anybody, admin) = (evently.anybody(), evently.admin());
    for (q, expected) in [
        ("air+open", vec!["Open Air 2031"]),
        ("++air++open++", vec!["Open Air 2031"]),
        ("air%C2%A0open%E3%80%80", vec!["Open Air 2031"]),
        ("%EF%BC%A1%EF%BC%A9%EF%BC%B2", vec!["Open Air 2031"]),
        ("park+OPEN", vec!["Open Air 2031", "Park Opening"]),
        ("river+air", vec!["Open Air 2031"]),
        ("gr%C3%BCner+jazz", vec!["Jazz im Grünen"]),
        ("gru%CC%88ner+jazz", vec!["Jazz im Grünen"]),
        ("GRUNEN", vec!["Jazz im Grünen"]),
        ("gruner+PLATZ", vec!["Jazz im Grünen"]),
        ("platz", vec!["Jazz im Grünen"]),
        ("jazz+hall", vec![]),
        ("airriverside", vec![]),
        ("venue", vec!["No venue"]),
    ] {
        assert_eq!(names(&anybody, &format!("/events?q={q}")).await, expected, "{q}");
        assert_eq!(names(&admin, &format!("/admin/events?q={q}")).await, expected, "{q}");
    }
    // A change that Redis tells, and the whole list, are found alike.
    let moved = evently.event_with(json!({ "name": "Moved", "starts_at": in_hours(50) })).await;
    let patch = json!({ "venue": "Łódź" });
    assert_eq!(admin.patch(&format!("/admin/events/{moved}"), "*", patch).await.status, 200);
    assert_eq!(names(&anybody, "/events?q=lodz").await, ["Moved"]);
    evently.redis_command(redis::cmd("DEL").arg(evently.keys().catalogue())).await;
    assert_eq!(names(&anybody, "/events?q=moved+lodz").await, ["Moved"]);
}

#[tokio::test]
async fn an_admin_filters_all_events_by_status_words_and_start() {
    let evently = TestApp::start().await;
    let starts = [in_hours(10), in_hours(20), in_hours(30), in_hours(40)];
    for (name, status, starts_at) in [
        ("first show", "published", &starts[0]),
        ("second show", "draft", &starts[1]),
        ("third gig", "cancelled", &starts[2]),
        ("fourth show", "draft", &starts[3]),
    ] {
        let id = evently.event_with(json!({ "name": name, "status": "draft", "starts_at": starts_at })).await;
        let path = format!("/admin/events/{id}");
        assert_eq!(evently.admin().patch(&path, "*", json!({ "status": status })).await.status, 200);
    }
    let admin = evently.admin();
    let [_, second, third, _] = &starts;
    for (query, expected) in [
        ("status=draft".to_owned(), vec!["second show", "fourth show"]),
        ("status=published".to_owned(), vec!["first show"]),
        ("status=cancelled".to_owned(), vec!["third gig"]),
        ("q=show".to_owned(), vec!["first show", "second show", "fourth show"]),
        (format!("starts_from={second}"), vec!["second show", "third gig", "fourth show"]),
        (format!("starts_to={second}"), vec!["first show", "second show"]),
        (format!("starts_from={second}&starts_to={third}"), vec!["second show", "third gig"]),
        (format!("status=draft&q=show&starts_from={third}"), vec!["fourth show"]),
        ("status=draft&q=gig".to_owned(), vec![]),
    ] {
        assert_eq!(names(&admin, &format!("/admin/events?{query}")).await, expected, "{query}");
    }
    for (query, field) in [
        ("status=sold".to_owned(), "status"),
        ("q=".to_owned(), "q"),
        (format!("q={}", "q".repeat(201)), "q"),
        ("starts_from=soon".to_owned(), "starts_from"),
        (format!("starts_from={third}&starts_to={second}"), "starts_to"),
    ] {
        let refused = admin.get(&format!("/admin/events?{query}")).await;
        refused.assert_problem(400, "invalid_parameter");
        assert_eq!(refused.bad_fields(), [field], "{query}");
    }
}

#[tokio::test]
async fn a_page_of_a_word_that_few_events_have_still_leads_to_them() {
    let evently = TestApp::start().await;
    let first = Timestamp::now() + SignedDuration::from_hours(1);
    many_events(&evently, 2_300, |index, details| {
        details.capacity = 1;
        details.starts_at = first + SignedDuration::from_mins(i64::try_from(index).unwrap());
        details.name = if index == 2_250 { "The needle".to_owned() } else { "Hay".to_owned() };
    })
    .await;
    let (admin, mut cursor, mut found, mut pages) = (evently.admin(), String::new(), Vec::new(), 0);
    loop {
        let page = admin.get(&format!("/admin/events?q=needle&limit=5{cursor}")).await;
        found.extend(page.body["items"].as_array().unwrap().clone());
        pages += 1;
        let Some(next) = page.body["next_cursor"].as_str() else { break };
        assert!(pages < 10, "the list has no end");
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found.len(), 1, "after {pages} pages");
    assert_eq!(found[0]["name"], "The needle");
    assert!(pages > 1, "one page ended before it");
}
