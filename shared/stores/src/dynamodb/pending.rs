//! Pending bookings: their seats are taken, and not sold yet. What is to be looked at is found by the index `by_due`, in which only
//! such bookings stand: `due_bucket` (a random one of 16, which spreads the writes), `due_at` in ms.
//!
//! A seat moves back here only by whoever has read Redis' epoch before, and only as long as the booking is what the condition says:
//! so a repeated or late word finds it decided, and touches nothing.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, TransactWriteItem, Update, builders::UpdateBuilder},
};
use futures::future::try_join_all;
use jiff::Timestamp;

use super::{
    Item, Store, failed, number, text,
    transaction::{Transacted, condition_failed},
    was_written,
};
use domain::{
    booking::{Booking, BookingStatus, Outside},
    error::Error,
    id::{ReservationId, UserId},
    time::from_ms,
};

/// Partitions of the index.
const BUCKETS: u8 = 16;

/// A booking that somebody has to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueBooking {
    /// Whose it is.
    pub user: UserId,
    /// The booking.
    pub id: ReservationId,
    /// Since when.
    pub at: Timestamp,
}

/// Why a pending booking ends without being sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its time is over. One whose time was extended meanwhile goes on.
    TimeOver,
    /// Its user gave it up, or its event was cancelled.
    GivenUp,
    /// It is closing, and the outside has said that nothing was paid; or that it was, but it is void.
    Answered,
}

impl Ending {
    /// What must be so for the booking to expire. An attempt to pay opens only while it is pending: if none was, none can follow.
    fn condition(self) -> &'static str {
        match self {
            Self::TimeOver => {
                "#status = :pending AND attribute_not_exists(attempt) AND expires_at = :expires_at"
            }
            Self::GivenUp => "#status = :pending AND attribute_not_exists(attempt)",
            Self::Answered => {
                "#status IN (:pending, :closing) AND (outside = :none OR (outside = :paid AND attribute_exists(#void)))"
            }
        }
    }
}

/// The attributes by which a booking is found once it is due.
pub(super) fn due(booking: &Booking) -> impl Iterator<Item = (String, AttributeValue)> {
    let at = booking.expires_at.filter(|_| booking.status == BookingStatus::Pending);
    let due =
        at.map(|at| [("due_bucket", text(bucket(booking.id))), ("due_at", number(at.as_millisecond()))]);
    due.into_iter().flatten().map(|(name, value)| (name.to_owned(), value))
}

fn bucket(id: ReservationId) -> u8 {
    // A reservation id's lowest bits are random.
    id.as_uuid().as_bytes()[15] % BUCKETS
}

impl Store {
    /// Sells the seats of a pending or closing booking, all or nothing; answers whether it did, or the booking is another by now.
    /// No seat moves for Redis, so that the shards' versions stay.
    pub async fn confirm_pending(&self, booking: &Booking, now: Timestamp) -> Result<bool, Error> {
        let sold = Booking { confirmed_at: Some(now), ..booking.clone() };
        let update = self
            .decide(booking, BookingStatus::Confirmed, "confirmed_at", now)
            .condition_expression("#status IN (:pending, :closing) AND attribute_not_exists(#void)")
            .expression_attribute_names("#void", "void")
            .expression_attribute_values(":closing", text(BookingStatus::Closing.as_str()));
        let mut items = vec![built(update)?];
        for (index, (draw, charge)) in sold.draws.iter().zip(sold.counted()).enumerate() {
            items.push(self.sell_taken(&sold, *draw, &charge, index == 0)?);
        }
        self.decided(booking, items).await
    }

    /// Ends a pending or closing booking, and takes its seats back, all or nothing; answers whether it did, or the booking is
    /// another by now.
    pub async fn expire_pending(
        &self,
        booking: &Booking,
        ending: Ending,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let update = self.decide(booking, BookingStatus::Expired, "expired_at", now);
        let update = match (ending, booking.expires_at) {
            (Ending::TimeOver, Some(at)) => {
                update.expression_attribute_values(":expires_at", number(at.as_millisecond()))
            }
            (Ending::TimeOver, None) => return Ok(false),
            (Ending::GivenUp, _) => update,
            (Ending::Answered, _) => update
                .expression_attribute_names("#void", "void")
                .expression_attribute_values(":closing", text(BookingStatus::Closing.as_str()))
                .expression_attribute_values(":none", text(Outside::None.as_str()))
                .expression_attribute_values(":paid", text(Outside::Paid.as_str())),
        };
        let mut items = vec![built(update.condition_expression(ending.condition()))?];
        for draw in &booking.draws {
            items.push(self.give_back(booking, *draw)?);
        }
        items.push(self.count_cancelled(booking)?);
        self.decided(booking, items).await
    }

