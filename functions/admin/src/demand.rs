//! How an event sells, as an admin sees it.

use domain::pricing::Demand;
use serde::Serialize;
use utoipa::ToSchema;

/// How an event sells: the numbers that demand pricing goes by.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Demand)]
pub(crate) struct DemandView {
    /// Seats sold as a part of all seats, 0 to 1.
    #[schema(example = 0.6)]
    utilization: f64,
    /// Seats sold a day, less those cancelled, in the last 7 days, or since sales opened if that is shorter.
    #[schema(example = 6.0)]
    tickets_per_day: f64,
    /// Days until sales close.
    #[schema(example = 10.0)]
    days_left: f64,
    /// Where demand draws the price, in percent of the base price; a run takes one step towards it. Null on the first
    /// day of sales and before: then the price stays.
    #[schema(example = 99.5)]
    target_percent: Option<f64>,
}

impl DemandView {
    pub(crate) fn new(demand: &Demand, target: Option<u32>) -> Self {
        Self {
            utilization: rounded(demand.utilization(), 10_000.0),
            tickets_per_day: rounded(demand.tickets_per_day(), 100.0),
            days_left: rounded(demand.days_left(), 100.0),
            target_percent: target.map(|hundredths| f64::from(hundredths) / 100.0),
        }
    }

    /// Its fields in their order, as columns of CSV.
    pub(crate) fn columns(&self) -> [String; 4] {
        let target_percent = self.target_percent.map(|percent| percent.to_string());
        [
            self.utilization.to_string(),
            self.tickets_per_day.to_string(),
            self.days_left.to_string(),
            target_percent.unwrap_or_default(),
        ]
    }
}

fn rounded(number: f64, parts: f64) -> f64 {
    (number * parts).round() / parts
}
