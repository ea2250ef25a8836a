//! Confirm: begin (Redis), commit (DynamoDB), finish (Redis).

use jiff::Timestamp;

use crate::{
    App,
    catalogue::count_sold,
    domain::{
        booking::Booking,
        error::Error,
        id::{ReservationId, UserId},
        reservation::BegunHold,
    },
    redis::scripts::{Begin, Redraw},
    store::CommitOutcome,
    telemetry::names,
};

/// Times that a hold's seats are drawn anew, after DynamoDB refused them because Redis had lost data.
const REDRAWS_MAX: usize = 5;

/// A confirmed reservation.
#[derive(Debug)]
pub struct Confirmed {
    /// The booking that it became.
    pub booking: Booking,
    /// Whether it was confirmed before.
    pub replayed: bool,
}

/// Turns the user's hold into a booking. Doing it again answers with the same booking. `Unavailable` means that
/// the outcome is not known yet; confirming again is safe.
pub async fn confirm(app: &App, user: UserId, id: ReservationId, now: Timestamp) -> Result<Confirmed, Error> {
    for _ in 0..REDRAWS_MAX {
        let hold = match app.redis.begin(id, user, app.config.confirm_grace_ms).await {
            Ok(Begin::Begun(hold)) => hold,
            Ok(Begin::NoHold) => {
                return confirmed_before(app, user, id).await?.ok_or(Error::ReservationExpired);
            }
            Err(error @ Error::Unavailable { .. }) => {
                // Redis is out of reach; a confirm that came before can be answered all the same.
                return confirmed_before(app, user, id).await?.ok_or(error);
            }
            Err(error) => return Err(error),
        };
        if let Some(confirmed) = commit_redrawing(app, user, hold, now).await? {
            return Ok(confirmed);
        }
    }
    Err(Error::Unavailable { store: "Redis", source: "the hold keeps changing".into() })
}

async fn confirmed_before(app: &App, user: UserId, id: ReservationId) -> Result<Option<Confirmed>, Error> {
    Ok(app.store.booking(user, id).await?.map(|booking| Confirmed { booking, replayed: true }))
}

/// Commits a begun hold, drawing its seats anew while DynamoDB refuses them. `None` if somebody else changed the
/// hold meanwhile.
async fn commit_redrawing(
    app: &App,
    user: UserId,
    mut hold: BegunHold,
    now: Timestamp,
) -> Result<Option<Confirmed>, Error> {
    for _ in 0..REDRAWS_MAX {
        let booking = Booking::from_hold(&hold, user, now);
        let refused = match app.store.commit_booking(&booking, hold.max_per_user).await {
            Ok(CommitOutcome::Committed) => {
                let sold = i64::from(booking.quantity);
                tokio::join!(finish(app, &booking), count_sold(app, booking.event_id, sold));
                return Ok(Some(Confirmed { booking, replayed: false }));
            }
            Ok(CommitOutcome::AlreadyBooked) => {
                return finish_existing(app, user, hold.id).await.map(Some);
            }
            Ok(CommitOutcome::UserLimit { bought }) => {
                let (most, left) = (hold.max_per_user, hold.max_per_user.saturating_sub(bought));
                return Err(Error::TooManyForUser { most, left });
            }
            Ok(CommitOutcome::Refused(refused)) => refused,
            Err(error @ Error::Unavailable { .. }) => {
                // A lost reply is not a failure: ask by id. If there is no booking yet, it may still come.
                return match app.store.booking(user, hold.id).await {
                    Ok(Some(_)) => {
                        let sold = i64::from(booking.quantity);
                        let counted = count_sold(app, booking.event_id, sold);
                        let (confirmed, ()) = tokio::join!(finish_existing(app, user, hold.id), counted);
                        confirmed.map(Some)
                    }
                    _ => Err(error),
                };
            }
            Err(error) => return Err(error),
        };
        tracing::warn!(reservation_id = %hold.id, ?refused, "seats promised by Redis were sold; drawing again");
        metrics::counter!(names::CONFIRMS_REDRAWN).increment(1);
        match app.redis.redraw(&hold, user, &refused, app.config.confirm_grace_ms).await? {
            Redraw::Redrawn(draws) => hold.draws = draws,
            Redraw::Changed => return Ok(None),
        }
    }
    Err(Error::Unavailable { store: "DynamoDB", source: "seats were refused again and again".into() })
}

async fn finish_existing(app: &App, user: UserId, id: ReservationId) -> Result<Confirmed, Error> {
    let booking = app.store.booking(user, id).await?.ok_or_else(|| {
        Error::Internal(format!("reservation {id} is booked, but there is no booking").into())
    })?;
    finish(app, &booking).await;
    Ok(Confirmed { booking, replayed: true })
}

/// The booking stands whatever happens here: if Redis does not hear of it, the janitor will tell it.
async fn finish(app: &App, booking: &Booking) {
    if let Err(error) = app.redis.finish(booking.id, Some(&booking.draws)).await {
        tracing::warn!(reservation_id = %booking.id, %error, "finish is left to the janitor");
    }
}
