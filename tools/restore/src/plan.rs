//! What differs from what the bookings come to, and what is to be written so that it does not.
//!
//! Each change writes what should be, whatever was there, and the next plan leaves it alone. So who is killed between two
//! changes starts again, and ends with the same.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    audit::AuditEntry,
    event::Event,
    id::{AreaKey, EventId, UserId},
    inventory::{InventoryShard, ShardNumber, Shards},
    pricing::PriceChange,
    row::{Layout, LayoutPart, SeatSet},
    sales::SoldAtRate,
};
use jiff::Timestamp;
use serde::Serialize;
use stores::dynamodb::whole_tables::{Counters, days_of_area};

use crate::{
    areas,
    booked::{Booked, BookedEvent},
    kept::{Kept, KeptShard},
    rebuilt::{Rebuilt, rebuilt},
    rows,
    sales::{AllSales, Days, EventSales, without_zeros},
    seats::spread,
};

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A shard that is there counts something else.
    Shard,
    /// A shard is not there.
    MissingShard,
    /// An event has other seats or shards, or fewer prices, than it must have.
    Event,
    /// An event is not there.
    MissingEvent,
    /// The note of a creation stands beside the event that was created.
    Note,
    /// A user's seats are counted wrong.
    UserSeats,
    /// An event's sales by the hour are wrong.
    Sales,
    /// Those of all events together are wrong.
    AllSales,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What kind it is of.
    pub kind: Kind,
    /// Of which event; none for all of them.
    pub event: Option<EventId>,
    /// Where: a shard, a user, a day.
    pub place: String,
    /// Which field; none for a whole item.
    pub field: String,
    /// What it is; a dash for nothing.
    pub is: String,
    /// What it should be.
    pub should_be: String,
}

/// A write.
#[derive(Clone, Debug)]
pub enum Change {
    /// Deletes the note of a creation that has ended.
    DeleteNote(EventId),
    /// Writes a shard.
    Shard {
        /// Of this event.
        event: EventId,
        /// The version that it was read at, unless it is new.
        seen: Option<u64>,
        /// As it should be.
        shard: InventoryShard,
        /// Attributes that it loses: its counters of sales.
        forget: Vec<String>,
    },
    /// Writes a price of an event that is new.
    Price(EventId, PriceChange),
    /// Writes an event.
    Event {
        /// The version that it was read at, unless it is new.
        seen: Option<u64>,
        /// As it should be.
        event: Box<Event>,
    },
    /// Writes how many seats a user has.
    UserSeats(EventId, UserId, u32),
    /// Writes a day of sales, or deletes it if nothing is in it.
    Day(String, Counters),
}

/// What differs, what to write about it, and what only people can decide.
#[derive(Debug, Default)]
pub struct Plan {
    /// The differences.
    pub differences: Vec<Difference>,
    /// The writes, in an order in which each can be the last.
    pub changes: Vec<Change>,
    /// What is no difference, or can't be mended.
    pub remarks: Vec<String>,
}

/// Holds what is kept against what was booked. Where Redis was not emptied, `stopped_at` is when sales were stopped: each shard
/// and each event gets that time, in ms, as its version at least. That is more than Redis can know, so it is Redis that follows,
/// as after any commit that it did not hear of.
#[must_use]
pub fn plan(kept: &Kept, booked: &Booked, now: Timestamp, stopped_at: Option<Timestamp>) -> Plan {
    let version_min = stopped_at.map_or(0, |at| at.as_millisecond().max(0).cast_unsigned());
    let mut planning =
        Planning { kept, booked, version_min, plan: Plan::default(), all_sales: AllSales::default() };
    let events: BTreeSet<EventId> = kept.events.keys().chain(booked.events.keys()).copied().collect();
    for id in events {
        planning.event(id, now);
    }
    planning.all_sales();
    planning.user_seats();
    planning.strangers();
    let mut plan = planning.plan;
    plan.changes.sort_by_key(Change::step);
    plan
}

