//! Whether everything adds up: what was promised before the second of the bookings stands, and every seat is sold once.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use domain::{
    booking::{Booking, BookingStatus},
    id::{EventId, ReservationId},
};
use exercise::Ledger;
use futures::future::try_join_all;
use jiff::Timestamp;
use kit::Failure;
use reqwest::StatusCode;
use restore::{Kept, recompute};
use tokio::time::sleep;

use crate::{
    buyers::{Shop, Told},
    snapshots::Snapshot,
    stage::{MAX_PER_USER, Stage},
};

/// People who buy the last seats of an event at once.
const LAST_BUYERS: usize = 8;
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// The second of the bookings, between its beginning and its end.
#[derive(Clone, Copy)]
pub(crate) struct Second {
    from: Instant,
    until: Instant,
}

impl From<&Snapshot> for Second {
    fn from(snapshot: &Snapshot) -> Self {
        Self { from: snapshot.from, until: snapshot.until }
    }
}

/// How many bookings of the lost seconds are gone, and what is wrong.
pub(crate) async fn promises(
    stage: &Stage,
    told: &[Told],
    second: Second,
) -> Result<(usize, Vec<String>), Failure> {
    let bookings = by_id(all(stage, &[]).await?);
    let mut wrong = Vec::new();
    let mut lost = 0;
    for one in told {
        match bookings.get(&one.id) {
            None if one.confirmed < second.from => {
                wrong.push(format!("lost, though it was there before: {one:?}"))
            }
            None => lost += 1,
            Some(booking) => wrong.extend(wrong_status(one, booking, second)),
        }
    }
    Ok((lost, wrong))
}

/// Who registered before the second of the users signs in; who did later has to register again.
pub(crate) async fn accounts(stage: &Stage, second: Second) -> Result<Vec<String>, Failure> {
    let mut wrong = Vec::new();
    for (email, registered) in &stage.accounts {
        let expected = if *registered < second.from { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        let status = stage.account("/login", email).await?;
        if status != expected {
            wrong.push(format!("{email} signed in with {status} instead of {expected}"));
        }
    }
    Ok(wrong)
}

fn wrong_status(told: &Told, booking: &Booking, second: Second) -> Option<String> {
    let must_be = match (told.cancel_asked, told.cancelled) {
        (_, Some(cancelled)) if cancelled < second.from => BookingStatus::Cancelled,
        (Some(asked), _) if asked < second.until => return None,
        _ => BookingStatus::Confirmed,
    };
    (booking.status != must_be).then(|| format!("{:?} instead of {must_be:?}: {told:?}", booking.status))
}

/// Sells what is left of all events until each is sold out.
pub(crate) async fn sell_to_the_last(stage: &Stage) -> Result<Vec<ReservationId>, Failure> {
    let mut sold = Vec::new();
    for event in events(stage).await? {
        let people = (0..LAST_BUYERS).map(|number| buy_until_sold_out(stage, event, number));
        sold.extend(try_join_all(people).await?.into_iter().flatten());
    }
    Ok(sold)
}

async fn buy_until_sold_out(
    stage: &Stage,
    event: EventId,
    number: usize,
) -> Result<Vec<ReservationId>, Failure> {
    let shop = Shop::of(stage, number);
    let mut bought = Vec::new();
    loop {
        let (_, token) = Stage::sign_in(&stage.app)?;
        match shop.buy(event, 1, &token).await? {
            Ok(id) => bought.push(id),
            // Somebody else is just confirming the last ones, or has left without.
            Err(code) if code == "all_held" => sleep(ASK_AGAIN_AFTER).await,
            Err(code) if code == "sold_out" => return Ok(bought),
            Err(code) => return Err(format!("a buyer of the last seats was told {code}").into()),
        }
    }
}

/// What does not add up at the end.
pub(crate) async fn everything(stage: &Stage, sold: &[ReservationId]) -> Result<Vec<String>, Failure> {
    let events = events(stage).await?;
    for _ in 0..2 {
        for event in &events {
            booking::conservation(&stage.app.protocol, *event, Timestamp::now()).await?;
        }
        janitor::run(&stage.app, Timestamp::now()).await?;
    }
    let ledger = ledger(stage, &events);
    let bookings = ledger.bookings().await?;
    let mut wrong = ledger.check(&bookings).await?;
    let bookings = by_id(bookings);
    let gone = sold.iter().filter(|id| !bookings.contains_key(id));
    wrong.extend(gone.map(|id| format!("sold after the restore, and not there: {id}")));
    for (id, event) in Kept::read(&stage.tables).await?.events {
        let confirmed = bookings.values().filter(|booking| booking.event_id == id);
        let confirmed = confirmed.filter(|booking| booking.status == BookingStatus::Confirmed);
        let seats: u32 = confirmed.map(|booking| booking.quantity).sum();
        if seats != event.details.capacity {
            wrong.push(format!("{seats} of {} seats of {id} are sold", event.details.capacity));
        }
    }
    let plan = recompute(&stage.tables, Timestamp::now(), None).await?;
    wrong.extend(plan.differences.iter().map(|difference| format!("in the end: {difference:?}")));
    Ok(wrong)
}

async fn events(stage: &Stage) -> Result<Vec<EventId>, Failure> {
    Ok(Kept::read(&stage.tables).await?.events.into_keys().collect())
}

fn ledger<'a>(stage: &'a Stage, events: &'a [EventId]) -> Ledger<'a> {
    Ledger { app: &stage.app, dynamodb: stage.client(), events, max_per_user: MAX_PER_USER }
}

async fn all(stage: &Stage, events: &[EventId]) -> Result<Vec<Booking>, Failure> {
    ledger(stage, events).bookings().await
}

fn by_id(bookings: Vec<Booking>) -> HashMap<ReservationId, Booking> {
    bookings.into_iter().map(|booking| (booking.id, booking)).collect()
}
