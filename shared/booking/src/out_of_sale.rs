//! Seats with names leave the sale and come back. Leaving is like a lowered capacity, coming back like a raised one.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{Protocol, audit};
use domain::{
    audit::{Actor, AuditEntry},
    error::{Error, GaveUp},
    event::{Area, Event, Size},
    field_error::Wrong,
    id::{EventId, ReservationId},
    inventory::{Draw, InventoryShard, shard_number},
    pricing::PriceChange,
    row::{Layout, Row, SeatSet, place_of_seat},
};
use stores::{dynamodb::Replaced, redis::scripts::WithdrawSeats};

/// Seats of one change at most: each is part of a condition in DynamoDB.
pub const SEATS_AT_ONCE_MAX: usize = 50;
/// Tries of one change: the event may change meanwhile, and Redis not know it.
const TRIES_MAX: usize = 8;

/// An event, and what the seats of one of its areas are called that are out of sale.
#[derive(Debug)]
pub struct OutOfSale {
    /// The event as it is now.
    pub event: Event,
    /// The seats, best first.
    pub seats: Vec<String>,
}

/// Takes seats of an area out of sale. Those that are out of it already stay so.
///
/// # Errors
/// `SeatsInUse` if some of them are sold or held; then all stay as they are.
pub async fn withdraw_seats(
    protocol: &Protocol,
    id: EventId,
    area: &str,
    seats: &[String],
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<OutOfSale, Error> {
    change(protocol, id, area, seats, Way::Out, by, now).await
}

/// Brings seats of an area back on sale. Those that are on sale stay so.
///
/// # Errors
/// When there are no such seats, or a store fails.
pub async fn restore_seats(
    protocol: &Protocol,
    id: EventId,
    area: &str,
    seats: &[String],
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<OutOfSale, Error> {
    change(protocol, id, area, seats, Way::Back, by, now).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Out,
    Back,
}

/// What is to change.
struct Step<'a> {
    event: &'a Event,
    area: Area<'a>,
    /// The area's rows, best first.
    rows: &'a [&'a Row],
    draws: Vec<Draw>,
    by: Option<&'a Actor>,
    now: Timestamp,
}

async fn change(
    protocol: &Protocol,
    id: EventId,
    area: &str,
    seats: &[String],
    way: Way,
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<OutOfSale, Error> {
    for _ in 0..TRIES_MAX {
        let event = protocol.store.event(id).await?.ok_or(Error::EventNotFound)?;
        let found = event.area_called(Some(area)).filter(Area::is_numbered).ok_or(Error::AreaNotFound)?;
        let layout = catalogue::layout(&protocol.catalogue, &event).await?;
        let rows: Vec<&Row> = layout.rows_of(found.key.number).collect();
        let wanted = places_of(&rows, seats)?;
        let inventory = protocol.store.inventory_of_area(found.key, &event.shards).await?;
        let draws = still_to_change(&found, &inventory, &wanted, way);
        if draws.is_empty() {
            let seats = out_of_sale(&layout, &found, &inventory);
            return Ok(OutOfSale { event, seats });
        }
        let step = Step { event: &event, area: found, rows: &rows, draws, by, now };
        let changed = match way {
            Way::Out => withdraw(protocol, step).await?,
            Way::Back => restore(protocol, step).await?,
        };
        if let Some(changed) = changed {
            catalogue::announce(&protocol.catalogue, &changed).await;
        }
        // The next look finds nothing left to change, and tells what is out of sale.
    }
    Err(Error::GaveUp(GaveUp::ChangingEvent))
}

/// The seats of these names, by their rows.
fn places_of(rows: &[&Row], names: &[String]) -> Result<BTreeMap<usize, SeatSet>, Error> {
    let mut places: BTreeMap<usize, SeatSet> = BTreeMap::new();
    let mut unknown = Vec::new();
    for name in names {
        match place_of_seat(rows, name) {
            Some((row, seat)) => {
                places.entry(row).or_default().add(seat);
            }
            None => unknown.push(name.clone()),
        }
    }
    if unknown.is_empty() { Ok(places) } else { Err(Error::UnknownSeats(unknown)) }
}

fn still_to_change(
    area: &Area<'_>,
    inventory: &[InventoryShard],
    wanted: &BTreeMap<usize, SeatSet>,
    way: Way,
) -> Vec<Draw> {
    let draws = wanted.iter().filter_map(|(row, seats)| {
        let out = inventory.get(*row)?.out_of_sale;
        let left: SeatSet = seats.iter().filter(|seat| out.has(*seat) == (way == Way::Back)).collect();
        let place = u16::try_from(*row).ok()?;
        (!left.is_empty()).then(|| Draw::named(shard_number(area.key.number, place), left))
    });
    draws.collect()
}

/// What an area's seats are called that are out of sale.
fn out_of_sale(layout: &Layout, area: &Area<'_>, inventory: &[InventoryShard]) -> Vec<String> {
    let rows = layout.rows_of(area.key.number).zip(inventory);
    rows.flat_map(|(row, shard)| {
        shard.out_of_sale.iter().map(|seat| format!("{}-{}", row.name, row.labels.label(seat)))
    })
    .collect()
}

impl Step<'_> {
    fn seats(&self) -> u32 {
        self.draws.iter().map(|draw| draw.seats).sum()
    }

    /// The event with so many places in the area, what that does to prices, and what the audit trail says of it.
    fn with_capacity(&self, capacity: u32) -> (Event, Vec<PriceChange>) {
        let size = Size { area: self.area.id, capacity, rows: self.area.rows };
        let changed = self.event.replaced(self.event.details_with(&self.event.details, &[size]));
        let prices = PriceChange::by_admin(self.event, &changed, self.now);
        (changed, prices)
    }

    fn entry(&self, changed: &Event) -> Option<AuditEntry> {
        self.by.map(|by| AuditEntry::changed(by, self.event, changed, Timestamp::now()))
    }
}

