//! Reservations: seats held for a user for a while.

use jiff::Timestamp;

use super::{
    id::{EventId, ReservationId},
    inventory::Draw,
};

/// A user may hold seats of an event, without buying them, for so many lives of a hold …
pub const UNBOUGHT_TTLS_MAX: u64 = 3;
/// … within so many: then others get their chance. Otherwise who never buys could hold seats for ever.
pub const UNBOUGHT_WINDOW_TTLS: u64 = 6;

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
    /// Seats of the event that one user may have.
    pub max_per_user: u32,
}
