//! Thousands at once: never oversold, no seat lost, whoever repeats what.

use std::{collections::BTreeMap, time::Duration};

use futures::future::join_all;
use tokio::time::sleep;

use crate::common::{Answer, Session, TestApp};

/// Inventory shards of 100 seats in these tests: four.
const SEATS_PER_SHARD: u32 = 25;

/// Tries of one request: a machine that is short of everything answers 503 `try_again` now and then.
const TRIES_MAX: usize = 50;
const PAUSE: Duration = Duration::from_millis(200);

/// Books, and confirms what it got; sends a request again as long as it is told to. Answers how many seats it bought.
async fn buy_once(buyer: Session, event: String, quantity: u32) -> Result<u32, Answer> {
    let key = uuid::Uuid::now_v7().to_string();
    let held = until_known(|| buyer.book_with_key(&event, quantity, &key)).await;
    if held.status != 201 {
        return Err(held);
    }
    let id = held.body["reservation"]["id"].as_str().unwrap();
    let confirmed = until_known(|| buyer.confirm(id)).await;
    if [200, 201].contains(&confirmed.status) { Ok(quantity) } else { Err(confirmed) }
}

async fn until_known<F: Future<Output = Answer>>(ask: impl Fn() -> F) -> Answer {
    for _ in 1..TRIES_MAX {
        let answer = ask().await;
        if answer.status != 503 {
            return answer;
        }
        sleep(PAUSE).await;
    }
    ask().await
}

