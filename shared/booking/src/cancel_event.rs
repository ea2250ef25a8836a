//! Cancel an event: it goes off sale at once, and then each of its bookings is cancelled, page by page, by whoever comes next.
//!
//! First the event is written, so that Redis lets no one begin. Whoever has begun before may still commit: so each shard is
//! closed, which the transaction of a commit looks at. From then on what is sold, or pending, only gets less. A pending booking expires,
//! or closes and is void: it is not confirmed, even if it was paid. The index that lists the bookings
//! lags behind, so its end proves nothing: the end is when the shards, closed, and read with strong consistency, have nothing sold and nothing pending.
//! Whoever breaks off anywhere leaves an event that says that it is being cancelled, and the janitor goes on. `tools/model` visits all
//! orders of that (`src/cancelled`).

use std::collections::HashMap;

use domain::{
    audit::{Actor, AuditEntry},
    booking::{Booking, BookingStatus},
    error::{Error, GaveUp},
    event::{Cancellation, Event, EventDetails, EventStatus},
    id::{AreaKey, EventId},
    inventory::InventoryShard,
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use jobs::Budget;
use stores::dynamodb::CancelOutcome;

use crate::{Protocol, audit, cancel::cancel_with_event, pending::void};

/// Tries of one cancellation: the event may change meanwhile.
const TRIES_MAX: usize = 8;
/// Bookings in a page.
const PAGE: usize = 200;
const AT_ONCE: usize = 16;

/// How far the cancellation of an event has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancellationProgress {
    /// What was decided, and whether all is done.
    pub cancellation: Cancellation,
    /// Its bookings that were cancelled, by their owners before it, too.
    pub bookings_cancelled: u64,
    /// Its bookings that are still to be cancelled.
    pub bookings_left: u64,
    /// Their seats, and those of pending bookings.
    pub places_left: u64,
}

impl CancellationProgress {
    /// Of an event with these shards; `None` if it is not being cancelled, and never was.
    pub fn of(event: &Event, inventory: &[InventoryShard]) -> Option<Self> {
        let sum =
            |count: fn(&InventoryShard) -> u32| inventory.iter().map(|shard| u64::from(count(shard))).sum();
        let (made, bookings_cancelled): (u64, u64) =
            (sum(|shard| shard.bookings), sum(|shard| shard.cancelled_bookings));
        Some(Self {
            cancellation: event.cancellation.clone()?,
            bookings_cancelled,
            bookings_left: made.saturating_sub(bookings_cancelled),
            places_left: sum(|shard| shard.sold + shard.pending),
        })
    }
}

/// Cancels an event that is still at `expected` version, whatever is sold of it. Doing it again answers how far it is.
pub async fn cancel_event(
    protocol: &Protocol,
    id: EventId,
    expected: impl Fn(&Event) -> bool,
    reason: String,
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<(Event, CancellationProgress), Error> {
    for _ in 0..TRIES_MAX {
        let event = protocol.store.event(id).await?.ok_or(Error::EventNotFound)?;
        if let Some(progress) = progress_of(protocol, &event).await? {
            return Ok((event, progress));
        }
        if !expected(&event) {
            return Err(Error::StaleVersion { current: event.version });
        }
        begin(protocol, &event, &reason, by, now).await?;
    }
    Err(Error::GaveUp(GaveUp::ChangingEvent))
}

/// How far the cancellation of an event has come; `None` if it was not cancelled, or by a release that left its bookings as they
/// were.
pub async fn cancellation(
    protocol: &Protocol,
    id: EventId,
) -> Result<(Event, Option<CancellationProgress>), Error> {
    let event = protocol.store.event(id).await?.ok_or(Error::EventNotFound)?;
    let progress = progress_of(protocol, &event).await?;
    Ok((event, progress))
}

async fn progress_of(protocol: &Protocol, event: &Event) -> Result<Option<CancellationProgress>, Error> {
    if event.cancellation.is_none() {
        return Ok(None);
    }
    let inventory = protocol.store.inventory(event.id, &event.shards).await?;
    Ok(CancellationProgress::of(event, &inventory))
}

/// Writes that the event is cancelled, unless somebody else changed it in this moment.
async fn begin(
    protocol: &Protocol,
    event: &Event,
    reason: &str,
    by: Option<&Actor>,
    now: Timestamp,
) -> Result<(), Error> {
    let details = EventDetails { status: EventStatus::Cancelled, ..event.details.clone() };
    let cancellation = Some(Cancellation::new(reason.to_owned(), now));
    let cancelled = Event { cancellation, ..event.replaced(details) };
    let entry = by.map(|by| AuditEntry::changed(by, event, &cancelled, Timestamp::now()));
    if protocol.store.replace_event_adding(event, &cancelled, &[], &[], &[], entry.as_ref()).await? {
        audit::log(entry.as_ref());
        catalogue::announce(&protocol.catalogue, &cancelled).await;
    }
    Ok(())
}

/// What was done for an event that is being cancelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BookingsCancelled {
    /// Bookings that were cancelled, and pending ones that expired.
    pub cancelled: u32,
    /// Those that could not be: a later run does it.
    pub failed: u32,
    /// Whether none is left.
    pub finished: bool,
}

