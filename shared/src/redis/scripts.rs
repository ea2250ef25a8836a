//! One typed function for each Lua script. The head of each Lua file is its contract; a test holds both to it.

use std::{sync::LazyLock, time::Duration};

use jiff::Timestamp;
use redis::{Script, Value};
use serde::{Deserialize, Serialize};

use super::{IDEMPOTENCY_TTL, InventorySeen, Redis, answer::Answer, unavailable};
use crate::domain::{
    error::{Error, NotOnSale},
    event::Event,
    id::{EventId, ReservationId, UserId},
    inventory::{Draw, InventoryShard},
    reservation::{BegunHold, Reservation},
    time::from_ms,
};

macro_rules! script {
    ($constant:ident, $file:literal) => {
        static $constant: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(
                include_str!("../../lua/common.lua"),
                include_str!(concat!("../../lua/", $file))
            ))
        });
    };
}

script!(CLAIM, "claim.lua");
script!(LOAD, "load.lua");
script!(REFRESH, "refresh.lua");
script!(RESERVE, "reserve.lua");
script!(LOOK, "look.lua");
script!(BEGIN, "begin.lua");
script!(FINISH, "finish.lua");
script!(REDRAW, "redraw.lua");
script!(RELEASE, "release.lua");
script!(RESTOCK, "restock.lua");
script!(WITHDRAW, "withdraw.lua");
script!(EXPIRE, "expire.lua");
script!(SETTLE, "settle.lua");
script!(RECONCILE, "reconcile.lua");
script!(UNLOAD, "unload.lua");

/// How long a change that was taken in is remembered: far longer than a client library repeats a call.
const CHANGE_REMEMBERED: Duration = Duration::from_secs(600);

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

/// What `withdraw.lua` answers.
#[derive(Debug)]
pub enum Withdraw {
    /// These seats are out of sale until the deadline (ms), as a hold.
    Withdrawn {
        /// Where the seats were drawn from.
        draws: Vec<Draw>,
        /// When the janitor may settle the withdrawal, in ms.
        deadline_ms: i64,
    },
    /// Only so many seats are free.
    TooFew(u32),
    /// The state is missing: load the event and ask again.
    NotLoaded,
}

/// What `expire.lua` answers.
#[derive(Debug)]
pub struct Swept {
    /// Holds whose seats returned.
    pub expired: u32,
    /// Whether more holds may be overdue.
    pub more: bool,
    /// The version of the event's facts in Redis.
    pub event_version: u64,
    /// Confirms that began and never finished.
    pub overdue: Vec<OverdueConfirm>,
}

/// A hold whose confirm began and whose grace has run out.
#[derive(Clone, Debug, Deserialize)]
pub struct OverdueConfirm {
    /// The reservation's id, or a withdrawal's.
    pub id: ReservationId,
    /// The deadline that was seen, in ms.
    pub deadline: i64,
    /// The user's id; empty for a withdrawal.
    pub user: String,
}

/// What `reconcile.lua` answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Shards whose free seats were wrong.
    pub repaired: u32,
    /// Seats that Redis took for free and were not.
    pub seats_too_many: u32,
    /// Seats that were free and Redis did not know.
    pub seats_too_few: u32,
    /// Shards that can't be judged yet: a commit is under way, or was a moment ago.
    pub waiting: u32,
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

