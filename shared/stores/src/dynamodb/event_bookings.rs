//! The bookings of one event, newest first: a merge over the buckets of the index `by_event`, each read no further than
//! the page needs.

use std::{cmp::Reverse, collections::VecDeque};

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use jiff::Timestamp;

use super::{
    Store,
    bookings::{BUCKETS_PER_EVENT, bucket_key, of_status},
    failed, number, readable, text,
};
use domain::{
    booking::{Booking, BookingStatus},
    error::Error,
    id::{EventId, ReservationId},
    page::{Page, PageKey, PageKeyPart},
};

/// Bookings read at once from a bucket, beyond its even share of the page: few pages then need a second read.
const SPARE_BOOKINGS: usize = 2;

/// A bucket, read as far as was needed.
struct Bucket {
    key: String,
    /// Read and not shown yet, newest first.
    read: VecDeque<Booking>,
    /// What is read of it: everything from this id on, `None` for nothing.
    read_to: Option<ReservationId>,
    /// Whether there is more.
    more: bool,
}

/// Whether a list of an event's bookings can go on at that place, which another release may have given to a client.
pub fn is_place_of_event_bookings(place: &PageKey) -> bool {
    place.len() == 1 && booking_at(place).is_some()
}

/// After which booking the list of an event's bookings goes on at that place.
pub fn booking_at(place: &PageKey) -> Option<ReservationId> {
    match place.get("id") {
        Some(PageKeyPart::S(id)) => id.parse().ok(),
        _ => None,
    }
}

impl Store {
    /// An event's bookings, those whose seats were held last first, at most `limit`, only those of these statuses if there are any.
    /// Those that can't be read are left out. The index lags behind the truth by a moment.
    pub async fn bookings_of_event(
        &self,
        event: EventId,
        statuses: &[BookingStatus],
        limit: usize,
        start: Option<PageKey>,
    ) -> Result<Page<Booking>, Error> {
        let after = start.as_ref().and_then(booking_at);
        let mut buckets: Vec<Bucket> = (0..BUCKETS_PER_EVENT)
            .map(|bucket| Bucket {
                key: bucket_key(event, bucket),
                read: VecDeque::new(),
                read_to: after,
                more: true,
            })
            .collect();
        let limits = self.page_limits;
        let even_share = limit.div_ceil(buckets.len()) + SPARE_BOOKINGS;
        let at_once = if !statuses.is_empty() { even_share.max(limits.bucket_items_min) } else { even_share };

        let mut reads = 0;
        let mut items: Vec<Booking> = Vec::with_capacity(limit + 1);
        // One more than asked for tells whether there is a next page.
        while items.len() <= limit {
            // As long as a bucket may have something newer than what the others have, nothing can be shown.
            let hungry: Vec<&mut Bucket> =
                buckets.iter_mut().filter(|bucket| bucket.read.is_empty() && bucket.more).collect();
            if !hungry.is_empty() {
                if reads >= limits.bucket_reads_max {
                    // Up to here all buckets are read.
                    let place = hungry.iter().filter_map(|bucket| bucket.read_to).max();
                    items.extend(newer_than(place, buckets));
                    let more = items.len() > limit;
                    items.truncate(limit);
                    let place = if more { items.last().map(|last| last.id) } else { place };
                    return Ok(Page { items, next: place.map(place_after) });
                }
                reads += hungry.len();
                try_join_all(hungry.into_iter().map(|bucket| self.read_on(bucket, statuses, at_once)))
                    .await?;
                continue;
            }
            let newest = buckets
                .iter_mut()
                .filter(|bucket| !bucket.read.is_empty())
                .min_by_key(|bucket| Reverse(bucket.read.front().map(|booking| booking.id)));
            match newest.and_then(|bucket| bucket.read.pop_front()) {
                Some(booking) => items.push(booking),
                None => break,
            }
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| place_after(last.id));
        Ok(Page { items, next })
    }

    /// The bookings of an event that were made, or became of another status, after that time, in no order: all of them are read for that. Those
    /// that can't be read are left out. The index lags behind the truth by a moment.
    pub async fn bookings_changed_since(
        &self,
        event: EventId,
        since: Timestamp,
    ) -> Result<Vec<Booking>, Error> {
        let of_bucket = |bucket| async move {
            self.client
                .query()
                .table_name(&self.tables.bookings)
                .index_name("by_event")
                .key_condition_expression("event_bucket = :bucket")
                .filter_expression(
                    "created_at > :since OR confirmed_at > :since OR cancelled_at > :since OR expired_at > :since",
                )
                .expression_attribute_values(":bucket", text(bucket_key(event, bucket)))
                .expression_attribute_values(":since", number(since.as_millisecond()))
                .into_paginator()
                .items()
                .send()
                .collect::<Result<Vec<_>, _>>()
                .await
                .map_err(failed)
        };
        let found = try_join_all((0..BUCKETS_PER_EVENT).map(of_bucket)).await?;
        Ok(found.into_iter().flatten().filter_map(readable).collect())
    }

    async fn read_on(
        &self,
        bucket: &mut Bucket,
        statuses: &[BookingStatus],
        at_once: usize,
    ) -> Result<(), Error> {
        let mut query = self
            .client
            .query()
            .table_name(&self.tables.bookings)
            .index_name("by_event")
            .expression_attribute_values(":bucket", text(&bucket.key))
            .scan_index_forward(false)
            .limit(i32::try_from(at_once).unwrap_or(i32::MAX));
        query = match bucket.read_to {
            None => query.key_condition_expression("event_bucket = :bucket"),
            Some(id) => query
                .key_condition_expression("event_bucket = :bucket AND id < :read_to")
                .expression_attribute_values(":read_to", text(id)),
        };
        let read = of_status(query, statuses).send().await.map_err(failed)?;
        bucket.read.extend(read.items.unwrap_or_default().into_iter().filter_map(readable::<Booking>));
        let last = read.last_evaluated_key.as_ref().and_then(|key| key.get("id"));
        match last.map(AttributeValue::as_s) {
            None => bucket.more = false,
            Some(id) => {
                let id = id.ok().and_then(|id| id.parse().ok());
                bucket.read_to =
                    Some(id.ok_or_else(|| Error::Internal("a booking without an id in the index".into()))?);
            }
        }
        Ok(())
    }
}

/// What is read and newer than that, newest first.
fn newer_than(place: Option<ReservationId>, buckets: Vec<Bucket>) -> Vec<Booking> {
    let read = buckets.into_iter().flat_map(|bucket| bucket.read);
    let mut newer: Vec<Booking> = read.filter(|booking| Some(booking.id) > place).collect();
    newer.sort_unstable_by_key(|booking| Reverse(booking.id));
    newer
}

/// Where the list of an event's bookings goes on after that one.
pub fn place_after(id: ReservationId) -> PageKey {
    PageKey::from([("id".to_owned(), PageKeyPart::S(id.to_string()))])
}
