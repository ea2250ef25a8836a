//! How events sold at some time: what the bookings of some hours come to now.
//!
//! The sums are those of all events together, which the inventory has by the hour. Who sold most then has no index. But
//! nobody has sold more tickets then than it has sold in all, so events are asked in the order of all their tickets, and no
//! further than until the next one could not be among the first.

use std::{collections::BTreeMap, ops::Range, pin::pin};

use domain::{
    error::Error,
    event::Event,
    id::AreaNumber,
    inventory::{InventoryShard, of_area},
    sales::{Hour, HourOfAllSales, HourOfSales, hour_of},
};
use futures::{StreamExt, TryStreamExt, stream};
use http_api::App;
use jiff::Timestamp;

use super::{
    analytics::{Analytics, AnalyticsFilter, PopularEvent, Sold},
    numbers::amounts,
};

/// Events that are asked at once.
const CONCURRENT_EVENTS: usize = 8;

/// An event that has sold something, some time.
struct Seller {
    event: Event,
    inventory: Vec<InventoryShard>,
    tickets: u64,
    capacity: u64,
}

/// Counts what was sold in these hours.
pub(super) async fn count(
    app: &App,
    filter: &AnalyticsFilter,
    hours: &Range<Hour>,
    now: Timestamp,
) -> Result<Analytics, Error> {
    let mut analytics = Analytics::at(now);
    let hours = &(hours.start..hours.end.min(hour_of(now) + 1));
    let sellers = sellers(app, filter, &mut analytics.capacity).await?;
    let of_all_events = filter.starts_from.is_none() && filter.starts_to.is_none();
    let mut sum = HourOfAllSales::default();
    if of_all_events {
        let sales = app.store.sales_of_all(hours.clone(), now).await?;
        sales.values().for_each(|hour| sum.add_all(hour));
    }
    let asked = stream::iter(sellers).map(|seller| async move {
        let sold = sold_by(app, &seller, hours, now).await?;
        Ok::<_, Error>((seller, sold))
    });
    let mut asked = pin!(asked.buffered(CONCURRENT_EVENTS));
    while let Some((seller, sold)) = asked.try_next().await? {
        if of_all_events && analytics.has_more_popular(seller.tickets) {
            break;
        }
        let Seller { event, capacity, .. } = seller;
        if !of_all_events {
            sold.values().for_each(|of_area| sum.add(of_area, event.details.currency.code()));
        }
        let kept = |of_area: &HourOfSales| of_area.tickets.saturating_sub(of_area.returned_tickets);
        let kept = sold.iter().map(|(area, of_area)| (*area, kept(of_area))).collect();
        analytics.rank(PopularEvent::new(&event, &kept, capacity));
    }
    Ok(analytics.with_sold(sum))
}

/// Who has sold anything, most tickets first, and the capacity of all events.
async fn sellers(app: &App, filter: &AnalyticsFilter, capacity: &mut u64) -> Result<Vec<Seller>, Error> {
    let mut sellers = Vec::new();
    let events = filter.events();
    let mut pages = pin!(app.store.inventories_by_start(&events));
    while let Some(page) = pages.try_next().await? {
        for (event, inventory) in page {
            if let Some(sold) = Sold::of(&event, &inventory) {
                *capacity += sold.capacity;
                if sold.bookings > 0 {
                    let Sold { tickets, capacity, .. } = sold;
                    sellers.push(Seller { event, inventory, tickets, capacity });
                }
            }
        }
    }
    sellers.sort_by_key(|seller| std::cmp::Reverse(seller.tickets));
    Ok(sellers)
}

/// What each area of an event sold in these hours, of which none is before its creation.
async fn sold_by(
    app: &App,
    seller: &Seller,
    hours: &Range<Hour>,
    now: Timestamp,
) -> Result<BTreeMap<AreaNumber, HourOfSales>, Error> {
    let Seller { event, inventory, .. } = seller;
    let hours = hours.start.max(hour_of(event.created_at))..hours.end;
    let mut sold = BTreeMap::new();
    if !hours.is_empty() {
        for area in event.shards.areas() {
            let shards = of_area(inventory, area).to_vec();
            let sales = app.store.sales_of_shards(event, shards, hours.clone(), now).await?;
            let mut sum = HourOfSales::default();
            sales.values().for_each(|hour| sum.add(hour));
            sold.insert(area, sum);
        }
    }
    Ok(sold)
}

impl Analytics {
    fn with_sold(mut self, sum: HourOfAllSales) -> Self {
        self.total_bookings = sum.bookings;
        self.cancelled_bookings = sum.returned_bookings;
        self.tickets_sold = sum.tickets.saturating_sub(sum.returned_tickets);
        self.tickets_cancelled = sum.returned_tickets;
        let mut revenue = sum.amounts;
        for (currency, returned) in &sum.returned_amounts {
            let amount = revenue.entry(currency.clone()).or_default();
            *amount = amount.saturating_sub(*returned);
        }
        self.revenue = amounts(&revenue);
        self.with_ratios()
    }
}