impl Redis {
    /// `claim.lua`: ties an idempotency key to what it is used for. Answers false if it is tied to something else.
    pub async fn claim(
        &self,
        user: UserId,
        operation: &str,
        key: &str,
        used_for: &str,
    ) -> Result<bool, Error> {
        let mut call = CLAIM.key(self.keys.claim(user, operation, key));
        call.arg(used_for).arg(IDEMPOTENCY_TTL.as_millis());
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "CLAIMED" => Ok(true),
            "USED_FOR" => Ok(false),
            _ => Err(answer.unknown("claim")),
        }
    }

    /// `load.lua`: makes the event's state if it is missing.
    pub async fn load(&self, event: &Event, inventory: &[InventoryShard], epoch: &str) -> Result<(), Error> {
        let shards: Vec<(u32, u64)> = inventory.iter().map(|shard| (shard.unsold, shard.version)).collect();
        let answer = self.run(&LOAD, event.id, |call| {
            call.arg(epoch).arg(facts(event)?).arg(json(&shards)?);
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "LOADED" | "ALREADY_LOADED" => Ok(()),
            _ => Err(answer.unknown("load")),
        }
    }

    /// `refresh.lua`: brings the event's facts up to date. Answers whether they were not.
    pub async fn refresh(&self, event: &Event) -> Result<bool, Error> {
        let mut call = REFRESH.key(self.keys.state(event.id));
        call.arg(facts(event)?);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "REFRESHED" => Ok(true),
            "UP_TO_DATE" | "NOT_LOADED" => Ok(false),
            _ => Err(answer.unknown("refresh")),
        }
    }

    /// `reserve.lua`: holds seats.
    pub async fn reserve(&self, request: &ReserveRequest<'_>) -> Result<Reserve, Error> {
        let event = request.id.event();
        let mut call = RESERVE.key(self.keys.state(event));
        call.key(self.keys.deadlines(event)).key(self.keys.holds(event));
        call.key(self.keys.idempotency(event, request.user, request.idempotency_key));
        call.arg(request.id.to_string()).arg(request.user.to_string()).arg(request.quantity);
        call.arg(request.hold_ttl_ms).arg(IDEMPOTENCY_TTL.as_millis()).arg(fastrand::u16(..));
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
            "ALL_HELD" | "SOLD_OUT" => Err(too_few(&answer)?),
            _ => Err(answer.unknown("reserve")),
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
                }))
            }
            "NO_HOLD" | "EXPIRED" => Ok(Begin::NoHold),
            "NOT_YOURS" => Err(Error::ReservationNotFound),
            "CANCELLED" => Err(Error::NotOnSale(NotOnSale::Cancelled)),
            _ => Err(answer.unknown("begin")),
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
        refused: &[Draw],
        grace_ms: u64,
    ) -> Result<Redraw, Error> {
        let answer = self.run(&REDRAW, hold.id.event(), |call| {
            call.arg(hold.id.to_string()).arg(json(&hold.draws)?).arg(json(refused)?).arg(grace_ms);
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

    /// `restock.lua`: seats came back on sale in DynamoDB by that change. Answers whether Redis took them in; if not,
    /// the state is another one than that of `epoch`.
    pub async fn restock(
        &self,
        event: EventId,
        change: &str,
        epoch: &str,
        draws: &[Draw],
    ) -> Result<bool, Error> {
        let mut call = RESTOCK.key(self.keys.state(event));
        call.key(self.keys.restocked(event, change));
        call.arg(epoch).arg(json(draws)?).arg(CHANGE_REMEMBERED.as_millis());
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "RESTOCKED" => Ok(true),
            "EPOCH_CHANGED" => Ok(false),
            _ => Err(answer.unknown("restock")),
        }
    }

    /// `withdraw.lua`: draws free seats out of sale, from `shards_max` shards at most.
    pub async fn withdraw(
        &self,
        id: ReservationId,
        seats: u32,
        shards_max: usize,
        grace_ms: u64,
    ) -> Result<Withdraw, Error> {
        let answer = self.run(&WITHDRAW, id.event(), |call| {
            call.arg(id.to_string()).arg(seats).arg(shards_max).arg(grace_ms);
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "WITHDRAWN" => Ok(Withdraw::Withdrawn { draws: answer.json(0)?, deadline_ms: answer.value(1)? }),
            "TOO_FEW" => Ok(Withdraw::TooFew(answer.seats(0)?)),
            "NOT_LOADED" => Ok(Withdraw::NotLoaded),
            _ => Err(answer.unknown("withdraw")),
        }
    }

    /// `expire.lua`: overdue holds of an event return their seats; `None` if there is no state.
    pub async fn expire(&self, event: EventId) -> Result<Option<Swept>, Error> {
        let answer = self.run(&EXPIRE, event, |_| Ok(())).await?;
        match answer.word() {
            "SWEPT" => Ok(Some(Swept {
                expired: answer.value(0)?,
                more: answer.value::<u8>(1)? == 1,
                event_version: answer.value(2)?,
                overdue: answer.json(3)?,
            })),
            "NOT_LOADED" => Ok(None),
            "DROPPED" => {
                tracing::error!(event_id = %event, "some of the event's keys were lost; all were dropped");
                Ok(None)
            }
            _ => Err(answer.unknown("expire")),
        }
    }

    /// `settle.lua`: a confirm that began was never committed; its seats return. Answers whether they did.
    pub async fn settle(&self, id: ReservationId, deadline_ms: i64) -> Result<bool, Error> {
        let answer = self.run(&SETTLE, id.event(), |call| {
            call.arg(id.to_string()).arg(deadline_ms);
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "SETTLED" => Ok(true),
            "CHANGED" => Ok(false),
            _ => Err(answer.unknown("settle")),
        }
    }

    /// `reconcile.lua`: holds an event's shards against what DynamoDB said after `seen` was read. `None` if the state is
    /// another one by now.
    pub async fn reconcile(
        &self,
        event: EventId,
        seen: &InventorySeen,
        inventory: &[InventoryShard],
        grace_ms: u64,
    ) -> Result<Option<Reconciled>, Error> {
        let shards: Vec<(u64, u64, u32)> = inventory
            .iter()
            .map(|shard| (seen.shard(shard.shard).applied, shard.version, shard.unsold))
            .collect();
        let mut call = RECONCILE.key(self.keys.state(event));
        call.arg(&seen.epoch).arg(json(&shards)?).arg(grace_ms);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "RECONCILED" => Ok(Some(Reconciled {
                repaired: answer.value(0)?,
                seats_too_many: answer.value(1)?,
                seats_too_few: answer.value(2)?,
                waiting: answer.value(3)?,
            })),
            "EPOCH_CHANGED" => Ok(None),
            _ => Err(answer.unknown("reconcile")),
        }
    }

    /// `unload.lua`: forgets an event whose sales are over. Answers whether it is forgotten.
    pub async fn unload(&self, event: EventId) -> Result<bool, Error> {
        let answer = self.run(&UNLOAD, event, |_| Ok(())).await?;
        match answer.word() {
            "UNLOADED" => Ok(true),
            "HOLDS_LEFT" => Ok(false),
            _ => Err(answer.unknown("unload")),
        }
    }

    /// Runs a script over the three keys of an event.
    async fn run(
        &self,
        script: &'static Script,
        event: EventId,
        arguments: impl FnOnce(&mut redis::ScriptInvocation<'static>) -> Result<(), Error>,
    ) -> Result<Answer, Error> {
        let mut call = script.key(self.keys.state(event));
        call.key(self.keys.deadlines(event)).key(self.keys.holds(event));
        arguments(&mut call)?;
        self.invoke(&call).await
    }

    async fn invoke(&self, call: &redis::ScriptInvocation<'_>) -> Result<Answer, Error> {
        let values: Vec<Value> =
            call.invoke_async(&mut self.connection.clone()).await.map_err(unavailable)?;
        Answer::new(values)
    }
}

/// The facts of an event that scripts go by, as `common.lua` lists them. All are strings: Lua's numbers would
/// not keep every digit.
fn facts(event: &Event) -> Result<String, Error> {
    let details = &event.details;
    let ms = |instant: Timestamp| instant.as_millisecond().to_string();
    json(&serde_json::json!({
        "name": details.name,
        "starts_at": ms(details.starts_at),
        "status": details.status.as_str(),
        "sales_open_at": details.sales_open_at.map_or_else(|| "0".to_owned(), ms),
        "sales_close_at": ms(event.sales_close_at()),
        "price": event.price.to_string(),
        "currency": details.currency.code(),
        "max_per_booking": details.max_per_booking.to_string(),
        "version": event.version.to_string(),
        "shards": event.shards.to_string(),
    }))
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

fn json(value: &(impl Serialize + ?Sized)) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Internal(Box::new(error)))
}
