//! GET /admin/analytics/timeline

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use axum::{extract::State, response::IntoResponse};
use domain::{
    error::Error,
    event::Event,
    field_error::Wrong,
    id::EventId,
    sales::{HOURS_PER_DAY, Hour, HourOfAllSales, hour_of, start_of},
    time::{show, shown},
};
use http_api::{
    Admin, App, Problem,
    csv::{Asked, FileName, FormParams},
    fields::{Fields, Read, instant, uuid, word},
    openapi::{AdminProblems, EventProblems, ParameterProblems, StoreProblems},
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::numbers::{Amount, amounts, columns_of};

const COLUMNS: [&str; 10] = [
    "start",
    "bookings",
    "tickets_sold",
    "tickets_cancelled",
    "bookings_cancelled",
    "currency",
    "revenue",
    "revenue_decimal",
    "refunds",
    "refunds_decimal",
];

/// Days of hours in one answer at most.
const HOURLY_DAYS_MAX: u32 = 31;
/// Days in one answer at most.
const DAYS_MAX: u32 = 366;

/// What the numbers are summed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bucket {
    /// An hour, in UTC.
    #[default]
    Hour,
    /// A day, in UTC.
    Day,
}

/// Which sales, and when.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TimelineParams {
    /// `hour` if left out.
    bucket: Option<Bucket>,
    /// Only sales of this event.
    event_id: Option<uuid::Uuid>,
    /// The first bucket is the one that this lies in. If left out, there are 24 hours, or 30 days.
    from: Option<Timestamp>,
    /// The last bucket is the one that begins before this and ends with it or later. Now, if left out. At most 31 days after
    /// `from` for hours, 366 for days.
    to: Option<Timestamp>,
}

impl Read for TimelineParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        let bucket = fields.optional("bucket", word(&[Bucket::Hour, Bucket::Day], Bucket::as_str));
        let event_id = fields.optional("event_id", uuid);
        let (from, to) = (fields.optional("from", instant), fields.optional("to", instant));
        Some(Self { bucket, event_id, from, to })
    }
}

/// Sales over time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Timeline {
    /// What the numbers are summed over.
    bucket: Bucket,
    /// The event, if only its sales are counted.
    #[schema(value_type = Option<uuid::Uuid>)]
    event_id: Option<String>,
    /// Oldest first, without gaps: buckets in which nothing happened are there.
    items: Vec<TimelineBucket>,
}

/// What happened in an hour or a day: bookings count when they are made, their cancels when they are cancelled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimelineBucket {
    /// When it begins.
    #[serde(serialize_with = "show")]
    start: Timestamp,
    /// Bookings made, whatever became of them later.
    bookings: u64,
    /// Tickets in them.
    tickets_sold: u64,
    /// Tickets cancelled.
    tickets_cancelled: u64,
    /// Bookings cancelled, whenever they were made.
    bookings_cancelled: u64,
    /// What the tickets in `tickets_sold` cost: cancels are not taken off, see `refunds`. Of one event, one amount; of
    /// all, one for each currency in which something was paid.
    revenue: Vec<Amount>,
    /// What the tickets in `tickets_cancelled` had cost.
    refunds: Vec<Amount>,
}

