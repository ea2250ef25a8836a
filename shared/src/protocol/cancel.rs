//! Cancel: a booking's seats go back on sale.

use jiff::Timestamp;

use super::reports::sales_changed;
use crate::{
    App,
    domain::{
        booking::{Booking, BookingStatus},
        error::Error,
        id::{ReservationId, UserId},
    },
    redis::StateSeen,
    store::CancelOutcome,
};

/// A cancelled booking, and whether it was cancelled before.
#[derive(Debug)]
pub struct Cancelled {
    /// The booking as it is now.
    pub booking: Booking,
    /// Whether it was cancelled before.
    pub replayed: bool,
}

/// Cancels the user's booking. Doing it again answers the same and frees nothing. Once the event has started it
/// is refused.
pub async fn cancel(app: &App, user: UserId, id: ReservationId, now: Timestamp) -> Result<Cancelled, Error> {
    // The epoch must be seen before the transaction: only then is a state of the same epoch known to lack it.
    let (booking, seen) = tokio::join!(app.store.booking(user, id), app.redis.state_seen(id.event()));
    let booking = booking?.ok_or(Error::BookingNotFound)?;
    if booking.status == BookingStatus::Cancelled {
        return Ok(Cancelled { booking, replayed: true });
    }
    // Without Redis a cancel works all the same; the janitor tells Redis later.
    let seen = seen.unwrap_or_else(|error| {
        tracing::warn!(booking_id = %id, %error, "cancelling without Redis");
        None
    });
    if event_start(app, &booking, seen.as_ref()).await? <= now {
        return Err(Error::EventStarted);
    }
    let now = crate::domain::time::to_whole_ms(now);
    match app.store.cancel_booking(&booking, now).await? {
        CancelOutcome::Cancelled => {
            let restocked = async {
                if let Some(seen) = &seen {
                    restock(app, &booking, &seen.epoch).await;
                }
            };
            tokio::join!(restocked, sales_changed(app));
            let version = booking.version + 1;
            let booking =
                Booking { status: BookingStatus::Cancelled, cancelled_at: Some(now), version, ..booking };
            Ok(Cancelled { booking, replayed: false })
        }
        CancelOutcome::AlreadyCancelled => {
            let booking = app.store.booking(user, id).await?.ok_or(Error::BookingNotFound)?;
            Ok(Cancelled { booking, replayed: true })
        }
    }
}

/// When the event starts, as an admin last decided; the booking knows only what was so when it was made.
async fn event_start(app: &App, booking: &Booking, seen: Option<&StateSeen>) -> Result<Timestamp, Error> {
    match seen {
        Some(seen) => Ok(seen.starts_at),
        None => Ok(app
            .store
            .event(booking.event_id)
            .await?
            .map_or(booking.starts_at, |event| event.details.starts_at)),
    }
}

/// The cancel stands whatever happens here: if Redis does not hear of it, the janitor will tell it.
async fn restock(app: &App, booking: &Booking, epoch: &str) {
    match app.redis.restock(booking.event_id, &booking.id.to_string(), epoch, &booking.draws).await {
        Ok(true) => {}
        Ok(false) => {
            tracing::info!(booking_id = %booking.id, "the state was loaded anew; restock is left to the janitor")
        }
        Err(error) => {
            tracing::warn!(booking_id = %booking.id, %error, "restock is left to the janitor")
        }
    }
}
