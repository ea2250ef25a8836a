//! Cancel: a booking's seats go back on sale.

use jiff::Timestamp;

use crate::{Protocol, measure, network};
use catalogue::count_sold;
use domain::{
    booking::{Booking, BookingStatus},
    error::Error,
    event::{EventNow, EventStatus},
    id::{ReservationId, UserId},
    network::Network,
    reservation::{EARLY_CANCEL_MS, EARLY_CANCELS_MAX},
};
use stores::{
    dynamodb::CancelOutcome,
    redis::StateSeen,
    redis::scripts::{self, Places, Unbought},
};

/// The booking of an event that was cancelled is cancelled, too, if it was not before. Its owner has done nothing to have to pause
/// for. `epoch` must have been seen before, as in [`cancel`].
pub(crate) async fn cancel_with_event(
    protocol: &Protocol,
    booking: &Booking,
    epoch: Option<String>,
    now: Timestamp,
) -> Result<CancelOutcome, Error> {
    let now = domain::time::to_whole_ms(now);
    let outcome = protocol.store.cancel_booking(booking, now).await?;
    if outcome == CancelOutcome::Cancelled {
        tell(protocol, booking, epoch, None).await;
    }
    Ok(outcome)
}

/// Tells Redis of seats that came back.
async fn tell(protocol: &Protocol, booking: &Booking, epoch: Option<String>, unbought: Option<Unbought>) {
    let came_back = -i64::from(booking.quantity);
    tokio::join!(
        restock(protocol, booking, epoch, unbought),
        count_sold(&protocol.catalogue, booking.event_id, came_back),
    );
    measure::cancelled();
}

/// A cancelled booking, and whether it was cancelled before.
#[derive(Debug)]
pub struct Cancelled {
    /// The booking as it is now.
    pub booking: Booking,
    /// Its event as it is now, if that is known.
    pub event: Option<EventNow>,
    /// Whether it was cancelled before.
    pub replayed: bool,
}

/// Cancels the user's booking. Doing it again answers the same and frees nothing. Once its time is over, or
/// the event has started, it is refused, unless the event is cancelled. `permitted` says whether the request may be had at all; it is waited for while the stores are read.
pub async fn cancel(
    protocol: &Protocol,
    user: UserId,
    id: ReservationId,
    now: Timestamp,
    network: Option<&Network>,
    permitted: impl Future<Output = Result<(), Error>>,
) -> Result<Cancelled, Error> {
    // The epoch must be seen before the transaction: only then is a state of the same epoch known to lack it.
    let (permitted, booking, seen) =
        tokio::join!(permitted, protocol.store.booking(user, id), state_seen(protocol, id));
    permitted?;
    let booking = booking?.ok_or(Error::BookingNotFound)?;
    let (epoch, event) = seen?.map_or((None, None), |seen| (Some(seen.epoch), seen.event));
    let event = match event {
        Some(event) => Some(event),
        None => protocol.store.event(booking.event_id).await?.map(EventNow::from),
    };
    match booking.status {
        BookingStatus::Confirmed => {}
        BookingStatus::Cancelled => return Ok(Cancelled { booking, event, replayed: true }),
        BookingStatus::Pending | BookingStatus::Closing => return Err(Error::NotConfirmed),
        BookingStatus::Expired => return Err(Error::ReservationExpired),
    }
    check_in_time(&booking, event.as_ref(), now)?;
    let now = domain::time::to_whole_ms(now);
    match protocol.store.cancel_booking(&booking, now).await? {
        CancelOutcome::Cancelled => {
            let unbought = unbought(protocol, &booking, event.as_ref(), now);
            network::forget(protocol, network, Places { id, seats: booking.quantity });
            tell(protocol, &booking, epoch, unbought).await;
            let version = booking.version + 1;
            let booking =
                Booking { status: BookingStatus::Cancelled, cancelled_at: Some(now), version, ..booking };
            Ok(Cancelled { booking, event, replayed: false })
        }
        CancelOutcome::NotConfirmed => {
            let booking = protocol.store.booking(user, id).await?.ok_or(Error::BookingNotFound)?;
            Ok(Cancelled { booking, event, replayed: true })
        }
    }
}

/// Redis' state of the booking's area. Without Redis seats come back all the same; the janitor tells Redis later.
pub(crate) async fn state_seen(protocol: &Protocol, id: ReservationId) -> Result<Option<StateSeen>, Error> {
    match protocol.redis.state_seen(id.area()).await {
        Err(error) if error.is_without_redis() => {
            tracing::warn!(booking_id = %id, %error, "seats come back without Redis");
            Ok(None)
        }
        seen => seen,
    }
}

/// Whether it is too late to cancel, as an admin last decided; the booking knows only what was so when it was made. What
/// does not take place never starts.
fn check_in_time(booking: &Booking, event: Option<&EventNow>, now: Timestamp) -> Result<(), Error> {
    if event.is_some_and(|event| event.status == EventStatus::Cancelled) {
        return Ok(());
    }
    if event.map_or(booking.starts_at, |event| event.starts_at) <= now {
        return Err(Error::EventStarted);
    }
    match event.and_then(|event| event.cancel_until).filter(|until| *until <= now) {
        Some(since) => Err(Error::CancelClosed { since }),
        None => Ok(()),
    }
}

/// Who buys and cancels in a circle keeps seats from others as one who only holds them does, and has to pause likewise. What
/// does not take place is cancelled for a reason.
fn unbought(
    protocol: &Protocol,
    booking: &Booking,
    event: Option<&EventNow>,
    now: Timestamp,
) -> Option<Unbought> {
    let since_ms = booking.id.held_at_ms();
    let is_early = now.as_millisecond() - since_ms < EARLY_CANCEL_MS;
    let takes_place = event.is_none_or(|event| event.status != EventStatus::Cancelled);
    let least_ms = (protocol.unbought_ttls_max * protocol.hold_ttl_ms).div_ceil(EARLY_CANCELS_MAX);
    (is_early && takes_place).then_some(Unbought { since_ms, least_ms })
}

/// Tells Redis of the seats of a booking that had them, and has them no longer. What was written stands whatever happens here: if Redis does not hear of it, the janitor will tell it. Without a state
/// there are no free seats to be told of, but a copy of the event may say how many are unsold.
pub(crate) async fn restock(
    protocol: &Protocol,
    booking: &Booking,
    epoch: Option<String>,
    unbought: Option<Unbought>,
) {
    let pending = if booking.status.is_undecided() { booking.quantity } else { 0 };
    let told = match epoch {
        Some(epoch) => {
            protocol
                .redis
                .restock(
                    booking.id.area(),
                    &booking.id.to_string(),
                    &epoch,
                    &booking.draws,
                    Some(scripts::Cancelled { id: booking.id, user: booking.user_id, pending, unbought }),
                )
                .await
        }
        None => protocol.redis.forget_copy(booking.event_id).await.map(|()| true),
    };
    match told {
        Ok(true) => {}
        Ok(false) => {
            tracing::info!(booking_id = %booking.id, "the state was loaded anew; restock is left to the janitor")
        }
        Err(error) => {
            tracing::warn!(booking_id = %booking.id, %error, "restock is left to the janitor")
        }
    }
}
