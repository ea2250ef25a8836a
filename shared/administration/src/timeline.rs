//! Sales over time.

use std::{collections::BTreeMap, ops::Range};

use domain::{
    error::Error,
    event::Event,
    field_error::Wrong,
    sales::{HOURS_PER_DAY, Hour, HourOfAllSales, hours_of, start_of},
    time::show,
};
use http_api::{App, Problem};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::numbers::{Amount, amounts};

/// Days of hours in one answer at most.
const HOURLY_DAYS_MAX: u32 = 31;
/// Days in one answer at most.
const DAYS_MAX: u32 = 366;

/// What the numbers are summed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bucket {
    /// An hour, in UTC.
    #[default]
    Hour,
    /// A day, in UTC.
    Day,
}

/// Sales over time.
#[derive(Debug, Serialize, ToSchema)]
pub struct Timeline {
    /// What the numbers are summed over.
    pub bucket: Bucket,
    /// The event, if only its sales are counted.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub event_id: Option<String>,
    /// The id of the event's area, if only its sales are counted.
    #[schema(example = "floor")]
    pub area: Option<String>,
    /// Oldest first, without gaps: buckets in which nothing happened are there.
    pub items: Vec<TimelineBucket>,
}

/// What happened in an hour or a day: bookings count when they are made, their cancels when they are cancelled.
#[derive(Debug, Serialize, ToSchema)]
pub struct TimelineBucket {
    /// When it begins.
    #[serde(serialize_with = "show")]
    pub start: Timestamp,
    /// Bookings made, whatever became of them later.
    #[schema(example = 12)]
    pub bookings: u64,
    /// Tickets in them.
    #[schema(example = 25)]
    pub tickets_sold: u64,
    /// Tickets cancelled.
    #[schema(example = 2)]
    pub tickets_cancelled: u64,
    /// Bookings cancelled, whenever they were made.
    #[schema(example = 1)]
    pub bookings_cancelled: u64,
    /// What the tickets in `tickets_sold` cost: cancels are not taken off, see `refunds`. Of one event, one amount; of
    /// all, one for each currency in which something was paid.
    pub revenue: Vec<Amount>,
    /// What the tickets in `tickets_cancelled` had cost.
    pub refunds: Vec<Amount>,
}

/// Sales by buckets, of one event, or one of its areas by its id, or of all together, exact. `from` and `to` as in the query of the API.
///
/// # Errors
/// When the range is too long or ends before it begins, or when a store fails.
pub async fn timeline(
    app: &App,
    bucket: Bucket,
    event: Option<(&Event, Option<&str>)>,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    now: Timestamp,
) -> Result<Timeline, Problem> {
    let hours = bucket.hours(from, to, now)?;
    let sales = match event {
        None => app.store.sales_of_all(hours.clone(), now).await?,
        Some((event, area)) => sales_of_event(app, event, area, hours.clone(), now).await?,
    };
    let items = bucket.sum(hours, &sales);
    let event_id = event.map(|(event, _)| event.id.to_string());
    let area = event.and_then(|(_, area)| area).map(str::to_owned);
    Ok(Timeline { bucket, event_id, area, items })
}

async fn sales_of_event(
    app: &App,
    event: &Event,
    area: Option<&str>,
    hours: Range<Hour>,
    now: Timestamp,
) -> Result<BTreeMap<Hour, HourOfAllSales>, Error> {
    let currency = event.details.currency.code();
    let sales = match area {
        None => app.store.sales_of_event(event, hours.clone(), now).await?,
        Some(id) => {
            let area = event.area_called(Some(id)).ok_or(Error::AreaNotFound)?;
            app.store.sales_of_area(event, area.key.number, hours.clone(), now).await?
        }
    };
    let mut found: BTreeMap<Hour, HourOfAllSales> = BTreeMap::new();
    for hour in hours {
        let one = found.entry(hour).or_default();
        // Its currency shows in every hour.
        one.amounts.insert(currency.to_owned(), 0);
        one.refunds.insert(currency.to_owned(), 0);
        one.add(&sales.get(&hour).copied().unwrap_or_default(), currency);
    }
    Ok(found)
}

