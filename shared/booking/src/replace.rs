//! Replace: an admin changes an event, its capacity perhaps among the rest.

use std::collections::BTreeMap;

use futures::future::{join_all, try_join_all};
use jiff::Timestamp;

use super::{
    rows,
    unpublish::unpublish,
    versions::stale,
    withdrawals::{Withdrawal, settle, withdraw},
};
use crate::{Protocol, audit};
use domain::{
    audit::{Actor, AuditEntry},
    error::{Error, GaveUp},
    event::{DetailsWithRows, Event, EventDetails, EventStatus, Resized, Size},
    id::{AreaKey, EventId, ReservationId},
    inventory::{self, Draw, SHARDS_PER_CHANGE_MAX, shards_of_rows},
    pricing::PriceChange,
    row::{LayoutPart, Row, in_parts},
};
use stores::{
    dynamodb::Replaced,
    redis::scripts::{Withdraw, WithdrawnAtOnce},
};

/// Steps of one change: the capacity changes by at most [`SHARDS_PER_CHANGE_MAX`] shards at once, and a step
/// may have to be done again.
const STEPS_MAX: usize = 160;
/// Shards and prices that a step writes: a transaction takes 100 items, the event and the entry of the audit trail among them.
const ITEMS_PER_STEP_MAX: usize = 98;
/// What one step takes out of sale: DynamoDB takes a condition of 300 operators, three for each seat with a name.
const PER_CHANGE: WithdrawnAtOnce = WithdrawnAtOnce { shards: SHARDS_PER_CHANGE_MAX, named_per_shard: 60 };
/// Rows that one step adds: their shards, and the parts of the layout that they are in.
const ROWS_PER_CHANGE_MAX: usize = 80;
/// Prices in it of areas that were there before; the shards of one area and its own price, if it is new, fit in beside them.
const PRICES_PER_STEP_MAX: usize = ITEMS_PER_STEP_MAX - SHARDS_PER_CHANGE_MAX - 1;

/// Replaces an event's details if it is still at `expected` version, and its capacity with them; `details` gives the
/// new ones, to be checked against the event as it is. Raising the
/// capacity adds seats in DynamoDB, then in Redis. Lowering it draws free seats out of sale in Redis, then
/// removes them in DynamoDB; it never goes below what is held or sold.
///
/// A large change is made in steps, each whole in itself. If it is broken off between two, the event stands with
/// a capacity in between and a new version. Each step is audited by itself, if an admin makes the change: an entry is written
/// in the transaction of what it tells of.
///
/// What changes nothing makes no new version, and is not audited.
///
/// The status may become any other one, but from cancelled. An event can always be cancelled, whatever is sold: its bookings are
/// cancelled with it (`cancel_event.rs`), so it can't take place after all. A draft can be cancelled without ever having been public.
/// One that a release of before cancelled kept its bookings, and can be published again. Only to become a draft it must have nothing
/// sold or held (`unpublish.rs` says how that is made sure), for nobody sees a draft any more, not even its buyers.
pub async fn replace_event<D: Into<DetailsWithRows>>(
    protocol: &Protocol,
    id: EventId,
    expected: impl Fn(&Event) -> bool,
    details: impl FnOnce(&Event) -> Result<D, Error>,
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<Event, Error> {
    let mut event = protocol.store.event(id).await?.ok_or(Error::EventNotFound)?;
    if !expected(&event) {
        return Err(Error::StaleVersion { current: event.version });
    }
    let DetailsWithRows { details, rows } = details(&event)?.into();
    details.check(Some(&event), now)?;
    if event.cancellation.is_some() && details.status != EventStatus::Cancelled {
        return Err(Error::EventCancelled);
    }
    rows::check(protocol, &event, &details, &rows).await?;
    if !event.would_change_by(&details) {
        return Ok(event);
    }
    check_room(protocol, &event, &details, now).await?;
    for _ in 0..STEPS_MAX {
        let step = if details.status == EventStatus::Draft && event.details.status != EventStatus::Draft {
            // First of all: whatever else changes, it changes on a draft then.
            unpublish(protocol, &event, &details, by, now).await?
        } else {
            let mut resized = event.to_resize(&details);
            if new_prices(&event, &details) > PRICES_PER_STEP_MAX {
                resized.clear();
            }
            match resized.first() {
                Some(area) if area.is_lowered() => lower(protocol, &event, &details, area, by, now).await?,
                _ => raise(protocol, &event, &details, &rows, &resized, by, now).await?,
            }
        };
        if let Some(replaced) = step {
            event = replaced;
            // The seats were told already; if Redis does not hear of the rest, it ends by itself or with the janitor.
            catalogue::announce(&protocol.catalogue, &event).await;
            if event.to_resize(&details).is_empty() {
                return Ok(event);
            }
        }
    }
    Err(Error::GaveUp(GaveUp::ChangingEvent))
}

/// How many areas get another price that keep their places. Many of them are a step of their own, before any place comes or goes.
fn new_prices(event: &Event, details: &EventDetails) -> usize {
    let priced = event.replaced(event.details_with(details, &[]));
    event.areas_repriced(&priced).len()
}

/// Where places leave in several steps, of several areas or of one with many shards, all must be free before the first step: what is
/// refused then changes nothing. A single step, or whatever comes first, is refused by itself.
async fn check_room(
    protocol: &Protocol,
    event: &Event,
    details: &EventDetails,
    now: Timestamp,
) -> Result<(), Error> {
    let resized = event.to_resize(details);
    let begins_with_it = resized.first().is_some_and(Resized::is_lowered);
    let lowered: Vec<Resized> = resized.into_iter().filter(Resized::is_lowered).collect();
    let is_one_step = |area: &Resized| {
        area.from_rows == 0 && event.shards.numbers_of(area.number).count() <= SHARDS_PER_CHANGE_MAX
    };
    if lowered.is_empty() || lowered.len() == 1 && begins_with_it && lowered.iter().all(is_one_step) {
        return Ok(());
    }
    let (mut withdrawn, mut refused) = (Vec::new(), Ok(()));
    for resized in lowered {
        let Resized { number, from, to, .. } = resized;
        let area = AreaKey { event: event.id, number };
        let mut given = Ok(None);
        for _ in 0..STEPS_MAX {
            given = withdraw(protocol, event, area, from - to, now).await;
            if !matches!(given, Ok(None)) {
                break;
            }
        }
        refused = match given {
            Ok(Some(Withdrawal::Whole(whole))) => {
                withdrawn.push(whole);
                continue;
            }
            Ok(Some(Withdrawal::TooFew(free))) => Err(too_few_free(&resized, free)),
            Ok(None) => Err(Error::GaveUp(GaveUp::ChangingEvent)),
            Err(error) => Err(error),
        };
        break;
    }
    settle(protocol, &withdrawn).await;
    refused
}

/// Seats that an area gets.
struct Raised<'a> {
    area: &'a Resized,
    added: Vec<Draw>,
    /// What the added shards are in a numbered area.
    rows: &'a [Row],
    /// Of its state in Redis, if there is one. It must be seen before the transaction, as in cancel.
    epoch: Option<String>,
}

