//! What admins write and see: events as they write them, and how they sell. For the API and for the console.

pub mod numbers;

mod analytics;
mod event_input;
mod seats;
mod sold;
mod timeline;

pub use self::{
    analytics::{Analytics, AnalyticsFilter, PopularEvent, analytics},
    event_input::{EVENT_BODY_BYTES_MAX, EventInput, status},
    numbers::Amount,
    seats::{Seats, with_seats},
    timeline::{Bucket, Timeline, TimelineBucket, timeline},
};
