//! Pages that end before they are full, because too much was read for them: each list goes on behind them. Usually it
//! takes thousands of items to come there; here it takes a few.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::{
    error::Error,
    event::{EventStatus, Pricing},
    id::EventId,
};
use jiff::{SignedDuration, Timestamp};
use jobs::{Budget, Walk, walk};
use serde_json::{Value, json};
use stores::dynamodb::{CommitOutcome, EventsFilter, PageLimits};

use crate::{
    common::{Session, TestApp, between::Call, many::many_events},
    lists::booked,
};

const SMALL: PageLimits =
    PageLimits { read_items_min: 2, queries_max: 2, bucket_items_min: 1, bucket_reads_max: 16 };

/// Goes through a list page by page; answers with the ids and the number of pages.
async fn walked(reader: &Session, list: &str) -> (Vec<String>, usize) {
    let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
    loop {
        let page = reader.get(&format!("{list}{cursor}")).await;
        assert_eq!(page.status, 200, "{list}: {}", page.body);
        for item in page.body["items"].as_array().unwrap() {
            let id = item["id"].as_str().or(item["event_id"].as_str()).unwrap();
            found.push(id.to_owned());
        }
        pages += 1;
        assert!(pages < 100, "{list} has no end");
        let Some(next) = page.body["next_cursor"].as_str() else { return (found, pages) };
        cursor = format!("&cursor={next}");
    }
}

/// So many events, of which the ones at these places have pricing and are `needles`; the others are drafts.
async fn haystack(evently: &TestApp, count: usize, needles: &[usize]) -> Vec<EventId> {
    let first = Timestamp::now() + SignedDuration::from_hours(1);
    let events = many_events(evently, count, |index, details| {
        details.starts_at = first + SignedDuration::from_mins(i64::try_from(index).unwrap());
        let is_needle = needles.contains(&index);
        details.pricing = is_needle.then(Pricing::default);
        details.name = if is_needle { "The needle" } else { "Hay" }.to_owned();
        details.status = if is_needle { EventStatus::Published } else { EventStatus::Draft };
    })
    .await;
    needles.iter().map(|index| events[*index]).collect()
}

#[tokio::test]
async fn a_filtered_list_of_events_goes_on_behind_pages_that_found_nothing() {
    let evently = TestApp::start().await;
    let needles = haystack(&evently, 30, &[0, 13, 14, 29]).await;
    let needles: Vec<_> = needles.iter().map(ToString::to_string).collect();
    let admin = evently.another_reading(SMALL).await.admin();
    for filter in ["q=needle", "status=published", "status=published&q=needle"] {
        for limit in [1, 3, 100] {
            let (found, pages) = walked(&admin, &format!("/admin/events?{filter}&limit={limit}")).await;
            assert_eq!(found, needles, "{filter}, {limit} a page");
            assert!(pages > if limit < 100 { 3 } else { 0 }, "{filter}, {limit} a page: {pages} pages");
        }
    }
    let preview = admin.post("/admin/pricing/preview?limit=3", json!({})).await;
    assert_eq!(preview.status, 200, "{}", preview.body);
}

#[tokio::test]
async fn a_walk_over_events_comes_to_those_behind_many_others() {
    let evently = TestApp::start().await;
    let needles = haystack(&evently, 30, &[11, 29]).await;
    let store = evently.app.store.clone().with_page_limits(SMALL);
    let filter = EventsFilter {
        upcoming_at: Some(Timestamp::now()),
        status: Some(EventStatus::Published),
        with_pricing_only: true,
        ..EventsFilter::default()
    };
    for page_events in [1, 5] {
        let (mut met, places) = (Vec::new(), Arc::new(Mutex::new(Vec::new())));
        let ended = walk(
            Walk { store: &store, filter: filter.clone(), page_events, at_once: 4 },
            None,
            Budget::of(Duration::from_secs(60)),
            |event| async move { event.id },
            |event| met.push(event),
            |place| {
                places.lock().unwrap().push(place.is_some());
                async { Ok(()) }
            },
        )
        .await;
        assert!(ended.unwrap(), "it says that it came to the end");
        assert_eq!(met, needles, "{page_events} a page");
        let places = places.lock().unwrap();
        assert!(places.len() >= 3, "{places:?}");
        assert_eq!(places.iter().position(|is_place| !is_place), Some(places.len() - 1), "{places:?}");
    }
}