/// Replaces the event, adding seats to areas that are to have more: to as many of them as one transaction takes.
async fn raise(
    protocol: &Protocol,
    event: &Event,
    details: &EventDetails,
    rows: &BTreeMap<String, Vec<Row>>,
    resized: &[Resized],
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<Option<Event>, Error> {
    let resized = resized.iter().filter(|area| !area.is_lowered());
    let raised = try_join_all(resized.map(|area| raised(protocol, event, area, rows.get(&area.id)))).await?;
    let mut items = ITEMS_PER_STEP_MAX - new_prices(event, details);
    let fits = raised.into_iter().take_while(|raised| {
        // A new area has a price, too.
        let written = raised.added.len() + raised.layout().len() + usize::from(raised.area.from == 0);
        let left = items.checked_sub(written);
        items = left.unwrap_or(items);
        left.is_some()
    });
    let raised: Vec<Raised<'_>> = fits.collect();
    let sizes: Vec<Size<'_>> = raised.iter().map(Raised::size).collect();
    let mut replaced = event.replaced(event.details_with(details, &sizes)).cancelling_since(event, now);
    let layout: Vec<LayoutPart> = raised.iter().flat_map(Raised::layout).collect();
    let added: Vec<Draw> = raised.iter().flat_map(|raised| raised.added.iter().copied()).collect();
    replaced.shards = added.iter().fold(replaced.shards, |shards, draw| shards.up_to(draw.shard));
    if !layout.is_empty() {
        replaced.shards = replaced.shards.of_numbered();
        replaced.layout_parts += u16::try_from(layout.len()).unwrap_or(u16::MAX);
    }

    let prices = PriceChange::by_admin(event, &replaced, now);
    let entry = by.map(|by| AuditEntry::changed(by, event, &replaced, Timestamp::now()));
    let store = &protocol.store;
    if !store.replace_event_adding(event, &replaced, &prices, &added, &layout, entry.as_ref()).await? {
        return Err(stale(protocol, event.id).await?);
    }
    audit::log(entry.as_ref());
    join_all(raised.iter().map(|raised| restock(protocol, &replaced, raised))).await;
    Ok(Some(replaced))
}

/// The seats that an area is to get.
async fn raised<'a>(
    protocol: &Protocol,
    event: &Event,
    resized: &'a Resized,
    rows: Option<&'a Vec<Row>>,
) -> Result<Raised<'a>, Error> {
    let Resized { number, from, to, from_rows, to_rows, .. } = *resized;
    let area = AreaKey { event: event.id, number };
    let (current, seen) =
        tokio::join!(protocol.store.inventory_of_area(area, &event.shards), protocol.redis.state_seen(area));
    let seen = match seen {
        Err(error) if error.is_without_redis() => {
            tracing::warn!(event_id = %event.id, %error, "changing an event without Redis");
            None
        }
        seen => seen?,
    };
    let epoch = seen.map(|seen| seen.epoch);
    if to_rows == 0 {
        let added = inventory::raise(number, &current?, to - from, protocol.seats_per_shard);
        return Ok(Raised { area: resized, added, rows: &[], epoch });
    }
    let all: &[Row] = rows.map_or(&[], Vec::as_slice);
    let rows = all.get(usize::from(from_rows)..).unwrap_or_default();
    let rows = &rows[..rows.len().min(ROWS_PER_CHANGE_MAX)];
    let added = shards_of_rows(number, from_rows, rows);
    let added = added.iter().map(|shard| Draw::places(shard.shard, shard.capacity)).collect();
    Ok(Raised { area: resized, added, rows, epoch })
}

