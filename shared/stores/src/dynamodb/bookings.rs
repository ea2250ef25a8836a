//! Bookings. Key: `user_id`, `id` (a user's history is one strongly consistent query, see [`super::history`]). Index
//! `by_event`: `event_bucket` = `<event id>#<bucket>`, `id`; the buckets spread a hot event's writes. Pending ones are in an index of
//! their own besides ([`super::pending`]).

use std::str::FromStr;

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{CancellationReason, Put, TransactWriteItem, Update},
};
use jiff::Timestamp;

use super::{
    Item, Store, failed, from_item, number,
    pending::due,
    taken::taken_in,
    text, to_item,
    transaction::{Transacted, condition_failed},
};
use domain::{
    booking::{Booking, BookingStatus},
    error::Error,
    id::{EventId, ReservationId, UserId},
    inventory::Refused,
};

/// Partitions that one event's bookings are spread over in the index.
pub(super) const BUCKETS_PER_EVENT: u128 = 16;

/// How a commit ended.
#[derive(Debug)]
pub enum CommitOutcome {
    /// The booking is made.
    Committed,
    /// A booking of that id exists, of whatever status: this confirm came before, or another.
    AlreadyBooked,
    /// At least one shard has too few seats left. Nothing was written.
    Refused(Vec<Refused>),
    /// The event was cancelled. Nothing was written.
    Closed,
    /// The user would have more seats of the event than one user may. Nothing was written.
    UserLimit {
        /// Seats that the user has bought and not cancelled.
        bought: u32,
    },
}

/// How a cancel ended.
#[derive(Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// The booking is cancelled and its seats are back on its shards.
    Cancelled,
    /// It is not confirmed, mostly because it was cancelled before.
    NotConfirmed,
}

impl Store {
    /// A user's booking, read with strong consistency.
    pub async fn booking(&self, user: UserId, id: ReservationId) -> Result<Option<Booking>, Error> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.bookings)
            .key("user_id", text(user))
            .key("id", text(id))
            .consistent_read(true)
            .send()
            .await
            .map_err(failed)?;
        found.item.map(from_item).transpose()
    }

    /// Makes the booking and sells its seats, or takes them for one that is pending, all or nothing, unless the user would have more
    /// than `max_per_user` of them. This alone decides what is sold.
    pub async fn commit_booking(&self, booking: &Booking, max_per_user: u32) -> Result<CommitOutcome, Error> {
        let mut items = vec![self.put_booking(booking)?];
        for (index, (draw, charge)) in booking.draws.iter().zip(booking.counted()).enumerate() {
            items.push(match booking.status {
                BookingStatus::Pending => self.take(booking, *draw)?,
                _ => self.sell(booking, *draw, &charge, index == 0)?,
            });
        }
        items.push(self.count_bought(booking, max_per_user)?);
        match self.transact(items).await? {
            Transacted::Committed => Ok(CommitOutcome::Committed),
            Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => {
                Ok(CommitOutcome::AlreadyBooked)
            }
            Transacted::Refused(reasons)
                if reasons.iter().filter_map(CancellationReason::item).any(is_closed) =>
            {
                Ok(CommitOutcome::Closed)
            }
            Transacted::Refused(reasons) if reasons.last().is_some_and(condition_failed) => {
                Ok(CommitOutcome::UserLimit {
                    bought: number_in(reasons.last().and_then(|last| last.item()), "seats"),
                })
            }
            Transacted::Refused(reasons) => Ok(CommitOutcome::Refused(
                booking
                    .draws
                    .iter()
                    .zip(&reasons[1..])
                    .filter(|(_, reason)| condition_failed(reason))
                    .map(|(draw, reason)| Refused {
                        shard: draw.shard,
                        unsold: number_in(reason.item(), "unsold"),
                        version: number_in(reason.item(), "version"),
                        taken: reason.item().map(taken_in).unwrap_or_default().and(&draw.named),
                    })
                    .collect(),
            )),
        }
    }

    /// Cancels a confirmed booking and takes its seats back, all or nothing.
    pub async fn cancel_booking(&self, booking: &Booking, now: Timestamp) -> Result<CancelOutcome, Error> {
        let cancel = Update::builder()
            .table_name(&self.tables.bookings)
            .key("user_id", text(booking.user_id))
            .key("id", text(booking.id))
            .update_expression("SET #status = :cancelled, cancelled_at = :now, version = version + :one")
            .condition_expression("#status = :confirmed")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":cancelled", text(BookingStatus::Cancelled.as_str()))
            .expression_attribute_values(":confirmed", text(BookingStatus::Confirmed.as_str()))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let mut items = vec![TransactWriteItem::builder().update(cancel).build()];
        for (index, (draw, charge)) in booking.draws.iter().zip(booking.counted()).enumerate() {
            items.push(self.take_back(booking, *draw, &charge, index == 0, now)?);
        }
        items.push(self.count_cancelled(booking)?);
        match self.transact(items).await? {
            Transacted::Committed => Ok(CancelOutcome::Cancelled),
            Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => {
                Ok(CancelOutcome::NotConfirmed)
            }
            Transacted::Refused(_) => {
                Err(Error::Internal(format!("booking {} has seats that were never sold", booking.id).into()))
            }
        }
    }

    fn put_booking(&self, booking: &Booking) -> Result<TransactWriteItem, Error> {
        let mut item = to_item(booking)?;
        item.insert("event_bucket".to_owned(), text(event_bucket(booking.event_id, booking.id)));
        item.extend(due(booking));
        Put::builder()
            .table_name(&self.tables.bookings)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .map(|put| TransactWriteItem::builder().put(put).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }
}

/// Only those of one of these statuses; if there is none, those of any.
pub(super) fn of_status(query: QueryFluentBuilder, statuses: &[BookingStatus]) -> QueryFluentBuilder {
    if statuses.is_empty() {
        return query;
    }
    let names: Vec<String> = statuses.iter().map(|status| format!(":{}", status.as_str())).collect();
    let values = names.iter().zip(statuses).map(|(name, status)| (name.clone(), text(status.as_str())));
    let query = values.fold(query, |query, (name, value)| query.expression_attribute_values(name, value));
    query
        .filter_expression(format!("#status IN ({})", names.join(", ")))
        .expression_attribute_names("#status", "status")
}

fn is_closed(shard: &Item) -> bool {
    shard.contains_key("closed")
}

fn event_bucket(event: EventId, booking: ReservationId) -> String {
    // A reservation id's lowest bits are random.
    bucket_key(event, booking.as_uuid().as_u128() % BUCKETS_PER_EVENT)
}

pub(super) fn bucket_key(event: EventId, bucket: u128) -> String {
    format!("{event}#{bucket}")
}

/// A number of a shard as it was when it refused.
fn number_in<T: FromStr + Default>(shard: Option<&Item>, name: &str) -> T {
    let value = shard.and_then(|shard| shard.get(name)).and_then(|value| value.as_n().ok());
    value.and_then(|number| number.parse().ok()).unwrap_or_default()
}
