//! Confirm: begin (Redis), commit (DynamoDB), finish (Redis). To check out is the same, but that the booking is pending
//! ([`crate::pending`]).

use jiff::Timestamp;

use crate::{Protocol, measure, network};
use catalogue::count_sold;
use domain::{
    booking::{Booking, BookingStatus, PendingReason},
    error::{Error, GaveUp},
    event::{EventNow, NotOnSale},
    id::{EventId, ReservationId, UserId},
    network::Network,
    reservation::BegunHold,
};
use stores::{
    dynamodb::CommitOutcome,
    redis::scripts::{Begin, Look, Places, Redraw},
};
use telemetry::names;

/// Times that a hold's seats are drawn anew, after DynamoDB refused them because Redis had lost data.
const REDRAWS_MAX: usize = 5;

/// A confirmed reservation.
#[derive(Debug)]
pub struct Confirmed {
    /// The booking that it became.
    pub booking: Booking,
    /// Its event as it is now, if that is known.
    pub event: Option<EventNow>,
    /// Whether it was confirmed before.
    pub replayed: bool,
}

/// Turns the user's hold into a booking. Doing it again answers with the same booking. `OutOfReach` and `GaveUp` mean that
/// the outcome is not known yet; confirming again is safe. `permitted` says whether the request may be had at all; it is
/// waited for while the confirm begins, which is taken back if not.
pub async fn confirm(
    protocol: &Protocol,
    user: UserId,
    id: ReservationId,
    now: Timestamp,
    network: Option<&Network>,
    permitted: impl Future<Output = Result<(), Error>>,
) -> Result<Confirmed, Error> {
    become_booking(protocol, user, id, Becomes::Confirmed, now, network, permitted).await
}

/// What a hold becomes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Becomes {
    Confirmed,
    /// For a reason, until then.
    Pending(PendingReason, Timestamp),
}

impl Becomes {
    fn booking(self, hold: &BegunHold, user: UserId, now: Timestamp) -> Booking {
        let booking = Booking::from_hold(hold, user, now);
        match self {
            Self::Confirmed => booking,
            Self::Pending(reason, until) => booking.pending(reason, until),
        }
    }

    /// Answers with a booking that was there before, by what it is now.
    fn replay(self, booking: Booking, event: Option<EventNow>) -> Result<Confirmed, Error> {
        match (booking.status, self) {
            (BookingStatus::Expired, _) => Err(Error::ReservationExpired),
            (BookingStatus::Pending | BookingStatus::Closing, Self::Confirmed) => {
                Err(Error::PaymentRequired { booking: booking.id })
            }
            _ => Ok(Confirmed { booking, event, replayed: true }),
        }
    }
}

/// Turns the user's hold into a booking.
pub(crate) async fn become_booking(
    protocol: &Protocol,
    user: UserId,
    id: ReservationId,
    becomes: Becomes,
    now: Timestamp,
    network: Option<&Network>,
    permitted: impl Future<Output = Result<(), Error>>,
) -> Result<Confirmed, Error> {
    let beginning = protocol.redis.begin(id, user, protocol.confirm_grace_ms);
    let (permitted, begun) = tokio::join!(permitted, beginning);
    if let Err(error) = permitted {
        unbegin(protocol, &begun).await;
        return Err(error);
    }
    let confirmed = confirm_begun(protocol, user, id, becomes, begun, now, network).await;
    measure::confirmed(&confirmed);
    confirmed
}

async fn confirm_begun(
    protocol: &Protocol,
    user: UserId,
    id: ReservationId,
    becomes: Becomes,
    mut begun: Result<Begin, Error>,
    now: Timestamp,
    network: Option<&Network>,
) -> Result<Confirmed, Error> {
    for _ in 0..REDRAWS_MAX {
        let hold = match begun {
            Ok(Begin::Begun(hold)) => hold,
            Ok(Begin::NoHold) => {
                return match confirmed_before(protocol, user, id, becomes).await? {
                    Some(confirmed) => Ok(confirmed),
                    None => Err(ended(protocol, user, id).await?),
                };
            }
            Err(error @ (Error::OutOfReach { .. } | Error::GaveUp(_))) => {
                // Redis is out of reach, or has what can't be read; a confirm that came before can be answered all the same.
                return confirmed_before(protocol, user, id, becomes).await?.ok_or(error);
            }
            Err(error) => return Err(error),
        };
        if let Some(confirmed) = commit_redrawing(protocol, user, becomes, hold, now, network).await? {
            return Ok(confirmed);
        }
        begun = protocol.redis.begin(id, user, protocol.confirm_grace_ms).await;
    }
    Err(Error::GaveUp(GaveUp::ChangingHold))
}

/// A confirm that has begun may not go on: its hold is held again, for as long as before.
async fn unbegin(protocol: &Protocol, begun: &Result<Begin, Error>) {
    if let Ok(Begin::Begun(hold)) = begun {
        unbegin_hold(protocol, hold).await;
    }
}

async fn unbegin_hold(protocol: &Protocol, hold: &BegunHold) {
    if !hold.is_first {
        return;
    }
    if let Err(error) = protocol.redis.unbegin(hold.id, hold.begins).await {
        tracing::warn!(reservation_id = %hold.id, %error, "a refused confirm is left to the janitor");
    }
}

/// How a reservation ended that can't be confirmed any more, as looking at it tells. One of which nothing is known, or no longer,
/// has expired, as every hold does in the end.
async fn ended(protocol: &Protocol, user: UserId, id: ReservationId) -> Result<Error, Error> {
    match protocol.redis.look(id, user).await? {
        Look::Ended(how) => Ok(how.into()),
        Look::Hold(..) | Look::NoHold => Ok(Error::ReservationExpired),
    }
}

