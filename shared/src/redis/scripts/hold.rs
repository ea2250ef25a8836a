//! The life of a hold, in its order.

use jiff::Timestamp;
use serde::Deserialize;

use super::json;
use crate::{
    domain::{
        error::{Error, NotOnSale},
        id::{EventId, ReservationId, UserId},
        inventory::Draw,
        reservation::{BegunHold, Reservation, UNBOUGHT_WINDOW_TTLS},
        time::from_ms,
    },
    redis::{IDEMPOTENCY_TTL, Redis, answer::Answer},
    store::Refused,
};

script!(RESERVE, "lib/state.lua", "lib/seats.lua", "lib/draw.lua", "reserve.lua");
script!(LOOK, "lib/state.lua", "look.lua");
script!(BEGIN, "lib/state.lua", "lib/seats.lua", "begin.lua");
script!(BOUGHT, "lib/state.lua", "lib/seats.lua", "bought.lua");
script!(FINISH, "lib/state.lua", "lib/seats.lua", "finish.lua");
script!(REDRAW, "lib/state.lua", "lib/seats.lua", "lib/draw.lua", "redraw.lua");
script!(RELEASE, "lib/state.lua", "lib/seats.lua", "release.lua");
script!(UNDO, "lib/state.lua", "lib/seats.lua", "undo.lua");

/// What a user asks to hold.
#[derive(Clone, Copy, Debug)]
pub struct ReserveRequest<'a> {
    /// The id that the reservation will have.
    pub id: ReservationId,
    /// Who asks.
    pub user: UserId,
    /// How many seats, at least 1.
    pub quantity: u32,
    /// The user's key for this request.
    pub idempotency_key: &'a str,
    /// How long the seats are held.
    pub hold_ttl_ms: u64,
    /// How long the user may hold seats without buying them, within [`UNBOUGHT_WINDOW_TTLS`] times `hold_ttl_ms`; 0 for
    /// any time.
    pub unbought_max_ms: u64,
}

/// What `reserve.lua` answers when it does not refuse.
#[derive(Debug)]
pub enum Reserve {
    /// The seats are held.
    Held(Reservation),
    /// The same request was answered before.
    Replayed(Reservation),
    /// The state is missing: load the event and ask again.
    NotLoaded,
    /// The id is in use: ask again with another.
    IdTaken,
    /// The user would have more than one user may.
    UserLimit(UserSeats),
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
    /// There is none.
    NoHold,
}

/// What `begin.lua` answers when it does not refuse.
#[derive(Debug)]
pub enum Begin {
    /// The confirm may commit.
    Begun(BegunHold),
    /// There is no hold: perhaps there is a booking.
    NoHold,
}

/// What `redraw.lua` answers when it does not refuse.
#[derive(Debug)]
pub enum Redraw {
    /// The hold has these draws now.
    Redrawn(Vec<Draw>),
    /// Somebody else changed the hold: begin again.
    Changed,
}