    fn decide(&self, booking: &Booking, becomes: BookingStatus, time: &str, now: Timestamp) -> UpdateBuilder {
        Update::builder()
            .table_name(&self.tables.bookings)
            .key("user_id", text(booking.user_id))
            .key("id", text(booking.id))
            .update_expression(format!(
                "SET #status = :becomes, {time} = :now, version = version + :one REMOVE due_bucket, due_at"
            ))
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":becomes", text(becomes.as_str()))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":pending", text(BookingStatus::Pending.as_str()))
    }

    async fn decided(&self, booking: &Booking, items: Vec<TransactWriteItem>) -> Result<bool, Error> {
        match self.transact(items).await? {
            Transacted::Committed => Ok(true),
            Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => Ok(false),
            Transacted::Refused(_) => {
                Err(Error::Internal(format!("booking {} has seats that were never taken", booking.id).into()))
            }
        }
    }

    /// Closes a pending booking, so that no attempt to pay opens any more; what the outside says of those that are open decides.
    /// With `TimeOver` one whose time was extended meanwhile stays, and one on which the outside has said something stays for that.
    /// Answers whether it was pending, and is closed now. Who writes the outside's word says that it is due again.
    pub async fn close_pending(&self, booking: &Booking, ending: Ending) -> Result<bool, Error> {
        let close = self.close(booking, "");
        let close = match (ending, booking.expires_at) {
            (Ending::TimeOver, Some(at)) => close
                .condition_expression(
                    "#status = :pending AND attribute_not_exists(outside) AND expires_at = :expires_at",
                )
                .expression_attribute_values(":expires_at", number(at.as_millisecond())),
            _ => close.condition_expression("#status = :pending AND attribute_not_exists(outside)"),
        };
        was_written(close.send().await)
    }

    /// Closes a pending booking of an event that was cancelled, or marks one that is closing or on which the outside has said
    /// something: even if it was paid, it is not confirmed.
    pub async fn void_pending(&self, booking: &Booking) -> Result<(), Error> {
        let void = AttributeValue::Bool(true);
        let close = self
            .close(booking, ", #void = :void")
            .condition_expression("#status = :pending AND attribute_not_exists(outside)")
            .expression_attribute_names("#void", "void")
            .expression_attribute_values(":void", void.clone());
        if was_written(close.send().await)? {
            return Ok(());
        }
        let mark = self
            .change(booking, "SET #void = :void")
            .condition_expression("#status IN (:pending, :closing)")
            .expression_attribute_names("#void", "void")
            .expression_attribute_values(":void", void);
        was_written(mark.send().await).map(|_| ())
    }

    fn close(&self, booking: &Booking, also: &str) -> UpdateItemFluentBuilder {
        let close =
            format!("SET #status = :closing, version = version + :one{also} REMOVE due_bucket, due_at");
        self.change(booking, &close).expression_attribute_values(":one", number(1))
    }

    fn change(&self, booking: &Booking, change: &str) -> UpdateItemFluentBuilder {
        let update = self.client.update_item().table_name(&self.tables.bookings);
        update
            .key("user_id", text(booking.user_id))
            .key("id", text(booking.id))
            .update_expression(change)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":pending", text(BookingStatus::Pending.as_str()))
            .expression_attribute_values(":closing", text(BookingStatus::Closing.as_str()))
    }

    /// Bookings that are due, at most so many of each of the index' parts, and whether there may be more. Those that are decided by
    /// now may be among them: the index lags behind. It never proves that there is none.
    pub async fn due_bookings(&self, now: Timestamp, most: i32) -> Result<(Vec<DueBooking>, bool), Error> {
        let parts = (0..BUCKETS).map(|bucket| {
            self.client
                .query()
                .table_name(&self.tables.bookings)
                .index_name("by_due")
                .key_condition_expression("due_bucket = :bucket AND due_at <= :now")
                .expression_attribute_values(":bucket", text(bucket))
                .expression_attribute_values(":now", number(now.as_millisecond()))
                .limit(most)
                .send()
        });
        let parts = try_join_all(parts).await.map_err(failed)?;
        let more = parts.iter().any(|part| part.last_evaluated_key.is_some());
        let keys = parts.into_iter().flat_map(|part| part.items.unwrap_or_default());
        Ok((keys.filter_map(|key| due_in(&key)).collect(), more))
    }
}

fn due_in(item: &Item) -> Option<DueBooking> {
    let of = |name: &str| item.get(name)?.as_s().ok();
    let at = item.get("due_at")?.as_n().ok()?.parse().ok()?;
    Some(DueBooking { user: of("user_id")?.parse().ok()?, id: of("id")?.parse().ok()?, at: from_ms(at) })
}

fn built(update: UpdateBuilder) -> Result<TransactWriteItem, Error> {
    update
        .build()
        .map(|update| TransactWriteItem::builder().update(update).build())
        .map_err(|error| Error::Internal(Box::new(error)))
}
