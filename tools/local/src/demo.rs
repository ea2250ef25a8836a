//! A few events to try things with, made once when there are none.

use std::{collections::BTreeMap, future::ready};

use booking::Wanted;
use domain::{
    error::Error,
    event::{AreaDetails, DetailsWithRows, EventDetails, EventStatus, MAX_PER_USER_DEFAULT, Pricing},
    id::{EventId, UserId},
    rate::{ALL_AT_FIRST, Rate},
    reservation::BEST_SEATS,
    row::{Labels, Row},
    time::{from_ms, to_whole_ms},
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
    /// Each by its id, its name, and percent of the price; none for the ordinary one alone.
    rates: &'static [(&'static str, &'static str, u32)],
    /// Each by its id, its name, its places and their price; none for the general one alone.
    areas: &'static [(&'static str, &'static str, u32, u32)],
    /// Of areas whose seats have names, by their ids, how many seats a row has. The first and the last are accessible.
    rows_of: &'static [(&'static str, u8)],
    /// In how many days its sales open, if they have not.
    opens_in_days: Option<i64>,
    is_draft: bool,
    /// How many places people have bought already.
    sold: u32,
}

/// What most of them have.
const DEMO: Demo = Demo {
    name: "",
    description: "",
    venue: "",
    in_days: 0,
    hours: 2,
    capacity: 0,
    base_price: 0,
    max_per_booking: 6,
    pricing: None,
    rates: &[],
    areas: &[],
    rows_of: &[],
    opens_in_days: None,
    is_draft: false,
    sold: 0,
};

/// A season: soon and late, small and large, free and dear; one of several areas, one sold out, one that opens later, one that is a
/// draft.
const DEMOS: [Demo; 11] = [
    Demo {
        name: "Rust Meetup: Lambdas after Dark",
        description: "Three talks, one long break. Bring a laptop.",
        venue: "Library Hall, room 2",
        in_days: 9,
        hours: 3,
        capacity: 40,
        base_price: 0,
        max_per_booking: 2,
        sold: 14,
        ..DEMO
    },
    Demo {
        name: "Poetry Slam: Last Words",
        description: "Eight poets, three rounds, one golden pencil.",
        venue: "Cellar Theatre",
        in_days: 12,
        capacity: 24,
        base_price: 900,
        sold: 24,
        ..DEMO
    },
    Demo {
        name: "Chamber Concert: Strings by Candlelight",
        description: "Schubert's quintet in C. No late admission.",
        venue: "St. Anne's Chapel",
        in_days: 21,
        capacity: 180,
        base_price: 3_200,
        pricing: Some(Pricing { min_percent: 80, max_percent: 150 }),
        sold: 60,
        ..DEMO
    },
    Demo {
        name: "Cinema under the Stars",
        description: "A silent film, and a band that is not.\n\nChairs are there. Bring a blanket.",
        venue: "Castle Courtyard",
        in_days: 30,
        hours: 3,
        capacity: 320,
        base_price: 1_450,
        sold: 12,
        ..DEMO
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
        sold: 30,
        ..DEMO
    },
    Demo {
        name: "Science Fair for Families",
        description: "Volcanoes at eleven and at three.",
        venue: "Town Hall",
        in_days: 60,
        hours: 6,
        capacity: 600,
        base_price: 500,
        rates: &[
            ("full", "Adults", 100),
            ("child", "Up to 14", 50),
            ("patron", "Patrons of the museum", 300),
        ],
        ..DEMO
    },
    Demo {
        name: "Opera Night: The Magic Flute",
        description: "Sung in German, with surtitles in English.",
        venue: "City Opera",
        in_days: 90,
        hours: 3,
        areas: &[
            ("floor", "Floor", 420, 5_500),
            ("balcony", "Balcony", 180, 7_900),
            ("boxes", "Boxes", 24, 14_000),
        ],
        rates: &[("full", "Full price", 100), ("student", "Students", 60)],
        sold: 18,
        ..DEMO
    },
    Demo {
        name: "Arena Night: A Thousand Voices",
        description: "One choir in the middle, seats all around it.",
        venue: "Lakeside Arena",
        in_days: 105,
        hours: 3,
        max_per_booking: 8,
        areas: &[("upper", "Upper tier", 8_000, 4_900), ("lower", "Lower tier", 12_000, 8_900)],
        rows_of: &[("upper", 40), ("lower", 40)],
        sold: 46,
        ..DEMO
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
        sold: 8,
        ..DEMO
    },
    Demo {
        name: "Spring Gala",
        description: "Dinner, dancing, and fireworks over the garden.",
        venue: "Grand Hotel",
        in_days: 150,
        hours: 7,
        capacity: 400,
        base_price: 18_900,
        pricing: Some(Pricing { min_percent: 100, max_percent: 180 }),
        opens_in_days: Some(3),
        ..DEMO
    },
    Demo {
        name: "Jazz on the Roof",
        description: "The programme is not settled yet.",
        venue: "Harbour House",
        in_days: 75,
        capacity: 120,
        base_price: 2_600,
        is_draft: true,
        ..DEMO
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
        let event = booking::create_event(&app.protocol, demo.with_rows(now), None, now).await?;
        sell(app, event.id, demo, now).await?;
    }
    Ok(DEMOS.len())
}

