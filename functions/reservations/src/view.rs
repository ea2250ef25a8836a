//! How a reservation looks to its owner.

use booking::Reserved;
use domain::{
    booking::Booking,
    reservation::{Reservation, ReservationStatus},
    time::show_or_null,
};
use http_api::views::{LineView, seats_or_null};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A reservation, as it is answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReservationAnswer {
    pub(crate) reservation: ReservationView,
}

/// Seats held for a user for a while.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reservation)]
pub(crate) struct ReservationView {
    /// UUIDv7; the booking that it becomes has the same.
    #[schema(value_type = uuid::Uuid)]
    id: String,
    /// The event's id.
    #[schema(value_type = uuid::Uuid)]
    event_id: String,
    /// The id of the area that the seats are of; `general` of an event that names none.
    #[schema(example = "floor")]
    area: String,
    /// The area's name.
    #[schema(example = "Floor")]
    area_name: String,
    /// How many seats.
    #[schema(example = 2)]
    quantity: u32,
    /// What they are called, like `A-7`; null in a general area.
    #[schema(example = json!(["A-7", "A-8"]))]
    seats: Option<Vec<String>>,
    /// Price of one seat, in minor units of `currency`; null where it differs from rate to rate. It stays whatever happens to the
    /// event's price and rates.
    #[schema(example = 4950)]
    unit_price: Option<u32>,
    /// The same by rate.
    lines: Vec<LineView>,
    /// Price of all seats, in minor units of `currency`.
    #[schema(example = 9900)]
    total: u64,
    /// ISO 4217 code.
    #[schema(example = "EUR")]
    currency: String,
    /// `held` while its seats are; then how it ended: `released` or `expired`, or as the booking that it became is.
    #[schema(example = "held")]
    status: ReservationStatus,
    /// When the seats go back on sale, unless confirmed before; null once it is not held any more.
    #[schema(example = "2031-06-01T12:10:00.000Z")]
    #[serde(serialize_with = "show_or_null")]
    expires_at: Option<Timestamp>,
    /// Whole seconds left until then, by the server's clock; null once it is not held any more.
    #[schema(example = 598)]
    expires_in: Option<i64>,
}

impl ReservationView {
    /// A hold with what is left of it at `now`.
    pub(crate) fn held(reservation: Reservation, now: Timestamp) -> Self {
        let left = reservation.expires_at.duration_since(now).as_secs().max(0);
        Self {
            expires_at: Some(reservation.expires_at),
            expires_in: Some(left),
            ..Self::ended(reservation, ReservationStatus::Held)
        }
    }

    /// A reservation that is not held any more.
    fn ended(reservation: Reservation, status: ReservationStatus) -> Self {
        Self {
            id: reservation.id.to_string(),
            event_id: reservation.event_id.to_string(),
            quantity: reservation.quantity,
            seats: seats_or_null(&reservation.seats),
            unit_price: reservation.unit_price,
            lines: LineView::of(reservation.charge().lines()),
            total: reservation.charge().total(),
            area: reservation.area.id,
            area_name: reservation.area.name,
            currency: reservation.currency,
            status,
            expires_at: None,
            expires_in: None,
        }
    }

    /// A reservation that became this booking.
    pub(crate) fn booked(booking: Booking) -> Self {
        Self {
            id: booking.id.to_string(),
            event_id: booking.event_id.to_string(),
            quantity: booking.quantity,
            seats: seats_or_null(&booking.seats),
            unit_price: booking.unit_price,
            lines: LineView::of(booking.charge().lines()),
            total: booking.charge().total(),
            area: booking.area.id,
            area_name: booking.area.name,
            currency: booking.currency,
            status: booking.status.into(),
            expires_at: None,
            expires_in: None,
        }
    }
}

impl From<Reserved> for ReservationView {
    fn from(reserved: Reserved) -> Self {
        match reserved.status {
            ReservationStatus::Held => Self::held(reserved.reservation, reserved.now),
            status => Self::ended(reserved.reservation, status),
        }
    }
}
