//! How events sell, all together.

use std::{collections::BTreeMap, pin::pin};

use domain::{
    error::Error,
    event::{Event, EventStatus},
    inventory::InventoryShard,
    time::{show, to_whole_ms},
};
use futures::TryStreamExt;
use http_api::App;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stores::{dynamodb::EventsFilter, redis::ReportSeen};
use utoipa::ToSchema;

use super::numbers::{Amount, amounts, ratio};

/// How many events are shown.
const POPULAR_EVENTS: usize = 5;

/// How events sell. Past and cancelled events count, too; drafts only if they have ever sold.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Analytics {
    /// Bookings ever confirmed, those cancelled since among them.
    #[schema(example = 92)]
    pub total_bookings: u64,
    /// Bookings that are confirmed now.
    #[schema(example = 85)]
    pub confirmed_bookings: u64,
    /// Bookings that were confirmed and are cancelled now.
    #[schema(example = 7)]
    pub cancelled_bookings: u64,
    /// `cancelled_bookings / total_bookings`; 0 without bookings.
    #[schema(example = 0.0761)]
    pub cancellation_rate: f64,
    /// Tickets in confirmed bookings. With `tickets_cancelled`, the tickets ever sold.
    #[schema(example = 170)]
    pub tickets_sold: u64,
    /// Tickets in cancelled bookings.
    #[schema(example = 12)]
    pub tickets_cancelled: u64,
    /// What the tickets in `tickets_sold` cost: cancelled ones are taken off. One amount for each currency in which there
    /// ever was a booking; they are never added together.
    pub revenue: Vec<Amount>,
    /// Seats in all.
    #[schema(example = 500)]
    pub capacity: u64,
    /// `tickets_sold / capacity`; 0 without events.
    #[schema(example = 0.34)]
    pub capacity_utilization: f64,
    /// The 5 events with most tickets sold, most first; none that has sold nothing.
    pub most_popular: Vec<PopularEvent>,
    /// The instant whose numbers these are.
    #[serde(serialize_with = "show")]
    pub generated_at: Timestamp,
}

/// An event that sells well.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PopularEvent {
    /// UUIDv7.
    #[schema(value_type = uuid::Uuid)]
    pub event_id: String,
    /// What it is called.
    #[schema(example = "Open Air 2031")]
    pub name: String,
    /// When it starts.
    #[serde(serialize_with = "show")]
    pub starts_at: Timestamp,
    /// Tickets in confirmed bookings.
    #[schema(example = 170)]
    pub tickets_sold: u64,
    /// Seats in all.
    #[schema(example = 500)]
    pub capacity: u64,
    /// `tickets_sold / capacity`.
    #[schema(example = 0.34)]
    pub utilization: f64,
}

/// The analytics that Redis keeps if nothing has changed since, counted anew otherwise. Without Redis they are always
/// counted.
///
/// # Errors
/// When a store fails.
pub async fn analytics(
    app: &App,
    starts_from: Option<Timestamp>,
    starts_to: Option<Timestamp>,
    now: Timestamp,
) -> Result<Analytics, Error> {
    let ms = |instant: Option<Timestamp>| instant.map_or(String::new(), |at| at.as_millisecond().to_string());
    let name = format!("analytics:{}:{}", ms(starts_from), ms(starts_to));
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
    let filter = EventsFilter { from: starts_from, to: starts_to, ..EventsFilter::default() };
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
