//! Every code that a problem may have, each with a problem that has it, as the document shows it.

use std::time::Duration;

use jiff::Timestamp;

use crate::{body, caller, cursor, headers, if_match, json, problem::Problem, service};
use domain::{
    error::{Error, GaveUp},
    event::NotOnSale,
    field_error::FieldError,
};

/// One problem of each code, made as the service makes it.
pub(super) fn one_of_each() -> Vec<Problem> {
    let mut problems: Vec<Problem> = domain().into_iter().map(Problem::from).collect();
    problems.extend([
        Problem::unauthorized("The Authorization header is missing.", "Bearer"),
        Problem::bad_parameter("limit", "must be 1 to 100"),
        body::malformed_body(),
        body::not_json(),
        body::too_large(),
        caller::forbidden(),
        cursor::invalid_cursor(),
        if_match::if_match_required(),
        headers::key_required(),
        json::malformed(&not_json()),
        service::method_not_allowed("GET, HEAD"),
        service::nothing_here(),
    ]);
    problems
}

fn domain() -> Vec<Error> {
    let later = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(500_000);
    vec![
        Error::EventNotFound,
        Error::ReservationNotFound,
        Error::BookingNotFound,
        Error::SoldOut { available: 1 },
        Error::AllHeld { available: 0, retry_at: later },
        Error::NotOnSale(NotOnSale::OpensAt(later)),
        Error::TooManyForUser { most: 10, left: 2 },
        Error::HeldTooLong { retry_at: later },
        Error::RateLimited { retry_after: Duration::from_secs(30) },
        Error::ReservationExpired,
        Error::ReservationReleased,
        Error::ConfirmUnderWay,
        Error::AlreadyConfirmed,
        Error::EventStarted,
        Error::IdempotencyKeyReused,
        Error::EmailTaken,
        Error::InvalidCredentials,
        Error::TooManyAttempts { wait_seconds: 30 },
        Error::PasswordIsASetting,
        Error::AccountNotFound,
        Error::StillOpen { bookings: Vec::new(), reservations: Vec::new() },
        Error::StaleVersion { current: 3 },
        Error::CapacityBelowSold { lowest: 250 },
        Error::EventHasBookings,
        Error::EventNotDraft,
        Error::Invalid(vec![FieldError::new("quantity", "must be 1 to 10")]),
        Error::GaveUp(GaveUp::Answering),
        Error::Internal("for the document".into()),
    ]
}

fn not_json() -> serde_json::Error {
    match serde_json::from_str::<serde::de::IgnoredAny>("{") {
        Err(error) => error,
        Ok(_) => serde::de::Error::custom("not JSON"),
    }
}
