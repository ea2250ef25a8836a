//! Release: a user gives a hold back.

use crate::{Protocol, measure, network};
use domain::{
    booking::BookingStatus,
    error::Error,
    id::{ReservationId, UserId},
    network::Network,
    reservation::Ended,
};
use stores::redis::scripts::{Places, Release};

/// Gives the user's hold back; its seats are free at once. A hold whose confirm has begun can't be given back: it
/// may be sold already. Giving it back again is the same as once.
pub async fn release(
    protocol: &Protocol,
    user: UserId,
    id: ReservationId,
    network: Option<&Network>,
) -> Result<(), Error> {
    match protocol.redis.release(id, user).await? {
        Release::Released(seats) => {
            network::forget(protocol, network, Places { id, seats });
            measure::released();
            Ok(())
        }
        Release::Ended(Ended::Released) => Ok(()),
        Release::Confirming => Err(Error::ConfirmUnderWay),
        // Redis may have forgotten a confirm.
        Release::Ended(Ended::Expired) => not_booked(protocol, user, id, Error::ReservationExpired).await,
        Release::NoHold => not_booked(protocol, user, id, Error::ReservationNotFound).await,
    }
}

async fn not_booked(
    protocol: &Protocol,
    user: UserId,
    id: ReservationId,
    otherwise: Error,
) -> Result<(), Error> {
    let booking = protocol.store.booking(user, id).await?;
    Err(match booking.map(|booking| booking.status) {
        None => otherwise,
        Some(BookingStatus::Expired) => Error::ReservationExpired,
        Some(_) => Error::AlreadyConfirmed,
    })
}
