//! GET /admin/analytics

use std::sync::Arc;

use administration::{Amount, Analytics, AnalyticsFilter, numbers::columns_of};
use axum::{extract::State, response::IntoResponse};
use domain::time::shown;
use http_api::{
    Admin, App, Problem,
    csv::{Asked, FileName, FormParams, text},
    fields::{Fields, Read},
    openapi::{AdminProblems, ParameterProblems, StoreProblems},
    query::range,
};
use jiff::Timestamp;
use utoipa::IntoParams;

const COLUMNS: [&str; 42] = [
    "total_bookings",
    "confirmed_bookings",
    "cancelled_bookings",
    "cancellation_rate",
    "tickets_sold",
    "tickets_cancelled",
    "capacity",
    "capacity_utilization",
    "generated_at",
    "currency",
    "revenue",
    "revenue_decimal",
    "most_popular_1_event_id",
    "most_popular_1_name",
    "most_popular_1_starts_at",
    "most_popular_1_tickets_sold",
    "most_popular_1_capacity",
    "most_popular_1_utilization",
    "most_popular_2_event_id",
    "most_popular_2_name",
    "most_popular_2_starts_at",
    "most_popular_2_tickets_sold",
    "most_popular_2_capacity",
    "most_popular_2_utilization",
    "most_popular_3_event_id",
    "most_popular_3_name",
    "most_popular_3_starts_at",
    "most_popular_3_tickets_sold",
    "most_popular_3_capacity",
    "most_popular_3_utilization",
    "most_popular_4_event_id",
    "most_popular_4_name",
    "most_popular_4_starts_at",
    "most_popular_4_tickets_sold",
    "most_popular_4_capacity",
    "most_popular_4_utilization",
    "most_popular_5_event_id",
    "most_popular_5_name",
    "most_popular_5_starts_at",
    "most_popular_5_tickets_sold",
    "most_popular_5_capacity",
    "most_popular_5_utilization",
];

/// Which events, and which of their bookings.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AnalyticsParams {
    /// Only events that start then or later.
    starts_from: Option<Timestamp>,
    /// Only events that start then or earlier.
    starts_to: Option<Timestamp>,
    /// Only bookings that were made then or later, as they are now; the hour that it lies in counts whole. 366 days before
    /// `sold_to` if only that is given, and no earlier than that.
    sold_from: Option<Timestamp>,
    /// Only bookings that were made before then; an hour that has begun counts whole.
    sold_to: Option<Timestamp>,
}

impl Read for AnalyticsParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (starts_from, starts_to) = range(fields, ["starts_from", "starts_to"], Some(["from", "to"]));
        let (sold_from, sold_to) = range(fields, ["sold_from", "sold_to"], None);
        Some(Self { starts_from, starts_to, sold_from, sold_to })
    }
}

/// How events sell, all together: exact, from the inventory. Of an event that was created or replaced in the last half
/// minute the old facts may be used. `sold_from` and `sold_to` count the bookings of a time, as they are now; one that was
/// cancelled before 2026-11-26, by an earlier release, is taken off the tickets, but not off bookings and revenue. As CSV
/// there is a row for each currency, all else in the first.
#[utoipa::path(
    get, path = "/admin/analytics", operation_id = "get_analytics", tag = "Admin", security(("bearer" = [])),
    params(
        AnalyticsParams,
        FormParams,
        ("from" = Option<Timestamp>, Query, deprecated, description = "What `starts_from` was called."),
        ("to" = Option<Timestamp>, Query, deprecated, description = "What `starts_to` was called."),
    ),
    responses(
        (status = 200, description = "The numbers.", headers(("Content-Disposition" = String)),
         content((Analytics = "application/json"), (String = "text/csv"))),
        ParameterProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn analytics(
    State(app): State<Arc<App>>,
    _: Admin,
    Asked { params, wanted }: Asked<AnalyticsParams>,
) -> Result<impl IntoResponse, Problem> {
    let AnalyticsParams { starts_from, starts_to, sold_from, sold_to } = params;
    let now = Timestamp::now();
    let filter = AnalyticsFilter { starts_from, starts_to, sold: None }.sold((sold_from, sold_to), now)?;
    let analytics = administration::analytics(&app, &filter, now).await?;
    let file_name = || {
        let mut name = FileName::new("analytics").with_range(starts_from, starts_to);
        if filter.sold.is_some() {
            name = name.with("sold").with_range(sold_from, sold_to);
        }
        name.at(analytics.generated_at)
    };
    Ok(wanted.answer(&analytics, &COLUMNS, || rows(&analytics), file_name)?)
}

/// A row for each currency, or one without. All else stands in the first row alone, so that each column can be summed up.
fn rows(analytics: &Analytics) -> Vec<Vec<String>> {
    let none = [Amount { currency: String::new(), amount: 0 }];
    let revenue = if analytics.revenue.is_empty() { &none } else { analytics.revenue.as_slice() };
    let (mut numbers, mut popular) = (numbers(analytics), popular(analytics));
    let rows = revenue.iter().map(|Amount { currency, amount }| {
        let mut row = std::mem::take(&mut numbers).to_vec();
        row.push(currency.clone());
        row.extend(columns_of(currency, *amount));
        row.extend(std::mem::take(&mut popular));
        row.resize(COLUMNS.len(), String::new());
        row
    });
    rows.collect()
}

fn numbers(analytics: &Analytics) -> [String; 9] {
    [
        analytics.total_bookings.to_string(),
        analytics.confirmed_bookings.to_string(),
        analytics.cancelled_bookings.to_string(),
        analytics.cancellation_rate.to_string(),
        analytics.tickets_sold.to_string(),
        analytics.tickets_cancelled.to_string(),
        analytics.capacity.to_string(),
        analytics.capacity_utilization.to_string(),
        shown(analytics.generated_at),
    ]
}

fn popular(analytics: &Analytics) -> Vec<String> {
    let fields = analytics.most_popular.iter().flat_map(|event| {
        [
            event.event_id.clone(),
            text(&event.name),
            shown(event.starts_at),
            event.tickets_sold.to_string(),
            event.capacity.to_string(),
            event.utilization.to_string(),
        ]
    });
    fields.collect()
}