impl Change {
    /// When it is written: an event only after its shards, or nobody could read it.
    pub(crate) fn step(&self) -> u8 {
        match self {
            Self::DeleteNote(_) => 0,
            Self::Shard { .. } => 1,
            Self::Price(..) => 2,
            Self::Event { .. } => 3,
            Self::UserSeats(..) => 4,
            Self::Day(..) => 5,
        }
    }
}

struct Planning<'a> {
    kept: &'a Kept,
    booked: &'a Booked,
    /// That of shards and events.
    version_min: u64,
    plan: Plan,
    all_sales: AllSales,
}

impl Planning<'_> {
    fn event(&mut self, id: EventId, now: Timestamp) {
        let (no_bookings, no_shards) = (BookedEvent::default(), BTreeMap::new());
        let booked = self.booked.events.get(&id).unwrap_or(&no_bookings);
        let shards = self.kept.shards.get(&id).unwrap_or(&no_shards);
        let Some((before, mut event)) = self.event_before(id, booked, shards, now) else { return };

        event.shards = shards_of(&event, booked, shards);
        areas::mend(&mut event, booked, shards);
        let layout = self.layout(&mut event);
        rows::mend(&mut event, &layout, booked, shards);
        event.price_changes = event.price_changes.max(self.kept.last_prices.get(&id).copied().unwrap_or(0));
        if self.kept.notes.contains(&id) {
            self.differs(Kind::Note, Some(id), "note of its creation", "", ("there", "not there"));
            self.plan.changes.push(Change::DeleteNote(id));
        }
        let sales = EventSales::of(&event, booked, shards.values(), &self.kept.days);
        self.shards(&event, &layout, booked, shards, sales.are_right());
        let areas: Vec<AreaKey> = event.area_keys().collect();
        self.event_itself(before.as_ref(), event);
        self.sales(id, areas, &sales);
    }

    /// The event as it is kept, and as it is to be mended; one that is missing is made again if it has bookings.
    fn event_before(
        &mut self,
        id: EventId,
        booked: &BookedEvent,
        shards: &BTreeMap<ShardNumber, KeptShard>,
        now: Timestamp,
    ) -> Option<(Option<Event>, Event)> {
        if let Some(event) = self.kept.events.get(&id) {
            let audit = self.kept.audit.get(&id).map(Vec::as_slice).unwrap_or_default();
            self.plan.remarks.extend(changed_since(event, audit));
            return Some((Some(event.clone()), event.clone()));
        }
        if self.kept.deleted.contains(&id) {
            self.plan
                .remarks
                .push(format!("event {id} is being deleted, and has bookings: it is left alone"));
            return None;
        }
        let last = booked.last.as_ref()?;
        let seats = shards.values().map(|kept| kept.shard.capacity).sum::<u32>().max(booked.taken()).max(1);
        let audit = self.kept.audit.get(&id).map(Vec::as_slice).unwrap_or_default();
        let Rebuilt { event, remark } = rebuilt(last, audit, seats, 1, now);
        self.plan.remarks.push(remark);
        Some((None, event))
    }

    /// The event's layout, as far as its parts are there. What is there is never written again, and none is lost.
    fn layout(&mut self, event: &mut Event) -> Layout {
        let no_parts = BTreeMap::new();
        let parts = self.kept.layouts.get(&event.id).unwrap_or(&no_parts);
        let there: Vec<LayoutPart> = (1..).map_while(|number| parts.get(&number)).cloned().collect();
        let count = u16::try_from(there.len()).unwrap_or(u16::MAX);
        if count < event.layout_parts {
            let (id, name, parts) = (event.id, &event.details.name, event.layout_parts);
            self.plan.remarks.push(format!(
                "event {id} ({name}) has {count} of {parts} parts of its layout: what the seats of the others are called is lost"
            ));
        }
        event.layout_parts = count;
        Layout::new(there)
    }

    fn shards(
        &mut self,
        event: &Event,
        layout: &Layout,
        booked: &BookedEvent,
        kept: &BTreeMap<ShardNumber, KeptShard>,
        sales_are_right: bool,
    ) {
        let booked_on = |number: ShardNumber| booked.shards.get(&number).cloned().unwrap_or_default();
        let areas = event.shards.areas().flat_map(|area| {
            let numbers: Vec<ShardNumber> = event.shards.numbers_of(area).collect();
            let taken: Vec<u32> = numbers.iter().map(|number| booked_on(*number).seats()).collect();
            let mut capacities: Vec<u32> =
                numbers.iter().map(|number| kept.get(number).map_or(0, |kept| kept.shard.capacity)).collect();
            match layout.rows_of(area).next() {
                None => spread(&mut capacities, &taken, event.area(area).map_or(0, |area| area.capacity)),
                Some(_) => capacities = rows::capacities(layout, area, booked, kept),
            }
            numbers.into_iter().zip(capacities)
        });
        for (number, capacity) in areas.collect::<Vec<_>>() {
            let (kept, booked) = (kept.get(&number), booked_on(number));
            let seen = kept.map(|kept| kept.shard.clone());
            let out_of_sale = rows::out_of_sale(seen.as_ref(), &booked);
            let mut shard = InventoryShard {
                shard: number,
                capacity,
                sold: booked.sold,
                pending: booked.pending,
                unsold: capacity - booked.seats(),
                cancelled: booked.cancelled,
                revenue: booked.revenue,
                by_rate: booked.by_rate,
                taken: booked.taken.or(&out_of_sale),
                out_of_sale,
                bookings: booked.bookings,
                cancelled_bookings: booked.cancelled_bookings,
                ..seen.clone().unwrap_or_default()
            };
            let forget = kept
                .filter(|_| !sales_are_right)
                .map(|kept| kept.hour_attributes.clone())
                .unwrap_or_default();
            let differs = seen.as_ref() != Some(&shard);
            if differs {
                // Redis must not take it for what it was.
                shard.version = shard.version.max(booked.commits) + 1;
                self.shard_differs(event.id, seen.as_ref(), &shard);
                // What is written over has to say that nothing was sold at a rate.
                for rate in seen.iter().flat_map(|seen| seen.by_rate.keys()) {
                    shard.by_rate.entry(rate.clone()).or_default();
                }
            }
            shard.version = shard.version.max(self.version_min);
            let is_new = seen.as_ref().is_none_or(|seen| seen.version != shard.version);
            if is_new || !forget.is_empty() {
                let seen = seen.map(|seen| seen.version);
                self.plan.changes.push(Change::Shard { event: event.id, seen, shard, forget });
            }
        }
    }

    fn shard_differs(&mut self, event: EventId, seen: Option<&InventoryShard>, should_be: &InventoryShard) {
        let place = format!("shard {}", should_be.shard);
        let Some(seen) = seen else {
            let shown = format!("{} of {} sold", should_be.sold, should_be.capacity);
            return self.differs(Kind::MissingShard, Some(event), &place, "", ("—", &shown));
        };
        let fields = |shard: &InventoryShard| {
            [
                ("capacity", u64::from(shard.capacity)),
                ("sold", shard.sold.into()),
                ("pending", shard.pending.into()),
                ("unsold", shard.unsold.into()),
                ("cancelled", shard.cancelled.into()),
                ("revenue", shard.revenue),
                ("bookings", shard.bookings.into()),
                ("cancelled_bookings", shard.cancelled_bookings.into()),
            ]
        };
        for ((field, is), (_, should_be)) in fields(seen).into_iter().zip(fields(should_be)) {
            self.differs(Kind::Shard, Some(event), &place, field, (&is.to_string(), &should_be.to_string()));
        }
        for (field, is, should_be) in
            [("taken", seen.taken, should_be.taken), ("out_of_sale", seen.out_of_sale, should_be.out_of_sale)]
        {
            let shown =
                |seats: SeatSet| seats.iter().map(|seat| seat.to_string()).collect::<Vec<_>>().join(" ");
            self.differs(Kind::Shard, Some(event), &place, field, (&shown(is), &shown(should_be)));
        }
        let rates: BTreeSet<&String> = seen.by_rate.keys().chain(should_be.by_rate.keys()).collect();
        for rate in rates {
            let at = |shard: &InventoryShard| {
                let SoldAtRate { seats, revenue } = shard.by_rate.get(rate).copied().unwrap_or_default();
                format!("{seats} for {revenue}")
            };
            let field = format!("sold at the rate {rate}");
            self.differs(Kind::Shard, Some(event), &place, &field, (&at(seen), &at(should_be)));
        }
    }

    fn event_itself(&mut self, before: Option<&Event>, mut event: Event) {
        let id = event.id;
        let Some(before) = before else {
            event.version = event.version.max(self.version_min);
            self.differs(Kind::MissingEvent, Some(id), "event", "", ("—", &event.details.name));
            let prices = PriceChange::created(&event).into_iter();
            self.plan.changes.extend(prices.map(|price| Change::Price(id, price)));
            return self.plan.changes.push(Change::Event { seen: None, event: Box::new(event) });
        };
        let is_outdated = event.version < self.version_min;
        if *before == event && !is_outdated {
            return;
        }
        let count = |shards: &Shards| u32::try_from(shards.count()).unwrap_or(u32::MAX);
        for (field, is, should_be) in [
            ("capacity", before.details.capacity, event.details.capacity),
            ("shards", count(&before.shards), count(&event.shards)),
            ("price_changes", before.price_changes, event.price_changes),
        ] {
            self.differs(Kind::Event, Some(id), "event", field, (&is.to_string(), &should_be.to_string()));
        }
        // No client may have seen another event under its new version.
        let audit = self.kept.audit.get(&id).into_iter().flatten();
        let last = audit.filter_map(|entry| entry.version_after).max().unwrap_or(0);
        event.version = (event.version.max(last) + 1).max(self.version_min);
        self.plan.changes.push(Change::Event { seen: Some(before.version), event: Box::new(event) });
    }

    fn sales(&mut self, event: EventId, areas: Vec<AreaKey>, sales: &EventSales) {
        self.all_sales.add(sales);
        if !sales.are_right() {
            self.days_differ(Kind::Sales, Some(event), &sales.are, &sales.should_be);
            for prefix in areas.into_iter().map(days_of_area) {
                let of_area = sales.should_be.range(prefix.clone()..);
                let of_area = of_area.take_while(|(key, _)| key.starts_with(&prefix));
                let of_area = of_area.map(|(key, day)| (key.clone(), day.clone())).collect();
                self.write_days(&prefix, &of_area);
            }
        }
    }

    fn all_sales(&mut self) {
        let should_be = std::mem::take(&mut self.all_sales).days();
        let are = self.kept.days.iter().filter(|(key, _)| key.starts_with("all#"));
        let are = without_zeros(are.map(|(key, counters)| (key.clone(), counters.clone())).collect());
        if are != should_be {
            self.days_differ(Kind::AllSales, None, &are, &should_be);
            self.write_days("all#", &should_be);
        }
    }

    /// Writes the days that are not as they should be, and deletes those that should not be.
    fn write_days(&mut self, prefix: &str, should_be: &Days) {
        let days = &self.kept.days;
        let of_prefix = days.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        let keys: BTreeSet<&String> = of_prefix.map(|(key, _)| key).chain(should_be.keys()).collect();
        for key in keys {
            let day = should_be.get(key).cloned().unwrap_or_default();
            if days.get(key) != Some(&day) {
                self.plan.changes.push(Change::Day(key.clone(), day));
            }
        }
    }

    fn days_differ(&mut self, kind: Kind, event: Option<EventId>, are: &Days, should_be: &Days) {
        let none = Counters::default();
        let keys: BTreeSet<&String> = are.keys().chain(should_be.keys()).collect();
        for key in keys {
            let (is, should_be) = (are.get(key).unwrap_or(&none), should_be.get(key).unwrap_or(&none));
            let place = key.rsplit('#').next().map(|day| format!("day {day}")).unwrap_or_default();
            let names: BTreeSet<&String> = is.keys().chain(should_be.keys()).collect();
            for name in names {
                let value = |of: &Counters| of.get(name).copied().unwrap_or(0).to_string();
                self.differs(kind, event, &place, name, (&value(is), &value(should_be)));
            }
        }
    }

    fn user_seats(&mut self) {
        let (kept, booked) = (&self.kept.user_seats, &self.booked.user_seats);
        let keys: BTreeSet<_> = kept.keys().chain(booked.keys()).collect();
        for key @ (event, user) in keys {
            let [is, should_be] = [kept, booked].map(|of| of.get(key).copied().unwrap_or(0));
            if is != should_be {
                let place = format!("user {user}");
                let told = (is.to_string(), should_be.to_string());
                self.differs(Kind::UserSeats, Some(*event), &place, "seats", (&told.0, &told.1));
                self.plan.changes.push(Change::UserSeats(*event, *user, should_be));
            }
        }
    }

    /// What is there without what it belongs to. Nobody is served by it, and it is left alone.
    fn strangers(&mut self) {
        let (kept, booked) = (self.kept, self.booked);
        let is_known = |event: &EventId| {
            kept.events.contains_key(event)
                || booked.events.contains_key(event)
                || kept.deleted.contains(event)
                || kept.notes.contains(event)
        };
        let orphans = kept.shards.keys().filter(|event| !is_known(event));
        self.plan.remarks.extend(orphans.map(|event| {
            let by_audit = match kept.audit.get(event).and_then(|audit| audit.last()) {
                Some(entry) => format!("; {} in the audit trail", entry.event_name),
                None => String::new(),
            };
            format!("event {event} has shards, and neither bookings nor an item{by_audit}: create it again")
        }));
        let without_account = booked.owners().difference(&kept.users).count();
        if without_account > 0 {
            self.plan.remarks.push(format!(
                "{without_account} people with bookings have no account: erased, or made after that second"
            ));
        }
    }

    fn differs(
        &mut self,
        kind: Kind,
        event: Option<EventId>,
        place: &str,
        field: &str,
        (is, should_be): (&str, &str),
    ) {
        if is != should_be {
            let [place, field, is, should_be] = [place, field, is, should_be].map(str::to_owned);
            self.plan.differences.push(Difference { kind, event, place, field, is, should_be });
        }
    }
}

/// As many shards as the event says, or as there are, or as the bookings name.
fn shards_of(event: &Event, booked: &BookedEvent, kept: &BTreeMap<ShardNumber, KeptShard>) -> Shards {
    booked.shards.keys().chain(kept.keys()).fold(event.shards.clone(), |shards, number| shards.up_to(*number))
}

/// What admins did to an event after the second that it is of. That is theirs to do again, or not.
fn changed_since(event: &Event, audit: &[AuditEntry]) -> Option<String> {
    let since: Vec<_> = audit
        .iter()
        .filter(|entry| entry.version_after.is_none_or(|version| version > event.version))
        .collect();
    let (first, fields) = (since.first()?, since.iter().flat_map(|entry| &entry.changes));
    let fields: BTreeSet<&str> = fields.map(|change| change.field.as_str()).collect();
    let fields = fields.into_iter().collect::<Vec<_>>().join(", ");
    Some(format!(
        "event {} ({}) was changed by admins since, first at {}: {fields}. GET /admin/audit has it",
        event.id, event.details.name, first.at
    ))
}
