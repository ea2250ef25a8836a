//! What admins write and see: events as they write them, and how they sell. For the API and for the console.

pub mod numbers;
pub mod webhooks;

mod analytics;
mod area_input;
mod by_area;
mod by_rate;
mod event_input;
mod more_rows;
mod reason;
mod report;
mod seats;
mod sold;
mod timeline;

pub use self::{
    analytics::{Analytics, AnalyticsFilter, PopularEvent},
    area_input::{AreaInput, RowInput, SeatsInput, area, row, rows_of},
    by_area::{AreaSeats, areas_in_one_field},
    by_rate::{RateSales, by_rate, in_one_field},
    event_input::{EVENT_BODY_BYTES_MAX, EventInput, rate, status},
    more_rows::with_more_rows,
    numbers::Amount,
    reason::reason,
    report::{analytics, analytics_of_all},
    seats::{Seats, with_seats},
    timeline::{Bucket, Timeline, TimelineBucket, timeline},
};
