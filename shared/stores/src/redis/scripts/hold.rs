//! The life of a hold until it is confirmed ([`super::confirm`]) or ends.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::json;
use crate::redis::{IDEMPOTENCY_TTL, Redis, answer::Answer};
use domain::{
    error::Error,
    event::{AreaName, GENERAL, NotOnSale},
    field_error::Wrong,
    id::{AreaKey, AreaNumber, ReservationId, UserId},
    rate::{Line, WantedRates},
    reservation::{BEST_SEATS, Ended, Reservation, UNBOUGHT_WINDOW_TTLS, WantedSeats},
    time::from_ms,
};

/// What idempotency keys of *book* are for.
const BOOK: &str = "book";
/// One's own reservations that are looked at. Nobody holds seats of so many events.
const OWN_RESERVATIONS_MAX: isize = 500;

script!(
    RESERVE,
    "lib/state.lua",
    "lib/rows.lua",
    "lib/seats.lua",
    "lib/draw.lua",
    "lib/pick.lua",
    "lib/charge.lua",
    "reserve.lua"
);
script!(LOOK, "lib/state.lua", "look.lua");
script!(CLAIM_BOOKING, "claim_booking.lua");
script!(UNCLAIM_BOOKING, "unclaim_booking.lua");
script!(BOUGHT, "lib/state.lua", "lib/rows.lua", "lib/seats.lua", "bought.lua");
script!(RELEASE, "lib/state.lua", "lib/rows.lua", "lib/seats.lua", "release.lua");
script!(UNDO, "lib/state.lua", "lib/rows.lua", "lib/seats.lua", "undo.lua");

/// What a user asks to hold.
#[derive(Clone, Copy, Debug)]
pub struct ReserveRequest<'a> {
    /// The id that the reservation will have. It says in which area seats are looked for.
    pub id: ReservationId,
    /// Who asks.
    pub user: UserId,
    /// The id of the area that is asked for, if one is.
    pub area: Option<&'a str>,
    /// How many seats, at least 1.
    pub quantity: u32,
    /// How many of them at which rates; the rest at the first.
    pub rates: &'a WantedRates,
    /// Which seats, in a numbered area.
    pub seats: &'a WantedSeats,
    /// The user's key for this request.
    pub idempotency_key: &'a str,
    /// How long the seats are held.
    pub hold_ttl_ms: u64,
    /// How long the user may hold seats without buying them, within [`UNBOUGHT_WINDOW_TTLS`] times `hold_ttl_ms`; 0 for
    /// any time.
    pub unbought_max_ms: u64,
}

impl ReserveRequest<'_> {
    /// What its idempotency key is tied to: the event, and the area if one is named.
    pub fn asked_for(&self) -> String {
        let event = self.id.event();
        self.area.map_or_else(|| event.to_string(), |area| format!("{event}/{area}"))
    }
}

/// What `reserve.lua` answers when it does not refuse.
#[derive(Debug)]
pub enum Reserve {
    /// The seats are held.
    Held {
        /// The hold.
        reservation: Reservation,
        /// Now, by the clock that ends it.
        now: Timestamp,
        /// The event's capacity, unless an older release loaded it.
        capacity: Option<u32>,
    },
    /// The same request was answered before.
    Replayed {
        /// What it was answered with.
        reservation: Reservation,
        /// Now, by the clock that ends the hold.
        now: Timestamp,
        /// What became of the hold.
        became: Became,
    },
    /// The state is missing: load the event and ask again.
    NotLoaded,
    /// The id is in use: ask again with another.
    IdTaken,
    /// Seats of this area are meant: ask again with an id of it.
    OtherArea(AreaNumber),
    /// The user would have more than one user may.
    UserLimit(UserSeats),
}

/// What became of a hold, as far as Redis knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Became {
    /// It is there.
    Held,
    /// It has ended.
    Ended(Ended),
    /// It is not there; perhaps there is a booking.
    Gone,
}

/// The seats that a user has of an event, as Redis knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserSeats {
    /// The most that a user may have.
    pub most: u32,
    /// Seats bought and not cancelled.
    pub bought: u32,
    /// Seats held.
    pub holding: u32,
}

/// What `look.lua` answers when it does not refuse.
#[derive(Debug)]
pub enum Look {
    /// The hold, and the time by the clock that ends it.
    Hold(Reservation, Timestamp),
    /// It has ended.
    Ended(Ended),
    /// There is none.
    NoHold,
}

