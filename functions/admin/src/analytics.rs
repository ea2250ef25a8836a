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
    Admin, App, Problem, QueryParams,
    csv::{Table, Wanted, text},
    fields::{Fields, Read},
    openapi::{AdminProblems, ParameterProblems, StoreProblems},
    query::range,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stores::{dynamodb::EventsFilter, redis::ReportSeen};
use utoipa::{IntoParams, ToSchema};

use crate::numbers::{Amount, amounts, ratio};

/// How many events are shown.
const POPULAR_EVENTS: usize = 5;

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
/// minute the old facts may be used. With `Accept: text/csv`, one row.
#[utoipa::path(
    get, path = "/admin/analytics", operation_id = "get_analytics", tag = "Admin", security(("bearer" = [])),
    params(
        AnalyticsParams,
        ("from" = Option<Timestamp>, Query, deprecated, description = "What `starts_from` was called."),
        ("to" = Option<Timestamp>, Query, deprecated, description = "What `starts_to` was called."),
    ),
    responses(
        (status = 200, description = "The numbers.",
         content((Analytics = "application/json"), (String = "text/csv"))),
        ParameterProblems, AdminProblems, StoreProblems,
    ),
)]
pub(crate) async fn analytics(
    State(app): State<Arc<App>>,
    _: Admin,
    wanted: Wanted,
    QueryParams(params): QueryParams<AnalyticsParams>,
) -> Result<impl IntoResponse, Problem> {
    let analytics = kept_or_counted(&app, params, Timestamp::now()).await?;
    Ok(wanted.answer(&analytics, || table(&analytics), None)?)
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
}

/// One row; a column for the revenue in each currency, and some for each of the most popular events.
fn table(analytics: &Analytics) -> Table {
    let mut columns = vec![
        ("total_bookings".to_owned(), analytics.total_bookings.to_string()),
        ("confirmed_bookings".to_owned(), analytics.confirmed_bookings.to_string()),
        ("cancelled_bookings".to_owned(), analytics.cancelled_bookings.to_string()),
        ("cancellation_rate".to_owned(), analytics.cancellation_rate.to_string()),
        ("tickets_sold".to_owned(), analytics.tickets_sold.to_string()),
        ("tickets_cancelled".to_owned(), analytics.tickets_cancelled.to_string()),
        ("capacity".to_owned(), analytics.capacity.to_string()),
        ("capacity_utilization".to_owned(), analytics.capacity_utilization.to_string()),
        ("generated_at".to_owned(), shown(analytics.generated_at)),
    ];
    for Amount { currency, amount } in &analytics.revenue {
        columns.push((format!("revenue_{currency}"), amount.to_string()));
    }
    for (rank, event) in (1..).zip(&analytics.most_popular) {
        let fields = [
            ("event_id", event.event_id.clone()),
            ("name", text(&event.name)),
            ("starts_at", shown(event.starts_at)),
            ("tickets_sold", event.tickets_sold.to_string()),
            ("capacity", event.capacity.to_string()),
            ("utilization", event.utilization.to_string()),
        ];
        columns.extend(fields.map(|(name, field)| (format!("most_popular_{rank}_{name}"), field)));
    }
    let (header, row) = columns.into_iter().unzip();
    Table { header, rows: vec![row] }
}
