//! How events and bookings look to clients, wherever they appear.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use domain::{
    booking::{Booking, BookingStatus, PendingReason},
    event::{Area, Available, Event, EventNow, EventStatus, PriceFrom, Pricing},
    rate::{Line, Rate},
    time::{show, show_or_null},
};

/// An event.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// UUIDv7.
    #[schema(value_type = uuid::Uuid)]
    pub id: String,
    /// What it is called.
    #[schema(example = "Open Air 2031")]
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// Where it takes place.
    #[schema(example = "Riverside Park")]
    pub venue: Option<String>,
    /// When it starts.
    #[serde(serialize_with = "show")]
    pub starts_at: Timestamp,
    /// IANA name of the venue's time zone; null if none was given, which is UTC.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: Option<String>,
    /// When it ends, if known.
    #[serde(serialize_with = "show_or_null")]
    pub ends_at: Option<Timestamp>,
    /// When sales open; null if they always were.
    #[serde(serialize_with = "show_or_null")]
    pub sales_open_at: Option<Timestamp>,
    /// When sales close; null if at the start.
    #[serde(serialize_with = "show_or_null")]
    pub sales_close_at: Option<Timestamp>,
    /// Until when a booking can be cancelled; null if until the start.
    #[serde(serialize_with = "show_or_null")]
    pub cancel_until: Option<Timestamp>,
    /// Seats in all.
    #[schema(example = 500)]
    pub capacity: u32,
    /// Seats that can be had right now.
    #[schema(example = 321)]
    pub available: u32,
    /// Price of a seat before demand pricing, in minor units of `currency`; of several areas the lowest that has something left, or of
    /// all if none has.
    #[schema(example = 4500)]
    pub base_price: u32,
    /// Price of a seat now, in minor units of `currency`; of several areas the lowest likewise.
    #[schema(example = 4950)]
    pub price: u32,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    pub currency: &'static str,
    /// Seats in one booking at most.
    #[schema(example = 10)]
    pub max_per_booking: u32,
    /// Seats that one user may have, held and bought together.
    #[schema(example = 10)]
    pub max_per_user: u32,
    /// Whether people can see it, and buy.
    pub status: EventStatus,
    /// Bounds of demand pricing; null without, and where each area has its own.
    pub pricing: Option<Pricing>,
    /// What a place costs to whom, in percent of `price`; the ordinary rate is the first.
    pub rates: Vec<Rate>,
    /// Every change adds 1; the ETag begins with it. Seats that are held, sold or come back make no new version.
    #[schema(example = 1)]
    pub version: u64,
}

/// An area of an event: a pool of places with a price of its own.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Area)]
pub struct AreaView {
    /// By which a booking asks for it; `general` of an event that names no areas.
    #[schema(example = "floor")]
    pub id: String,
    /// What it is called.
    #[schema(example = "Floor")]
    pub name: String,
    /// How its places are sold: `general`, by their number, or `numbered`, where each has a name.
    #[schema(example = "general")]
    pub kind: &'static str,
    /// Seats in it.
    #[schema(example = 500)]
    pub capacity: u32,
    /// Seats of it that can be had right now.
    #[schema(example = 321)]
    pub available: u32,
    /// Price of a seat before demand pricing, in minor units of the event's currency.
    #[schema(example = 4500)]
    pub base_price: u32,
    /// Price of a seat now, likewise.
    #[schema(example = 4950)]
    pub price: u32,
    /// Bounds of its demand pricing; null without.
    pub pricing: Option<Pricing>,
    /// Whether the system, where it chooses, leaves no single seat free between taken ones if it can.
    pub no_single_seats: bool,
}

impl AreaView {
    fn new(area: &Area<'_>, available: u32) -> Self {
        let Area { id, name, capacity, base_price, price, pricing, no_single_seats, .. } = *area;
        let (id, name) = (id.to_owned(), name.to_owned());
        Self { id, name, kind: area.kind(), capacity, available, base_price, price, pricing, no_single_seats }
    }
}

/// An event, and what it sells from.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = EventWithAreas)]
pub struct EventWithAreas {
    /// The event.
    #[serde(flatten)]
    pub event: EventView,
    /// What it sells from, each with its price and the seats that can be had right now.
    pub areas: Vec<AreaView>,
}

impl EventWithAreas {
    /// An event with its areas, and the seats of each that can be had right now.
    pub fn new(event: Event, available: &Available) -> Self {
        let areas = event.areas().iter().map(|area| AreaView::new(area, available.of(area))).collect();
        Self { event: EventView::new(event, available), areas }
    }
}

impl EventView {
    /// An event as lists have it, with the seats that can be had right now.
    pub fn new(event: Event, available: &Available) -> Self {
        let rates = event.details.rates();
        let PriceFrom { base_price, price } = event.price_from(available);
        let details = event.details;
        Self {
            id: event.id.to_string(),
            name: details.name,
            description: details.description,
            venue: details.venue,
            starts_at: details.starts_at,
            time_zone: details.time_zone,
            ends_at: details.ends_at,
            sales_open_at: details.sales_open_at,
            sales_close_at: details.sales_close_at,
            cancel_until: details.cancel_until,
            capacity: details.capacity,
            available: available.seats,
            base_price,
            price,
            currency: details.currency.code(),
            max_per_booking: details.max_per_booking,
            max_per_user: details.max_per_user,
            status: details.status,
            pricing: details.pricing,
            rates,
            version: event.version,
        }
    }
}