/// What `release.lua` answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Release {
    /// The seats are free.
    Released,
    /// There is no hold, or it has run out: perhaps there is a booking.
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

    /// Frees an idempotency key that was claimed for a request that was refused.
    pub async fn unclaim(&self, user: UserId, operation: &str, key: &str) -> Result<(), Error> {
        let mut forget = redis::cmd("DEL");
        forget.arg(self.keys.claim(user, operation, key));
        self.ask::<i64>(&forget).await.map(|_| ())
    }

    /// `reserve.lua`: holds seats.
    pub async fn reserve(&self, request: &ReserveRequest<'_>) -> Result<Reserve, Error> {
        let event = request.id.event();
        let mut call = RESERVE.key(self.keys.state(event));
        call.key(self.keys.deadlines(event)).key(self.keys.holds(event));
        call.key(self.keys.idempotency(event, request.user, request.idempotency_key));
        call.arg(request.id.to_string()).arg(request.user.to_string()).arg(request.quantity);
        call.arg(request.hold_ttl_ms).arg(IDEMPOTENCY_TTL.as_millis()).arg(fastrand::u16(..));
        call.arg(request.unbought_max_ms).arg(request.hold_ttl_ms * UNBOUGHT_WINDOW_TTLS);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "HELD" => Ok(Reserve::Held(held(&answer)?)),
            "REPLAYED" => Ok(Reserve::Replayed(held(&answer)?)),
            "NOT_LOADED" => Ok(Reserve::NotLoaded),
            "ID_TAKEN" => Ok(Reserve::IdTaken),
            "KEY_REUSED" => Err(Error::IdempotencyKeyReused),
            "DRAFT" => Err(Error::EventNotFound),
            "CANCELLED" => Err(Error::NotOnSale(NotOnSale::Cancelled)),
            "NOT_OPEN" => Err(Error::NotOnSale(NotOnSale::OpensAt(answer.time(0)?))),
            "CLOSED" => Err(Error::NotOnSale(NotOnSale::ClosedAt(answer.time(0)?))),
            "TOO_MANY" => {
                let most: u32 = answer.value(0)?;
                Err(Error::invalid_field("quantity", format!("must be 1 to {most} for this event")))
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
        let event = id.event();
        let mut call = UNDO.key(self.keys.state(event));
        call.key(self.keys.deadlines(event)).key(self.keys.holds(event));
        call.key(self.keys.idempotency(event, user, idempotency_key));
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
        let answer = self.run(&LOOK, id.event(), |call| {
            call.arg(id.to_string()).arg(user.to_string());
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "HOLD" => Ok(Look::Hold(answer.json::<HoldJson>(0)?.reservation(id), answer.time(1)?)),
            "NO_HOLD" => Ok(Look::NoHold),
            "NOT_YOURS" => Err(Error::ReservationNotFound),
            _ => Err(answer.unknown("look")),
        }
    }

    /// `begin.lua`: a confirm begins.
    pub async fn begin(&self, id: ReservationId, user: UserId, grace_ms: u64) -> Result<Begin, Error> {
        #[derive(Deserialize)]
        struct Hold {
            quantity: u32,
            unit_price: u32,
            draws: Vec<Draw>,
        }
        let answer = self.run(&BEGIN, id.event(), |call| {
            call.arg(id.to_string()).arg(user.to_string()).arg(grace_ms);
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "BEGUN" => {
                let Hold { quantity, unit_price, draws } = answer.json(0)?;
                Ok(Begin::Begun(BegunHold {
                    id,
                    quantity,
                    unit_price,
                    draws,
                    event_name: answer.value(1)?,
                    starts_at: answer.time(2)?,
                    currency: answer.value(3)?,
                    max_per_user: answer.value::<Option<u32>>(4)?.unwrap_or(u32::MAX),
                }))
            }
            "NO_HOLD" | "EXPIRED" => Ok(Begin::NoHold),
            "NOT_YOURS" => Err(Error::ReservationNotFound),
            "CANCELLED" => Err(Error::NotOnSale(NotOnSale::Cancelled)),
            _ => Err(answer.unknown("begin")),
        }
    }

    /// `bought.lua`: DynamoDB said how many seats a user has bought; `before` is what Redis knew before it was asked.
    /// Answers whether Redis took it.
    pub async fn bought(
        &self,
        event: EventId,
        user: UserId,
        before: u32,
        bought: u32,
    ) -> Result<bool, Error> {
        let mut call = BOUGHT.key(self.keys.state(event));
        call.arg(user.to_string()).arg(before).arg(bought);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "LEARNED" => Ok(true),
            "CHANGED" => Ok(false),
            _ => Err(answer.unknown("bought")),
        }
    }

    /// `finish.lua`: a commit is done, its hold goes. Answers whether there was one with the same draws; without
    /// draws, as for a withdrawal, any are the same.
    pub async fn finish(&self, id: ReservationId, committed: Option<&[Draw]>) -> Result<bool, Error> {
        let committed = committed.map(json).transpose()?.unwrap_or_default();
        let answer = self.run(&FINISH, id.event(), |call| {
            call.arg(id.to_string()).arg(committed);
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "FINISHED" => Ok(true),
            "GONE" | "RETURNED" => Ok(false),
            _ => Err(answer.unknown("finish")),
        }
    }

    /// `redraw.lua`: draws a begun hold's seats again after DynamoDB refused its draws, because of the shards of
    /// `refused`, each with what it has left.
    pub async fn redraw(
        &self,
        hold: &BegunHold,
        user: UserId,
        refused: &[Refused],
        grace_ms: u64,
    ) -> Result<Redraw, Error> {
        let refused: Vec<_> =
            refused.iter().map(|shard| (shard.shard, shard.unsold, shard.version)).collect();
        let answer = self.run(&REDRAW, hold.id.event(), |call| {
            call.arg(hold.id.to_string()).arg(json(&hold.draws)?).arg(json(&refused)?).arg(grace_ms);
            call.arg(fastrand::u16(..)).arg(user.to_string()).arg(hold.quantity).arg(hold.unit_price);
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "REDRAWN" => Ok(Redraw::Redrawn(answer.json(0)?)),
            "CHANGED" => Ok(Redraw::Changed),
            "EXPIRED" => Err(Error::ReservationExpired),
            "ALL_HELD" | "SOLD_OUT" => Err(too_few(&answer)?),
            _ => Err(answer.unknown("redraw")),
        }
    }

    /// `release.lua`: a user gives a hold back.
    pub async fn release(&self, id: ReservationId, user: UserId) -> Result<Release, Error> {
        let answer = self.run(&RELEASE, id.event(), |call| {
            call.arg(id.to_string()).arg(user.to_string());
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "RELEASED" => Ok(Release::Released),
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
    quantity: u32,
    unit_price: u32,
    currency: String,
    expires_at: i64,
}

impl HoldJson {
    fn reservation(self, id: ReservationId) -> Reservation {
        let expires_at = from_ms(self.expires_at);
        let Self { quantity, unit_price, currency, .. } = self;
        Reservation { id, event_id: id.event(), quantity, unit_price, currency, expires_at }
    }
}

fn held(answer: &Answer) -> Result<Reservation, Error> {
    #[derive(Deserialize)]
    struct Held {
        id: ReservationId,
        #[serde(flatten)]
        hold: HoldJson,
    }
    let Held { id, hold } = answer.json(0)?;
    Ok(hold.reservation(id))
}

fn too_few(answer: &Answer) -> Result<Error, Error> {
    let available = answer.seats(0)?;
    Ok(match answer.word() {
        "ALL_HELD" => Error::AllHeld { available, retry_at: answer.time(1)? },
        _ => Error::SoldOut { available },
    })
}
