//! Cancel: a booking's seats go back on sale.

use jiff::Timestamp;

use crate::Protocol;
use catalogue::count_sold;
use domain::{
    booking::{Booking, BookingStatus},
    error::Error,
    event::{EventNow, EventStatus},
    id::{ReservationId, UserId},
};
use stores::dynamodb::CancelOutcome;

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

/// Cancels the user's booking. Doing it again answers the same and frees nothing. Once the event has started it
/// is refused, unless the event is cancelled. `permitted` says whether the request may be had at all; it is waited for while the stores are read.
pub async fn cancel(
    protocol: &Protocol,
    user: UserId,
    id: ReservationId,
    now: Timestamp,
    permitted: impl Future<Output = Result<(), Error>>,
) -> Result<Cancelled, Error> {
    // The epoch must be seen before the transaction: only then is a state of the same epoch known to lack it.
    let (permitted, booking, seen) =
        tokio::join!(permitted, protocol.store.booking(user, id), protocol.redis.state_seen(id.event()));
    permitted?;
    let booking = booking?.ok_or(Error::BookingNotFound)?;
    // Without Redis a cancel works all the same; the janitor tells Redis later.
    let seen = match seen {
        Err(error) if error.is_without_redis() => {
            tracing::warn!(booking_id = %id, %error, "cancelling without Redis");
            None
        }
        seen => seen?,
    };
    let (epoch, event) = seen.map_or((None, None), |seen| (Some(seen.epoch), seen.event));
    let event = match event {
        Some(event) => Some(event),
        None => protocol.store.event(booking.event_id).await?.map(EventNow::from),
    };
    if booking.status == BookingStatus::Cancelled {
        return Ok(Cancelled { booking, event, replayed: true });
    }
    if has_started(&booking, event.as_ref(), now) {
        return Err(Error::EventStarted);
    }
    let now = domain::time::to_whole_ms(now);
    match protocol.store.cancel_booking(&booking, now).await? {
        CancelOutcome::Cancelled => {
            let came_back = -i64::from(booking.quantity);
            tokio::join!(
                restock(protocol, &booking, epoch),
                count_sold(&protocol.catalogue, booking.event_id, came_back)
            );
            let version = booking.version + 1;
            let booking =
                Booking { status: BookingStatus::Cancelled, cancelled_at: Some(now), version, ..booking };
            Ok(Cancelled { booking, event, replayed: false })
        }
        CancelOutcome::AlreadyCancelled => {
            let booking = protocol.store.booking(user, id).await?.ok_or(Error::BookingNotFound)?;
            Ok(Cancelled { booking, event, replayed: true })
        }
    }
}

/// Whether it is too late to cancel, as an admin last decided; the booking knows only what was so when it was made. What
/// does not take place never starts.
fn has_started(booking: &Booking, event: Option<&EventNow>, now: Timestamp) -> bool {
    let (starts_at, status) =
        event.map_or((booking.starts_at, EventStatus::Published), |event| (event.starts_at, event.status));
    starts_at <= now && status != EventStatus::Cancelled
}

/// The cancel stands whatever happens here: if Redis does not hear of it, the janitor will tell it. Without a state
/// there are no free seats to be told of, but a copy of the event may say how many are unsold.
async fn restock(protocol: &Protocol, booking: &Booking, epoch: Option<String>) {
    let told = match epoch {
        Some(epoch) => {
            protocol
                .redis
                .restock(
                    booking.event_id,
                    &booking.id.to_string(),
                    &epoch,
                    &booking.draws,
                    Some(booking.user_id),
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
