//! Delivering: killed anywhere, with stores that fail, at the rate that is allowed, nothing is lost and little comes twice.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use domain::{
    delivery::{Delivery, DeliveryStatus},
    endpoint_url::Addresses,
    id::UserId,
};
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use messages::Teller;
use serde_json::json;
use stores::dynamodb::{self, Store};

use super::{Mails, records_of};
use crate::common::{
    between::{self, Reply},
    erase_me, shared_dynamodb,
};

/// Everything that waits is due now, as it will be after a while.
async fn after_a_while(mails: &Mails) {
    let store = &mails.evently.app.store;
    let later = Timestamp::now() + SignedDuration::from_hours(100);
    for waiting in store.due_deliveries(stores::dynamodb::Queue::Mails, later, 1_000).await.unwrap() {
        let due = Delivery { due_at: Some(Timestamp::now()), ..waiting.clone() };
        assert!(store.change_delivery(&waiting, &due).await.unwrap());
    }
}

/// What waits to be tried.
async fn waiting(mails: &Mails) -> Vec<Delivery> {
    let later = Timestamp::now() + SignedDuration::from_hours(100);
    mails.evently.app.store.due_deliveries(stores::dynamodb::Queue::Mails, later, 1_000).await.unwrap()
}

/// A teller that loses its store with the call of that number: it does the call still, or not even that.
async fn dying_at(mails: &Mails, number: usize, does_it: bool) -> Teller {
    let calls = Arc::new(AtomicUsize::new(0));
    let endpoint = between::between(shared_dynamodb(), move |call| {
        let calls = Arc::clone(&calls);
        async move {
            let of_this = calls.fetch_add(1, Ordering::SeqCst);
            if of_this < number {
                return call.done().await;
            }
            if of_this == number && does_it {
                call.done().await;
            }
            Reply::refused()
        }
    })
    .await;
    let store = Store::new(dynamodb::client_for_endpoint(&endpoint), mails.evently.app.config.tables.clone());
    let tokens = Arc::clone(&mails.evently.app.tokens);
    Teller::open(store, tokens, Some(mails.config.clone()), Addresses::Public).await.unwrap()
}

#[tokio::test]
async fn killed_at_any_step_it_tells_all_and_at_most_twice_with_one_id() {
    // Down: the delivery, who it is, the booking, the event; sent; what came of it.
    for step in 0..6 {
        for does_it in [false, true] {
            let mails = Mails::start().await;
            let event = mails.evently.event(10).await;
            let booking = mails.user("ada@example.com").await.buy(&event, 1).await;
            let records = records_of(&mails.evently.app.config.tables.bookings).await;
            let event = json!({ "Records": records });
            let dying = dying_at(&mails, step, does_it).await;
            let answer = notifications::handle(&dying, event.clone()).await.unwrap();
            // Lambda gives it again what failed; whatever was written down is due some time.
            let is_answered = answer["batchItemFailures"].as_array().unwrap().is_empty();
            if !is_answered {
                mails.told(records).await;
            }
            after_a_while(&mails).await;
            mails.run().await;
            let sent = mails.mails();
            let at = format!("step {step}, {does_it}: {sent:#?}");
            assert!([1, 2].contains(&sent.len()), "{at}");
            assert!(sent.iter().all(|mail| mail.id.contains(&booking) && mail.id == sent[0].id), "{at}");
            assert!(sent.len() == 1 || step >= 4, "nothing was sent before: {at}");
            assert_eq!(waiting(&mails).await, [], "{at}");
        }
    }
}

#[tokio::test]
async fn two_who_try_the_same_send_it_once() {
    let mails = Mails::start().await;
    let event = mails.evently.event(50).await;
    let mut records = Vec::new();
    for number in 0..6 {
        mails.user(&format!("user{number}@example.com")).await.buy(&event, 1).await;
    }
    records.extend(records_of(&mails.evently.app.config.tables.bookings).await);
    let (one, other) = (mails.another().await, mails.another().await);
    let invocation = json!({ "Records": records });
    let told = tokio::join!(
        notifications::handle(&one, invocation.clone()),
        notifications::handle(&other, invocation.clone()),
    );
    assert!(told.0.is_ok() && told.1.is_ok());
    let run = |teller| {
        messages::run_within(
            teller,
            Timestamp::now(),
            messages::Limits { run_time: Duration::from_secs(5), look_every: SignedDuration::from_hours(1) },
        )
    };
    let _ = tokio::join!(run(&one), run(&other));
    let mut by_person: BTreeMap<String, usize> = BTreeMap::new();
    for mail in mails.mails() {
        *by_person.entry(mail.to).or_default() += 1;
    }
    assert_eq!(by_person.len(), 6);
    assert!(by_person.values().all(|mails| *mails == 1), "{by_person:?}");
}