/// A page of events.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventList {
    /// The events.
    pub items: Vec<EventView>,
    /// Send it as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// Places of one rate.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Line)]
pub struct LineView {
    /// The rate's id.
    #[schema(example = "full")]
    pub rate: String,
    /// The rate's name, as it was.
    #[schema(example = "Full price")]
    pub name: String,
    /// How many places.
    #[schema(example = 2)]
    pub quantity: u32,
    /// Price of each, in minor units of `currency`.
    #[schema(example = 4950)]
    pub unit_price: u32,
    /// Price of all of them, in minor units of `currency`.
    #[schema(example = 9900)]
    pub total: u64,
}

impl LineView {
    /// Places by rate.
    pub fn of(lines: Vec<Line>) -> Vec<Self> {
        let shown = |line: Line| {
            let total = line.total();
            let Line { rate, name, quantity, unit_price } = line;
            Self { rate, name, quantity, unit_price, total }
        };
        lines.into_iter().map(shown).collect()
    }
}

/// Places by rate in one cell of a table: `full 2, child 1`.
pub fn rates(lines: &[LineView]) -> String {
    lines.iter().map(|line| format!("{} {}", line.rate, line.quantity)).collect::<Vec<_>>().join(", ")
}

/// What seats are called; null in a general area.
pub fn seats_or_null(seats: &[String]) -> Option<Vec<String>> {
    (!seats.is_empty()).then(|| seats.to_vec())
}

/// A booking.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Booking)]
pub struct BookingView {
    /// UUIDv7, the same as the reservation's.
    #[schema(value_type = uuid::Uuid)]
    pub id: String,
    /// The event's id.
    #[schema(value_type = uuid::Uuid)]
    pub event_id: String,
    /// The event's name when it was booked.
    #[schema(example = "Open Air 2031")]
    pub event_name: String,
    /// The event's start when it was booked.
    #[serde(serialize_with = "show")]
    pub starts_at: Timestamp,
    /// The event as it is now; null only if it could not be read.
    pub event: Option<EventNow>,
    /// The id of the area that the seats are of; `general` of an event that names none.
    #[schema(example = "floor")]
    pub area: String,
    /// The area's name when it was booked.
    #[schema(example = "Floor")]
    pub area_name: String,
    /// How many seats.
    #[schema(example = 2)]
    pub quantity: u32,
    /// What they are called, like `A-7`; null in a general area.
    #[schema(example = json!(["A-7", "A-8"]))]
    pub seats: Option<Vec<String>>,
    /// Price of one seat, in minor units of `currency`; null where it differs from rate to rate.
    #[schema(example = 4950)]
    pub unit_price: Option<u32>,
    /// The same by rate.
    pub lines: Vec<LineView>,
    /// Price of all seats, in minor units of `currency`.
    #[schema(example = 9900)]
    pub total: u64,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    pub currency: String,
    /// Whether the seats are the user's. `pending`: they are taken for the user until `expires_at`; `closing`: that is over, and
    /// whether it was paid all the same is being found out; then `confirmed` or `expired`.
    pub status: BookingStatus,
    /// What it waits for while it is pending, or waited for; null if it was confirmed at once.
    #[schema(nullable)]
    pub reason: Option<PendingReason>,
    /// When it runs out while it is pending or closing; null otherwise.
    #[serde(serialize_with = "show_or_null")]
    pub expires_at: Option<Timestamp>,
    /// When it was made: confirmed, unless it was pending before.
    #[serde(serialize_with = "show")]
    pub created_at: Timestamp,
    /// When it was cancelled; null if it was not.
    #[serde(serialize_with = "show_or_null")]
    pub cancelled_at: Option<Timestamp>,
    /// Every change adds 1.
    #[schema(example = 1)]
    pub version: u64,
}

impl BookingView {
    /// A booking, with its event as it is now.
    pub fn new(booking: Booking, event: Option<EventNow>) -> Self {
        let charge = booking.charge();
        let (lines, total) = (LineView::of(charge.lines()), charge.total());
        Self {
            id: booking.id.to_string(),
            event_id: booking.event_id.to_string(),
            event_name: booking.event_name,
            starts_at: booking.starts_at,
            event,
            area: booking.area.id,
            area_name: booking.area.name,
            quantity: booking.quantity,
            seats: seats_or_null(&booking.seats),
            unit_price: booking.unit_price,
            lines,
            total,
            currency: booking.currency,
            status: booking.status,
            reason: booking.reason,
            expires_at: booking.expires_at.filter(|_| booking.status.is_undecided()),
            created_at: booking.created_at,
            cancelled_at: booking.cancelled_at,
            version: booking.version,
        }
    }
}

/// A booking, as it is answered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BookingAnswer {
    /// The booking.
    pub booking: BookingView,
}

impl BookingAnswer {
    /// A booking, with its event as it is now.
    pub fn new(booking: Booking, event: Option<EventNow>) -> Self {
        Self { booking: BookingView::new(booking, event) }
    }
}
