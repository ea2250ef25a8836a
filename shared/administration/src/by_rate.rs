//! Sales by rate: what an event sold to whom.

use domain::{
    event::Event,
    inventory::InventoryShard,
    sales::{SoldAtRate, SoldByRate},
};
use serde::Serialize;
use utoipa::ToSchema;

/// What was sold at a rate, and not cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RateSales {
    /// The rate's id; null for places that were sold while the event named no rates, or by a release that did not count them.
    #[schema(example = "child")]
    pub rate: Option<String>,
    /// What the rate is called; null if the event does not have it any more.
    #[schema(example = "Up to 14")]
    pub name: Option<String>,
    /// Places in confirmed bookings.
    #[schema(example = 12)]
    pub sold: u64,
    /// What they cost, in minor units of the event's currency.
    #[schema(example = 27_000)]
    pub revenue: u64,
}

/// What an event sold at each of its rates, in their order; then at those that it does not have any more, if there is something.
/// They come to all that is sold.
pub fn by_rate(event: &Event, inventory: &[InventoryShard]) -> Vec<RateSales> {
    let (mut counted, mut rest) = (SoldByRate::new(), SoldAtRate::default());
    for shard in inventory {
        rest.add(SoldAtRate { seats: shard.sold.into(), revenue: shard.revenue });
        shard.by_rate.iter().for_each(|(rate, sold)| counted.entry(rate.clone()).or_default().add(*sold));
    }
    for sold in counted.values() {
        rest.seats = rest.seats.saturating_sub(sold.seats);
        rest.revenue = rest.revenue.saturating_sub(sold.revenue);
    }
    let rates = event.details.rates();
    // A place of an event that names no rates costs the ordinary one.
    if event.details.rates.is_empty()
        && let Some(ordinary) = rates.first()
    {
        counted.entry(ordinary.id.clone()).or_default().add(std::mem::take(&mut rest));
    }
    let mut sales: Vec<RateSales> = rates
        .into_iter()
        .map(|rate| {
            RateSales::new(counted.remove(&rate.id).unwrap_or_default(), Some(rate.id), Some(rate.name))
        })
        .collect();
    sales.extend(counted.into_iter().map(|(rate, sold)| RateSales::new(sold, Some(rate), None)));
    if rest != SoldAtRate::default() {
        sales.push(RateSales::new(rest, None, None));
    }
    sales
}

/// As one field of CSV, without rates of which nothing is sold: `full 3, child 1`, by a number of each.
pub fn in_one_field(sales: &[RateSales], number: fn(&RateSales) -> u64) -> String {
    let sold = sales.iter().filter(|sales| sales.sold > 0);
    let sold = sold.map(|sales| format!("{} {}", sales.rate.as_deref().unwrap_or("other"), number(sales)));
    sold.collect::<Vec<_>>().join(", ")
}

impl RateSales {
    fn new(sold: SoldAtRate, rate: Option<String>, name: Option<String>) -> Self {
        Self { rate, name, sold: sold.seats, revenue: sold.revenue }
    }
}