/// Sells the places that people have bought already, as they would be sold: to somebody different each time.
async fn sell(app: &App, event: EventId, demo: &Demo, now: Timestamp) -> Result<(), Error> {
    let mut left = demo.sold;
    // Of an event of areas they are of the dearest one: it is nearly sold out.
    let area = demo.areas.last().map(|(id, ..)| *id);
    while left > 0 {
        let (user, quantity) = (UserId::new(), left.min(demo.max_per_booking));
        let wanted = Wanted {
            user,
            event,
            area,
            quantity,
            rates: &ALL_AT_FIRST,
            seats: &BEST_SEATS,
            idempotency_key: "demo",
            network: None,
        };
        let reserved = booking::reserve(&app.protocol, wanted, now, ready(Ok(()))).await?;
        booking::confirm(&app.protocol, user, reserved.reservation.id, now, None, ready(Ok(()))).await?;
        left -= quantity;
    }
    Ok(())
}

impl Demo {
    fn with_rows(&self, now: Timestamp) -> DetailsWithRows {
        let mut details = self.details(now);
        let mut rows = BTreeMap::new();
        for (id, seats) in self.rows_of {
            let Some(area) = details.areas.iter_mut().find(|area| area.id == *id) else { continue };
            let of_area: Vec<Row> =
                (1..=area.capacity / u32::from(*seats)).map(|number| row(number, *seats)).collect();
            area.rows = u16::try_from(of_area.len()).unwrap_or(u16::MAX);
            rows.insert(area.id.clone(), of_area);
        }
        DetailsWithRows { details, rows }
    }

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
            time_zone: Some("Europe/Berlin".to_owned()),
            sales_open_at: self
                .opens_in_days
                .map(|days| to_whole_ms(now + SignedDuration::from_hours(24 * days))),
            sales_close_at: None,
            cancel_until: None,
            max_per_booking: self.max_per_booking,
            max_per_user: MAX_PER_USER_DEFAULT,
            status: if self.is_draft { EventStatus::Draft } else { EventStatus::Published },
            pricing: self.pricing,
            rates: self.rates.iter().map(|(id, name, percent)| rate(id, name, *percent)).collect(),
            areas: self.areas.iter().map(area).collect(),
        }
        .with_sums_of_areas()
    }
}

fn area((id, name, capacity, base_price): &(&str, &str, u32, u32)) -> AreaDetails {
    let (capacity, base_price) = (*capacity, *base_price);
    AreaDetails {
        id: (*id).to_owned(),
        name: (*name).to_owned(),
        capacity,
        base_price,
        ..AreaDetails::default()
    }
}

/// A row that is called by its number, as its seats are.
fn row(number: u32, seats: u8) -> Row {
    Row {
        name: number.to_string(),
        labels: Labels::Numbers(seats),
        accessible: [0, seats - 1].into_iter().collect(),
    }
}

fn rate(id: &str, name: &str, percent: u32) -> Rate {
    Rate { id: id.to_owned(), name: name.to_owned(), percent }
}
