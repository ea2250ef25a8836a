//! Sales by the hour, made anew: of each event, and of all together.
//!
//! A shard counts the latest hours and day items the others. Where an event's hours are not what its bookings come to, its
//! shards forget theirs and its day items get all, as if the janitor had moved them; so it does not matter which of both was
//! wrong. Of an event that is right, both stay.

use std::collections::BTreeMap;

use domain::{
    event::Event,
    id::{AreaKey, AreaNumber},
    inventory::place_of_shard,
    sales::{Hour, HourOfSales},
};
use stores::dynamodb::whole_tables::{Counters, day_items, days_of_area};

use crate::{booked::BookedEvent, kept::KeptShard};

/// Day items by their keys.
pub(crate) type Days = BTreeMap<String, Counters>;

/// How an event's sales by the hour are, and should be.
pub(crate) struct EventSales {
    /// What day items and shards have together.
    pub(crate) are: Days,
    /// What they should have.
    pub(crate) should_be: Days,
    /// What its shards have of it, under the keys of all events.
    on_shards_of_all: Days,
    booked_of_all: Days,
}

impl EventSales {
    /// Those of an event with these shards and day items.
    pub(crate) fn of<'a>(
        event: &Event,
        booked: &BookedEvent,
        shards: impl Iterator<Item = &'a KeptShard>,
        days: &Days,
    ) -> Self {
        let mut hours: BTreeMap<AreaNumber, BTreeMap<_, HourOfSales>> = BTreeMap::new();
        for kept in shards {
            let of_area = hours.entry(place_of_shard(kept.shard.shard).0).or_default();
            for (hour, sales) in &kept.shard.hours {
                of_area.entry(*hour).or_default().add(sales);
            }
        }
        let (mut are, on_shards_of_all) = days_of(event, &hours);
        let (should_be, booked_of_all) = days_of(event, &booked.hours);
        for of_area in event.area_keys().map(days_of_area) {
            for (key, counters) in
                days.range(of_area.clone()..).take_while(|(key, _)| key.starts_with(&of_area))
            {
                add(&mut are, key, counters);
            }
        }
        Self { are: without_zeros(are), should_be: without_zeros(should_be), on_shards_of_all, booked_of_all }
    }

    pub(crate) fn are_right(&self) -> bool {
        self.are == self.should_be
    }
}

/// The day items that these hours of an event's areas make, and what they add to those of all.
fn days_of(event: &Event, hours: &BTreeMap<AreaNumber, BTreeMap<Hour, HourOfSales>>) -> (Days, Days) {
    let (mut own, mut of_all) = (Days::new(), Days::new());
    for (number, hours) in hours {
        let area = AreaKey { event: event.id, number: *number };
        let (of_area, more) = day_items(area, event.details.currency.code(), hours);
        own.extend(of_area);
        add_all(&mut of_all, &more);
    }
    (own, of_all)
}

/// Sales of all events together, as their day items should be.
#[derive(Default)]
pub(crate) struct AllSales {
    booked: Days,
    on_shards: Days,
}

impl AllSales {
    /// Adds an event's, once it is as it should be: of one that was not, its shards have forgotten.
    pub(crate) fn add(&mut self, sales: &EventSales) {
        add_all(&mut self.booked, &sales.booked_of_all);
        if sales.are_right() {
            add_all(&mut self.on_shards, &sales.on_shards_of_all);
        }
    }

    /// The day items: all that was booked but what the shards still count.
    pub(crate) fn days(mut self) -> Days {
        for (key, counters) in &self.on_shards {
            let day = self.booked.entry(key.clone()).or_default();
            for (name, on_shards) in counters {
                let counter = day.entry(name.clone()).or_default();
                *counter = counter.saturating_sub(*on_shards);
            }
        }
        without_zeros(self.booked)
    }
}

fn add_all(days: &mut Days, others: &Days) {
    for (key, counters) in others {
        add(days, key, counters);
    }
}

fn add(days: &mut Days, key: &str, counters: &Counters) {
    let day = days.entry(key.to_owned()).or_default();
    for (name, value) in counters {
        *day.entry(name.clone()).or_default() += value;
    }
}

/// A counter that is 0 is not there, nor a day without any.
pub(crate) fn without_zeros(mut days: Days) -> Days {
    for counters in days.values_mut() {
        counters.retain(|_, value| *value > 0);
    }
    days.retain(|_, counters| !counters.is_empty());
    days
}
