//! Identifiers. All are UUIDv7 (RFC 9562, section 5.7): they sort by time and are opaque to clients.
//!
//! A reservation id also leads to its event: every Redis key of an event lives under the hash tag
//! `{event id}`, so in Redis Cluster a confirm must know the event to find the slot, and a look-up from
//! reservation to event would cost a round trip. A UUIDv7 has 74 free bits, too few for another UUID. So an
//! event id carries only 50 bits of information, and all its other bits follow from those:
//!
//! ```text
//! event number (50 bits)  = milliseconds since 2020 (41 bits) ++ random (9 bits)
//! event id                = v7(its time, rand_a = random ++ 3 bits of mix, rand_b = mix(event number))
//! reservation id          = v7(its time, rand_a = random (12 bits), rand_b = event number ++ random (12 bits))
//! … in a further area     = v7(its time, rand_a = random (12 bits), rand_b = mark ++ event number ++ area (6) ++ random (6))
//! ```
//!
//! An event's areas have keys of their own, so a reservation id leads to its area, too. That of an event's first area, which is
//! all that most events have, says nothing of it, and is as it was before there were others. In all others the highest bit of the
//! event number is 1. No event has it: their milliseconds reach it in 2054.
//!
//! Two events created in the same millisecond may draw the same number, and two holds on one area the same
//! id. Both are caught where they are written (a condition, a check in the script) and tried again. At 15,000 holds a second on one area
//! that is one in 1.2 million in the first one, with its 24 random bits, and one in 19,000 in the others, with 18.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// 2020-01-01T00:00:00Z, where event numbers start counting. 41 bits of milliseconds would last until 2089; the highest is not used.
const EVENT_EPOCH_MS: u64 = 1_577_836_800_000;
const EVENT_TIME_BITS: u32 = 41;
const EVENT_RANDOM_BITS: u32 = 9;
const RESERVATION_RANDOM_BITS: u32 = 12;
/// In an event's number: a reservation is of another area than the first.
const FURTHER_AREA: u64 = 1 << (EVENT_TIME_BITS + EVENT_RANDOM_BITS - 1);
const AREA_BITS: u32 = 6;
const AREA_RANDOM_BITS: u32 = RESERVATION_RANDOM_BITS - AREA_BITS;

/// An area's number in its event, from 0. It stays the area's for ever.
pub type AreaNumber = u8;
/// How many numbers of areas there are.
pub const AREA_NUMBERS: AreaNumber = 1 << AREA_BITS;

/// The text is not a UUID in its usual form (36 characters with hyphens).
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not an id")]
pub struct NotAnId;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id as a UUID.
            pub fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

    };
}

id_type!(
    /// A user.
    UserId
);
id_type!(
    /// An event.
    EventId
);
id_type!(
    /// A reservation, and the booking that it becomes when it is confirmed.
    ReservationId
);

id_type!(
    /// An entry of the audit trail.
    AuditId
);

id_type!(
    /// An endpoint of webhooks.
    WebhookId
);

impl FromStr for UserId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        parse(text).map(Self)
    }
}

impl FromStr for ReservationId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        parse(text).map(Self)
    }
}

impl FromStr for AuditId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        parse(text).map(Self)
    }
}

impl FromStr for WebhookId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        parse(text).map(Self)
    }
}

impl FromStr for EventId {
    type Err = NotAnId;

    /// An id whose bits do not follow from its number is nobody's: it must not pass for the one that has them.
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let id = Self(parse(text)?);
        if Self::from_number(id.number()) == id { Ok(id) } else { Err(NotAnId) }
    }
}

impl UserId {
    /// A new id.
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// When the id was made, in ms since the Unix epoch: just before its account was.
    pub fn made_at_ms(self) -> i64 {
        let (high, _) = self.0.as_u64_pair();
        (high >> 16).cast_signed()
    }
}

impl Default for UserId {
    fn default() -> Self {
        Self::new()
    }
}

impl EventId {
    /// A new id for an event created at `now`.
    pub fn new(now: Timestamp) -> Self {
        let time = unix_ms(now).saturating_sub(EVENT_EPOCH_MS) & low_bits(EVENT_TIME_BITS - 1);
        Self::from_number(time << EVENT_RANDOM_BITS | random_bits(EVENT_RANDOM_BITS))
    }

    /// When the id was made, in ms since the Unix epoch: just before its event was.
    pub fn made_at_ms(self) -> i64 {
        let (high, _) = self.0.as_u64_pair();
        (high >> 16).cast_signed()
    }