/// A hold may live for a day, so what was held within that time is read together: these were held over more than a week.
#[tokio::test]
async fn a_history_goes_on_behind_pages_that_found_nothing() {
    let evently = TestApp::with(|config| config.seats_per_shard = 300).await;
    let (event, ada) = (evently.event(300).await, evently.user());
    let (id, now) = (event.parse().unwrap(), Timestamp::now());
    let mut cancelled = Vec::new();
    for n in 0..130 {
        let held_at = now - SignedDuration::from_hours(2 * n);
        let booking = booked(&ada, id, held_at, held_at);
        let committed = evently.app.store.commit_booking(&booking, u32::MAX).await.unwrap();
        assert!(matches!(committed, CommitOutcome::Committed), "{committed:?}");
        if [0, 70, 71, 129].contains(&n) {
            evently.app.store.cancel_booking(&booking, now).await.unwrap();
            cancelled.push(booking.id.to_string());
        }
    }
    let through = evently.another_reading(SMALL).await;
    let reader = through.anybody().with_token(ada.token.unwrap());
    for limit in [1, 2, 20] {
        let (found, pages) = walked(&reader, &format!("/bookings?status=cancelled&limit={limit}")).await;
        assert_eq!(found, cancelled, "{limit} a page");
        assert!(pages >= 2, "{limit} a page: {pages} pages");
    }
}

#[tokio::test]
async fn an_events_bookings_go_on_behind_pages_that_found_nothing() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(200).await, evently.user());
    let (mut cancelled, mut all) = (BTreeSet::new(), BTreeSet::new());
    for n in 0..60 {
        let booking = ada.buy(&event, 1).await;
        if n % 20 == 3 {
            assert_eq!(ada.cancel(&booking).await.status, 200);
            cancelled.insert(booking.clone());
        }
        all.insert(booking);
    }
    let admin = evently.another_reading(SMALL).await.admin();
    for (filter, expected) in [("status=cancelled&", &cancelled), ("", &all)] {
        for limit in [1, 7] {
            let list = format!("/admin/events/{event}/bookings?{filter}limit={limit}");
            let (found, pages) = walked(&admin, &list).await;
            assert!(found.is_sorted_by(|one, other| one > other), "newest first, each once: {found:?}");
            assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), *expected, "{list}: {pages} pages");
        }
    }
}

/// Of a batch DynamoDB may leave any part unprocessed.
#[tokio::test]
async fn what_a_batch_left_unprocessed_is_asked_for_again() {
    let evently = TestApp::with(|config| config.seats_per_shard = 2).await;
    let event = evently.event(40).await;
    let shards = evently.inventory(&event).await;
    let batches = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&batches);
    let between = move |mut call: Call| {
        let counted = Arc::clone(&counted);
        async move {
            if call.operation != "BatchGetItem" {
                return call.done().await;
            }
            counted.fetch_add(1, Ordering::SeqCst);
            let mut left = call.body["RequestItems"].clone();
            for (table, asked) in call.body["RequestItems"].as_object_mut().unwrap() {
                let keys = asked["Keys"].as_array_mut().unwrap();
                left[table]["Keys"] = keys.split_off(keys.len().div_ceil(3)).into();
            }
            let mut reply = call.done().await;
            let is_left = |asked: &Value| !asked["Keys"].as_array().unwrap().is_empty();
            left.as_object_mut().unwrap().retain(|_, asked| is_left(asked));
            reply.body["UnprocessedKeys"] = left;
            reply
        }
    };
    let through = evently.another_through(between).await;
    let found = through.inventory(&event).await;
    assert!(shards.len() >= 10 && batches.load(Ordering::SeqCst) > 3, "{batches:?} batches");
    assert_eq!(format!("{found:?}"), format!("{shards:?}"));

    let none = |call: Call| async move {
        let mut reply = call.done().await;
        if call.operation == "BatchGetItem" {
            reply.body["Responses"] = json!({});
            reply.body["UnprocessedKeys"] = call.body["RequestItems"].clone();
        }
        reply
    };
    let starved = evently.another_through(none).await;
    let (id, shards) = (event.parse().unwrap(), u16::try_from(shards.len()).unwrap());
    let refused = starved.app.store.inventory(id, &shards.into()).await.unwrap_err();
    assert!(matches!(refused, Error::GaveUp(_)), "not an inventory without shards: {refused}");
}
