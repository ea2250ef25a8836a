//! Sales by the hour, in the inventory table.
//!
//! The transaction that sells or takes back seats also counts them on the shard that it changes, in attributes named
//! after the hour: `t487231` are the tickets sold in the hour 487231 since the Unix epoch. So counting costs no further
//! item, write or round trip, and there is no item that all sales meet on. A counter that is 0 is not there.
//!
//! The janitor moves hours that are over into day items, for the area and for all events together:
//!
//! | Key | Attributes |
//! | --- | --- |
//! | `<event id>#day#<day>` | `t13` are the tickets of that day's 14th hour, of the event's first area; amounts are in the event's currency |
//! | `<event id>.<area>#day#<day>` | the same of a further area |
//! | `all#<part>#day#<day>` | the same, amounts by currency: `a13_EUR` |
//!
//! The move is one transaction for each shard and quarter of a day. Its condition is that the attributes are still what was read, so
//! it is done once whatever crashes, and whoever else does it: a second move finds the attributes gone. A sale that
//! comes late, when its hour was moved already, makes the attributes anew, and they are moved again. Moving changes no
//! seat, so a shard's `version` stays; `hours_moved` counts instead, so that a reader sees that it read across a move.
//!
//! `r_487231` are the tickets of that hour's sales that were cancelled since, `rb_487231` and `ra_487231` the bookings and
//! what they had cost: pricing and the analytics of a time of sale go by them.
//!
//! A write of up to 1 KB costs one write unit. A shard takes up some 170 bytes and each of its hours at most 112: nine
//! names of 7 to 9 bytes and numbers of 2 to 7. So a shard may keep 7 hours; it keeps 1 to 3, as a rule.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
    pin::pin,
};

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};

use super::{EventsFilter, Item, Store, number, text, transaction::Transacted};
use domain::{
    error::{Error, GaveUp},
    event::{EVENT_DAYS_MAX, Event},
    id::{AreaKey, AreaNumber, EventId},
    inventory::{InventoryShard, ShardNumber, place_of_shard},
    sales::{HOURS_PER_DAY, Hour, HourOfAllSales, HourOfSales, days_of, hour_of},
};

/// Items that a day of all events is spread over, so that the sweeps of several events seldom meet on one.
const PARTS_OF_ALL: u128 = 4;
/// How long an hour is over before it is moved: longer than a request lives that may still count in it, so that it is
/// moved once, as a rule.
const MOVED_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// Events that start no earlier than so many days ago may have hours that are not moved: the latest that they can sell
/// or take back is their end. The janitor's look-back.
pub const UNMOVED_DAYS: i64 = EVENT_DAYS_MAX + 2;
/// Hours of a day that are moved at once: a whole part of it. Their condition has up to 63 counters in some 2 KB, where
/// DynamoDB takes 300 operators and 4 KB.
const HOURS_MOVED_MAX: u32 = 6;
/// Readings until one meets no move. Hours are moved within a minute or two of each hour.
const READINGS_MAX: usize = 8;

/// The counters of a day item by their names, like `t13` or `a13_EUR`. None is 0.
pub type Counters = BTreeMap<String, u64>;

/// Names of the counters, to be followed by the hour.
const BOOKINGS: &str = "b";
const TICKETS: &str = "t";
const AMOUNT: &str = "a";
const CANCELLED_BOOKINGS: &str = "cb";
const CANCELLED_TICKETS: &str = "ct";
const REFUNDED: &str = "ca";
/// What of the hour's sales was cancelled since. They are written `r_487231`: releases before them would take `r487231` for
/// an hour of which they know nothing, and could not move it.
const RETURNED_TICKETS: &str = "r";
const RETURNED_BOOKINGS: &str = "rb";
const RETURNED_AMOUNT: &str = "ra";
const RETURNED: [&str; 3] = [RETURNED_BOOKINGS, RETURNED_TICKETS, RETURNED_AMOUNT];