/// What `release.lua` answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Release {
    /// The seats are free: so many.
    Released(u32),
    /// It has ended before.
    Ended(Ended),
    /// There is no hold: perhaps there is a booking.
    NoHold,
    /// Its confirm has begun.
    Confirming,
}

impl Redis {
    /// Ties an idempotency key to what it is used for. Answers false if it is tied to something else.
    pub async fn claim(
        &self,
        user: UserId,
        operation: &str,
        key: &str,
        used_for: &str,
    ) -> Result<bool, Error> {
        let claim = self.keys.claim(user, operation, key);
        let mut tie = redis::cmd("SET");
        tie.arg(&claim).arg(used_for).arg("NX").arg("PX").arg(IDEMPOTENCY_TTL.as_millis());
        if self.ask::<Option<String>>(&tie).await?.is_some() {
            return Ok(true);
        }
        let mut get = redis::cmd("GET");
        get.arg(&claim);
        // One that has run out in between is nobody's.
        let tied_to: Option<String> = self.ask(&get).await?;
        Ok(tied_to.is_none_or(|tied_to| tied_to == used_for))
    }

    /// `claim_booking.lua`: ties the idempotency key to what it asks for, and notes the reservation that is being made
    /// among its user's own, for `life_ms` at most. Answers false if the key is tied to something else.
    pub async fn claim_booking(
        &self,
        request: &ReserveRequest<'_>,
        now: Timestamp,
        life_ms: u64,
    ) -> Result<bool, Error> {
        let mut call = CLAIM_BOOKING.key(self.keys.claim(request.user, BOOK, request.idempotency_key));
        call.key(self.keys.own_reservations(request.user));
        call.arg(request.asked_for()).arg(IDEMPOTENCY_TTL.as_millis());
        call.arg(request.id.to_string()).arg(now.as_millisecond()).arg(life_ms);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "CLAIMED" => Ok(true),
            "REUSED" => Ok(false),
            _ => Err(answer.unknown("claim_booking")),
        }
    }

    /// Notes a reservation among its user's own, as `claim_booking.lua` does, if it has another id than was claimed.
    pub async fn note_reservation(
        &self,
        user: UserId,
        id: ReservationId,
        now: Timestamp,
        life_ms: u64,
    ) -> Result<(), Error> {
        let until = u64::try_from(now.as_millisecond()).unwrap_or(0) + life_ms;
        let mut note = redis::cmd("ZADD");
        note.arg(self.keys.own_reservations(user)).arg(until).arg(id.to_string());
        self.ask::<i64>(&note).await.map(|_| ())
    }

    /// A user's reservations, newest first, those among them that have ended or never were.
    pub async fn own_reservations(&self, user: UserId) -> Result<Vec<ReservationId>, Error> {
        let mut read = redis::cmd("ZREVRANGE");
        read.arg(self.keys.own_reservations(user)).arg(0).arg(OWN_RESERVATIONS_MAX - 1);
        let noted: Vec<String> = self.ask(&read).await?;
        Ok(noted.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// `unclaim_booking.lua`: a booking that was claimed is refused.
    pub async fn unclaim_booking(
        &self,
        id: ReservationId,
        user: UserId,
        key: &str,
        asked_for: &str,
    ) -> Result<(), Error> {
        let mut call = UNCLAIM_BOOKING.key(self.keys.claim(user, BOOK, key));
        call.key(self.keys.own_reservations(user)).arg(asked_for).arg(id.to_string());
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "UNCLAIMED" => Ok(()),
            _ => Err(answer.unknown("unclaim_booking")),
        }
    }

    /// `reserve.lua`: holds seats.
    pub async fn reserve(&self, request: &ReserveRequest<'_>) -> Result<Reserve, Error> {
        let area = request.id.area();
        let mut call = RESERVE.key(self.keys.state(area));
        call.key(self.keys.deadlines(area)).key(self.keys.holds(area));
        call.key(self.keys.idempotency(area, request.user, request.idempotency_key));
        call.key(self.keys.ended_holds(area));
        call.arg(request.id.to_string()).arg(request.user.to_string()).arg(request.quantity);
        call.arg(request.hold_ttl_ms).arg(IDEMPOTENCY_TTL.as_millis()).arg(fastrand::u16(..));
        call.arg(request.unbought_max_ms).arg(request.hold_ttl_ms * UNBOUGHT_WINDOW_TTLS);
        call.arg(match request.rates.is_empty() {
            true => String::new(),
            false => json(&request.rates.iter().collect::<Vec<_>>())?,
        });
        call.arg(request.area.unwrap_or_default()).arg(wish(request.seats)?);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "HELD" => Ok(Reserve::Held {
                reservation: held(&answer)?,
                now: answer.time(1)?,
                capacity: answer.value(2)?,
            }),
            "REPLAYED" => replayed(&answer),
            "NOT_LOADED" => Ok(Reserve::NotLoaded),
            "ID_TAKEN" => Ok(Reserve::IdTaken),
            "OTHER_AREA" => Ok(Reserve::OtherArea(answer.value(0)?)),
            "UNKNOWN_AREA" => Err(Error::UnknownArea(request.area.unwrap_or_default().to_owned())),
            "AREA_REQUIRED" => Err(Error::AreaRequired),
            "KEY_REUSED" => Err(Error::IdempotencyKeyReused),
            "DRAFT" => Err(Error::EventNotFound),
            "CANCELLED" => Err(Error::NotOnSale(NotOnSale::Cancelled)),
            "NOT_OPEN" => Err(Error::NotOnSale(NotOnSale::OpensAt(answer.time(0)?))),
            "CLOSED" => Err(Error::NotOnSale(NotOnSale::ClosedAt(answer.time(0)?))),
            "TOO_MANY" => Err(too_many(answer.value(0)?, request.seats)),
            "UNKNOWN_RATE" => Err(Error::UnknownRate(answer.value(0)?)),
            "UNKNOWN_SEATS" => Err(Error::UnknownSeats(answer.json(0)?)),
            "SEATS_TAKEN" => {
                Err(Error::SeatsTaken { seats: answer.json(0)?, area: area_or_general(&answer, 1)? })
            }
            "NOT_TOGETHER" => {
                Err(Error::NotTogether { largest: answer.value(0)?, area: area_or_general(&answer, 1)? })
            }
            "USER_LIMIT" => Ok(Reserve::UserLimit(UserSeats {
                most: answer.value(0)?,
                bought: answer.seats(1)?,
                holding: answer.seats(2)?,
            })),
            "UNBOUGHT" => Err(Error::HeldTooLong { retry_at: answer.time(0)? }),
            "ALL_HELD" | "SOLD_OUT" => Err(too_few(&answer)?),
            _ => Err(answer.unknown("reserve")),
        }
    }

    /// `undo.lua`: takes a reservation back that its user was not told of. Answers whether it was there.
    pub async fn undo(&self, id: ReservationId, user: UserId, idempotency_key: &str) -> Result<bool, Error> {
        let area = id.area();
        let mut call = UNDO.key(self.keys.state(area));
        call.key(self.keys.deadlines(area)).key(self.keys.holds(area));
        call.key(self.keys.idempotency(area, user, idempotency_key));
        call.arg(id.to_string());
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "UNDONE" => Ok(true),
            "STAYS" => Ok(false),
            _ => Err(answer.unknown("undo")),
        }
    }

    /// `look.lua`: shows a hold to its owner.
    pub async fn look(&self, id: ReservationId, user: UserId) -> Result<Look, Error> {
        let answer = self.run(&LOOK, id.area(), |call| {
            call.key(self.keys.ended_holds(id.area()));
            call.arg(id.to_string()).arg(user.to_string());
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "HOLD" => match answer.json::<HoldJson>(0) {
                Ok(hold) => Ok(Look::Hold(hold.reservation(id), answer.time(1)?)),
                // One of another release must not keep the user from seeing the others.
                Err(error) => {
                    tracing::warn!(reservation_id = %id, %error, "a hold can't be read");
                    Ok(Look::NoHold)
                }
            },
            "ENDED" => Ok(Look::Ended(ended(&answer, 0)?)),
            "NO_HOLD" => Ok(Look::NoHold),
            "NOT_YOURS" => Err(Error::ReservationNotFound),
            _ => Err(answer.unknown("look")),
        }
    }

    /// `bought.lua`: DynamoDB said how many seats a user has bought; `before` is what Redis knew before it was asked.
    /// Answers whether Redis took it.
    pub async fn bought(
        &self,
        area: impl Into<AreaKey>,
        user: UserId,
        before: u32,
        bought: u32,
    ) -> Result<bool, Error> {
        let mut call = BOUGHT.key(self.keys.state(area));
        call.arg(user.to_string()).arg(before).arg(bought);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "LEARNED" => Ok(true),
            "CHANGED" => Ok(false),
            _ => Err(answer.unknown("bought")),
        }
    }

    /// `release.lua`: a user gives a hold back.
    pub async fn release(&self, id: ReservationId, user: UserId) -> Result<Release, Error> {
        let answer = self.run(&RELEASE, id.area(), |call| {
            call.key(self.keys.ended_holds(id.area()));
            call.arg(id.to_string()).arg(user.to_string());
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "RELEASED" => Ok(Release::Released(answer.seats(0)?)),
            "ENDED" => Ok(Release::Ended(ended(&answer, 0)?)),
            "NO_HOLD" => Ok(Release::NoHold),
            "CONFIRMING" => Ok(Release::Confirming),
            "NOT_YOURS" => Err(Error::ReservationNotFound),
            _ => Err(answer.unknown("release")),
        }
    }
}

