//! GET /admin/analytics

use std::{collections::BTreeMap, pin::pin, sync::Arc};

use axum::{extract::State, response::IntoResponse};
use domain::{
    error::Error,
    event::{Event, EventStatus},
    inventory::InventoryShard,
    time::{show, shown, to_whole_ms},
};
use futures::TryStreamExt;
use http_api::{
    Admin, App, Problem,
    csv::{Asked, FileName, FormParams, text},
    fields::{Fields, Read},
    openapi::{AdminProblems, ParameterProblems, StoreProblems},
    query::range,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stores::{dynamodb::EventsFilter, redis::ReportSeen};
use utoipa::{IntoParams, ToSchema};

use crate::numbers::{Amount, amounts, columns_of, ratio};

/// How many events are shown.
const POPULAR_EVENTS: usize = 5;

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

/// Which events.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AnalyticsParams {
    /// Only events that start then or later.
    starts_from: Option<Timestamp>,
    /// Only events that start then or earlier.
    starts_to: Option<Timestamp>,
}

impl Read for AnalyticsParams {
    fn read(fields: &mut Fields) -> Option<Self> {
        let (starts_from, starts_to) = range(fields, ["starts_from", "starts_to"], Some(["from", "to"]));
        Some(Self { starts_from, starts_to })
    }
}

/// How events sell. Past and cancelled events count, too; drafts only if they have ever sold.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct Analytics {
    /// Bookings ever confirmed, those cancelled since among them.
    total_bookings: u64,
    /// Bookings that are confirmed now.
    confirmed_bookings: u64,
    /// Bookings that were confirmed and are cancelled now.
    cancelled_bookings: u64,
    /// `cancelled_bookings / total_bookings`; 0 without bookings.
    cancellation_rate: f64,
    /// Tickets in confirmed bookings. With `tickets_cancelled`, the tickets ever sold.
    tickets_sold: u64,
    /// Tickets in cancelled bookings.
    tickets_cancelled: u64,
    /// What the tickets in `tickets_sold` cost: cancelled ones are taken off. One amount for each currency in which there
    /// ever was a booking; they are never added together.
    revenue: Vec<Amount>,
    /// Seats in all.
    capacity: u64,
    /// `tickets_sold / capacity`; 0 without events.
    capacity_utilization: f64,
    /// The 5 events with most tickets sold, most first; none that has sold nothing.
    most_popular: Vec<PopularEvent>,
    /// The instant whose numbers these are.
    #[serde(serialize_with = "show")]
    generated_at: Timestamp,
}

/// An event that sells well.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PopularEvent {
    /// UUIDv7.
    #[schema(value_type = uuid::Uuid)]
    event_id: String,
    /// What it is called.
    name: String,
    /// When it starts.
    #[serde(serialize_with = "show")]
    starts_at: Timestamp,
    /// Tickets in confirmed bookings.
    tickets_sold: u64,
    /// Seats in all.
    capacity: u64,
    /// `tickets_sold / capacity`.
    utilization: f64,
}

/// How events sell, all together: exact, from the inventory. Of an event that was created or replaced in the last half
/// minute the old facts may be used. As CSV there is a row for each currency, all else in the first.
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
    let (from, to) = (params.starts_from, params.starts_to);
    let analytics = kept_or_counted(&app, params, Timestamp::now()).await?;
    let file_name = || FileName::new("analytics").with_range(from, to).at(analytics.generated_at);
    Ok(wanted.answer(&analytics, &COLUMNS, || analytics.rows(), file_name)?)
}

/// The analytics that Redis keeps if nothing has changed since, counted anew otherwise. Without Redis they are always
/// counted.
async fn kept_or_counted(app: &App, params: AnalyticsParams, now: Timestamp) -> Result<Analytics, Error> {
    let ms = |instant: Option<Timestamp>| instant.map_or(String::new(), |at| at.as_millisecond().to_string());
    let name = format!("analytics:{}:{}", ms(params.starts_from), ms(params.starts_to));
    // The generation is read before the inventory is: what changes meanwhile makes another generation.
    let seen = match app.redis.report_seen(&name).await {
        Err(error) if error.is_without_redis() => {
            tracing::warn!(%error, "analytics are counted without Redis");
            None
        }
        seen => Some(seen?),
    };
    if let Some(ReportSeen { report: Some(kept), .. }) = &seen
        && let Ok(analytics) = serde_json::from_str(kept)
    {
        return Ok(analytics);
    }
    let filter = EventsFilter { from: params.starts_from, to: params.starts_to, ..EventsFilter::default() };
    let analytics = count(app, &filter, now).await?;
    if let Some(ReportSeen { generation, .. }) = seen {
        let report = serde_json::to_string(&analytics).map_err(|error| Error::Internal(Box::new(error)))?;
        if let Err(error) = app.redis.keep_report(&name, generation, &report).await {
            tracing::warn!(%error, "analytics are not kept");
        }
    }
    Ok(analytics)
}