    fn from_number(number: u64) -> Self {
        let unix_ms = (number >> EVENT_RANDOM_BITS) + EVENT_EPOCH_MS;
        let mixed = mix(number);
        let rand_a = (number & low_bits(EVENT_RANDOM_BITS)) << 3 | mixed >> 61;
        Self(uuid_v7(unix_ms, rand_a, mixed))
    }

    fn number(self) -> u64 {
        let (high, _) = self.0.as_u64_pair();
        let time = (high >> 16).saturating_sub(EVENT_EPOCH_MS) & low_bits(EVENT_TIME_BITS);
        let random = (high & low_bits(12)) >> 3;
        time << EVENT_RANDOM_BITS | random
    }
}

/// An area of an event, as the stores have it: what sells from shards and under keys of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AreaKey {
    /// The event.
    pub event: EventId,
    /// The area's number, below [`AREA_NUMBERS`].
    pub number: AreaNumber,
}

/// The first area of an event, which is all that most events have.
impl From<EventId> for AreaKey {
    fn from(event: EventId) -> Self {
        Self { event, number: 0 }
    }
}

/// The first one is written as its event is.
impl fmt::Display for AreaKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { event, number: 0 } => write!(out, "{event}"),
            Self { event, number } => write!(out, "{event}.{number}"),
        }
    }
}

impl ReservationId {
    /// A new id for a reservation of seats of that area, made at `now`.
    pub fn new(area: impl Into<AreaKey>, now: Timestamp) -> Self {
        let AreaKey { event, number } = area.into();
        let (event, low) = match number {
            0 => (event.number(), random_bits(RESERVATION_RANDOM_BITS)),
            area => {
                let area = u64::from(area) & low_bits(AREA_BITS);
                (event.number() | FURTHER_AREA, area << AREA_RANDOM_BITS | random_bits(AREA_RANDOM_BITS))
            }
        };
        Self(uuid_v7(unix_ms(now), random_bits(12), event << RESERVATION_RANDOM_BITS | low))
    }

    /// When the reservation was made, in ms since the Unix epoch.
    pub fn held_at_ms(self) -> i64 {
        let (high, _) = self.0.as_u64_pair();
        (high >> 16).cast_signed()
    }

    /// The last id of a reservation made at `then`.
    pub fn last_at(then: Timestamp) -> Self {
        Self(uuid_v7(unix_ms(then), u64::MAX, u64::MAX))
    }

    /// The event whose seats are reserved. For an id that this service never gave out the answer is an event
    /// that does not exist.
    pub fn event(self) -> EventId {
        EventId::from_number(self.marked_event_number() & !FURTHER_AREA)
    }

    /// The area whose seats are reserved. For an id that this service never gave out it is one that does not exist.
    pub fn area(self) -> AreaKey {
        let (_, low) = self.0.as_u64_pair();
        let is_further = self.marked_event_number() & FURTHER_AREA != 0;
        let number = (low & low_bits(RESERVATION_RANDOM_BITS)) >> AREA_RANDOM_BITS;
        AreaKey { event: self.event(), number: if is_further { number.to_le_bytes()[0] } else { 0 } }
    }

    fn marked_event_number(self) -> u64 {
        let (_, low) = self.0.as_u64_pair();
        (low & low_bits(62)) >> RESERVATION_RANDOM_BITS
    }
}

impl AuditId {
    /// A new id of an entry written at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(uuid_v7(unix_ms(now), random_bits(12), random_bits(62)))
    }
}

impl WebhookId {
    /// A new id of an endpoint made at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(uuid_v7(unix_ms(now), random_bits(12), random_bits(62)))
    }
}

fn parse(text: &str) -> Result<Uuid, NotAnId> {
    const HYPHENATED_CHARS: usize = 36;
    if text.len() != HYPHENATED_CHARS {
        return Err(NotAnId);
    }
    Uuid::try_parse(text).map_err(|_| NotAnId)
}

/// Lays out a UUIDv7; surplus high bits of each part are cut off.
fn uuid_v7(unix_ms: u64, rand_a: u64, rand_b: u64) -> Uuid {
    const VERSION: u64 = 7 << 12;
    const VARIANT: u64 = 0b10 << 62;
    Uuid::from_u64_pair(unix_ms << 16 | VERSION | rand_a & low_bits(12), VARIANT | rand_b & low_bits(62))
}

/// SplitMix64's finaliser: spreads the event number over 64 bits, so that ids look alike in no prefix.
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn unix_ms(now: Timestamp) -> u64 {
    u64::try_from(now.as_millisecond()).unwrap_or(0)
}

