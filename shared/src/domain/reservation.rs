//! Reservations: seats held for a user for a while.

use jiff::Timestamp;

use super::{
    id::{EventId, ReservationId},
    inventory::Draw,
};

/// Seats held for a user until a deadline, at the price quoted when they were held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Its id; the booking it becomes has the same.
    pub id: ReservationId,
    /// The event whose seats are held.
    pub event_id: EventId,
    /// How many seats.
    pub quantity: u32,
    /// What one seat costs, in minor units of `currency`.
    pub unit_price: u32,
    /// ISO 4217 code.
    pub currency: String,
    /// When the seats return, unless confirmed before.
    pub expires_at: Timestamp,
}

/// A hold whose confirm has begun: all that is needed to commit the booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunHold {
    /// The reservation's id.
    pub id: ReservationId,
    /// How many seats.
    pub quantity: u32,
    /// The price of one seat quoted in the hold, in minor units.
    pub unit_price: u32,
    /// ISO 4217 code.
    pub currency: String,
    /// The inventory shards that the seats were drawn from.
    pub draws: Vec<Draw>,
    /// The event's name and start, kept in the booking.
    pub event_name: String,
    /// When the event starts.
    pub starts_at: Timestamp,
}