/// The part of an update that counts a draw's sale. Its values are the sale's own.
pub(super) fn count_sale(hour: Hour, amount: u64, first: bool) -> String {
    count(hour, amount, first, [BOOKINGS, TICKETS, AMOUNT])
}

/// The part of an update that counts the cancel of a draw, in its own hour and in that of its sale. Its values are the
/// cancel's own.
pub(super) fn count_cancel(hour: Hour, hour_of_sale: Hour, amount: u64, first: bool) -> String {
    let cancelled = count(hour, amount, first, [CANCELLED_BOOKINGS, CANCELLED_TICKETS, REFUNDED]);
    let returned = added(hour_of_sale, amount, first, RETURNED);
    format!("{cancelled}, {returned}")
}

/// The name of a counter's attribute.
fn attribute(counter: &str, hour: u32) -> String {
    if RETURNED.contains(&counter) { format!("{counter}_{hour}") } else { format!("{counter}{hour}") }
}

fn count(hour: Hour, amount: u64, first: bool, counters: [&str; 3]) -> String {
    format!("ADD {}", added(hour, amount, first, counters))
}

fn added(hour: Hour, amount: u64, first: bool, [bookings, tickets, money]: [&str; 3]) -> String {
    let mut added = format!("{} :seats", attribute(tickets, hour));
    if first {
        added += &format!(", {} :bookings", attribute(bookings, hour));
    }
    if amount > 0 {
        added += &format!(", {} :revenue", attribute(money, hour));
    }
    added
}

/// The hours that are counted on a shard.
pub(super) fn hours_in(shard: &Item) -> BTreeMap<Hour, HourOfSales> {
    let mut hours: BTreeMap<Hour, HourOfSales> = BTreeMap::new();
    for (name, hour, _, value) in shard.iter().filter_map(counter_in) {
        if let Some(counter) = counter_of(hours.entry(hour).or_default(), name) {
            *counter = value;
        }
    }
    hours
}

/// Counter, hour and currency of an attribute like `t487231` or `a13_EUR`, and its value.
fn counter_in<'a>(
    (name, value): (&'a String, &'a aws_sdk_dynamodb::types::AttributeValue),
) -> Option<(&'a str, u32, Option<&'a str>, u64)> {
    let value = value.as_n().ok()?.parse().ok()?;
    let (counter, counted) = match name.split_once('_') {
        Some((counter, counted)) if RETURNED.contains(&counter) => (counter, counted),
        _ => name.split_at(name.find(|c: char| c.is_ascii_digit())?),
    };
    let (hour, currency) = match counted.split_once('_') {
        Some((hour, currency)) => (hour, Some(currency)),
        None => (counted, None),
    };
    Some((counter, hour.parse().ok()?, currency, value))
}

fn counter_of<'a>(hour: &'a mut HourOfSales, name: &str) -> Option<&'a mut u64> {
    match name {
        BOOKINGS => Some(&mut hour.bookings),
        TICKETS => Some(&mut hour.tickets),
        AMOUNT => Some(&mut hour.amount),
        CANCELLED_BOOKINGS => Some(&mut hour.cancelled_bookings),
        CANCELLED_TICKETS => Some(&mut hour.cancelled_tickets),
        REFUNDED => Some(&mut hour.refunded),
        RETURNED_BOOKINGS => Some(&mut hour.returned_bookings),
        RETURNED_TICKETS => Some(&mut hour.returned_tickets),
        RETURNED_AMOUNT => Some(&mut hour.returned_amount),
        _ => None,
    }
}

/// An hour's counters that are not 0, and whether they are money.
fn counters_of(hour: &HourOfSales) -> impl Iterator<Item = (&'static str, u64, bool)> {
    [
        (BOOKINGS, hour.bookings, false),
        (TICKETS, hour.tickets, false),
        (AMOUNT, hour.amount, true),
        (CANCELLED_BOOKINGS, hour.cancelled_bookings, false),
        (CANCELLED_TICKETS, hour.cancelled_tickets, false),
        (REFUNDED, hour.refunded, true),
        (RETURNED_BOOKINGS, hour.returned_bookings, false),
        (RETURNED_TICKETS, hour.returned_tickets, false),
        (RETURNED_AMOUNT, hour.returned_amount, true),
    ]
    .into_iter()
    .filter(|(_, value, _)| *value > 0)
}

