//! A user's history: bookings, the last confirmed first.
//!
//! A booking has its reservation's id, which begins with the time when the seats were held. They were confirmed after that, by
//! the longest life of a hold at the latest. So the history is read by id, newest first, and a booking is in its place once
//! everything was read that may have been confirmed after it: there needs to be no index by confirmation.

use std::cmp::Reverse;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Item, Store, bookings::of_status, failed, from_item, readable, text};
use domain::{
    booking::{Booking, BookingStatus},
    error::Error,
    id::{EventId, ReservationId, UserId},
    reservation::HOLD_TTL_SECONDS_MAX,
    time::from_ms,
};

/// Seats were confirmed so long after they were held at most: the longest life of a hold that may be set, and an hour for
/// confirms that are repeated to the end and for clocks that differ.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_secs(HOLD_TTL_SECONDS_MAX.cast_signed() + 3_600);
/// By so much the clock of who confirmed may be behind that of who held.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// Items read beyond those of a page: what was held on the day of the last one is mostly among them.
const READ_AHEAD_ITEMS: usize = 20;

/// A part of a history.
#[derive(Debug)]
pub struct History {
    /// The bookings, the last confirmed first.
    pub items: Vec<Booking>,
    /// Where the next part starts, if there is one.
    pub next: Option<HistoryPlace>,
}

/// A booking's place in the history: by confirmation, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HistoryPlace {
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    confirmed_at: Timestamp,
    id: Uuid,
}

impl HistoryPlace {
    /// Behind that booking.
    pub fn of(booking: &Booking) -> Self {
        Self { confirmed_at: booking.created_at, id: booking.id.as_uuid() }
    }

    /// Behind all that was confirmed then or later.
    fn behind(confirmed_at: Timestamp) -> Self {
        Self { confirmed_at, id: Uuid::nil() }
    }
}

impl Store {
    /// A user's bookings from behind `after` on, at most `limit`, only those of these statuses if there are any, without those that can't
    /// be read.
    pub async fn bookings_of_user(
        &self,
        user: UserId,
        statuses: &[BookingStatus],
        limit: usize,
        after: Option<HistoryPlace>,
    ) -> Result<History, Error> {
        let limits = self.page_limits;
        let query = self.history(user, statuses, after);
        let read_items = limit + READ_AHEAD_ITEMS;
        let read_items =
            if !statuses.is_empty() { limits.read_items_min.max(read_items) } else { read_items };
        let query = query.limit(i32::try_from(read_items).unwrap_or(i32::MAX));
        let mut found: Vec<Booking> = Vec::new();
        let mut start: Option<Item> = None;
        for queries in 1.. {
            let read = query.clone().set_exclusive_start_key(start).send().await.map_err(failed)?;
            found.extend(read.items.unwrap_or_default().into_iter().filter_map(readable::<Booking>));
            found.retain(|booking| after.is_none_or(|after| HistoryPlace::of(booking) < after));
            found.sort_unstable_by_key(|booking| Reverse(HistoryPlace::of(booking)));
            let Some(last_read) = read.last_evaluated_key else { break };
            // What was not read yet was held before, so it was confirmed before this.
            let complete_from = held_at(&last_read)? + LONGEST_LIFE;
            let complete = found.partition_point(|booking| booking.created_at >= complete_from);
            if complete > limit {
                break;
            }
            if queries >= limits.queries_max && after.is_none_or(|after| complete_from < after.confirmed_at) {
                found.truncate(complete);
                return Ok(History { items: found, next: Some(HistoryPlace::behind(complete_from)) });
            }
            start = Some(last_read);
        }
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_more).map(HistoryPlace::of);
        Ok(History { items: found, next })
    }

    /// All of a user's bookings that have seats, also those of events that are over.
    pub async fn bookings_with_seats(&self, user: UserId) -> Result<Vec<Booking>, Error> {
        let pages = self.history(user, &BookingStatus::WITH_SEATS, None).into_paginator();
        let items = pages.items().send().collect::<Result<Vec<_>, _>>().await.map_err(failed)?;
        items.into_iter().map(from_item).collect()
    }

    /// A user's bookings of one event, newest first, only those of these statuses if there are any.
    pub async fn bookings_of_user_at(
        &self,
        user: UserId,
        event: EventId,
        statuses: &[BookingStatus],
    ) -> Result<Vec<Booking>, Error> {
        // Ids are by time, not by event: all that the user ever booked is read, which is not much.
        let pages = self.history(user, statuses, None).into_paginator();
        let items = pages.items().send().collect::<Result<Vec<_>, _>>().await.map_err(failed)?;
        let bookings = items.into_iter().filter_map(readable::<Booking>);
        Ok(bookings.filter(|booking| booking.event_id == event).collect())
    }

    fn history(
        &self,
        user: UserId,
        statuses: &[BookingStatus],
        after: Option<HistoryPlace>,
    ) -> QueryFluentBuilder {
        // What was held later than that was confirmed later, too.
        let until = after.map_or(Timestamp::MAX, |after| after.confirmed_at + CLOCKS_DIFFER);
        let query = self
            .client
            .query()
            .table_name(&self.tables.bookings)
            .key_condition_expression("user_id = :user AND id <= :until")
            .expression_attribute_values(":user", text(user))
            .expression_attribute_values(":until", text(ReservationId::last_at(until)))
            .scan_index_forward(false)
            .consistent_read(true);
        of_status(query, statuses)
    }
}

/// When the seats of the booking with that key were held.
fn held_at(key: &Item) -> Result<Timestamp, Error> {
    let id = key.get("id").and_then(|id| id.as_s().ok()).and_then(|id| id.parse::<ReservationId>().ok());
    let id = id.ok_or_else(|| Error::Internal("a booking without an id".into()))?;
    Ok(from_ms(id.held_at_ms()))
}