fn random_bits(bits: u32) -> u64 {
    fastrand::u64(..=low_bits(bits))
}

const fn low_bits(bits: u32) -> u64 {
    (1 << bits) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn some_instants() -> impl Iterator<Item = Timestamp> {
        (0..2_000).map(|_| crate::time::from_ms(fastrand::i64(1_600_000_000_000..2_600_000_000_000)))
    }

    #[test]
    fn a_reservation_leads_to_its_event_and_area() {
        for now in some_instants() {
            let event = EventId::new(now);
            for number in 0..AREA_NUMBERS {
                let area = AreaKey { event, number };
                let reservation = ReservationId::new(area, now);
                assert_eq!((reservation.event(), reservation.area()), (event, area));
            }
        }
    }

    #[test]
    fn whatever_a_release_without_areas_drew_is_of_the_first_area() {
        for now in some_instants() {
            let event = EventId::new(now);
            let drawn = event.number() << RESERVATION_RANDOM_BITS | random_bits(RESERVATION_RANDOM_BITS);
            let before = ReservationId(uuid_v7(unix_ms(now), random_bits(12), drawn));
            assert_eq!(before.area(), event.into());
        }
    }

    #[test]
    fn the_first_area_is_written_as_its_event_is() {
        let event = EventId::new(crate::time::from_ms(1_800_000_000_000));
        assert_eq!(AreaKey::from(event).to_string(), event.to_string());
        assert_eq!(AreaKey { event, number: 7 }.to_string(), format!("{event}.7"));
    }

    #[test]
    fn ids_are_uuid_v7_and_carry_their_time() {
        for now in some_instants() {
            let event = EventId::new(now);
            for uuid in [event.as_uuid(), ReservationId::new(event, now).as_uuid()] {
                assert_eq!(uuid.get_version_num(), 7);
                assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
                assert_eq!(uuid.as_u64_pair().0 >> 16, unix_ms(now));
            }
        }
    }

    #[test]
    fn any_uuid_can_be_asked_for_its_event() {
        for _ in 0..2_000 {
            let foreign = ReservationId(Uuid::from_u128(fastrand::u128(..)));
            assert_eq!(foreign.event().as_uuid().get_version_num(), 7);
        }
    }

    #[test]
    fn an_event_has_one_id_only() {
        let event = EventId::new(crate::time::from_ms(1_800_000_000_000));
        assert_eq!(event.to_string().parse(), Ok(event));
        let alias = Uuid::from_u128(event.as_uuid().as_u128() ^ 1);
        assert_eq!(alias.to_string().parse::<EventId>(), Err(NotAnId));
    }

    #[test]
    fn only_the_usual_form_of_a_uuid_is_an_id() {
        let id = UserId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in
            ["", "42", "{0189f7c0-0000-7000-8000-000000000000}", "0189f7c0000070008000000000000000", "é"]
        {
            assert_eq!(text.parse::<UserId>(), Err(NotAnId), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_an_id_but_what_an_id_is_written_as(text in "[0-9a-fA-F-]{30,38}|.{0,40}") {
            if let Ok(id) = text.parse::<UserId>() {
                prop_assert_eq!(id.to_string(), text.to_lowercase());
            }
            if let Ok(id) = text.parse::<ReservationId>() {
                prop_assert_eq!(id.event().to_string().parse(), Ok(id.event()));
            }
            if let Ok(id) = text.parse::<EventId>() {
                prop_assert_eq!(id.to_string(), text.to_lowercase());
            }
        }

        #[test]
        fn an_id_written_and_read_is_the_same(milliseconds in 1_577_836_800_000_i64..2_600_000_000_000) {
            let now = crate::time::from_ms(milliseconds);
            let event = EventId::new(now);
            let reservation = ReservationId::new(event, now);
            prop_assert_eq!(event.to_string().parse(), Ok(event));
            prop_assert_eq!(reservation.to_string().parse(), Ok(reservation));
            prop_assert_eq!(reservation.event(), event);
        }

        #[test]
        fn only_one_of_the_ids_that_lead_to_an_event_is_the_events(bits in any::<u128>()) {
            let led_to = ReservationId(Uuid::from_u128(bits)).event();
            prop_assert_eq!(led_to.to_string().parse(), Ok(led_to));
            let id = Uuid::from_u128(bits).to_string().parse::<EventId>();
            prop_assert!(id.is_err() || EventId::from_number(led_to.number()) == led_to);
        }
    }
}