impl Raised<'_> {
    /// How large the area then is.
    fn size(&self) -> Size<'_> {
        let added: u32 = self.added.iter().map(|draw| draw.seats).sum();
        let rows = self.area.from_rows + u16::try_from(self.rows.len()).unwrap_or(u16::MAX);
        Size { area: &self.area.id, capacity: self.area.from + added, rows }
    }

    /// The parts of the layout that come with it.
    fn layout(&self) -> Vec<LayoutPart> {
        in_parts([(self.area.number, self.rows)])
    }
}

async fn restock(protocol: &Protocol, event: &Event, Raised { area, added, rows, epoch }: &Raised<'_>) {
    let Some(epoch) = epoch.as_deref().filter(|_| !added.is_empty()) else { return };
    let (from_rows, area) = (area.from_rows, AreaKey { event: event.id, number: area.number });
    let told = if rows.is_empty() {
        let change = format!("version {}", event.version);
        protocol.redis.restock(area, &change, epoch, added, None).await
    } else {
        let shards = shards_of_rows(area.number, from_rows, rows);
        let rows: Vec<&Row> = rows.iter().collect();
        protocol.redis.add_rows(area, epoch, from_rows, &shards, &rows).await
    };
    match told {
        Ok(true) => {}
        Ok(false) => {
            tracing::info!(event_id = %event.id, "the state was loaded anew; restock is left to the janitor")
        }
        Err(error) => {
            tracing::warn!(event_id = %event.id, %error, "restock is left to the janitor")
        }
    }
}

/// So many of its seats are sold or held that it can't get so few, or be taken away.
fn too_few_free(resized: &Resized, free: u32) -> Error {
    let (area, seats) = (resized.id.clone(), resized.from - free);
    match resized.to {
        0 => Error::AreaHasBookings { area, seats },
        _ => Error::CapacityBelowSold { area, lowest: seats },
    }
}

/// Replaces the event, removing seats of an area that nobody holds. `None` if it must be tried again.
async fn lower(
    protocol: &Protocol,
    event: &Event,
    details: &EventDetails,
    resized: &Resized,
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<Option<Event>, Error> {
    let Resized { number, from, to, from_rows, .. } = *resized;
    // An area remembers one withdrawal only: the one before must be at its end.
    if let Some(before) = event.last_withdrawal_of(number) {
        protocol.redis.finish(before, None, None).await?;
    }
    let wanted = from - to;
    let id = ReservationId::new(AreaKey { event: event.id, number }, now);
    let grace_ms = protocol.confirm_grace_ms;
    let (draws, deadline_ms) = match protocol.redis.withdraw(id, wanted, PER_CHANGE, grace_ms).await? {
        Withdraw::Withdrawn { draws, deadline_ms } => (draws, deadline_ms),
        Withdraw::TooFew(free) => {
            return Err(too_few_free(resized, free));
        }
        Withdraw::NotLoaded => {
            catalogue::load(&protocol.catalogue, event, number).await?;
            return Ok(None);
        }
    };
    let seats: u32 = draws.iter().map(|draw| draw.seats).sum();
    let size = Size { area: &resized.id, capacity: from - seats, rows: from_rows };
    let replaced =
        event.replaced(event.details_with(details, &[size])).with_withdrawal(id).cancelling_since(event, now);
    let prices = PriceChange::by_admin(event, &replaced, now);
    let entry = by.map(|by| AuditEntry::changed(by, event, &replaced, Timestamp::now()));
    let store = &protocol.store;
    match store.replace_event_removing(event, &replaced, &prices, &draws, entry.as_ref()).await? {
        Replaced::Done => {
            audit::log(entry.as_ref());
            if let Err(error) = protocol.redis.finish(id, Some(&draws), None).await {
                tracing::warn!(event_id = %event.id, %error, "finish is left to the janitor");
            }
            Ok(Some(replaced))
        }
        refused => {
            if let Err(error) = protocol.redis.settle(id, deadline_ms).await {
                tracing::warn!(event_id = %event.id, %error, "settling a withdrawal is left to the janitor");
            }
            match refused {
                Replaced::SeatsGone => Err(Error::GaveUp(GaveUp::DisagreeingStores)),
                _ => Err(stale(protocol, event.id).await?),
            }
        }
    }
}
