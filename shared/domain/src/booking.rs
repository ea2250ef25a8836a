//! Bookings: seats sold, or taken for somebody who has yet to pay for them or to accept them.
//!
//! ```text
//!  hold ──confirm──────────────────▶ confirmed ──cancel──▶ cancelled
//!    │                                   ▲
//!    └─checkout─▶ pending ───────────────┤
//!                    │                   │ it was paid after all
//!                    ├──▶ closing ───────┤
//!                    │                   ▼ nothing was paid, and nothing can be
//!                    └───────────────▶ expired
//! ```
//!
//! A hold lives in Redis, for minutes, and Redis may forget it. What waits for the outside, or for hours, is a *pending* booking: a
//! durable hold. Its seats are taken in DynamoDB, so that DynamoDB alone makes it final or ends it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    event::AreaName,
    id::{EventId, ReservationId, UserId},
    inventory::Draw,
    rate::{Charge, DrawCharge, Line},
    reservation::{BegunHold, ReservationStatus},
};

/// Whether the seats are the user's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BookingStatus {
    /// Sold.
    Confirmed,
    /// It was sold, and cancelled; the seats went back on sale.
    Cancelled,
    /// The seats are taken for its user until `expires_at`: it has yet to be paid for, or to be accepted.
    Pending,
    /// Its time is over, or its user gave it up; whether it was paid all the same is being found out.
    Closing,
    /// It was never sold; the seats went back on sale.
    Expired,
}

impl BookingStatus {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Confirmed, Self::Cancelled, Self::Pending, Self::Closing, Self::Expired];
    /// Those that may become confirmed or expired.
    pub const UNDECIDED: [Self; 2] = [Self::Pending, Self::Closing];
    /// Those of bookings that have seats.
    pub const WITH_SEATS: [Self; 3] = [Self::Pending, Self::Closing, Self::Confirmed];

    /// Its word in the API and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Closing => "closing",
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether it may become confirmed or expired.
    pub fn is_undecided(self) -> bool {
        Self::UNDECIDED.contains(&self)
    }

    /// Whether the seats are taken for the user.
    pub fn has_seats(self) -> bool {
        Self::WITH_SEATS.contains(&self)
    }
}

/// What a booking waits for that is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PendingReason {
    /// Its user checks out: it has yet to be paid for.
    Checkout,
    /// Its user waited for these seats, which came back: it has yet to be accepted.
    Offer,
}

/// What the outside knows of a booking: the last word on whether it was paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outside {
    /// Nothing was paid, and nothing can be any more.
    None,
    /// It was paid.
    Paid,
}

impl Outside {
    /// Its word in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Paid => "paid",
        }
    }
}

/// Seats sold to a user, or taken for one. Once it is confirmed, only an explicit cancel changes it.
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
    /// Whether the seats are the user's.
    pub status: BookingStatus,
    /// What it waits for, or waited for; none of one that was confirmed at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<PendingReason>,
    /// While it is pending, when its time is over.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<Timestamp>,
    /// What the outside said; none if it has not, or was never asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outside: Option<Outside>,
    /// Whether it must not be confirmed any more, even if it was paid: its event was cancelled.
    #[serde(default, skip_serializing_if = "is_false")]
    pub void: bool,
    /// When it was made: when it was confirmed, unless it was pending before.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub created_at: Timestamp,
    /// When it was confirmed, if it was pending before.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub confirmed_at: Option<Timestamp>,
    /// When it expired.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub expired_at: Option<Timestamp>,
    /// When it was cancelled.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub cancelled_at: Option<Timestamp>,
    /// 1, and each change of its status adds 1.
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
            reason: None,
            expires_at: None,
            outside: None,
            void: false,
            created_at: super::time::to_whole_ms(now),
            confirmed_at: None,
            expired_at: None,
            cancelled_at: None,
            version: 1,
        }
    }

    /// The same, but it is not final: its seats are taken until `expires_at`.
    #[must_use]
    pub fn pending(self, reason: PendingReason, expires_at: Timestamp) -> Self {
        let expires_at = Some(super::time::to_whole_ms(expires_at));
        Self { status: BookingStatus::Pending, reason: Some(reason), expires_at, ..self }
    }

    /// When it was sold, if it was.
    pub fn sold_at(&self) -> Timestamp {
        self.confirmed_at.unwrap_or(self.created_at)
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
            BookingStatus::Pending => Self::Pending,
            BookingStatus::Closing => Self::Closing,
            BookingStatus::Confirmed => Self::Confirmed,
            BookingStatus::Cancelled => Self::Cancelled,
            BookingStatus::Expired => Self::Expired,
        }
    }
}
