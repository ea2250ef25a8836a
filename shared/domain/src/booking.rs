//! Bookings: seats sold.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    event::AreaName,
    id::{EventId, ReservationId, UserId},
    inventory::Draw,
    rate::{Charge, DrawCharge, Line},
    reservation::{BegunHold, ReservationStatus},
};

/// Whether the seats are still the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BookingStatus {
    /// Sold.
    Confirmed,
    /// Cancelled by its owner; the seats went back on sale.
    Cancelled,
}

impl BookingStatus {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Confirmed, Self::Cancelled];

    /// Its word in the API and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Seats sold to a user. Only an explicit cancel changes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// The id of the reservation that it was.
    pub id: ReservationId,
    /// Whose it is.
    pub user_id: UserId,
    /// The event.
    pub event_id: EventId,
    /// The event's name when it was booked.
    pub event_name: String,
    /// The event's start when it was booked.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub starts_at: Timestamp,
    /// The area that its seats are of, as it was called.
    #[serde(default, skip_serializing_if = "AreaName::is_general")]
    pub area: AreaName,
    /// How many seats.
    pub quantity: u32,
    /// What they are called, like `A-7`; none in a general area.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seats: Vec<String>,
    /// What one seat cost, in minor units of `currency`; none where that differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<u32>,
    /// What they cost by rate; none if the event named no rates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// Whether its shards count it by rate: then a cancel takes it back there. One of a release that did not count has lines alone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub counted_by_rate: bool,
    /// ISO 4217 code.
    pub currency: String,
    /// The inventory shards that the seats came from, and return to when it is cancelled.
    pub draws: Vec<Draw>,
    /// Whether the seats are still the user's.
    pub status: BookingStatus,
    /// When it was confirmed.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
    /// When it was cancelled.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub cancelled_at: Option<Timestamp>,
    /// 1, and 2 once cancelled.
    pub version: u64,
}

impl Booking {
    /// The booking that a begun hold of `user_id` becomes at `now`.
    pub fn from_hold(hold: &BegunHold, user_id: UserId, now: Timestamp) -> Self {
        Self {
            id: hold.id,
            user_id,
            event_id: hold.id.event(),
            event_name: hold.event_name.clone(),
            starts_at: hold.starts_at,
            area: hold.area.clone(),
            quantity: hold.quantity,
            seats: hold.seats.clone(),
            unit_price: hold.unit_price,
            lines: hold.lines.clone(),
            counted_by_rate: !hold.lines.is_empty(),
            currency: hold.currency.clone(),
            draws: hold.draws.clone(),
            status: BookingStatus::Confirmed,
            created_at: super::time::to_whole_ms(now),
            cancelled_at: None,
            version: 1,
        }
    }

    /// What its seats cost.
    pub fn charge(&self) -> Charge<'_> {
        Charge { quantity: self.quantity, unit_price: self.unit_price, lines: &self.lines }
    }

    /// What its shards count for each draw.
    pub fn counted(&self) -> Vec<DrawCharge<'_>> {
        let mut charges = self.charge().of_draws(&self.draws);
        if !self.counted_by_rate {
            charges.iter_mut().for_each(|charge| charge.by_rate.clear());
        }
        charges
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl From<BookingStatus> for ReservationStatus {
    fn from(status: BookingStatus) -> Self {
        match status {
            BookingStatus::Confirmed => Self::Confirmed,
            BookingStatus::Cancelled => Self::Cancelled,
        }
    }
}
