//! What people browse comes from Redis, is never stale for long, and costs DynamoDB one read however many ask.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    event::{EventDetails, UpcomingEvent},
    id::EventId,
};
use futures::future::join_all;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use telemetry::names;
use tokio::time::{Instant, sleep};

use crate::common::{Calls, TestApp, between::Call, concert, in_hours, metrics::Measured};

fn asked<const N: usize>(calls: [(&str, usize); N]) -> BTreeMap<String, usize> {
    calls.into_iter().map(|(call, times)| (call.to_owned(), times)).collect()
}

/// Changes an event in DynamoDB as a process that dies before it tells Redis.
async fn change_behind(evently: &TestApp, event: &str, change: impl FnOnce(&mut EventDetails)) {
    let before = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
    let mut details = before.details.clone();
    change(&mut details);
    let after = before.replaced(details);
    assert!(evently.app.store.replace_event_adding(&before, &after, &[], &[], &[], None).await.unwrap());
}

async fn popular(evently: &TestApp) -> Vec<String> {
    let answer = evently.anybody().get("/events/popular").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let items = answer.body["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_warm_browse_reads_nothing_from_dynamodb() {
    let calls = Calls::default();
    let evently = TestApp::counted(&calls).await;
    let mut events = Vec::new();
    for n in 0..30 {
        events.push(evently.event_with(json!({ "starts_at": in_hours(10 + n) })).await);
    }
    calls.take();
    let anybody = evently.anybody();

    anybody.get("/events?limit=30").await;
    let cold = asked([("Query events", 1), ("BatchGetItem events", 1), ("BatchGetItem inventory", 1)]);
    assert_eq!(calls.take(), cold, "a cold list of 30");
    popular(&evently).await;
    assert_eq!(calls.take(), asked([("BatchGetItem inventory", 1)]), "the ranks are counted once");

    for path in [
        "/events?limit=30".to_owned(),
        "/events?q=conc&limit=5".into(),
        format!("/events?from={}&limit=5", in_hours(20)),
        "/events/popular".into(),
        format!("/events/{}", events[7]),
    ] {
        for _ in 0..3 {
            assert_eq!(anybody.get(&path).await.status, 200);
        }
        assert_eq!(calls.take(), asked([]), "{path}");
    }
    // Another process starts with a warm Redis.
    let other = evently.another(&calls).await;
    assert_eq!(other.anybody().get("/events?limit=30").await.body["items"].as_array().unwrap().len(), 30);
    popular(&other).await;
    assert_eq!(calls.take(), asked([]), "a new process");
}

/// Tries to see a crowd cost one read. On a machine that is short of everything a turn may end, or Redis may seem to be
/// out of reach, before the reader is done; then it costs a few more, and is tried again.
const TRIES_MAX: usize = 5;
const A_FEW: usize = 30;

/// Lets a thousand of two processes ask at once, each time after `forget` made it cold, until that costs `expected`.
async fn crowd<F: Future<Output = u16> + Send + 'static>(
    calls: &Calls,
    expected: BTreeMap<String, usize>,
    forget: impl AsyncFn(),
    ask: impl Fn(usize) -> F,
) {
    for _ in 0..TRIES_MAX {
        forget().await;
        calls.take();
        let statuses = join_all((0..1_000).map(|n| tokio::spawn(ask(n)))).await;
        let mut calls = calls.take();
        // Which tokens ended: read here if Redis seemed to be out of reach.
        calls.remove("Query bookings");
        let statuses: Vec<u16> = statuses.into_iter().map(Result::unwrap).collect();
        assert!(statuses.iter().all(|status| [200, 201, 503].contains(status)), "{statuses:?}");
        if calls == expected && statuses.iter().any(|status| *status != 503) {
            return;
        }
        assert!(calls.values().sum::<usize>() < A_FEW, "{calls:?}");
    }
    panic!("it never cost {expected:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_readers_of_something_cold_cost_one_read() {
    let calls = Calls::default();
    let evently = TestApp::counted(&calls).await;
    let event = evently.event(100).await;
    let processes = [evently.another(&calls).await, evently.another(&calls).await];
    let keys = evently.keys();
    let id: EventId = event.parse().unwrap();
    for (path, cold, expected) in [
        (
            format!("/events/{event}"),
            vec![keys.copy(id), keys.state(id)],
            asked([("BatchGetItem events", 1), ("BatchGetItem inventory", 1)]),
        ),
        ("/events".into(), vec![keys.catalogue(), keys.catalogue_generation()], asked([("Query events", 1)])),
        ("/events/popular".into(), vec![keys.popular()], asked([("BatchGetItem inventory", 1)])),
    ] {
        let forget = async || {
            evently.available(&event).await;
            evently.redis_command(&redis::cmd("DEL").arg(&cold).clone()).await;
        };
        let ask = |n: usize| {
            let (reader, path) = (processes[n % 2].anybody(), path.clone());
            async move { reader.get(&path).await.status }
        };
        crowd(&calls, expected, forget, ask).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_buyers_of_an_event_that_redis_does_not_know_cost_one_read() {
    let calls = Calls::default();
    let evently = TestApp::counted(&calls).await;
    let event = evently.event(5_000).await;
    let state = evently.keys().state(event.parse::<domain::id::EventId>().unwrap());
    let forget = async || evently.redis_command(&redis::cmd("DEL").arg(&state).clone()).await;
    let ask = |_| {
        let (buyer, event) = (evently.user(), event.clone());
        async move { buyer.book(&event, 1).await.status }
    };
    crowd(&calls, asked([("GetItem events", 1), ("BatchGetItem inventory", 1)]), forget, ask).await;
}

#[tokio::test]
async fn a_change_shows_with_the_next_look_in_every_process() {
    let evently = TestApp::start().await;
    let other = evently.another(&Calls::default()).await;
    let (here, there, admin) = (evently.anybody(), other.anybody(), evently.admin());
    let event = evently.event_with(json!({ "name": "First", "starts_at": in_hours(20) })).await;
    let names = async |query: &str| {
        let list = there.get(&format!("/events{query}")).await;
        let items = list.body["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("").await, ["First"]);
    let earlier = evently.event_with(json!({ "name": "Earlier", "starts_at": in_hours(10) })).await;
    assert_eq!(names("").await, ["Earlier", "First"], "a new event");
    assert_eq!(popular(&other).await, [&*earlier, &*event]);

    let change = async |event: &str, changes: Value| {
        let changed = admin.put(&format!("/admin/events/{event}"), "*", concert(changes)).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    };
    change(&event, json!({ "name": "Renamed", "starts_at": in_hours(5), "base_price": 9_900 })).await;
    assert_eq!(names("").await, ["Renamed", "Earlier"], "another name and start");
    assert_eq!(names("?q=first").await, Vec::<String>::new());
    assert_eq!(names("?q=renam").await, ["Renamed"]);
    let seen = there.get(&format!("/events/{event}")).await;
    assert_eq!((&seen.body["name"], &seen.body["price"]), (&json!("Renamed"), &json!(9_900)));
    assert_eq!(popular(&other).await, [&*event, &*earlier], "ties go to the earlier start");

    change(&event, json!({ "name": "Renamed", "starts_at": in_hours(5), "status": "draft" })).await;
    assert_eq!(names("").await, ["Earlier"]);
    assert_eq!(popular(&other).await, [&*earlier]);
    there.get(&format!("/events/{event}")).await.assert_problem(404, "event_not_found");
    change(&event, json!({ "name": "Again", "starts_at": in_hours(5), "status": "published" })).await;
    assert_eq!(names("").await, ["Again", "Earlier"]);
    assert_eq!(here.get(&format!("/events/{event}")).await.body["name"], "Again");
    assert_eq!(here.get(&format!("/events/{event}")).await.body["available"], 100);
    change(&event, json!({ "name": "Again", "starts_at": in_hours(5), "status": "cancelled" })).await;
    assert_eq!(names("").await, ["Earlier"]);
    assert_eq!(popular(&other).await, [&*earlier]);
    assert_eq!(there.get(&format!("/events/{event}")).await.body["status"], "cancelled");
}

#[tokio::test]
async fn what_can_be_had_is_always_live() {
    let evently = TestApp::start().await;
    let other = evently.another(&Calls::default()).await;
    let (event, user, there) = (evently.event(10).await, evently.user(), other.anybody());
    let available = async || {
        let (one, list) = (there.get(&format!("/events/{event}")).await, there.get("/events").await);
        assert_eq!(one.body["available"], list.body["items"][0]["available"]);
        one.body["available"].as_u64().unwrap()
    };
    assert_eq!(available().await, 10);
    let held = user.hold(&event, 4).await;
    assert_eq!(available().await, 6);
    user.confirm(&held).await;
    assert_eq!(available().await, 6);
    user.cancel(&held).await;
    assert_eq!(available().await, 10);
}

#[tokio::test]
async fn a_change_that_redis_never_heard_of_shows_within_thirty_seconds() {
    let evently = TestApp::start().await;
    let event = evently.event_with(json!({ "name": "Before" })).await;
    let anybody = evently.anybody();
    let names = async || {
        let list = anybody.get("/events?q=after").await;
        let items = list.body["items"].as_array().unwrap();
        let listed = items.first().map(|item| item["name"].as_str().unwrap().to_owned());
        (anybody.get(&format!("/events/{event}")).await.text("name"), listed)
    };
    // The list finds it by its old name, or not at all.
    assert_eq!(names().await, ("Before".to_owned(), None));
    change_behind(&evently, &event, |details| details.name = "After".to_owned()).await;
    let changed = Instant::now();
    while names().await != ("After".to_owned(), Some("After".to_owned())) {
        assert!(changed.elapsed() < Duration::from_secs(30), "{:?}", names().await);
        sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn a_reader_that_crashes_keeps_the_others_waiting_for_a_moment_only() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let id: EventId = event.parse().unwrap();
    evently.app.redis.forget_copy(id).await.unwrap();
    assert!(evently.app.redis.take_turn(id).await.unwrap());
    assert_eq!(evently.available(&event).await, 10);
    assert_eq!(evently.user().book(&event, 1).await.status, 201);
}

#[tokio::test]
async fn an_old_version_is_never_kept_over_a_newer_one() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    let old = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
    let change = concert(json!({ "name": "New", "capacity": 10 }));
    assert_eq!(evently.admin().put(&format!("/admin/events/{event}"), "\"1\"", change).await.status, 200);
    // Somebody read DynamoDB before the change, and is slow.
    assert!(!evently.app.redis.keep(&old, None, Duration::ZERO).await.unwrap());
    evently.app.redis.change(&old, false, "another generation").await.unwrap();
    assert_eq!(evently.anybody().get("/events").await.body["items"][0]["name"], "New");
}

#[tokio::test]
async fn without_redis_a_crowd_is_served_from_a_few_reads() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let events = [evently.event(10).await, evently.event(20).await];
    evently.user().buy(&events[1], 5).await;
    let calls = Calls::default();
    let cut_off = evently.another(&calls).await;
    redis.kill().unwrap();
    redis.wait_dead().await;
    let readers = (0..200).map(|n| {
        let (reader, path) = (cut_off.anybody(), ["/events", "/events/popular"][n % 2]);
        async move { reader.get(path).await }
    });
    for answer in join_all(readers).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["items"].as_array().unwrap().len(), 2);
    }
    assert_eq!(popular(&cut_off).await, [&*events[1], &*events[0]]);
    let calls = calls.take();
    assert_eq!(calls["Query events"], 1, "{calls:?}");
    assert!(calls.values().sum::<usize>() < 20, "{calls:?}");
}

#[tokio::test]
async fn without_redis_a_slow_read_of_one_event_keeps_nobody_from_another() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let (slow, fast) = (evently.event(10).await, evently.event(20).await);
    let held_back = slow.clone();
    let cut_off = evently
        .another_through(move |call: Call| {
            let is_slow = call.operation == "BatchGetItem" && call.body.to_string().contains(&held_back);
            async move {
                if is_slow {
                    sleep(Duration::from_secs(1)).await;
                }
                call.done().await
            }
        })
        .await;
    redis.kill().unwrap();
    redis.wait_dead().await;
    let look = |event: &str| {
        let (reader, path) = (cut_off.anybody(), format!("/events/{event}"));
        tokio::spawn(async move { (reader.get(&path).await.status, Instant::now()) })
    };
    let first = [look(&slow), look(&slow)];
    sleep(Duration::from_millis(100)).await;
    let second = [look(&fast), look(&fast)];
    let (mut slow_done, mut fast_done) = (Vec::new(), Vec::new());
    for look in first {
        slow_done.push(look.await.unwrap());
    }
    for look in second {
        fast_done.push(look.await.unwrap());
    }
    for (status, at) in fast_done {
        assert_eq!(status, 200);
        assert!(slow_done.iter().all(|(status, slow_at)| *status == 200 && at < *slow_at));
    }
}

#[tokio::test]
async fn after_an_edit_a_process_is_sent_the_edit_and_not_the_list() {
    let (evently, _redis) = TestApp::with_own_redis(|_| {}).await;
    let event = evently.event(10).await;
    let known = evently.app.store.event(event.parse().unwrap()).await.unwrap().unwrap();
    // Many more, of which Redis alone knows: what matters is how much it sends.
    let many = (0..2_000).map(|n| UpcomingEvent {
        id: EventId::new(Timestamp::now()),
        searched: format!("concert {n}\n"),
        ..UpcomingEvent::from(&known)
    });
    let list: Vec<UpcomingEvent> = many.chain([UpcomingEvent::from(&known)]).collect();
    evently.app.redis.keep_list(&list, "a generation", Duration::ZERO).await.unwrap();
    let sent = async || {
        let stats: String = evently.redis_query(redis::cmd("INFO").arg("stats")).await;
        let total = stats.lines().find_map(|line| line.strip_prefix("total_net_output_bytes:"));
        total.unwrap().trim().parse::<u64>().unwrap()
    };
    let reader = evently.another(&Calls::default()).await;
    let look = async |query: &str| {
        let before = sent().await;
        let found = reader.anybody().get(&format!("/events?limit=1&q={query}")).await;
        let items = found.body["items"].as_array().unwrap();
        let names: Vec<String> = items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect();
        (names, sent().await - before)
    };
    let (_, whole) = look("nothing").await;
    assert!(whole > 100_000, "{whole} bytes are no list of 2,000");
    for name in ["Renamed", "Renamed again"] {
        let change = concert(json!({ "name": name, "capacity": 10 }));
        assert_eq!(evently.admin().put(&format!("/admin/events/{event}"), "*", change).await.status, 200);
        let (names, bytes) = look("renamed").await;
        assert_eq!(names, [name]);
        assert!(bytes < 20_000, "{bytes} bytes were sent for one edit");
    }
    let draft = concert(json!({ "name": "Renamed", "capacity": 10, "status": "draft" }));
    assert_eq!(evently.admin().put(&format!("/admin/events/{event}"), "*", draft).await.status, 200);
    assert_eq!(look("renamed").await.0, Vec::<String>::new());
    // The next list is another one.
    evently.app.redis.keep_list(&list, "a generation", Duration::ZERO).await.unwrap();
    let published = concert(json!({ "name": "Renamed", "capacity": 10, "status": "published" }));
    assert_eq!(evently.admin().put(&format!("/admin/events/{event}"), "*", published).await.status, 200);
    let (names, whole) = look("renamed").await;
    assert_eq!(names, ["Renamed"]);
    assert!(whole > 100_000, "{whole} bytes are no list of 2,000");
}

#[tokio::test]
async fn popular_events_follow_each_sale_and_survive_a_loss_of_redis() {
    let (evently, redis) = TestApp::with_own_redis(|_| {}).await;
    let user = evently.user();
    let mut events = Vec::new();
    for n in 0..30 {
        events.push(evently.event_with(json!({ "starts_at": in_hours(10 + n), "capacity": 100 })).await);
    }
    assert_eq!(popular(&evently).await, events[..5]);
    let booking = user.buy(&events[29], 1).await;
    assert_eq!(popular(&evently).await[0], events[29], "the last of thirty");
    user.buy(&events[17], 2).await;
    assert_eq!(popular(&evently).await[..2], [&*events[17], &*events[29]]);
    user.cancel(&booking).await;
    assert_eq!(popular(&evently).await[..2], [&*events[17], &*events[0]]);
    user.buy(&events[3], 1).await;

    let mut redis = redis;
    redis.kill().unwrap();
    redis.wait_dead().await;
    redis.restart().await.unwrap();
    while evently.user().book(&events[0], 1).await.status != 201 {
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(popular(&evently).await[..3], [&*events[17], &*events[3], &*events[0]], "after a loss");
    // A change alone, right after a loss, does not pass for all there is.
    evently.redis_command(&redis::cmd("DEL").arg(evently.keys().popular()).clone()).await;
    let more = json!({ "starts_at": in_hours(20) });
    assert_eq!(
        evently.admin().put(&format!("/admin/events/{}", events[9]), "*", concert(more)).await.status,
        200
    );
    assert_eq!(popular(&evently).await[..3], [&*events[17], &*events[3], &*events[0]], "after a change");
}

#[tokio::test]
async fn a_sale_that_was_never_counted_is_counted_by_the_janitor() {
    let evently = TestApp::start().await;
    let (quiet, sold) = (evently.event(10).await, evently.event(10).await);
    let user = evently.user();
    assert_eq!(popular(&evently).await.len(), 2);
    user.buy(&quiet, 1).await;
    user.buy(&sold, 2).await;
    // A process dies before it counts: as if three tickets more had been sold of the other.
    evently.app.redis.sold(quiet.parse().unwrap(), 3).await.unwrap();
    assert_eq!(popular(&evently).await, [&*quiet, &*sold]);
    let report = janitor::run(&evently.app, Timestamp::now()).await.unwrap();
    assert_eq!(report.done.ranks_corrected, 1);
    assert_eq!(popular(&evently).await, [&*sold, &*quiet]);
    assert_eq!(janitor::run(&evently.app, Timestamp::now()).await.unwrap().done.ranks_corrected, 0);
}

#[tokio::test]
async fn a_large_list_is_compressed_for_who_can_read_that() {
    let evently = TestApp::start().await;
    for n in 0..20 {
        evently.event_with(json!({ "starts_at": in_hours(10 + n) })).await;
    }
    let get = async |path: &str, encoding: &str| {
        let request = evently.admin().request(Method::GET, path).header("accept-encoding", encoding);
        let answer = request.send().await.unwrap();
        let encoding =
            answer.headers().get("content-encoding").map(|value| value.to_str().unwrap().to_owned());
        (encoding, answer.headers().get("vary").is_some(), answer.bytes().await.unwrap().len())
    };
    let (plain, _, all) = get("/events", "identity").await;
    let (zipped, varies, few) = get("/events", "gzip, br").await;
    assert_eq!((plain, zipped.as_deref()), (None, Some("gzip")));
    assert!(varies && few * 5 < all, "{few} of {all} bytes");
    for (path, why) in [("/events?limit=1", "it is small"), ("/admin/events", "it is personal")] {
        assert_eq!(get(path, "gzip").await.0, None, "{why}");
    }
}

#[tokio::test]
async fn hits_misses_and_refills_are_measured() {
    let evently = TestApp::start().await;
    let event = evently.event(10).await;
    evently.app.redis.forget_copy(event.parse().unwrap()).await.unwrap();
    let measured = Measured::start();
    let anybody = evently.anybody();
    for path in [format!("/events/{event}"), "/events".into(), "/events".into(), "/events/popular".into()] {
        assert_eq!(anybody.get(&path).await.status, 200);
    }
    let seen = measured.take();
    let value = |name: &str| seen.iter().find(|(seen, _)| seen == name).map(|(_, value)| *value);
    for (name, expected) in [
        (names::COPIES_MISSED, 1.0),
        (names::COPIES_REFILLED, 1.0),
        (names::COPIES_SHOWN, 3.0),
        (names::LISTS_REFILLED, 1.0),
        (names::RANKS_REFILLED, 1.0),
    ] {
        assert_eq!(value(name), Some(expected), "{name}");
    }
    assert_eq!(value(names::OUTAGE_READS), None);
}

#[tokio::test]
async fn many_who_ask_for_an_event_that_does_not_exist_cost_one_read() {
    let calls = Calls::default();
    let evently = TestApp::counted(&calls).await;
    let nobodys = EventId::new(Timestamp::now());
    let anybody = evently.anybody();
    calls.take();
    let path = format!("/events/{nobodys}");
    for answer in join_all((0..50).map(|_| anybody.get(&path))).await {
        answer.assert_problem(404, "event_not_found");
    }
    assert_eq!(calls.take(), asked([("BatchGetItem events", 1)]));
}