/// Reads the inventory of all these events.
async fn count(app: &App, filter: &EventsFilter, now: Timestamp) -> Result<Analytics, Error> {
    let mut analytics = Analytics { generated_at: to_whole_ms(now), ..Analytics::default() };
    let mut revenue = BTreeMap::new();
    let mut pages = pin!(app.store.inventories_by_start(filter));
    while let Some(page) = pages.try_next().await? {
        for (event, inventory) in page {
            analytics.add(event, &inventory, &mut revenue);
        }
        analytics.keep_the_most_popular();
    }
    analytics.confirmed_bookings = analytics.total_bookings - analytics.cancelled_bookings;
    analytics.cancellation_rate = ratio(analytics.cancelled_bookings, analytics.total_bookings);
    analytics.capacity_utilization = ratio(analytics.tickets_sold, analytics.capacity);
    analytics.revenue = amounts(&revenue);
    Ok(analytics)
}

impl Analytics {
    fn add(&mut self, event: Event, inventory: &[InventoryShard], revenue: &mut BTreeMap<&'static str, u64>) {
        let sum = |of: fn(&InventoryShard) -> u32| inventory.iter().map(|shard| u64::from(of(shard))).sum();
        let bookings: u64 = sum(|shard| shard.bookings);
        if bookings == 0 && event.details.status == EventStatus::Draft {
            return;
        }
        let capacity = sum(|shard| shard.capacity);
        let tickets_sold = sum(|shard| shard.sold);
        self.total_bookings += bookings;
        self.cancelled_bookings += sum(|shard| shard.cancelled_bookings);
        self.tickets_sold += tickets_sold;
        self.tickets_cancelled += sum(|shard| shard.cancelled);
        self.capacity += capacity;
        if bookings > 0 {
            *revenue.entry(event.details.currency.code()).or_default() +=
                inventory.iter().map(|shard| shard.revenue).sum::<u64>();
        }
        if tickets_sold > 0 {
            self.most_popular.push(PopularEvent {
                event_id: event.id.to_string(),
                name: event.details.name,
                starts_at: event.details.starts_at,
                tickets_sold,
                capacity,
                utilization: ratio(tickets_sold, capacity),
            });
        }
    }

    /// Ties go to the earlier start.
    fn keep_the_most_popular(&mut self) {
        self.most_popular.sort_by(|one, other| {
            let order = other.tickets_sold.cmp(&one.tickets_sold);
            order.then(one.starts_at.cmp(&other.starts_at)).then_with(|| one.event_id.cmp(&other.event_id))
        });
        self.most_popular.truncate(POPULAR_EVENTS);
    }

    /// A row for each currency, or one without. All else stands in the first row alone, so that each column can be summed up.
    fn rows(&self) -> Vec<Vec<String>> {
        let none = [Amount { currency: String::new(), amount: 0 }];
        let revenue = if self.revenue.is_empty() { &none } else { self.revenue.as_slice() };
        let (mut numbers, mut popular) = (self.numbers(), self.popular());
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

    fn numbers(&self) -> [String; 9] {
        [
            self.total_bookings.to_string(),
            self.confirmed_bookings.to_string(),
            self.cancelled_bookings.to_string(),
            self.cancellation_rate.to_string(),
            self.tickets_sold.to_string(),
            self.tickets_cancelled.to_string(),
            self.capacity.to_string(),
            self.capacity_utilization.to_string(),
            shown(self.generated_at),
        ]
    }

    fn popular(&self) -> Vec<String> {
        let fields = self.most_popular.iter().flat_map(|event| {
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
}