/// Sales by the hour or by the day, of one event or of all together: exact. An event that was created in the last moment
/// may show in the sum of all a little later. As CSV a bucket has a row for each currency in it, and its counts in the first of them.
#[utoipa::path(
    get, path = "/admin/analytics/timeline", operation_id = "get_timeline", tag = "Admin", security(("bearer" = [])),
    params(TimelineParams, FormParams),
    responses(
        (status = 200, description = "The sales.", headers(("Content-Disposition" = String)),
         content((Timeline = "application/json"), (String = "text/csv"))),
        EventProblems, ParameterProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn timeline(
    State(app): State<Arc<App>>,
    _: Admin,
    Asked { params, wanted }: Asked<TimelineParams>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    let bucket = params.bucket.unwrap_or_default();
    let hours = bucket.hours(params.from, params.to, now)?;
    let event = match params.event_id {
        None => None,
        // What is no id names nothing, as in a path.
        Some(id) => {
            let id: EventId = id.to_string().parse().map_err(|_| Error::EventNotFound)?;
            Some(app.store.event(id).await?.ok_or(Error::EventNotFound)?)
        }
    };
    let sales = match &event {
        None => app.store.sales_of_all(hours.clone(), now).await?,
        Some(event) => sales_of_event(&app, event, hours.clone(), now).await?,
    };
    let items = bucket.sum(hours, &sales);
    let timeline = Timeline { bucket, event_id: event.as_ref().map(|event| event.id.to_string()), items };
    let rows = || timeline.items.iter().flat_map(TimelineBucket::rows).collect();
    Ok(wanted.answer(&timeline, &COLUMNS, rows, || file_name(&timeline, event.as_ref()))?)
}

async fn sales_of_event(
    app: &App,
    event: &Event,
    hours: Range<Hour>,
    now: Timestamp,
) -> Result<BTreeMap<Hour, HourOfAllSales>, Error> {
    let currency = event.details.currency.code();
    let sales = app.store.sales_of_event(event, hours.clone(), now).await?;
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

/// Tells the first bucket and the last.
fn file_name(timeline: &Timeline, event: Option<&Event>) -> FileName {
    let mut name = FileName::new("sales-by").with(timeline.bucket.as_str());
    if let Some(event) = event {
        name = name.with(&event.details.name);
    }
    for (word, bucket) in [("from", timeline.items.first()), ("to", timeline.items.last())] {
        let Some(TimelineBucket { start, .. }) = bucket else { continue };
        name = name.with(word);
        name = match timeline.bucket {
            Bucket::Hour => name.with_time(*start),
            Bucket::Day => name.with_day(*start),
        };
    }
    name
}

impl Bucket {
    fn as_str(self) -> &'static str {
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
        let last = hour_of(to);
        // An hour that only begins then is not asked for.
        let end = (last + u32::from(start_of(last) < to)).next_multiple_of(size);
        let start = from.map_or(end.saturating_sub(buckets * size), hour_of) / size * size;
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

    /// A row for each currency, or one without. The counts stand in the first row alone, so that each column can be summed up.
    fn rows(&self) -> Vec<Vec<String>> {
        let counts = [self.bookings, self.tickets_sold, self.tickets_cancelled, self.bookings_cancelled];
        let mut counts = counts.map(|count| count.to_string());
        let amounts = self.revenue.iter().chain(&self.refunds);
        let currencies: BTreeSet<&str> = amounts.map(|amount| amount.currency.as_str()).collect();
        let currencies = if currencies.is_empty() { BTreeSet::from([""]) } else { currencies };
        let rows = currencies.into_iter().map(|currency| {
            let mut row = vec![shown(self.start)];
            row.extend(std::mem::take(&mut counts));
            let [revenue, refunds] = [&self.revenue, &self.refunds].map(|amounts| {
                let amount = amounts.iter().find(|amount| amount.currency == currency);
                columns_of(currency, amount.map_or(0, |amount| amount.amount))
            });
            row.push(currency.to_owned());
            row.extend(revenue.into_iter().chain(refunds));
            row
        });
        rows.collect()
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
    fn a_bucket_has_a_row_for_each_currency_and_its_counts_once() {
        let amounts = |amounts: &[(&str, u64)]| -> BTreeMap<String, u64> {
            amounts.iter().map(|(currency, amount)| ((*currency).to_owned(), *amount)).collect()
        };
        let sum = HourOfAllSales {
            bookings: 3,
            tickets: 5,
            cancelled_bookings: 1,
            cancelled_tickets: 2,
            ..Default::default()
        };
        let (paid, back) = (amounts(&[("JPY", 700), ("KWD", 1_500)]), amounts(&[("EUR", 5)]));
        let rows = |sum| {
            TimelineBucket::new(0, &sum).rows().into_iter().map(|row| row.join(" ")).collect::<Vec<_>>()
        };
        let start = "1970-01-01T00:00:00.000Z";
        assert_eq!(
            rows(HourOfAllSales { amounts: paid, refunds: back, ..sum.clone() }),
            [
                format!("{start} 3 5 2 1 EUR 0 0.00 5 0.05"),
                format!("{start}     JPY 700 700 0 0"),
                format!("{start}     KWD 1500 1.500 0 0.000"),
            ]
        );
        assert_eq!(rows(sum), [format!("{start} 3 5 2 1  0 0 0 0")]);
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