impl Bucket {
    /// Its word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
        }
    }

    fn in_hours(self) -> u32 {
        match self {
            Self::Hour => 1,
            Self::Day => HOURS_PER_DAY,
        }
    }

    /// The hours that were asked for, in whole buckets.
    fn hours(
        self,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Range<Hour>, Problem> {
        let (buckets, days_max) = match self {
            Self::Hour => (24, HOURLY_DAYS_MAX),
            Self::Day => (30, DAYS_MAX),
        };
        let size = self.in_hours();
        let to = to.unwrap_or(now);
        let hours = hours_of(from.unwrap_or(to), to);
        let end = hours.end.next_multiple_of(size);
        let start = from.map_or(end.saturating_sub(buckets * size), |_| hours.start) / size * size;
        if from.is_some_and(|from| from >= to) || start >= end {
            return Err(Problem::bad_parameter("to", Wrong::NotAfter("from")));
        }
        if from.is_some_and(|from| to - SignedDuration::from_hours(i64::from(24 * days_max)) > from) {
            let too_long = Wrong::TooLongBefore { other: "to", days: days_max.into() };
            return Err(Problem::bad_parameter("from", too_long));
        }
        Ok(start..end)
    }

    fn sum(self, hours: Range<Hour>, sales: &BTreeMap<Hour, HourOfAllSales>) -> Vec<TimelineBucket> {
        let size = self.in_hours();
        let starts = hours.step_by(usize::try_from(size).unwrap_or(1));
        starts
            .map(|start| {
                let mut sum = HourOfAllSales::default();
                sales.range(start..start + size).for_each(|(_, one)| sum.add_all(one));
                TimelineBucket::new(start, &sum)
            })
            .collect()
    }
}

impl TimelineBucket {
    fn new(start: Hour, sum: &HourOfAllSales) -> Self {
        Self {
            start: start_of(start),
            bookings: sum.bookings,
            tickets_sold: sum.tickets,
            tickets_cancelled: sum.cancelled_tickets,
            bookings_cancelled: sum.cancelled_bookings,
            revenue: amounts(&sum.amounts),
            refunds: amounts(&sum.refunds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn range(bucket: Bucket, from: Option<&str>, to: Option<&str>) -> Option<(String, String)> {
        let hours = bucket.hours(from.map(at), to.map(at), at("2026-03-10T10:20:00Z")).ok()?;
        Some((start_of(hours.start).to_string(), start_of(hours.end).to_string()))
    }

    fn expected(from: &str, to: &str) -> Option<(String, String)> {
        Some((from.to_owned(), to.to_owned()))
    }

    #[test]
    fn without_a_range_there_are_a_day_of_hours_or_thirty_days_up_to_now() {
        assert_eq!(range(Bucket::Hour, None, None), expected("2026-03-09T11:00:00Z", "2026-03-10T11:00:00Z"));
        assert_eq!(range(Bucket::Day, None, None), expected("2026-02-09T00:00:00Z", "2026-03-11T00:00:00Z"));
    }

    #[test]
    fn a_range_is_widened_to_whole_buckets() {
        let (from, to) = (Some("2026-03-01T05:59:59Z"), Some("2026-03-02T00:00:00.001Z"));
        assert_eq!(range(Bucket::Hour, from, to), expected("2026-03-01T05:00:00Z", "2026-03-02T01:00:00Z"));
        assert_eq!(range(Bucket::Day, from, to), expected("2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"));
        let (from, to) = (Some("2026-03-01T05:00:00Z"), Some("2026-03-02T00:00:00Z"));
        assert_eq!(range(Bucket::Hour, from, to), expected("2026-03-01T05:00:00Z", "2026-03-02T00:00:00Z"));
        assert_eq!(range(Bucket::Day, from, to), expected("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"));
    }

    #[test]
    fn a_range_has_an_end_and_a_limit_whatever_buckets_it_touches() {
        let (from, to) = (Some("2026-01-01T05:30:00Z"), Some("2026-02-01T05:30:00Z"));
        assert_eq!(range(Bucket::Hour, from, to), expected("2026-01-01T05:00:00Z", "2026-02-01T06:00:00Z"));
        let from = Some("2026-01-01T00:00:00Z");
        assert!(range(Bucket::Hour, from, Some("2026-02-01T00:00:00Z")).is_some());
        assert_eq!(range(Bucket::Hour, from, Some("2026-02-01T00:00:01Z")), None);
        assert!(range(Bucket::Day, from, Some("2027-01-02T00:00:00Z")).is_some());
        assert_eq!(range(Bucket::Day, from, Some("2027-01-02T00:00:01Z")), None);
        for to in ["2026-01-01T00:00:00Z", "2025-12-31T00:00:00Z", "1960-01-01T00:00:00Z"] {
            assert_eq!(range(Bucket::Hour, from, Some(to)), None, "{to}");
        }
    }
}
