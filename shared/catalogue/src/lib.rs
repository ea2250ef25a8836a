//! The catalogue: what people browse. Events, the list of upcoming ones, and the popular ones.
//!
//! All of it is kept in Redis, so that a look takes one round trip and no read of DynamoDB:
//!
//! - **An event** is a copy of its item that lives for 30 s. How many seats can be had is never in the copy but comes
//!   from the event's state, in the same script (`show.lua`).
//! - **The list** has what is upcoming: still to come, or on sale although it has started. It is found in an index of
//!   start, name and venue that each process keeps in memory. While it asks Redis for the
//!   events of a page, it asks, at the same time, whether the index is still the present one.
//! - **Popular events** stand in a sorted set by tickets sold. A process asks for those that were popular a moment ago
//!   while it asks which are popular now.
//!
//! An admin's change goes to Redis right after DynamoDB has it ([`announce`]), and never over a newer one, so the next
//! look shows it. If that fails, a copy ends after 30 s at the latest. When one is missing or near its end, one caller
//! of all processes reads it anew; the others wait for that, or show what they have.
//!
//! Without Redis all is read from DynamoDB, and kept in memory for a moment to protect it.

mod areas;
mod index;
mod layouts;
mod load;
mod outage;
mod popular;
mod popular_outage;
mod price;
mod read;
mod seats;
mod show;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use parking_lot::Mutex;
use quick_cache::sync::Cache;
use uuid::Uuid;

pub use self::{
    index::{Listed, Place, Search, upcoming},
    layouts::layout,
    load::{available_seats, load, load_missing},
    popular::popular,
    price::{PriceDecision, Priced, decide_price, price_event, pricing_day},
    seats::{AreaSeats, seats},
    show::{event, events, live_event},
};

use areas::AreasKnown;
use domain::{
    error::Error,
    event::{Available, Event},
    id::EventId,
    row::Layout,
};
use stores::{dynamodb::Store, redis::Redis};

/// Layouts that a process remembers, at most: a large one takes some megabytes.
const LAYOUTS_MAX: usize = 8;

/// An event as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The event.
    pub event: Event,
    /// Seats that can be had right now; of an event of several areas as they were a second ago at most.
    pub available: Available,
}

/// The catalogue over the two stores, and what this process remembers of it.
#[derive(Debug)]
pub struct Catalogue {
    store: Store,
    redis: Redis,
    index: index::Kept,
    /// What was popular when somebody last asked.
    popular: Mutex<Vec<EventId>>,
    outage: outage::Kept,
    popular_outage: popular_outage::Kept,
    /// Which areas people mean.
    pub areas: AreasKnown,
    /// Layouts of events, and how many parts they had.
    layouts: Cache<EventId, (u16, Arc<Layout>)>,
}

impl Catalogue {
    /// The catalogue over these stores. Remembers nothing yet.
    pub fn new(store: Store, redis: Redis) -> Self {
        Self {
            store,
            redis,
            index: Default::default(),
            popular: Mutex::default(),
            outage: Default::default(),
            popular_outage: Default::default(),
            areas: AreasKnown::default(),
            layouts: Cache::new(LAYOUTS_MAX),
        }
    }
}

/// An event was created or changed in DynamoDB: tells Redis. What fails here ends by itself within 30 s, or with the next
/// run of the janitor.
pub async fn announce(catalogue: &Catalogue, event: &Event) {
    let is_listed = event.is_listed(Timestamp::now());
    let generation = Uuid::now_v7().to_string();
    let (facts, copy, list) = tokio::join!(
        catalogue.redis.refresh_areas(event),
        catalogue.redis.keep(event, None, Duration::ZERO),
        catalogue.redis.change(event, is_listed, &generation),
    );
    if let Err(error) = facts.and(copy).map(|_| ()).and(list) {
        tracing::warn!(event_id = %event.id, %error, "Redis was not told of a change; it learns of it soon");
        outage::forget(catalogue, event.id);
    }
}

/// An event is deleted in DynamoDB: Redis forgets it, its seats and all else.
pub async fn retract(catalogue: &Catalogue, event: &Event) -> Result<(), Error> {
    let generation = Uuid::now_v7().to_string();
    outage::forget(catalogue, event.id);
    tokio::try_join!(
        catalogue.redis.forget_event(event.id, &event.shards),
        catalogue.redis.change(event, false, &generation)
    )?;
    Ok(())
}

/// Only the price of an event was changed in DynamoDB: the list of events stays the same. Tells Redis as [`announce`] does.
pub async fn announce_price(catalogue: &Catalogue, event: &Event) {
    let (facts, copy) =
        tokio::join!(catalogue.redis.refresh_areas(event), catalogue.redis.keep(event, None, Duration::ZERO));
    if let Err(error) = facts.and(copy) {
        tracing::warn!(event_id = %event.id, %error, "Redis was not told of a price; it learns of it soon");
        outage::forget(catalogue, event.id);
    }
}

/// Tickets of an event were sold or, below zero, came back: it becomes more popular, or less. If Redis does not hear of
/// it, the janitor sets that right.
pub async fn count_sold(catalogue: &Catalogue, event: EventId, tickets: i64) {
    if let Err(error) = catalogue.redis.sold(event, tickets).await {
        tracing::warn!(event_id = %event, %error, "a sale was not counted for popularity");
        outage::forget(catalogue, event);
    }
}

/// Measures how often something of the catalogue happened; a metric that did not happen is left out.
fn measure(name: &'static str, times: usize) {
    if times > 0 {
        metrics::counter!(name).increment(times as u64);
    }
}

/// Whether Redis is out of reach, so that DynamoDB must do.
fn is_without_redis<T>(result: &Result<T, Error>) -> bool {
    result.as_ref().is_err_and(Error::is_without_redis)
}