/// A held reservation as `reserve.lua` and `look.lua` write it.
#[derive(Deserialize)]
struct HoldJson {
    area: Option<String>,
    area_name: Option<String>,
    quantity: u32,
    #[serde(default)]
    seats: Vec<String>,
    unit_price: Option<u32>,
    #[serde(default)]
    lines: Vec<Line>,
    currency: String,
    expires_at: i64,
}

impl HoldJson {
    fn reservation(self, id: ReservationId) -> Reservation {
        let expires_at = from_ms(self.expires_at);
        let Self { area, area_name, quantity, seats, unit_price, lines, currency, .. } = self;
        let area = area_named(area, area_name);
        Reservation {
            id,
            event_id: id.event(),
            area,
            quantity,
            seats,
            unit_price,
            lines,
            currency,
            expires_at,
        }
    }
}

fn held(answer: &Answer) -> Result<Reservation, Error> {
    #[derive(Deserialize)]
    struct Held {
        id: ReservationId,
        #[serde(flatten)]
        hold: HoldJson,
    }
    let Held { id, hold } = answer.kept_json(0)?;
    Ok(hold.reservation(id))
}

fn replayed(answer: &Answer) -> Result<Reserve, Error> {
    let (mut reservation, now) = (held(answer)?, answer.time(1)?);
    let became = match answer.value::<String>(2)?.as_str() {
        "held" => {
            reservation.expires_at = answer.time(3)?;
            Became::Held
        }
        "gone" => Became::Gone,
        _ => Became::Ended(ended(answer, 2)?),
    };
    Ok(Reserve::Replayed { reservation, now, became })
}

