//! Price: what demand pricing does for one event. Safe to repeat, and for two runs at once.
//!
//! Each area of an event is judged by itself; the prices that follow are written together.
//!
//! The event keeps the day on which it was priced last. Each write has the conditions that no run did so on that day,
//! and that the event has the version that was read, so an admin's change in between is not lost: the event is read
//! and judged again. A hold keeps the price that it quoted; the next hold gets the new one.
//!
//! A day is marked without a new version if the price stays, so an admin's change that was read before and written after
//! takes the mark away. Then a second run may judge the event anew on that day; it is still moved at most once.

use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{Catalogue, announce_price};
use domain::{
    error::{Error, GaveUp},
    event::{Area, Event},
    id::EventId,
    inventory::{InventoryShard, of_area},
    pricing::{Demand, Judged, PriceChange, RECENT_DAYS, next_price},
    sales::{hour_of, start_of},
};

/// Readings of one event that others keep changing.
const TRIES_MAX: usize = 5;

/// What a run would do to the prices of an event's areas, and why.
#[derive(Clone, Debug)]
pub struct PriceDecision {
    /// The event as it was judged.
    pub event: Event,
    /// Those of its areas whose price moves, in the order in which they are shown.
    pub areas: Vec<Judged>,
}

/// What became of an event's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priced {
    /// It is higher now, or that of one of its areas is.
    Raised,
    /// It is lower now; where it has several areas, none is higher.
    Lowered,
    /// It is right as it is.
    Kept,
    /// It was priced today, or is no longer one whose price moves.
    Skipped,
}

/// The day in UTC, by which pricing counts.
pub fn pricing_day(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// Decides on an event's price and changes nothing; `None` if its price does not move, or there is no such event.
pub async fn decide_price(
    catalogue: &Catalogue,
    id: EventId,
    now: Timestamp,
) -> Result<Option<PriceDecision>, Error> {
    match catalogue.store.event(id).await?.filter(|event| event.moves_its_price(now)) {
        Some(event) => judge(catalogue, event, now).await.map(Some),
        None => Ok(None),
    }
}

/// Gives an event the prices that demand asks for, once a day.
pub async fn price_event(catalogue: &Catalogue, id: EventId, now: Timestamp) -> Result<Priced, Error> {
    let today = pricing_day(now);
    for _ in 0..TRIES_MAX {
        let event = catalogue.store.event(id).await?.filter(|event| event.moves_its_price(now));
        let Some(event) = event.filter(|event| !event.was_priced_on(today)) else {
            return Ok(Priced::Skipped);
        };
        let decision = judge(catalogue, event, now).await?;
        if let Some(priced) = write(catalogue, &decision, today, now).await? {
            return Ok(priced);
        }
    }
    Err(Error::GaveUp(GaveUp::ChangingEvent))
}

/// `None` if the event has changed since it was read.
async fn write(
    catalogue: &Catalogue,
    decision: &PriceDecision,
    today: Date,
    now: Timestamp,
) -> Result<Option<Priced>, Error> {
    let PriceDecision { event: before, areas } = decision;
    let prices: Vec<_> = areas.iter().map(|judged| (judged.area, judged.next.price)).collect();
    let after = before.repriced(&prices, today);
    let changes = PriceChange::by_demand(before, &after, areas, now);
    if changes.is_empty() {
        return Ok(catalogue.store.keep_price(before, today).await?.then_some(Priced::Kept));
    }
    if !catalogue.store.reprice_event(before, &after, &changes, today).await? {
        return Ok(None);
    }
    announce_price(catalogue, &after).await;
    let is_raised =
        changes.iter().any(|change| change.previous_price.is_some_and(|before| change.price > before));
    Ok(Some(if is_raised { Priced::Raised } else { Priced::Lowered }))
}

/// Reads how an event sells, and decides.
async fn judge(catalogue: &Catalogue, event: Event, now: Timestamp) -> Result<PriceDecision, Error> {
    let inventory = catalogue.store.inventory(event.id, &event.shards).await?;
    let areas = event.areas();
    let judged = areas.iter().filter(|area| area.pricing.is_some()).map(|area| {
        let shards = of_area(&inventory, area.key.number);
        judge_area(catalogue, &event, area, shards, now)
    });
    let judged = try_join_all(judged).await?;
    Ok(PriceDecision { areas: judged, event })
}

async fn judge_area(
    catalogue: &Catalogue,
    event: &Event,
    area: &Area<'_>,
    shards: &[InventoryShard],
    now: Timestamp,
) -> Result<Judged, Error> {
    let sale_opens = event.sales_open_at();
    let recent = hour_of(sale_opens.max(now - SignedDuration::from_hours(24 * RECENT_DAYS)));
    let hours = recent..hour_of(now) + 1;
    let sales = catalogue.store.sales_of_shards(event, shards.to_vec(), hours, now).await?;
    let still_sold =
        sales.into_values().map(|hour| hour.tickets.saturating_sub(hour.returned_tickets)).sum::<u64>();
    let sold: u32 = shards.iter().map(|shard| shard.sold).sum();
    let demand = Demand {
        capacity: shards.iter().map(|shard| shard.capacity).sum(),
        sold,
        // A release before this one did not say of what was cancelled when it had been sold; but that is not sold now.
        recent_tickets: i64::from(sold).min(i64::try_from(still_sold).unwrap_or(i64::MAX)),
        // Whole hours are counted, so the first one counts from its start; but not from before the sale.
        recent_ms: ms_between(start_of(recent).max(sale_opens), now),
        left_ms: ms_between(now, event.sales_close_at()),
    };
    let next = next_price(area, event.details.currency, &demand);
    Ok(Judged { area: area.key.number, demand, next })
}

fn ms_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millisecond() - from.as_millisecond()
}
