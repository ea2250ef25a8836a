//! GET /admin/analytics/timeline

use std::{collections::BTreeSet, sync::Arc};

use administration::{Bucket, Timeline, TimelineBucket, numbers::columns_of};
use axum::{extract::State, response::IntoResponse};
use domain::{error::Error, event::Event, field_error::Wrong, id::EventId, time::shown};
use http_api::{
    Admin, App, Problem,
    csv::{Asked, FileName, FormParams},
    fields::{Fields, Read, instant, text, uuid, word},
    openapi::{AdminProblems, AreaId, EventProblems, ParameterProblems, StoreProblems},
};
use jiff::Timestamp;
use utoipa::IntoParams;

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
    /// Only sales of this area of the event, by its id.
    #[param(value_type = Option<AreaId>)]
    area: Option<String>,
}

impl Read for TimelineParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        let bucket = fields.optional("bucket", word(&[Bucket::Hour, Bucket::Day], Bucket::as_str));
        let event_id = fields.optional("event_id", uuid);
        let area = fields.optional("area", text);
        if area.is_some() && event_id.is_none() {
            fields.complain("area", Wrong::OnlyWith { other: "event_id", value: "given" });
        }
        let (from, to) = (fields.optional("from", instant), fields.optional("to", instant));
        Some(Self { bucket, event_id, area, from, to })
    }
}

http_api::problems! { AreaProblems:
    AreaNotFound: "the event has no `area` of that id",
}

/// Sales by the hour or by the day, of one event or one of its areas, or of all together: exact. An event that was created in the last moment
/// may show in the sum of all a little later. As CSV a bucket has a row for each currency in it, and its counts in the first of them.
#[utoipa::path(
    get, path = "/admin/analytics/timeline", operation_id = "get_timeline", tag = "Admin", security(("bearer" = [])),
    params(TimelineParams, FormParams),
    responses(
        (status = 200, description = "The sales.", headers(("Content-Disposition" = String)),
         content((Timeline = "application/json"), (String = "text/csv"))),
        EventProblems, ParameterProblems, AdminProblems, StoreProblems, AreaProblems,
    ),
)]
pub(crate) async fn timeline(
    State(app): State<Arc<App>>,
    _: Admin,
    Asked { params, wanted }: Asked<TimelineParams>,
) -> Result<impl IntoResponse, Problem> {
    let now = Timestamp::now();
    let bucket = params.bucket.unwrap_or_default();
    let event = match params.event_id {
        None => None,
        // What is no id names nothing, as in a path.
        Some(id) => {
            let id: EventId = id.to_string().parse().map_err(|_| Error::EventNotFound)?;
            Some(app.store.event(id).await?.ok_or(Error::EventNotFound)?)
        }
    };
    let range = (params.from, params.to);
    let of = event.as_ref().map(|event| (event, params.area.as_deref()));
    let timeline = administration::timeline(&app, bucket, of, range, now).await?;
    let rows = || timeline.items.iter().flat_map(rows).collect();
    Ok(wanted.answer(&timeline, &COLUMNS, rows, || file_name(&timeline, event.as_ref()))?)
}

/// Tells the first bucket and the last.
fn file_name(timeline: &Timeline, event: Option<&Event>) -> FileName {
    let mut name = FileName::new("sales-by").with(timeline.bucket.as_str());
    if let Some(event) = event {
        name = name.with(&event.details.name);
        name = timeline.area.iter().fold(name, |name, area| name.with(area));
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

/// A row for each currency, or one without. The counts stand in the first row alone, so that each column can be summed up.
fn rows(bucket: &TimelineBucket) -> Vec<Vec<String>> {
    let counts = [bucket.bookings, bucket.tickets_sold, bucket.tickets_cancelled, bucket.bookings_cancelled];
    let mut counts = counts.map(|count| count.to_string());
    let amounts = bucket.revenue.iter().chain(&bucket.refunds);
    let currencies: BTreeSet<&str> = amounts.map(|amount| amount.currency.as_str()).collect();
    let currencies = if currencies.is_empty() { BTreeSet::from([""]) } else { currencies };
    let rows = currencies.into_iter().map(|currency| {
        let mut row = vec![shown(bucket.start)];
        row.extend(std::mem::take(&mut counts));
        let [revenue, refunds] = [&bucket.revenue, &bucket.refunds].map(|amounts| {
            let amount = amounts.iter().find(|amount| amount.currency == currency);
            columns_of(currency, amount.map_or(0, |amount| amount.amount))
        });
        row.push(currency.to_owned());
        row.extend(revenue.into_iter().chain(refunds));
        row
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use administration::Amount;

    use super::*;

    #[test]
    fn a_bucket_has_a_row_for_each_currency_and_its_counts_once() {
        let amounts = |amounts: &[(&str, u64)]| -> Vec<Amount> {
            let amounts = amounts.iter();
            amounts
                .map(|(currency, amount)| Amount { currency: (*currency).to_owned(), amount: *amount })
                .collect()
        };
        let of = |revenue, refunds| {
            let bucket = TimelineBucket {
                start: Timestamp::UNIX_EPOCH,
                bookings: 3,
                tickets_sold: 5,
                tickets_cancelled: 2,
                bookings_cancelled: 1,
                revenue,
                refunds,
            };
            rows(&bucket).into_iter().map(|row| row.join(" ")).collect::<Vec<_>>()
        };
        let start = "1970-01-01T00:00:00.000Z";
        assert_eq!(
            of(amounts(&[("JPY", 700), ("KWD", 1_500)]), amounts(&[("EUR", 5)])),
            [
                format!("{start} 3 5 2 1 EUR 0 0.00 5 0.05"),
                format!("{start}     JPY 700 700 0 0"),
                format!("{start}     KWD 1500 1.500 0 0.000"),
            ]
        );
        assert_eq!(of(Vec::new(), Vec::new()), [format!("{start} 3 5 2 1  0 0 0 0")]);
    }
}