/// How a hold ended, as `lib/state.lua` says it.
fn ended(answer: &Answer, n: usize) -> Result<Ended, Error> {
    match answer.value::<String>(n)?.as_str() {
        "released" => Ok(Ended::Released),
        "expired" => Ok(Ended::Expired),
        other => Err(Error::Internal(format!("a hold ended {other:?}").into())),
    }
}

pub(super) fn too_few(answer: &Answer) -> Result<Error, Error> {
    let available = answer.seats(0)?;
    let area = |n| area_or_general(answer, n);
    Ok(match answer.word() {
        "ALL_HELD" => Error::AllHeld { available, retry_at: answer.time(1)?, area: area(2)? },
        _ => Error::SoldOut { available, area: area(1)? },
    })
}

/// The id of the area; `general` of an event that names none.
fn area_or_general(answer: &Answer, n: usize) -> Result<String, Error> {
    Ok(answer.value::<Option<String>>(n)?.unwrap_or_else(|| GENERAL.to_owned()))
}

/// What `reserve.lua` is told of the seats that are wanted.
fn wish(seats: &WantedSeats) -> Result<String, Error> {
    #[derive(Serialize)]
    struct Wish<'a> {
        #[serde(skip_serializing_if = "BTreeSet::is_empty")]
        chosen: &'a BTreeSet<String>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        apart: bool,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        accessible: bool,
    }
    if *seats == BEST_SEATS {
        return Ok(String::new());
    }
    let WantedSeats { chosen, apart, accessible } = seats;
    json(&Wish { chosen, apart: *apart, accessible: *accessible })
}

fn too_many(most: u32, seats: &WantedSeats) -> Error {
    match seats.chosen.is_empty() {
        true => Error::invalid_field("quantity", Wrong::OutOfRange { min: 1, max: most }),
        false => Error::invalid_field("seats", Wrong::Count { min: 1, max: most as usize }),
    }
}

/// The area as its state names it; the general one of an event that names none.
pub(super) fn area_named(id: Option<String>, name: Option<String>) -> AreaName {
    id.zip(name).map_or_else(AreaName::default, |(id, name)| AreaName { id, name })
}
