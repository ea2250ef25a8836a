//! What became of requests to hold and to buy, as metrics.

use domain::{booking::Booking, error::Error};
use telemetry::names;

use crate::{Confirmed, Reserved};

pub(crate) fn reserved(outcome: &Result<Reserved, Error>) {
    let name = match outcome {
        Ok(Reserved { replayed: false, .. }) => names::HOLDS_MADE,
        Err(Error::SoldOut { .. }) => names::HOLDS_SOLD_OUT,
        Err(Error::AllHeld { .. }) => names::HOLDS_ALL_HELD,
        Err(Error::TooManyForUser { .. }) => names::HOLDS_OVER_LIMIT,
        Err(Error::NetworkLimit { .. }) => names::HOLDS_OF_ONE_NETWORK,
        Err(Error::HeldTooLong { .. }) => names::HOLDS_TOO_LONG,
        Err(Error::NotOnSale(_)) => names::HOLDS_NOT_ON_SALE,
        // A replay was counted before; what failed is counted with the requests.
        Ok(Reserved { replayed: true, .. }) | Err(_) => return,
    };
    metrics::counter!(name).increment(1);
}

pub(crate) fn confirmed(outcome: &Result<Confirmed, Error>) {
    match outcome {
        Ok(Confirmed { booking, replayed: false, .. }) if booking.status.is_undecided() => {
            metrics::counter!(names::CHECKOUTS_MADE).increment(1);
        }
        Ok(Confirmed { booking, replayed: false, .. }) => sold(booking),
        Err(Error::ReservationExpired) => metrics::counter!(names::CONFIRMS_EXPIRED).increment(1),
        Err(
            Error::SoldOut { .. }
            | Error::AllHeld { .. }
            | Error::TooManyForUser { .. }
            | Error::NotOnSale(_)
            | Error::SeatsTaken { .. }
            | Error::ReservationNotFound
            | Error::ReservationReleased
            | Error::PaymentRequired { .. },
        ) => metrics::counter!(names::CONFIRMS_REFUSED).increment(1),
        Ok(Confirmed { replayed: true, .. }) | Err(_) => {}
    }
}

pub(crate) fn sold(booking: &Booking) {
    metrics::counter!(names::CONFIRMS_MADE).increment(1);
    metrics::counter!(names::SEATS_BOOKED).increment(u64::from(booking.quantity));
}

/// A pending booking was not sold.
pub(crate) fn expired() {
    metrics::counter!(names::BOOKINGS_EXPIRED).increment(1);
}

pub(crate) fn released() {
    metrics::counter!(names::HOLDS_RELEASED).increment(1);
}

pub(crate) fn cancelled() {
    metrics::counter!(names::BOOKINGS_CANCELLED).increment(1);
}
