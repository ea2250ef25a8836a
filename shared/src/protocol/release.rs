//! Release: a user gives a hold back.

use crate::{
    App,
    domain::{
        error::Error,
        id::{ReservationId, UserId},
    },
    redis::scripts::Release,
};

/// Gives the user's hold back; its seats are free at once. A hold whose confirm has begun can't be given back: it
/// may be sold already.
pub async fn release(app: &App, user: UserId, id: ReservationId) -> Result<(), Error> {
    match app.redis.release(id, user).await? {
        Release::Released => Ok(()),
        Release::Confirming => Err(Error::ConfirmUnderWay),
        Release::NoHold => match app.store.booking(user, id).await? {
            Some(_) => Err(Error::AlreadyConfirmed),
            None => Err(Error::ReservationNotFound),
        },
    }
}
