//! Look: what became of a reservation, as its owner sees it.

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::Protocol;
use domain::{
    booking::Booking,
    error::Error,
    id::{ReservationId, UserId},
    reservation::Reservation,
};
use stores::redis::scripts::Look;

/// One's own reservations that are looked at together.
const LOOKS_AT_ONCE: usize = 50;

/// A reservation: seats that are held, or the booking that it became.
#[derive(Debug)]
pub enum Looked {
    /// The hold, and now by the clock that ends it.
    Hold(Reservation, Timestamp),
    /// What it became.
    Booking(Booking),
}

/// The user's reservation. How one ended that did not become a booking is known for a day.
///
/// # Errors
/// `ReservationReleased` and `ReservationExpired` if it ended, `ReservationNotFound` if nothing is known of it.
pub async fn reservation(protocol: &Protocol, user: UserId, id: ReservationId) -> Result<Looked, Error> {
    let otherwise = match protocol.redis.look(id, user).await? {
        Look::Hold(reservation, now) => return Ok(Looked::Hold(reservation, now)),
        Look::Ended(how) => how.into(),
        Look::NoHold => Error::ReservationNotFound,
    };
    // Also of one that has ended: Redis may have forgotten a confirm.
    protocol.store.booking(user, id).await?.map(Looked::Booking).ok_or(otherwise)
}

/// The user's holds over all events, newest first, each with now by the clock that ends it. Redis alone knows them: what it
/// lost is held no longer.
pub async fn own_holds(protocol: &Protocol, user: UserId) -> Result<Vec<(Reservation, Timestamp)>, Error> {
    let mut ids = protocol.redis.own_reservations(user).await?;
    ids.sort_unstable_by(|one, other| other.cmp(one));
    let looks = stream::iter(ids).map(|id| protocol.redis.look(id, user)).buffered(LOOKS_AT_ONCE);
    let holds = looks.try_filter_map(async |look| match look {
        Look::Hold(reservation, now) => Ok(Some((reservation, now))),
        Look::Ended(_) | Look::NoHold => Ok(None),
    });
    holds.try_collect().await
}
