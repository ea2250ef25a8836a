//! A few events to try things with, made once when there are none.

use domain::{
    error::Error,
    event::{EventDetails, EventStatus, MAX_PER_USER_DEFAULT, Pricing},
    time::from_ms,
};
use http_api::App;
use iso_currency::Currency;
use jiff::{SignedDuration, Timestamp};
use stores::dynamodb::EventsFilter;

struct Demo {
    name: &'static str,
    description: &'static str,
    venue: &'static str,
    in_days: i64,
    hours: i64,
    capacity: u32,
    base_price: u32,
    max_per_booking: u32,
    pricing: Option<Pricing>,
}

const DEMOS: [Demo; 4] = [
    Demo {
        name: "Rust Meetup: Lambdas after Dark",
        description: "Three talks, one long break. Bring a laptop.",
        venue: "Library Hall, room 2",
        in_days: 9,
        hours: 3,
        capacity: 40,
        base_price: 0,
        max_per_booking: 2,
        pricing: None,
    },
    Demo {
        name: "Chamber Concert: Strings by Candlelight",
        description: "Schubert's quintet in C. No late admission.",
        venue: "St. Anne's Chapel",
        in_days: 21,
        hours: 2,
        capacity: 180,
        base_price: 3_200,
        max_per_booking: 6,
        pricing: Some(Pricing { min_percent: 80, max_percent: 150 }),
    },
    Demo {
        name: "Cup Final",
        description: "Gates open two hours before kick-off.",
        venue: "North Stadium",
        in_days: 45,
        hours: 3,
        capacity: 48_000,
        base_price: 6_500,
        max_per_booking: 4,
        pricing: Some(Pricing { min_percent: 90, max_percent: 200 }),
    },
    Demo {
        name: "Open Air Weekend",
        description: "Three days, four stages, one river.",
        venue: "Riverside Park",
        in_days: 120,
        hours: 60,
        capacity: 12_500,
        base_price: 14_900,
        max_per_booking: 8,
        pricing: None,
    },
];

/// Makes the demo events if there is no event at all. Answers how many were made.
///
/// # Errors
/// When a store fails.
pub async fn seed(app: &App, now: Timestamp) -> Result<usize, Error> {
    if !app.store.events_by_start(&EventsFilter::default(), 1, None).await?.items.is_empty() {
        return Ok(0);
    }
    for demo in &DEMOS {
        booking::create_event(&app.protocol, demo.details(now), None, now).await?;
    }
    Ok(DEMOS.len())
}

impl Demo {
    fn details(&self, now: Timestamp) -> EventDetails {
        const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
        const SEVEN_IN_THE_EVENING_MS: i64 = 19 * 60 * 60 * 1_000;
        let today = now.as_millisecond() / DAY_MS;
        let starts_at = from_ms((today + self.in_days) * DAY_MS + SEVEN_IN_THE_EVENING_MS);
        EventDetails {
            name: self.name.to_owned(),
            description: Some(self.description.to_owned()),
            venue: Some(self.venue.to_owned()),
            starts_at,
            ends_at: Some(starts_at + SignedDuration::from_hours(self.hours)),
            capacity: self.capacity,
            base_price: self.base_price,
            currency: Currency::EUR,
            sales_open_at: None,
            sales_close_at: None,
            cancel_until: None,
            max_per_booking: self.max_per_booking,
            max_per_user: MAX_PER_USER_DEFAULT,
            status: EventStatus::Published,
            pricing: self.pricing,
        }
    }
}