fn day_of_area(area: AreaKey, day: u32) -> String {
    format!("{area}#day#{day}")
}

/// What the keys of an area's day items begin with.
#[must_use]
pub fn days_of_area(area: AreaKey) -> String {
    format!("{area}#day#")
}

fn day_of_all(part: u128, day: u32) -> String {
    format!("all#{part}#day#{day}")
}

fn part_of(event: EventId) -> u128 {
    // An event id's lowest bits are mixed from all others.
    event.as_uuid().as_u128() % PARTS_OF_ALL
}

/// A shard and whose it is.
struct Counted {
    event: EventId,
    currency: &'static str,
    shard: InventoryShard,
}

impl Counted {
    fn hours_in<'a>(&'a self, range: &'a Range<Hour>) -> impl Iterator<Item = (Hour, &'a HourOfSales)> {
        self.shard.hours.iter().map(|(hour, sales)| (*hour, sales)).filter(|(hour, _)| range.contains(hour))
    }
}

/// Whether a shard has hours that have been over for so long that they can be moved.
pub fn has_hours_to_move(shard: &InventoryShard, now: Timestamp) -> bool {
    shard.hours.range(..hour_of(now - MOVED_AFTER)).next().is_some()
}

impl Store {
    /// What happened in each of these hours of an event, without hours in which nothing did. Exact, also while hours are
    /// being moved, for all that was committed before it was asked. `event` may be a little old, as long as its shards
    /// are all there.
    pub async fn sales_of_event(
        &self,
        event: &Event,
        hours: Range<Hour>,
        now: Timestamp,
    ) -> Result<BTreeMap<Hour, HourOfSales>, Error> {
        let shards = self.inventory(event.id, &event.shards).await?;
        self.sales_of_shards(event, shards, hours, now).await
    }

    /// The same of an area.
    pub async fn sales_of_area(
        &self,
        event: &Event,
        area: AreaNumber,
        hours: Range<Hour>,
        now: Timestamp,
    ) -> Result<BTreeMap<Hour, HourOfSales>, Error> {
        let area = AreaKey { event: event.id, number: area };
        let shards = self.inventory_of_area(area, &event.shards).await?;
        self.sales_of_shards(event, shards, hours, now).await
    }

    /// The same of the areas whose shards these are, which were just read.
    pub async fn sales_of_shards(
        &self,
        event: &Event,
        shards: Vec<InventoryShard>,
        hours: Range<Hour>,
        now: Timestamp,
    ) -> Result<BTreeMap<Hour, HourOfSales>, Error> {
        let currency = event.details.currency.code();
        let shards: Vec<_> =
            shards.into_iter().map(|shard| Counted { event: event.id, currency, shard }).collect();
        let areas: BTreeSet<AreaNumber> =
            shards.iter().map(|one: &Counted| place_of_shard(one.shard.shard).0).collect();
        let areas = areas.into_iter().map(|number| AreaKey { event: event.id, number });
        let days: Vec<String> =
            areas.flat_map(|area| days_of(&hours).map(move |day| day_of_area(area, day))).collect();
        let (shards, days) = self.read_across_no_move(shards, &days, &hours, now).await?;

        let mut found: BTreeMap<Hour, HourOfSales> = BTreeMap::new();
        for (name, hour, _, value) in days.iter().flat_map(counters_of_day) {
            if hours.contains(&hour)
                && let Some(counter) = counter_of(found.entry(hour).or_default(), name)
            {
                *counter += value;
            }
        }
        for (hour, sales) in shards.iter().flat_map(|one| one.hours_in(&hours)) {
            found.entry(hour).or_default().add(sales);
        }
        Ok(found)
    }

