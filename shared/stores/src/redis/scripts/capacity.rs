//! Seats come on sale again, or leave it.

use std::time::Duration;

use super::draws::{Drawn, drawn};
use crate::redis::Redis;
use domain::{
    error::Error,
    id::{AreaKey, ReservationId, UserId},
    inventory::Draw,
};

script!(RESTOCK, "lib/state.lua", "lib/rows.lua", "lib/seats.lua", "lib/sell.lua", "restock.lua");
script!(WITHDRAW, "lib/state.lua", "lib/rows.lua", "lib/seats.lua", "lib/withdraw.lua", "withdraw.lua");
script!(
    WITHDRAW_SEATS,
    "lib/state.lua",
    "lib/rows.lua",
    "lib/seats.lua",
    "lib/withdraw.lua",
    "withdraw_seats.lua"
);

/// How long a change that was taken in is remembered: far longer than a client library repeats a call.
const CHANGE_REMEMBERED: Duration = Duration::from_secs(600);

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

/// What `withdraw_seats.lua` answers.
#[derive(Debug)]
pub enum WithdrawSeats {
    /// They are out of sale until the deadline, as a hold.
    Withdrawn {
        /// When the janitor may settle the withdrawal, in ms.
        deadline_ms: i64,
    },
    /// These are not free: of each its row's place in the area, and its own in the row.
    InUse(Vec<(u16, u8)>),
    /// The state is missing: load the event and ask again.
    NotLoaded,
}

/// How much one withdrawal may take.
#[derive(Clone, Copy, Debug)]
pub struct WithdrawnAtOnce {
    /// From so many shards at most.
    pub shards: usize,
    /// Of so many seats of a row at most: each is part of a condition in DynamoDB.
    pub named_per_shard: u32,
}

impl WithdrawnAtOnce {
    /// No bounds: nothing of it is written to DynamoDB.
    pub const ALL: Self = Self { shards: usize::MAX >> 16, named_per_shard: u32::MAX };
}

/// From so many shards at most.
impl From<usize> for WithdrawnAtOnce {
    fn from(shards: usize) -> Self {
        Self { shards, ..Self::ALL }
    }
}

/// Whose booking was cancelled, or expired.
#[derive(Clone, Copy, Debug)]
pub struct Cancelled {
    /// The booking.
    pub id: ReservationId,
    /// The user.
    pub user: UserId,
    /// How many of its seats were pending.
    pub pending: u32,
    /// `None` if its seats count as bought.
    pub unbought: Option<Unbought>,
}

/// Seats that were given up so soon, or that nobody bought, so that they count as held and not bought.
#[derive(Clone, Copy, Debug)]
pub struct Unbought {
    /// Since when, ms since the Unix epoch.
    pub since_ms: i64,
    /// For how long at least, ms.
    pub least_ms: u64,
}

impl Redis {
    /// `restock.lua`: seats came back on sale in DynamoDB by that change. Answers whether Redis took them in; if not,
    /// the state is another one than that of `epoch`. `buyer` is whose booking was cancelled, if one was.
    pub async fn restock(
        &self,
        area: impl Into<AreaKey>,
        change: &str,
        epoch: &str,
        draws: &[Draw],
        cancelled: Option<Cancelled>,
    ) -> Result<bool, Error> {
        let area = area.into();
        let mut call = RESTOCK.key(self.keys.state(area));
        call.key(self.keys.restocked(area, change));
        call.key(self.keys.deadlines(area)).key(self.keys.holds(area));
        call.arg(epoch).arg(drawn(draws)?).arg(CHANGE_REMEMBERED.as_millis());
        let unbought = cancelled.and_then(|cancelled| cancelled.unbought);
        call.arg(cancelled.map(|cancelled| cancelled.user.to_string()).unwrap_or_default());
        call.arg(unbought.map(|unbought| unbought.since_ms.to_string()).unwrap_or_default());
        call.arg(unbought.map_or(0, |unbought| unbought.least_ms));
        call.arg(cancelled.map(|cancelled| cancelled.id.to_string()).unwrap_or_default());
        call.arg(cancelled.map_or(0, |cancelled| cancelled.pending));
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "RESTOCKED" => Ok(true),
            "EPOCH_CHANGED" => Ok(false),
            _ => Err(answer.unknown("restock")),
        }
    }

    /// `withdraw.lua`: draws free seats out of sale, as many at once as `bounds` have it.
    pub async fn withdraw(
        &self,
        id: ReservationId,
        seats: u32,
        bounds: impl Into<WithdrawnAtOnce>,
        grace_ms: u64,
    ) -> Result<Withdraw, Error> {
        let bounds = bounds.into();
        let answer = self.run(&WITHDRAW, id.area(), |call| {
            call.key(self.keys.ended_holds(id.area()));
            call.arg(id.to_string()).arg(seats).arg(bounds.shards).arg(grace_ms);
            call.arg(bounds.named_per_shard);
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "WITHDRAWN" => Ok(Withdraw::Withdrawn {
                draws: answer.json::<Drawn>(0)?.draws_of(id.area().number),
                deadline_ms: answer.value(1)?,
            }),
            "TOO_FEW" => Ok(Withdraw::TooFew(answer.seats(0)?)),
            "NOT_LOADED" => Ok(Withdraw::NotLoaded),
            _ => Err(answer.unknown("withdraw")),
        }
    }

    /// `withdraw_seats.lua`: draws these very seats out of sale.
    pub async fn withdraw_seats(
        &self,
        id: ReservationId,
        draws: &[Draw],
        grace_ms: u64,
    ) -> Result<WithdrawSeats, Error> {
        let answer = self.run(&WITHDRAW_SEATS, id.area(), |call| {
            call.key(self.keys.ended_holds(id.area()));
            call.arg(id.to_string()).arg(drawn(draws)?).arg(grace_ms);
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "WITHDRAWN" => Ok(WithdrawSeats::Withdrawn { deadline_ms: answer.value(0)? }),
            "IN_USE" => Ok(WithdrawSeats::InUse(answer.json(0)?)),
            "NOT_LOADED" => Ok(WithdrawSeats::NotLoaded),
            _ => Err(answer.unknown("withdraw_seats")),
        }
    }
}
