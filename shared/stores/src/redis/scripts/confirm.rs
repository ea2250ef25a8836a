//! A confirm, in its order: begin, finish; and what happens in between if something goes wrong.

use jiff::Timestamp;
use serde::Deserialize;

use super::{
    draws::{Drawn, drawn},
    hold::{area_named, too_few},
    json,
};
use crate::redis::{Redis, facts::event_now};
use domain::{
    booking::Booking,
    error::{Error, GaveUp},
    event::NotOnSale,
    id::{ReservationId, UserId},
    inventory::{Draw, Refused, place_of_shard},
    rate::Line,
    reservation::{BegunHold, CONFIRMING_GRACES_MAX},
};

script!(BEGIN, "lib/state.lua", "lib/rows.lua", "lib/seats.lua", "begin.lua");
script!(UNBEGIN, "lib/state.lua", "lib/rows.lua", "lib/seats.lua", "unbegin.lua");
script!(FINISH, "lib/state.lua", "lib/rows.lua", "lib/seats.lua", "lib/sell.lua", "finish.lua");
script!(REDRAW, "lib/state.lua", "lib/rows.lua", "lib/seats.lua", "lib/draw.lua", "redraw.lua");

/// What `begin.lua` answers when it does not refuse.
#[expect(clippy::large_enum_variant, reason = "a confirm makes one and takes it apart at once")]
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

impl Redis {
    /// `begin.lua`: a confirm begins.
    pub async fn begin(&self, id: ReservationId, user: UserId, grace_ms: u64) -> Result<Begin, Error> {
        #[derive(Deserialize)]
        struct Hold {
            quantity: u32,
            #[serde(default)]
            seats: Vec<String>,
            unit_price: Option<u32>,
            #[serde(default)]
            lines: Vec<Line>,
            draws: Drawn,
            /// A hold that an older release made does not say.
            #[serde(default)]
            most: u32,
            begins: u32,
            /// Nor does one whose confirm an older release began.
            #[serde(default)]
            first: u32,
        }
        let answer = self.run(&BEGIN, id.area(), |call| {
            call.arg(id.to_string()).arg(user.to_string()).arg(grace_ms);
            call.arg(grace_ms * CONFIRMING_GRACES_MAX);
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "UNREADABLE" => Err(Error::GaveUp(GaveUp::LosingState)),
            "BEGUN" => {
                let hold: Hold = answer.kept_json(0)?;
                let (event_name, starts_at) = (answer.value::<String>(1)?, answer.time(2)?);
                let (venue, status, cancel_until) = (answer.value(5)?, answer.value(6)?, answer.value(7)?);
                let event = event_now(event_name.clone(), starts_at, venue, status, cancel_until);
                Ok(Begin::Begun(BegunHold {
                    id,
                    quantity: hold.quantity,
                    seats: hold.seats,
                    unit_price: hold.unit_price,
                    lines: hold.lines,
                    draws: hold.draws.draws_of(id.area().number),
                    event_name,
                    starts_at,
                    area: area_named(answer.value(8)?, answer.value(9)?),
                    currency: answer.value(3)?,
                    // What was granted may be bought, whatever an admin allows by now.
                    max_per_user: answer.value::<Option<u32>>(4)?.unwrap_or(u32::MAX).max(hold.most),
                    event,
                    begins: hold.begins,
                    is_first: hold.first == hold.begins,
                }))
            }
            "NO_HOLD" | "EXPIRED" => Ok(Begin::NoHold),
            "NOT_YOURS" => Err(Error::ReservationNotFound),
            "CANCELLED" => Err(Error::NotOnSale(NotOnSale::Cancelled)),
            "DRAFT" => Err(Error::NotOnSale(NotOnSale::Draft)),
            _ => Err(answer.unknown("begin")),
        }
    }

    /// `unbegin.lua`: a confirm was refused right after it had begun, as the hold's `begins`-th. Answers whether the hold is
    /// as it was before.
    pub async fn unbegin(&self, id: ReservationId, begins: u32) -> Result<bool, Error> {
        let answer = self.run(&UNBEGIN, id.area(), |call| {
            call.arg(id.to_string()).arg(begins);
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "UNBEGUN" => Ok(true),
            "CHANGED" => Ok(false),
            _ => Err(answer.unknown("unbegin")),
        }
    }

    /// A booking is committed: its hold goes, as [`Self::finish`] says.
    pub async fn finish_booking(&self, booking: &Booking) -> Result<bool, Error> {
        let pending_until = booking.expires_at.filter(|_| booking.status.is_undecided());
        self.finish(booking.id, Some(&booking.draws), pending_until).await
    }

    /// `finish.lua`: a commit is done, its hold goes. Answers whether there was one with the same draws; without
    /// draws, as for a withdrawal, any are the same. What was committed may be pending until then.
    pub async fn finish(
        &self,
        id: ReservationId,
        committed: Option<&[Draw]>,
        pending_until: Option<Timestamp>,
    ) -> Result<bool, Error> {
        let committed = committed.map(drawn).transpose()?.unwrap_or_default();
        let pending_until = pending_until.map_or(0, Timestamp::as_millisecond);
        let answer = self.run(&FINISH, id.area(), |call| {
            call.arg(id.to_string()).arg(committed).arg(pending_until);
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
        let refused: Vec<_> = refused
            .iter()
            .map(|shard| (place_of_shard(shard.shard).1, shard.unsold, shard.version))
            .collect();
        let answer = self.run(&REDRAW, hold.id.area(), |call| {
            call.key(self.keys.ended_holds(hold.id.area()));
            call.arg(hold.id.to_string()).arg(drawn(&hold.draws)?).arg(json(&refused)?).arg(grace_ms);
            call.arg(fastrand::u16(..)).arg(user.to_string()).arg(hold.quantity);
            call.arg(hold.unit_price.map(|price| price.to_string()).unwrap_or_default());
            call.arg(if hold.lines.is_empty() { String::new() } else { json(&hold.lines)? });
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "REDRAWN" => Ok(Redraw::Redrawn(answer.json::<Drawn>(0)?.draws_of(hold.id.area().number))),
            "CHANGED" => Ok(Redraw::Changed),
            "EXPIRED" => Err(Error::ReservationExpired),
            "ALL_HELD" | "SOLD_OUT" => Err(too_few(&answer)?),
            _ => Err(answer.unknown("redraw")),
        }
    }
}