/// The seats become a hold of nobody's in Redis, then leave the row in DynamoDB. `None` if it must be tried again.
async fn withdraw(protocol: &Protocol, step: Step<'_>) -> Result<Option<Event>, Error> {
    let (event, area) = (step.event, &step.area);
    let Some(capacity) = area.capacity.checked_sub(step.seats()).filter(|left| *left > 0) else {
        return Err(Error::invalid_field("seats", Wrong::LeavesNone));
    };
    // An area remembers one withdrawal only: the one before must be at its end.
    if let Some(before) = event.last_withdrawal_of(area.key.number) {
        protocol.redis.finish(before, None, None).await?;
    }
    let id = ReservationId::new(area.key, step.now);
    let deadline_ms = match protocol.redis.withdraw_seats(id, &step.draws, protocol.confirm_grace_ms).await? {
        WithdrawSeats::Withdrawn { deadline_ms } => deadline_ms,
        WithdrawSeats::InUse(places) => {
            let row = |place: u16| step.rows.get(usize::from(place));
            let named = places.iter().filter_map(|(place, seat)| row(*place).map(|row| row.seat_name(*seat)));
            return Err(Error::SeatsInUse { seats: named.collect(), area: area.id.to_owned() });
        }
        WithdrawSeats::NotLoaded => {
            catalogue::load(&protocol.catalogue, event, area.key.number).await?;
            return Ok(None);
        }
    };
    let (changed, prices) = step.with_capacity(capacity);
    let changed = changed.with_withdrawal(id);
    let entry = step.entry(&changed);
    let removed =
        protocol.store.replace_event_removing(event, &changed, &prices, &step.draws, entry.as_ref());
    match removed.await? {
        Replaced::Done => {
            audit::log(entry.as_ref());
            if let Err(error) = protocol.redis.finish(id, Some(&step.draws), None).await {
                tracing::warn!(event_id = %event.id, %error, "finish is left to the janitor");
            }
            Ok(Some(changed))
        }
        refused => {
            if let Err(error) = protocol.redis.settle(id, deadline_ms).await {
                tracing::warn!(event_id = %event.id, %error, "settling a withdrawal is left to the janitor");
            }
            match refused {
                Replaced::SeatsGone => Err(Error::GaveUp(GaveUp::DisagreeingStores)),
                _ => Ok(None),
            }
        }
    }
}

/// The seats come back in DynamoDB, then in Redis. `None` if it must be tried again.
async fn restore(protocol: &Protocol, step: Step<'_>) -> Result<Option<Event>, Error> {
    let (event, area) = (step.event, &step.area);
    // A withdrawal whose end Redis has not heard of would take them out of sale again.
    let ended = match event.last_withdrawal_of(area.key.number) {
        Some(before) => protocol.redis.finish(before, None, None).await.map(|_| ()),
        None => Ok(()),
    };
    // The epoch must be seen before the transaction, as in cancel.
    let epoch = match ended.and(protocol.redis.state_seen(area.key).await) {
        Err(error) if error.is_without_redis() => None,
        seen => seen?.map(|seen| seen.epoch),
    };
    let (changed, prices) = step.with_capacity(area.capacity + step.seats());
    let entry = step.entry(&changed);
    let store = &protocol.store;
    if !store.replace_event_adding(event, &changed, &prices, &step.draws, &[], entry.as_ref()).await? {
        return Ok(None);
    }
    audit::log(entry.as_ref());
    if let Some(epoch) = epoch {
        let change = format!("version {}", changed.version);
        if let Err(error) = protocol.redis.restock(area.key, &change, &epoch, &step.draws, None).await {
            tracing::warn!(event_id = %event.id, %error, "restock is left to the janitor");
        }
    }
    Ok(Some(changed))
}