    /// What happened in each of these hours for all events together, without hours in which nothing did. As exact as
    /// [`Store::sales_of_event`], for all events that the index knows. Reads the inventory of all events that start no
    /// earlier than [`UNMOVED_DAYS`] ago: nobody can buy or cancel for an older one, and its hours are moved.
    pub async fn sales_of_all(
        &self,
        hours: Range<Hour>,
        now: Timestamp,
    ) -> Result<BTreeMap<Hour, HourOfAllSales>, Error> {
        let from = now - SignedDuration::from_hours(24 * UNMOVED_DAYS);
        let filter = EventsFilter { from: Some(from), ..EventsFilter::default() };
        let mut shards = Vec::new();
        let mut pages = pin!(self.inventories_by_start(&filter));
        while let Some(page) = pages.try_next().await? {
            for (event, inventory) in page {
                let (event, currency) = (event.id, event.details.currency.code());
                let counted = inventory.into_iter().map(|shard| Counted { event, currency, shard });
                shards.extend(counted.filter(|one| one.hours_in(&hours).next().is_some()));
            }
        }
        let days: Vec<String> = days_of(&hours)
            .flat_map(|day| (0..PARTS_OF_ALL).map(move |part| day_of_all(part, day)))
            .collect();
        let (shards, days) = self.read_across_no_move(shards, &days, &hours, now).await?;

        let mut found: BTreeMap<Hour, HourOfAllSales> = BTreeMap::new();
        for (name, hour, currency, value) in days.iter().flat_map(counters_of_day) {
            if hours.contains(&hour) {
                let mut one = HourOfSales::default();
                if let Some(counter) = counter_of(&mut one, name) {
                    *counter = value;
                    found.entry(hour).or_default().add(&one, currency.unwrap_or_default());
                }
            }
        }
        for one in &shards {
            for (hour, sales) in one.hours_in(&hours) {
                found.entry(hour).or_default().add(sales, one.currency);
            }
        }
        Ok(found)
    }

    /// Reads day items after `shards` were read, so that no hour is seen both there and here, or in neither. An hour that
    /// was moved before the shards were read is in the day items. One that was moved between is seen twice; so shards
    /// that had hours to be moved are read again, and if one has moved any, the day items are, too.
    async fn read_across_no_move(
        &self,
        mut shards: Vec<Counted>,
        days: &[String],
        hours: &Range<Hour>,
        now: Timestamp,
    ) -> Result<(Vec<Counted>, Vec<Item>), Error> {
        let is_over = |hour| hour < hour_of(now);
        for _ in 0..READINGS_MAX {
            let read = self.inventory_table_items(days).await?;
            let movable: Vec<usize> = (0..shards.len())
                .filter(|index| shards[*index].hours_in(hours).any(|(hour, _)| is_over(hour)))
                .collect();
            let mut again = self
                .shards_of_events(
                    movable.iter().map(|index| (shards[*index].event, shards[*index].shard.shard)).collect(),
                )
                .await?;
            let mut moved = false;
            for index in movable {
                let one = &mut shards[index];
                let seen = again.remove(&(one.event, one.shard.shard)).ok_or_else(|| {
                    Error::Internal(format!("event {} has lost shard {}", one.event, one.shard.shard).into())
                })?;
                if seen.hours_moved != one.shard.hours_moved {
                    one.shard = seen;
                    moved = true;
                }
            }
            if !moved {
                return Ok((shards, read));
            }
        }
        Err(Error::GaveUp(GaveUp::MovingHours))
    }

    async fn shards_of_events(
        &self,
        wanted: Vec<(EventId, ShardNumber)>,
    ) -> Result<HashMap<(EventId, ShardNumber), InventoryShard>, Error> {
        let found = self.inventory_items(&wanted).await?;
        Ok(found.into_iter().map(|(event, shard)| ((event, shard.shard), shard)).collect())
    }