/// Cancels the bookings of an event that is being cancelled, until none is left or the budget is over.
pub async fn cancel_bookings(
    protocol: &Protocol,
    id: EventId,
    now: Timestamp,
    budget: Budget,
) -> Result<BookingsCancelled, Error> {
    let store = &protocol.store;
    // The list that the janitor goes by lags behind.
    let Some(event) = store.event(id).await?.filter(Event::is_being_cancelled) else {
        return Ok(BookingsCancelled { finished: true, ..BookingsCancelled::default() });
    };
    // A clock that is behind the admin's must not have them cancelled before it.
    let now = event.cancellation.as_ref().map_or(now, |cancellation| cancellation.at.max(now));
    let inventory = store.inventory(event.id, &event.shards).await?;
    close(protocol, &event, &inventory).await?;
    let (mut done, mut place) = (BookingsCancelled::default(), None);
    loop {
        if budget.is_over() {
            return Ok(done);
        }
        let page = store.bookings_of_event(event.id, &BookingStatus::WITH_SEATS, PAGE, place).await?;
        let epochs = &epochs(protocol, &page.items).await;
        let cancels = page.items.iter().map(|booking| async move {
            // Asked when it is begun: a slow store may take longer for a page than there is time.
            if budget.is_over() {
                return None;
            }
            let epoch = epochs.get(&booking.id.area()).cloned().flatten();
            let cancelled = match booking.status {
                BookingStatus::Confirmed => cancel_with_event(protocol, booking, epoch, now)
                    .await
                    .map(|outcome| outcome == CancelOutcome::Cancelled),
                _ => void(protocol, booking, now).await,
            };
            Some(cancelled.inspect_err(|error| {
                tracing::error!(booking_id = %booking.id, %error, "a booking of a cancelled event is left for later");
            }))
        });
        let cancels: Vec<_> = cancels.collect();
        let outcomes: Vec<_> = stream::iter(cancels).buffer_unordered(AT_ONCE).collect().await;
        for outcome in outcomes.into_iter().flatten() {
            done.failed += u32::from(outcome.is_err());
            done.cancelled += u32::from(matches!(outcome, Ok(true)));
        }
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    let left = store.inventory(event.id, &event.shards).await?;
    if left.iter().all(|shard| shard.closed && shard.sold + shard.pending == 0) {
        store.finish_cancellation(event.id, now).await?;
        done.finished = true;
    }
    Ok(done)
}

/// Closes the shards that are not closed yet.
async fn close(protocol: &Protocol, event: &Event, inventory: &[InventoryShard]) -> Result<(), Error> {
    let open = inventory.iter().filter(|shard| !shard.closed);
    let closed: Vec<_> = open.map(|shard| protocol.store.close_shard(event.id, shard.shard)).collect();
    stream::iter(closed).buffer_unordered(AT_ONCE).try_for_each(async |()| Ok(())).await
}

/// What Redis' states of the bookings' areas are of. Where that is not known, the janitor tells Redis later what came back;
/// without Redis each area is asked for once.
async fn epochs(protocol: &Protocol, bookings: &[Booking]) -> HashMap<AreaKey, Option<String>> {
    let mut epochs = HashMap::new();
    for booking in bookings {
        let area = booking.id.area();
        if epochs.contains_key(&area) {
            continue;
        }
        let seen = protocol.redis.state_seen(area).await.unwrap_or_else(|error| {
            tracing::warn!(event_id = %area.event, %error, "cancelling without Redis");
            None
        });
        epochs.insert(area, seen.map(|seen| seen.epoch));
    }
    epochs
}