/// Refusals by code; each must be one that the API documents.
fn refusals(outcomes: &[Result<u32, Answer>]) -> BTreeMap<String, usize> {
    let mut codes = BTreeMap::new();
    for refused in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(refused.status, 409, "{}", refused.body);
        let code = refused.text("code");
        assert!(["sold_out", "all_held"].contains(&code.as_str()), "{}", refused.body);
        *codes.entry(code).or_default() += 1;
    }
    codes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_buyers_get_exactly_the_hundred_seats() {
    let evently = TestApp::with(|config| config.seats_per_shard = SEATS_PER_SHARD).await;
    let event = evently.event(100).await;
    assert_eq!(evently.inventory(&event).await.len(), 4);

    let buyers = (0..1_000).map(|_| tokio::spawn(buy_once(evently.user(), event.clone(), 1)));
    let outcomes: Vec<_> = join_all(buyers).await.into_iter().map(Result::unwrap).collect();

    assert_eq!(refusals(&outcomes).values().sum::<usize>(), 900);
    assert_eq!(outcomes.iter().flatten().sum::<u32>(), 100);
    for shard in evently.inventory(&event).await {
        assert_eq!((shard.sold, shard.unsold), (shard.capacity, 0));
        assert_eq!(shard.revenue, u64::from(shard.sold) * 2_500);
        assert_eq!(shard.version, 1 + u64::from(shard.sold), "each sale is one change");
    }
    assert_eq!(evently.available(&event).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parties_and_single_buyers_leave_no_seat_unsold() {
    let evently = TestApp::with(|config| config.seats_per_shard = SEATS_PER_SHARD).await;
    let event = evently.event(100).await;

    let parties = (0..300).map(|n| tokio::spawn(buy_once(evently.user(), event.clone(), 1 + n % 6)));
    let outcomes: Vec<_> = join_all(parties).await.into_iter().map(Result::unwrap).collect();
    refusals(&outcomes);
    let mut bought: u32 = outcomes.iter().flatten().sum();
    // While single-seat buyers remain, no seat stays unsold, whichever shard it is on.
    while bought < 100 {
        bought += buy_once(evently.user(), event.clone(), 1).await.unwrap();
    }
    buy_once(evently.user(), event.clone(), 1).await.unwrap_err().assert_problem(409, "sold_out");
    assert_eq!(evently.sold(&event).await, 100);
    assert_eq!(bought, 100);
}

#[tokio::test]
async fn a_party_larger_than_any_shard_gets_its_seats_from_several() {
    let evently = TestApp::with(|config| config.seats_per_shard = 2).await;
    let event = evently.event(10).await;
    let (ada, ben) = (evently.user(), evently.user());
    let booking = ada.buy(&event, 7).await;
    assert_eq!(evently.sold(&event).await, 7);
    let refused = ben.book(&event, 4).await;
    refused.assert_problem(409, "sold_out");
    assert_eq!(refused.body["available"], 3, "who asks for fewer can still have them");
    ben.buy(&event, 3).await;
    assert_eq!(ada.cancel(&booking).await.status, 200);
    ben.buy(&event, 7).await;
    let inventory = evently.inventory(&event).await;
    assert!(inventory.iter().all(|shard| shard.unsold == 0 && shard.sold == shard.capacity), "{inventory:?}");
    assert_eq!(inventory.iter().map(|shard| shard.bookings).sum::<u32>(), 3);
    assert_eq!(inventory.iter().map(|shard| shard.cancelled_bookings).sum::<u32>(), 1);
    assert_eq!(inventory.iter().map(|shard| shard.cancelled).sum::<u32>(), 7);
    assert_eq!(inventory.iter().map(|shard| shard.revenue).sum::<u64>(), 10 * 2_500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_idempotency_key_sent_fifty_times_at_once_makes_one_reservation() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(100).await, evently.user());
    let answers = join_all((0..50).map(|_| ada.book_with_key(&event, 2, "the same key"))).await;
    // A blank is not a visible character.
    assert!(answers.iter().all(|answer| answer.status == 400));

    let answers = join_all((0..50).map(|_| ada.book_with_key(&event, 2, "the-same-key"))).await;
    let id = |answer: &Answer| answer.body["reservation"]["id"].clone();
    assert!(answers.iter().all(|answer| answer.status == 201 && id(answer) == id(&answers[0])));
    let first = answers.iter().filter(|answer| !answer.headers.contains_key("idempotent-replayed"));
    assert_eq!(first.count(), 1);
    assert_eq!(evently.available(&event).await, 98);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_confirm_sent_fifty_times_at_once_makes_one_booking() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(100).await, evently.user());
    let reservation = ada.hold(&event, 3).await;
    let answers = join_all((0..50).map(|_| ada.confirm(&reservation))).await;
    let created = answers.iter().filter(|answer| answer.status == 201).count();
    let replayed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!((created, replayed), (1, 49));
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_eq!(ada.get("/bookings").await.body["items"].as_array().unwrap().len(), 1);
    assert_eq!(evently.sold(&event).await, 3);
    assert_eq!(evently.available(&event).await, 97);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_cancel_sent_fifty_times_at_once_returns_the_seats_once() {
    let evently = TestApp::start().await;
    let (event, ada) = (evently.event(100).await, evently.user());
    let booking = ada.buy(&event, 3).await;
    let answers = join_all((0..50).map(|_| ada.cancel(&booking))).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.body == answers[0].body));
    let first = answers.iter().filter(|answer| !answer.headers.contains_key("idempotent-replayed"));
    assert_eq!(first.count(), 1);
    assert_eq!(evently.sold(&event).await, 0);
    assert_eq!(evently.available(&event).await, 100);
    let cancelled: u32 = evently.inventory(&event).await.iter().map(|shard| shard.cancelled).sum();
    assert_eq!(cancelled, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn giving_back_and_confirming_at_once_ends_one_way_only() {
    let evently = TestApp::start().await;
    let event = evently.event(30).await;
    let races = (0..30).map(|_| async {
        let ada = evently.user();
        let reservation = ada.hold(&event, 1).await;
        let path = format!("/reservations/{reservation}");
        let (confirmed, released) = tokio::join!(ada.confirm(&reservation), ada.delete(&path));
        match (confirmed.status, released.status) {
            (201, 409) => 1,
            (410, 204) => 0,
            other => panic!("{other:?}: {} {}", confirmed.body, released.body),
        }
    });
    let sold: u32 = join_all(races).await.into_iter().sum();
    assert_eq!(evently.sold(&event).await, sold);
    assert_eq!(evently.available(&event).await, u64::from(30 - sold));
}
