//! Analytics as they are asked for: as Redis keeps them, or counted.

use std::{collections::BTreeMap, pin::pin};

use domain::error::Error;
use futures::TryStreamExt;
use http_api::App;
use jiff::Timestamp;
use stores::redis::ReportSeen;

use super::{
    analytics::{Analytics, AnalyticsFilter, PopularEvent, Sold, sold_by_area},
    numbers::amounts,
    sold,
};

/// The analytics that Redis keeps if nothing has changed since, counted anew otherwise. Without Redis they are always
/// counted.
///
/// # Errors
/// When a store fails.
pub async fn analytics(app: &App, filter: &AnalyticsFilter, now: Timestamp) -> Result<Analytics, Error> {
    match &filter.sold {
        None => kept(app, filter, count(app, filter, now)).await,
        Some(hours) => kept(app, filter, sold::count(app, filter, hours, now)).await,
    }
}

/// Those of all events, whenever they sold. Who needs no others carries no more than that.
///
/// # Errors
/// When a store fails.
pub async fn analytics_of_all(app: &App, now: Timestamp) -> Result<Analytics, Error> {
    let filter = AnalyticsFilter::default();
    kept(app, &filter, count(app, &filter, now)).await
}

async fn kept(
    app: &App,
    filter: &AnalyticsFilter,
    counted: impl Future<Output = Result<Analytics, Error>>,
) -> Result<Analytics, Error> {
    let name = filter.name();
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
    let analytics = counted.await?;
    if let Some(ReportSeen { generation, .. }) = seen {
        let report = serde_json::to_string(&analytics).map_err(|error| Error::Internal(Box::new(error)))?;
        if let Err(error) = app.redis.keep_report(&name, generation, &report).await {
            tracing::warn!(%error, "analytics are not kept");
        }
    }
    Ok(analytics)
}

/// Reads the inventory of all these events.
async fn count(app: &App, filter: &AnalyticsFilter, now: Timestamp) -> Result<Analytics, Error> {
    let mut analytics = Analytics::at(now);
    let mut revenue: BTreeMap<&'static str, u64> = BTreeMap::new();
    let events = filter.events();
    let mut pages = pin!(app.store.inventories_by_start(&events));
    while let Some(page) = pages.try_next().await? {
        for (event, inventory) in page {
            if let Some(sold) = Sold::of(&event, &inventory) {
                analytics.add(&sold);
                if sold.bookings > 0 {
                    *revenue.entry(event.details.currency.code()).or_default() += sold.revenue;
                }
                analytics.rank(PopularEvent::new(&event, &sold_by_area(&inventory), sold.capacity));
            }
        }
    }
    analytics.revenue = amounts(&revenue);
    Ok(analytics.with_ratios())
}
