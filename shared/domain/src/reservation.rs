//! Reservations: seats held for a user for a while.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    event::{AreaName, EventNow},
    id::{EventId, ReservationId},
    inventory::{Draw, Refused},
    rate::{Charge, Line},
};

/// A user may hold seats of an event, without buying them, for so many lives of a hold …
pub const UNBOUGHT_TTLS_MAX: u64 = 3;
/// … within so many: then others get their chance. Otherwise who never buys could hold seats for ever.
pub const UNBOUGHT_WINDOW_TTLS: u64 = 6;
/// A booking that is cancelled within this time after its hold counts as held until then, ms.
pub const EARLY_CANCEL_MS: i64 = 60 * 60 * 1_000;
/// After so many of them the user has to pause, however short they were.
pub const EARLY_CANCELS_MAX: u64 = 3;

/// A hold lives at most a day: the janitor looks for holds of events that ended no longer ago, and a user's history looks
/// back by as much.
pub const HOLD_TTL_SECONDS_MAX: u64 = 86_400;
/// A confirm may take so many graces with all its repetitions.
pub const CONFIRMING_GRACES_MAX: u64 = 10;

/// How a hold ended that did not become a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Its user gave it back.
    Released,
    /// Its time ran out.
    Expired,
}

/// What became of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReservationStatus {
    /// Its seats are held.
    Held,
    /// Its user gave it back.
    Released,
    /// Its time ran out.
    Expired,
    /// It is a booking that has yet to be paid for or accepted.
    Pending,
    /// It is a booking whose time is over; whether it was paid all the same is being found out.
    Closing,
    /// It is a booking.
    Confirmed,
    /// It was a booking, which was cancelled.
    Cancelled,
}

impl From<Ended> for ReservationStatus {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Released => Self::Released,
            Ended::Expired => Self::Expired,
        }
    }
}

/// Seats held for a user until a deadline, at the price quoted when they were held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Its id; the booking it becomes has the same.
    pub id: ReservationId,
    /// The event whose seats are held.
    pub event_id: EventId,
    /// The area that they are of.
    pub area: AreaName,
    /// How many seats.
    pub quantity: u32,
    /// What they are called, like `A-7`; none in a general area.
    pub seats: Vec<String>,
    /// What one seat costs, in minor units of `currency`; none where that differs.
    pub unit_price: Option<u32>,
    /// What they cost by rate; none if the event names no rates.
    pub lines: Vec<Line>,
    /// ISO 4217 code.
    pub currency: String,
    /// When the seats return, unless confirmed before.
    pub expires_at: Timestamp,
}

impl Reservation {
    /// What its seats cost.
    pub fn charge(&self) -> Charge<'_> {
        Charge { quantity: self.quantity, unit_price: self.unit_price, lines: &self.lines }
    }
}

/// Which seats of a numbered area somebody wants to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedSeats {
    /// These, by what they are called; if there is none, the best that are free.
    pub chosen: BTreeSet<String>,
    /// Whether the best need not stand side by side in one row.
    pub apart: bool,
    /// Whether the best are to be such as are meant for people who need them.
    pub accessible: bool,
}

/// The best seats, side by side.
pub static BEST_SEATS: WantedSeats = WantedSeats { chosen: BTreeSet::new(), apart: false, accessible: false };

/// A hold whose confirm has begun: all that is needed to commit the booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BegunHold {
    /// The reservation's id.
    pub id: ReservationId,
    /// How many seats.
    pub quantity: u32,
    /// What they are called, in the order of the draws; none in a general area.
    pub seats: Vec<String>,
    /// The price of one seat quoted in the hold, in minor units; none where that differs.
    pub unit_price: Option<u32>,
    /// What they cost by rate, as quoted in the hold; none if the event names no rates.
    pub lines: Vec<Line>,
    /// ISO 4217 code.
    pub currency: String,
    /// The inventory shards that the seats were drawn from.
    pub draws: Vec<Draw>,
    /// The event's name and start, kept in the booking.
    pub event_name: String,
    /// When the event starts.
    pub starts_at: Timestamp,
    /// The area, kept in the booking.
    pub area: AreaName,
    /// Seats of the event that one user may have: as many as when they were held, or more if more is allowed by now.
    pub max_per_user: u32,
    /// The event as it is now; `None` if an older release told Redis of it.
    pub event: Option<EventNow>,
    /// Which of the hold's confirms this is, counted from 1.
    pub begins: u32,
    /// Whether the hold was only held before, so that no other confirm may commit it.
    pub is_first: bool,
}

impl BegunHold {
    /// What those of its seats are called that the refusing rows had none of any more.
    pub fn refused_seats(&self, refused: &[Refused]) -> Vec<String> {
        let seats = self.draws.iter().flat_map(|draw| draw.named.iter().map(|seat| (draw.shard, seat)));
        let is_taken = |(shard, seat)| refused.iter().any(|row| row.shard == shard && row.taken.has(seat));
        let taken = seats.zip(&self.seats).filter(|(seat, _)| is_taken(*seat));
        taken.map(|(_, label)| label.clone()).collect()
    }
}
