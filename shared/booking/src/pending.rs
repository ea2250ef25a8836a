//! Pending bookings, which are durable holds: [`checkout`] makes one of a hold, and then it is confirmed or it expires, exactly once.
//!
//! Only DynamoDB is needed for either. Seats come back here alone, where Redis' epoch is read before the transaction. What the
//! outside knows of a booking (was it paid?) is a word on it, written by whoever talks to the outside. As long as no attempt to pay
//! was opened there is nobody to ask, and the booking expires at once; otherwise it is *closing* until the word is there. Whoever
//! comes late, or twice, finds it decided.

use domain::{
    booking::{Booking, BookingStatus, Outside, PendingReason},
    error::{Error, GaveUp},
    id::{ReservationId, UserId},
    network::Network,
    time::to_whole_ms,
};
use jiff::Timestamp;
use stores::{dynamodb::Ending, redis::scripts::Unbought};

use crate::{
    Protocol,
    cancel::{restock, state_seen},
    confirm::{Becomes, Confirmed, become_booking},
    measure,
};
use catalogue::count_sold;

/// Tries to give one booking up: it may be decided, or change, meanwhile.
const TRIES_MAX: usize = 5;

/// Turns the user's hold into a pending booking, whose seats are taken until `expires_at`. Doing it again answers with the same
/// booking, whatever has become of it. Errors are those of [`crate::confirm()`].
pub async fn checkout(
    protocol: &Protocol,
    user: UserId,
    id: ReservationId,
    (reason, expires_at): (PendingReason, Timestamp),
    now: Timestamp,
    network: Option<&Network>,
    permitted: impl Future<Output = Result<(), Error>>,
) -> Result<Confirmed, Error> {
    let becomes = Becomes::Pending(reason, expires_at);
    become_booking(protocol, user, id, becomes, now, network, permitted).await
}

/// What became of a booking that somebody looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It is sold.
    Confirmed,
    /// It was not, and its seats are back.
    Expired,
    /// It is closing: the outside has to say whether it was paid.
    Closing,
    /// There was nothing to decide, or somebody else did.
    Nothing,
}

/// Decides what can be decided of a booking by now. Safe to repeat, and for two at once.
pub async fn decide(
    protocol: &Protocol,
    user: UserId,
    id: ReservationId,
    now: Timestamp,
) -> Result<Decided, Error> {
    let Some(booking) = protocol.store.booking(user, id).await? else { return Ok(Decided::Nothing) };
    let is_over = booking.expires_at.is_some_and(|at| at <= now);
    match (booking.status, booking.outside) {
        (BookingStatus::Pending | BookingStatus::Closing, Some(Outside::Paid)) if !booking.void => {
            Ok(if sell(protocol, &booking, now).await? { Decided::Confirmed } else { Decided::Nothing })
        }
        (status, Some(_)) if status.is_undecided() && (booking.void || status == BookingStatus::Closing) => {
            let has_expired = expire_booking(protocol, &booking, Ending::Answered, now).await?;
            Ok(if has_expired { Decided::Expired } else { Decided::Nothing })
        }
        (BookingStatus::Pending, _) if is_over => end(protocol, &booking, Ending::TimeOver, now).await,
        _ => Ok(Decided::Nothing),
    }
}

/// Sells the seats of a pending or closing booking; answers whether it did, or the booking is decided by now.
async fn sell(protocol: &Protocol, booking: &Booking, now: Timestamp) -> Result<bool, Error> {
    let is_sold = protocol.store.confirm_pending(booking, to_whole_ms(now)).await?;
    if is_sold {
        count_sold(&protocol.catalogue, booking.event_id, i64::from(booking.quantity)).await;
        measure::sold(booking);
    }
    Ok(is_sold)
}

/// Ends a pending booking, or closes it if its user has begun to pay.
async fn end(
    protocol: &Protocol,
    booking: &Booking,
    ending: Ending,
    now: Timestamp,
) -> Result<Decided, Error> {
    if expire_booking(protocol, booking, ending, now).await? {
        return Ok(Decided::Expired);
    }
    let is_closing = protocol.store.close_pending(booking, ending).await?;
    Ok(if is_closing { Decided::Closing } else { Decided::Nothing })
}

/// Takes the seats of a pending or closing booking back; answers whether it did, or the booking is decided by now, or is not to expire.
async fn expire_booking(
    protocol: &Protocol,
    booking: &Booking,
    ending: Ending,
    now: Timestamp,
) -> Result<bool, Error> {
    // Seen before the transaction: only then is a state of the same epoch known to lack it.
    let epoch = state_seen(protocol, booking.id).await?.map(|seen| seen.epoch);
    let has_expired = protocol.store.expire_pending(booking, ending, to_whole_ms(now)).await?;
    if has_expired {
        restock(protocol, booking, epoch, unbought(booking)).await;
        measure::expired();
    }
    Ok(has_expired)
}

/// Who checks out and gives up, again and again, keeps seats from others as one who only holds them does. Who was offered seats has
/// not asked for them at that moment, and nobody has to pause for an event that is cancelled.
fn unbought(booking: &Booking) -> Option<Unbought> {
    let counts = booking.reason == Some(PendingReason::Checkout) && !booking.void;
    counts.then(|| Unbought { since_ms: booking.id.held_at_ms(), least_ms: 0 })
}

/// The user gives a pending booking up: it expires, or it is closing if its user has begun to pay. Doing it again answers the same.
pub async fn close(
    protocol: &Protocol,
    user: UserId,
    id: ReservationId,
    now: Timestamp,
) -> Result<Booking, Error> {
    for _ in 0..TRIES_MAX {
        let booking = protocol.store.booking(user, id).await?.ok_or(Error::BookingNotFound)?;
        match booking.status {
            BookingStatus::Confirmed | BookingStatus::Cancelled => return Err(Error::AlreadyConfirmed),
            BookingStatus::Closing | BookingStatus::Expired => return Ok(booking),
            BookingStatus::Pending if booking.outside.is_some() => decide(protocol, user, id, now).await?,
            BookingStatus::Pending => end(protocol, &booking, Ending::GivenUp, now).await?,
        };
    }
    Err(Error::GaveUp(GaveUp::ChangingHold))
}

/// The event of a pending or closing booking was cancelled: it expires, or closes, and is not confirmed even if it was paid.
pub(crate) async fn void(protocol: &Protocol, booking: &Booking, now: Timestamp) -> Result<bool, Error> {
    let voided = Booking { void: true, ..booking.clone() };
    if booking.status == BookingStatus::Pending
        && expire_booking(protocol, &voided, Ending::GivenUp, now).await?
    {
        return Ok(true);
    }
    protocol.store.void_pending(booking).await.map(|()| false)
}
