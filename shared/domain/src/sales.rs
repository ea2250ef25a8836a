//! Sales by the hour: what was sold and cancelled, when. And by rate.

use std::{collections::BTreeMap, ops::Range};

use jiff::Timestamp;

/// Whole hours since the Unix epoch, in UTC.
pub type Hour = u32;

/// Hours of a day, in UTC.
pub const HOURS_PER_DAY: u32 = 24;

const HOUR_SECONDS: i64 = 60 * 60;

/// The hour that an instant lies in; the first for one before the epoch.
pub fn hour_of(instant: Timestamp) -> Hour {
    u32::try_from(instant.as_second().div_euclid(HOUR_SECONDS)).unwrap_or(0)
}

/// When an hour begins.
pub fn start_of(hour: Hour) -> Timestamp {
    super::time::from_ms(i64::from(hour) * HOUR_SECONDS * 1_000)
}

/// The hours that an instant up to another lies in, without the one that only begins with the last.
pub fn hours_of(from: Timestamp, to: Timestamp) -> Range<Hour> {
    let last = hour_of(to);
    hour_of(from)..last + u32::from(start_of(last) < to)
}

/// The days, counted since the Unix epoch, that these hours lie in.
pub fn days_of(hours: &Range<Hour>) -> Range<u32> {
    if hours.is_empty() {
        return 0..0;
    }
    hours.start / HOURS_PER_DAY..hours.end.div_ceil(HOURS_PER_DAY)
}

/// What happened in one hour. A booking counts in the hour in which it was made, its cancel in the hour in which it was
/// cancelled, so what is sold at the end of the hour is not `tickets - cancelled_tickets`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HourOfSales {
    /// Bookings made.
    pub bookings: u64,
    /// Tickets in them.
    pub tickets: u64,
    /// What these cost, in minor units.
    pub amount: u64,
    /// Bookings cancelled.
    pub cancelled_bookings: u64,
    /// Tickets in them.
    pub cancelled_tickets: u64,
    /// What these had cost, in minor units.
    pub refunded: u64,
    /// Of the `bookings`, those that were cancelled since, whenever that was.
    pub returned_bookings: u64,
    /// The tickets in them. Who buys and cancels moves no price by it.
    pub returned_tickets: u64,
    /// What these had cost, in minor units.
    pub returned_amount: u64,
}

impl HourOfSales {
    /// Adds what else happened.
    pub fn add(&mut self, other: &Self) {
        self.bookings += other.bookings;
        self.tickets += other.tickets;
        self.amount += other.amount;
        self.cancelled_bookings += other.cancelled_bookings;
        self.cancelled_tickets += other.cancelled_tickets;
        self.refunded += other.refunded;
        self.returned_bookings += other.returned_bookings;
        self.returned_tickets += other.returned_tickets;
        self.returned_amount += other.returned_amount;
    }
}

/// What happened in one hour for all events together. Amounts of different currencies are never added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HourOfAllSales {
    /// Bookings made.
    pub bookings: u64,
    /// Tickets in them.
    pub tickets: u64,
    /// Bookings cancelled.
    pub cancelled_bookings: u64,
    /// Tickets in them.
    pub cancelled_tickets: u64,
    /// What the tickets cost, in minor units, by ISO 4217 code. Nothing of a currency in which nothing was paid.
    pub amounts: BTreeMap<String, u64>,
    /// What the cancelled tickets had cost, likewise.
    pub refunds: BTreeMap<String, u64>,
    /// Of the `bookings`, those that were cancelled since, whenever that was.
    pub returned_bookings: u64,
    /// The tickets in them.
    pub returned_tickets: u64,
    /// What these had cost, likewise.
    pub returned_amounts: BTreeMap<String, u64>,
}

impl HourOfAllSales {
    /// Adds what happened for an event, or for several of one currency.
    pub fn add(&mut self, one: &HourOfSales, currency: &str) {
        self.bookings += one.bookings;
        self.tickets += one.tickets;
        self.cancelled_bookings += one.cancelled_bookings;
        self.cancelled_tickets += one.cancelled_tickets;
        self.returned_bookings += one.returned_bookings;
        self.returned_tickets += one.returned_tickets;
        for (by_currency, amount) in [
            (&mut self.amounts, one.amount),
            (&mut self.refunds, one.refunded),
            (&mut self.returned_amounts, one.returned_amount),
        ] {
            if amount > 0 {
                *by_currency.entry(currency.to_owned()).or_default() += amount;
            }
        }
    }

    /// Adds what else happened.
    pub fn add_all(&mut self, other: &Self) {
        self.bookings += other.bookings;
        self.tickets += other.tickets;
        self.cancelled_bookings += other.cancelled_bookings;
        self.cancelled_tickets += other.cancelled_tickets;
        self.returned_bookings += other.returned_bookings;
        self.returned_tickets += other.returned_tickets;
        for (mine, others) in [
            (&mut self.amounts, &other.amounts),
            (&mut self.refunds, &other.refunds),
            (&mut self.returned_amounts, &other.returned_amounts),
        ] {
            for (currency, amount) in others {
                *mine.entry(currency.clone()).or_default() += amount;
            }
        }
    }
}

/// What was sold at one rate, and not cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoldAtRate {
    /// How many places.
    pub seats: u64,
    /// What they cost, in minor units.
    pub revenue: u64,
}

impl SoldAtRate {
    /// Adds what else was sold.
    pub fn add(&mut self, other: Self) {
        self.seats += other.seats;
        self.revenue += other.revenue;
    }
}

/// What was sold at which rates, by their ids.
pub type SoldByRate = BTreeMap<String, SoldAtRate>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_its_first_instant_and_not_its_last() {
        let hour = hour_of("2026-03-01T12:34:56Z".parse().unwrap());
        assert_eq!(start_of(hour), "2026-03-01T12:00:00Z".parse::<Timestamp>().unwrap());
        assert_eq!(hour_of(start_of(hour)), hour);
        assert_eq!(hour_of("2026-03-01T12:59:59.999Z".parse().unwrap()), hour);
        assert_eq!(hour_of(start_of(hour + 1)), hour + 1);
        assert_eq!(hour_of("1969-12-31T23:59:59Z".parse().unwrap()), 0);
    }

    #[test]
    fn hours_are_whole_and_the_last_has_begun() {
        let hours = |from: &str, to: &str| {
            let hours = hours_of(from.parse().unwrap(), to.parse().unwrap());
            (start_of(hours.start).to_string(), hours.len())
        };
        let from = "2026-03-01T12:59:59Z";
        for (to, count) in [
            ("2026-03-01T12:59:59Z", 1),
            ("2026-03-01T13:00:00Z", 1),
            ("2026-03-01T13:00:00.001Z", 2),
            ("2026-03-02T12:00:00Z", 24),
            ("2026-03-01T11:00:00Z", 0),
        ] {
            assert_eq!(hours(from, to), ("2026-03-01T12:00:00Z".to_owned(), count), "{to}");
        }
    }

    #[test]
    fn the_days_of_hours_are_those_that_they_touch() {
        for (hours, days) in [(0..1, 0..1), (0..24, 0..1), (23..25, 0..2), (24..48, 1..2), (50..50, 0..0)] {
            assert_eq!(days_of(&hours), days, "{hours:?}");
        }
    }
}