#[tokio::test]
async fn no_more_go_out_in_a_second_than_are_allowed_however_many_processes_send() {
    const PER_SECOND: u32 = 4;
    let mails = Mails::with(|config, _| config.per_second = Some(PER_SECOND)).await;
    let event = mails.evently.event(50).await;
    for number in 0..16 {
        mails.user(&format!("user{number}@example.com")).await.buy(&event, 1).await;
    }
    let records = records_of(&mails.evently.app.config.tables.bookings).await;
    let (one, other) = (mails.another().await, mails.another().await);
    let (half, rest) = records.split_at(records.len() / 2);
    let from = Timestamp::now().as_second();
    let _ = tokio::join!(
        notifications::handle(&one, json!({ "Records": half })),
        notifications::handle(&other, json!({ "Records": rest })),
    );
    assert_eq!(mails.mails().len(), 16);
    // A busy machine sends a mail later than its turn, and so more of them in one second, but none before its turn.
    for (place, second) in (0_u32..).zip(seconds_of(&mails)) {
        let turn = from + i64::from(place / PER_SECOND);
        assert!(second >= turn, "the mail at {place} went out {} s too early", turn - second);
    }
}

/// When each mail was written, in order.
fn seconds_of(mails: &Mails) -> Vec<i64> {
    let second = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let at = DateTime::strptime("%Y%m%dT%H%M%S", &name[..15]).unwrap();
        at.to_zoned(TimeZone::UTC).unwrap().timestamp().as_second()
    };
    let mut seconds: Vec<_> = std::fs::read_dir(mails.folder.path()).unwrap().map(second).collect();
    seconds.sort_unstable();
    seconds
}

#[tokio::test]
async fn who_is_gone_gets_no_mail() {
    let mails = Mails::start().await;
    let event = mails.evently.event(10).await;
    let ada = mails.user("ada@example.com").await;
    let booking = ada.buy(&event, 1).await;
    assert_eq!(ada.cancel(&booking).await.status, 200);
    let records = records_of(&mails.evently.app.config.tables.bookings).await;
    assert_eq!(erase_me(&ada, crate::common::PASSWORD).await.status, 204);
    // Nobody ever had an account of this id.
    let somebody = mails.evently.user();
    somebody.buy(&event, 1).await;
    mails.told(records).await;
    mails.told(records_of(&mails.evently.app.config.tables.bookings).await).await;
    // It may be that the index does not know yet who registered a moment ago.
    let left = waiting(&mails).await;
    assert!(
        left.iter().all(|delivery| delivery.status == DeliveryStatus::Failed && delivery.tries == 1),
        "{left:?}"
    );
    after_a_while(&mails).await;
    let report = mails.run().await;
    assert_eq!((report.mails.dead, mails.mails().len()), (0, 0));
    assert_eq!(waiting(&mails).await, []);
}

#[tokio::test]
async fn what_is_kept_of_a_delivery_tells_no_address() {
    let mails = Mails::start().await;
    let event = mails.evently.event(10).await;
    let ada = mails.user_called("ada@example.com", Some("Ada Lovelace")).await;
    ada.buy(&event, 1).await;
    mails.told(records_of(&mails.evently.app.config.tables.bookings).await).await;
    assert_eq!(mails.mails().len(), 1);
    let client = dynamodb::client_for_endpoint(shared_dynamodb());
    let table = mails.evently.app.config.tables.deliveries.as_ref().unwrap();
    let kept = format!("{:?}", client.scan().table_name(table).send().await.unwrap().items());
    assert!(kept.contains("booking.confirmed") && kept.contains(&ada.user_id.unwrap().to_string()), "{kept}");
    assert!(!kept.contains("ada@") && !kept.contains("Lovelace"), "{kept}");
    assert!(!kept.contains(&UserId::new().to_string()));
}