    /// Moves the hours of a shard, as it was just read, that have been over for a while into the day items. Answers
    /// whether there were any and they are moved. False also if somebody else was first, or one of the hours has changed:
    /// the next reading will tell.
    pub async fn move_hours(
        &self,
        event: &Event,
        shard: &InventoryShard,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let before = hour_of(now - MOVED_AFTER);
        let area = AreaKey { event: event.id, number: place_of_shard(shard.shard).0 };
        let mut parts: BTreeMap<u32, Vec<(Hour, &HourOfSales)>> = BTreeMap::new();
        for (hour, sales) in shard.hours.range(..before) {
            parts.entry(hour / HOURS_MOVED_MAX).or_default().push((*hour, sales));
        }
        let mut moved = false;
        for (part, hours) in parts {
            let day = part * HOURS_MOVED_MAX / HOURS_PER_DAY;
            let items = vec![
                self.take_hours(event.id, shard.shard, &hours)?,
                self.add_hours(day_of_area(area, day), &hours, None)?,
                self.add_hours(
                    day_of_all(part_of(event.id), day),
                    &hours,
                    Some(event.details.currency.code()),
                )?,
            ];
            match self.transact(items).await? {
                Transacted::Committed => moved = true,
                Transacted::Refused(_) => return Ok(false),
            }
        }
        Ok(moved)
    }

    /// Takes hours away from a shard if they are still what they were.
    fn take_hours(
        &self,
        event: EventId,
        shard: ShardNumber,
        hours: &[(Hour, &HourOfSales)],
    ) -> Result<TransactWriteItem, Error> {
        let counters: Vec<(String, u64)> = hours
            .iter()
            .flat_map(|(hour, sales)| {
                counters_of(sales).map(move |(name, value, _)| (attribute(name, *hour), value))
            })
            .collect();
        let names: Vec<&str> = counters.iter().map(|(name, _)| name.as_str()).collect();
        let conditions: Vec<String> = names.iter().map(|name| format!("{name} = :{name}")).collect();
        let mut update = Update::builder()
            .table_name(&self.tables.inventory)
            .key("shard_id", text(super::shard_id::shard_id(event, shard)))
            .update_expression(format!("REMOVE {} ADD hours_moved :one", names.join(", ")))
            .condition_expression(conditions.join(" AND "))
            .expression_attribute_values(":one", number(1));
        for (name, value) in &counters {
            update = update.expression_attribute_values(format!(":{name}"), number(value));
        }
        built(update)
    }

    /// Adds hours to a day item, which may be new; money under its currency, if there are several.
    fn add_hours(
        &self,
        key: String,
        hours: &[(Hour, &HourOfSales)],
        currency: Option<&str>,
    ) -> Result<TransactWriteItem, Error> {
        let mut update = Update::builder().table_name(&self.tables.inventory).key("shard_id", text(key));
        let mut added = Vec::new();
        for (hour, sales) in hours {
            for (counter, value, is_money) in counters_of(sales) {
                let name = day_attribute(counter, *hour, currency.filter(|_| is_money));
                update = update.expression_attribute_values(format!(":{name}"), number(value));
                added.push(format!("{name} :{name}"));
            }
        }
        built(update.update_expression(format!("ADD {}", added.join(", "))))
    }
}

/// The names of the counters of a shard's hours.
pub(super) fn hour_attributes(shard: &Item) -> Vec<String> {
    shard.iter().filter(|attribute| counter_in(*attribute).is_some()).map(|(name, _)| name.clone()).collect()
}

/// The counters of a day item, by their names.
pub(super) fn counters_in(item: &Item) -> Counters {
    let counters = item.iter().filter_map(|attribute| Some((attribute.0.clone(), counter_in(attribute)?.3)));
    counters.collect()
}

