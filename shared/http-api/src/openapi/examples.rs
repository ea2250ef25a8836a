//! An example of each code: a problem that has it, made as the service makes it.

use std::time::Duration;

use jiff::Timestamp;

use crate::{Code, body, caller, cursor, fields, headers, if_match, json, problem::Problem, service};
use domain::{
    error::{Error, GaveUp},
    event::{GENERAL, NotOnSale},
    field_error::Wrong,
    id::ReservationId,
};

/// A problem with the code.
pub(super) fn example(code: Code) -> Problem {
    let later = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(500_000);
    let error = match code {
        Code::Unauthorized => return Problem::unauthorized("The Authorization header is missing.", "Bearer"),
        Code::InvalidParameter => {
            return Problem::bad_parameter("limit", Wrong::OutOfRange { min: 1, max: 100 });
        }
        Code::MalformedBody => return body::malformed_body(),
        Code::BodyTooSlow => return body::too_slow(),
        Code::HostNotServed => return Problem::new(Code::HostNotServed),
        Code::UnsupportedMediaType => return body::not_json(),
        Code::BodyTooLarge => return body::too_large(fields::BODY_BYTES_MAX),
        Code::Forbidden => return caller::forbidden(),
        Code::InvalidCursor => return cursor::invalid_cursor(),
        Code::IfMatchRequired => return if_match::if_match_required(),
        Code::IdempotencyKeyRequired => return headers::key_required(),
        Code::MalformedJson => return json::malformed(&not_json()),
        Code::MethodNotAllowed => return service::method_not_allowed("GET, HEAD"),
        Code::NotFound => return service::nothing_here(),
        Code::EventNotFound => Error::EventNotFound,
        Code::AreaNotFound => Error::AreaNotFound,
        Code::ReservationNotFound => Error::ReservationNotFound,
        Code::BookingNotFound => Error::BookingNotFound,
        Code::SoldOut => Error::SoldOut { available: 1, area: GENERAL.to_owned() },
        Code::AllHeld => Error::AllHeld { available: 0, retry_at: later, area: GENERAL.to_owned() },
        Code::NotOnSale => Error::NotOnSale(NotOnSale::OpensAt(later)),
        Code::MaxPerUserReached => Error::TooManyForUser { most: 10, left: 2 },
        Code::UnknownRate => Error::UnknownRate("student".to_owned()),
        Code::UnknownArea => Error::UnknownArea("gallery".to_owned()),
        Code::UnknownSeats => Error::UnknownSeats(vec!["A-99".to_owned()]),
        Code::SeatsTaken => Error::SeatsTaken { seats: vec!["A-7".to_owned()], area: "balcony".to_owned() },
        Code::SeatsInUse => Error::SeatsInUse { seats: vec!["A-7".to_owned()], area: "balcony".to_owned() },
        Code::NotTogether => Error::NotTogether { largest: 2, area: "balcony".to_owned() },
        Code::AreaRequired => Error::AreaRequired,
        Code::AreasRequired => Error::AreasRequired,
        Code::HeldTooLong => Error::HeldTooLong { retry_at: later },
        Code::NetworkLimit => Error::NetworkLimit { retry_at: later },
        Code::RateLimited => Error::RateLimited { retry_after: Duration::from_secs(30) },
        Code::ReservationExpired => Error::ReservationExpired,
        Code::ReservationReleased => Error::ReservationReleased,
        Code::ConfirmUnderWay => Error::ConfirmUnderWay,
        Code::AlreadyConfirmed => Error::AlreadyConfirmed,
        Code::PaymentRequired => Error::PaymentRequired { booking: ReservationId::last_at(later) },
        Code::NotConfirmed => Error::NotConfirmed,
        Code::EventStarted => Error::EventStarted,
        Code::CancelClosed => Error::CancelClosed { since: later },
        Code::IdempotencyKeyReused => Error::IdempotencyKeyReused,
        Code::EmailTaken => Error::EmailTaken,
        Code::InvalidCredentials => Error::InvalidCredentials,
        Code::TooManyAttempts => Error::TooManyAttempts { wait_seconds: 30 },
        Code::TooManyRegistrations => Error::TooManyRegistrations { retry_after: Duration::from_secs(900) },
        Code::PasswordIsASetting => Error::PasswordIsASetting,
        Code::TokenEnded => Error::MailedTokenEnded,
        Code::EmailNotVerified => Error::EmailNotVerified,
        Code::NoMail => Error::NoMail,
        Code::NoWebhooks => Error::NoWebhooks,
        Code::WebhookNotFound => Error::WebhookNotFound,
        Code::TooManyWebhooks => Error::TooManyWebhooks,
        Code::DeliveryNotFound => Error::DeliveryNotFound,
        Code::NotReplayable => Error::NotReplayable,
        Code::AccountNotFound => Error::AccountNotFound,
        Code::NotAudited => Error::NotAudited,
        Code::StillOpen => Error::StillOpen { bookings: Vec::new(), reservations: Vec::new() },
        Code::StaleVersion => Error::StaleVersion { current: 3 },
        Code::CapacityBelowSold => Error::CapacityBelowSold { area: GENERAL.to_owned(), lowest: 250 },
        Code::AreaHasBookings => Error::AreaHasBookings { area: "balcony".to_owned(), seats: 12 },
        Code::EventCancelled => Error::EventCancelled,
        Code::EventHasBookings => Error::EventHasBookings,
        Code::EventNotDraft => Error::EventNotDraft,
        Code::ValidationFailed => Error::invalid_field("quantity", Wrong::OutOfRange { min: 1, max: 10 }),
        Code::TryAgain => Error::GaveUp(GaveUp::Answering),
        Code::InternalError => Error::Internal("for the document".into()),
    };
    error.into()
}

fn not_json() -> serde_json::Error {
    match serde_json::from_str::<serde::de::IgnoredAny>("{") {
        Err(error) => error,
        Ok(_) => serde::de::Error::custom("not JSON"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_a_code_has_it() {
        for code in Code::ALL {
            assert_eq!(example(*code).code(), *code);
        }
    }
}