async fn confirmed_before(
    protocol: &Protocol,
    user: UserId,
    id: ReservationId,
    becomes: Becomes,
) -> Result<Option<Confirmed>, Error> {
    let (booking, event) = tokio::join!(protocol.store.booking(user, id), event_now(protocol, id.event()));
    booking?.map(|booking| becomes.replay(booking, event)).transpose()
}

/// A booking's event as it is now. What was sold is sold, also if this can't be read.
pub async fn event_now(protocol: &Protocol, id: EventId) -> Option<EventNow> {
    match protocol.store.event(id).await {
        Ok(event) => event.map(EventNow::from),
        Err(error) => {
            tracing::warn!(event_id = %id, %error, "a booking is answered without its event");
            None
        }
    }
}

/// Commits a begun hold, drawing its seats anew while DynamoDB refuses them. `None` if somebody else changed the
/// hold meanwhile.
async fn commit_redrawing(
    protocol: &Protocol,
    user: UserId,
    becomes: Becomes,
    mut hold: BegunHold,
    now: Timestamp,
    network: Option<&Network>,
) -> Result<Option<Confirmed>, Error> {
    for _ in 0..REDRAWS_MAX {
        let booking = becomes.booking(&hold, user, now);
        let refused = match protocol.store.commit_booking(&booking, hold.max_per_user).await {
            Ok(CommitOutcome::Committed) => {
                let places = Places { id: booking.id, seats: booking.quantity };
                let (event, (), (), ()) = tokio::join!(
                    event_of(protocol, &hold),
                    finish(protocol, &booking),
                    count(protocol, &booking),
                    network::count_bought(protocol, network, places)
                );
                return Ok(Some(Confirmed { booking, event, replayed: false }));
            }
            Ok(CommitOutcome::AlreadyBooked) => {
                return finish_existing(protocol, user, becomes, &hold).await.map(Some);
            }
            Ok(CommitOutcome::UserLimit { bought }) => {
                // It may be confirmed later, or given back, as before.
                unbegin_hold(protocol, &hold).await;
                let (most, left) = (hold.max_per_user, hold.max_per_user.saturating_sub(bought));
                return Err(Error::TooManyForUser { most, left });
            }
            Ok(CommitOutcome::Closed) => {
                unbegin_hold(protocol, &hold).await;
                return Err(Error::NotOnSale(NotOnSale::Cancelled));
            }
            Ok(CommitOutcome::Refused(refused)) => refused,
            Err(error @ Error::OutOfReach { .. }) => {
                // A lost reply is not a failure: ask by id. If there is no booking yet, it may still come.
                return match protocol.store.booking(user, hold.id).await {
                    Ok(Some(booking)) => {
                        count(protocol, &booking).await;
                        finished(protocol, becomes, &hold, booking).await.map(Some)
                    }
                    _ => Err(error),
                };
            }
            Err(error) => return Err(error),
        };
        if !hold.seats.is_empty() {
            // Whoever was promised seats with names gets these or none.
            tracing::warn!(reservation_id = %hold.id, ?refused, "seats promised by Redis were sold");
            metrics::counter!(names::SEATS_REFUSED).increment(1);
            return Err(Error::SeatsTaken { seats: hold.refused_seats(&refused), area: hold.area.id });
        }
        tracing::warn!(reservation_id = %hold.id, ?refused, "seats promised by Redis were sold; drawing again");
        metrics::counter!(names::CONFIRMS_REDRAWN).increment(1);
        match protocol.redis.redraw(&hold, user, &refused, protocol.confirm_grace_ms).await? {
            Redraw::Redrawn(draws) => hold.draws = draws,
            Redraw::Changed => return Ok(None),
        }
    }
    Err(Error::GaveUp(GaveUp::RefusedSeats))
}

async fn finish_existing(
    protocol: &Protocol,
    user: UserId,
    becomes: Becomes,
    hold: &BegunHold,
) -> Result<Confirmed, Error> {
    let booking = protocol.store.booking(user, hold.id).await?.ok_or_else(|| {
        Error::Internal(format!("reservation {} is booked, but there is no booking", hold.id).into())
    })?;
    finished(protocol, becomes, hold, booking).await
}

async fn finished(
    protocol: &Protocol,
    becomes: Becomes,
    hold: &BegunHold,
    booking: Booking,
) -> Result<Confirmed, Error> {
    let (event, ()) = tokio::join!(event_of(protocol, hold), finish(protocol, &booking));
    becomes.replay(booking, event)
}

/// What is pending is not sold yet.
async fn count(protocol: &Protocol, booking: &Booking) {
    if booking.status == BookingStatus::Confirmed {
        count_sold(&protocol.catalogue, booking.event_id, i64::from(booking.quantity)).await;
    }
}

/// The event as Redis had it when the confirm began, or as DynamoDB has it if an older release told Redis of it.
async fn event_of(protocol: &Protocol, hold: &BegunHold) -> Option<EventNow> {
    match &hold.event {
        Some(event) => Some(event.clone()),
        None => event_now(protocol, hold.id.event()).await,
    }
}

/// The booking stands whatever happens here: if Redis does not hear of it, the janitor will tell it.
async fn finish(protocol: &Protocol, booking: &Booking) {
    if let Err(error) = protocol.redis.finish_booking(booking).await {
        tracing::warn!(reservation_id = %booking.id, %error, "finish is left to the janitor");
    }
}