/// The day items that all these hours of an area make when they are moved, by their keys: the area's own, and what it adds
/// to those of all.
#[must_use]
pub fn day_items(
    area: AreaKey,
    currency: &str,
    hours: &BTreeMap<Hour, HourOfSales>,
) -> (BTreeMap<String, Counters>, BTreeMap<String, Counters>) {
    let (mut own, mut of_all) = (BTreeMap::new(), BTreeMap::new());
    for (hour, sales) in hours {
        let day = hour / HOURS_PER_DAY;
        let own: &mut BTreeMap<_, _> = own.entry(day_of_area(area, day)).or_default();
        let of_all: &mut BTreeMap<_, _> = of_all.entry(day_of_all(part_of(area.event), day)).or_default();
        for (counter, value, is_money) in counters_of(sales) {
            own.insert(day_attribute(counter, *hour, None), value);
            of_all.insert(day_attribute(counter, *hour, is_money.then_some(currency)), value);
        }
    }
    (own, of_all)
}

/// The name of a counter in a day item; money of all events has its currency.
fn day_attribute(counter: &str, hour: Hour, currency: Option<&str>) -> String {
    let name = attribute(counter, hour % HOURS_PER_DAY);
    match currency {
        Some(currency) => format!("{name}_{currency}"),
        None => name,
    }
}

/// The counters of a day item, with their hours since the epoch.
fn counters_of_day(item: &Item) -> impl Iterator<Item = (&str, Hour, Option<&str>, u64)> {
    let day: Option<u32> = item
        .get("shard_id")
        .and_then(|key| key.as_s().ok())
        .and_then(|key| key.rsplit('#').next())
        .and_then(|day| day.parse().ok());
    item.iter().filter_map(counter_in).filter_map(move |(name, hour, currency, value)| {
        Some((name, day? * HOURS_PER_DAY + hour, currency, value))
    })
}

fn built(update: aws_sdk_dynamodb::types::builders::UpdateBuilder) -> Result<TransactWriteItem, Error> {
    update
        .build()
        .map(|update| TransactWriteItem::builder().update(update).build())
        .map_err(|error| Error::Internal(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_told_by_its_name() {
        let read = |name: &str| {
            let (name, value) = (name.to_owned(), number(5));
            counter_in((&name, &value)).map(|(counter, hour, currency, value)| {
                (counter.to_owned(), hour, currency.map(str::to_owned), value)
            })
        };
        assert_eq!(read("t487231"), Some(("t".into(), 487_231, None, 5)));
        assert_eq!(read("r_487231"), Some(("r".into(), 487_231, None, 5)));
        assert_eq!(read("rb_487231"), Some(("rb".into(), 487_231, None, 5)));
        assert_eq!(read("ra_9_EUR"), Some(("ra".into(), 9, Some("EUR".into()), 5)));
        assert_eq!(read("ca9_EUR"), Some(("ca".into(), 9, Some("EUR".into()), 5)));
        for other in ["sold", "shard_id", "hours_moved", "cancelled_bookings", "", "version"] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn a_shard_with_seven_busy_hours_takes_one_write_unit() {
        // Names and values as DynamoDB counts them: UTF-8 bytes, and for a number about a byte for two digits and one more.
        let number_bytes = |value: u64| value.to_string().len().div_ceil(2) + 1;
        let shard = 36
            + 1
            + 3
            + "shard_idshardcapacitysoldunsoldcancelledrevenuebookings".len()
            + "cancelled_bookingsversionhours_moved".len()
            + 11 * number_bytes(99_999);
        let seats = u64::from(domain::inventory::SEATS_PER_SHARD);
        let amount = seats * u64::from(domain::event::PRICE_MAX);
        let busy = HourOfSales {
            bookings: seats,
            tickets: seats,
            amount,
            cancelled_bookings: seats,
            cancelled_tickets: seats,
            refunded: amount,
            returned_bookings: seats,
            returned_tickets: seats,
            returned_amount: amount,
        };
        let hour: usize = counters_of(&busy)
            .map(|(name, value, _)| attribute(name, 487_231).len() + number_bytes(value))
            .sum();
        assert!(shard + 7 * hour <= 1024, "{shard} + 7 * {hour}");
    }
}
