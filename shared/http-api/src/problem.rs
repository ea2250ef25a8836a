//! Errors as answers: RFC 9457 `application/problem+json`. The one place where the domain's errors become
//! statuses and codes.

use std::time::Duration;
use telemetry::CauseChain;

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use domain::{error::Error, event::NotOnSale, field_error::FieldError, id::ReservationId};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// Seconds after which a client may try again when a store did not answer.
pub const RETRY_AFTER_SECONDS: u32 = 1;

/// An error answer. Its `code` is stable; clients go by it.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Option<String>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem with that code.
    pub fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        Self { status, code, title, detail: None, members: Map::new(), headers: Vec::new() }
    }

    /// Says what is wrong in this case, for people.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a member that the client needs to act.
    pub fn with(mut self, member: &str, value: impl Serialize) -> Self {
        self.members.insert(member.to_owned(), json!(value));
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.headers.push((name, value));
        }
        self
    }

    /// Fields of the request that can't be accepted.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", "Some fields are not acceptable")
            .detail(
                errors
                    .iter()
                    .map(|error| format!("{} {}", error.field, error.message))
                    .collect::<Vec<_>>()
                    .join("; "),
            )
            .with("errors", errors)
    }

    /// A parameter of the path or the query can't be accepted.
    pub fn bad_parameter(name: &str, message: impl Into<String>) -> Self {
        let error = FieldError::new(name, message);
        Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", "A parameter is not acceptable")
            .detail(format!("{} {}", error.field, error.message))
            .with("errors", [error])
    }

    /// Nothing is there.
    pub fn not_found(code: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, title)
    }

    /// The caller did not say who it is, or not convincingly (RFC 6750, section 3).
    pub fn unauthorized(detail: &'static str, challenge: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Sign in first")
            .detail(detail)
            .header(header::WWW_AUTHENTICATE, challenge)
    }

    /// The fields complained about.
    #[cfg(test)]
    pub(super) fn errors(&self) -> Vec<FieldError> {
        let errors = self.members.get("errors").cloned().unwrap_or_default();
        errors
            .as_array()
            .into_iter()
            .flatten()
            .map(|error| {
                FieldError::new(error["field"].as_str().unwrap(), error["message"].as_str().unwrap())
            })
            .collect()
    }

    /// Its code.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// What is wrong, in general.
    pub(super) fn title(&self) -> &'static str {
        self.title
    }

    /// The names of the headers that come with it.
    pub(super) fn header_names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    /// Its body.
    pub(super) fn body(&self) -> Value {
        let mut body = self.members.clone();
        body.insert("type".to_owned(), json!(format!("/problems/{}", self.code)));
        body.insert("title".to_owned(), json!(self.title));
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        body.insert("code".to_owned(), json!(self.code));
        if let Some(detail) = &self.detail {
            body.insert("detail".to_owned(), json!(detail));
        }
        Value::Object(body)
    }

    /// Says in how many seconds it is worth to try again: not before `at`.
    fn retry_after(self, at: Timestamp) -> Self {
        let left = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
        self.header(header::RETRY_AFTER, HeaderValue::from(whole_seconds(left).max(1)))
    }

    fn conflict(code: &'static str, title: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code, title)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::EventNotFound => Self::not_found("event_not_found", "There is no such event"),
            Error::ReservationNotFound => {
                Self::not_found("reservation_not_found", "There is no such reservation")
            }
            Error::BookingNotFound => Self::not_found("booking_not_found", "There is no such booking"),
            Error::SoldOut { available } => sold_out(available),
            Error::AllHeld { available, retry_at } => all_held(available, retry_at),
            Error::TooManyForUser { most, left } => {
                Self::conflict("max_per_user_reached", "One user may not have so many seats of this event")
                    .detail(format!("At most {most}, held and bought together; {left} more can be had."))
                    .with("max_per_user", most)
                    .with("left", left)
            }
            Error::HeldTooLong { retry_at } => {
                Self::conflict("held_too_long", "Seats were held for too long without being bought")
                    .detail(format!("Let others have their chance. Book again from {retry_at} on."))
                    .with("retry_at", retry_at)
                    .retry_after(retry_at)
            }
            Error::NotOnSale(why) => not_on_sale(why),
            Error::ReservationExpired => {
                Self::new(StatusCode::GONE, "reservation_expired", "The reservation has expired")
                    .detail("Its seats went back on sale. Book again.")
            }
            Error::ReservationReleased => {
                Self::new(StatusCode::GONE, "reservation_released", "The reservation was given back")
                    .detail("Its seats went back on sale. Book again.")
            }
            Error::ConfirmUnderWay => {
                Self::conflict("confirm_under_way", "The reservation is being confirmed")
                    .detail("It can't be given back now. Once it is a booking, that can be cancelled.")
            }
            Error::AlreadyConfirmed => {
                Self::conflict("already_confirmed", "The reservation is a booking already")
                    .detail("Cancel the booking of the same id instead.")
            }
            Error::EventStarted => Self::conflict("event_started", "The event has started")
                .detail("A booking can be cancelled until the event starts."),
            Error::IdempotencyKeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "The idempotency key was used for another request",
            )
            .detail("Send a new Idempotency-Key with each new request."),
            Error::EmailTaken => Self::conflict("email_taken", "The email address has an account already"),
            Error::InvalidCredentials => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_credentials",
                "Email address or password is wrong",
            )
            .header(header::WWW_AUTHENTICATE, "Bearer"),
            Error::TooManyAttempts { wait_seconds } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_attempts", "Too many passwords were wrong")
                    .detail(format!("Try again in {wait_seconds} s."))
                    .header(header::RETRY_AFTER, HeaderValue::from(wait_seconds))
            }
            Error::PasswordIsASetting => {
                Self::conflict("password_is_a_setting", "The admin's password is a setting")
                    .detail("Change it where the service's settings are, and deploy them.")
            }
            Error::AccountNotFound => Self::not_found("account_not_found", "There is no account to change"),
            Error::StillOpen { bookings, reservations } => {
                let ids = |ids: Vec<ReservationId>| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
                Self::conflict("still_open", "Something of the account is still open")
                    .detail("Cancel these bookings, or wait until the events are over; give these reservations back.")
                    .with("bookings", ids(bookings))
                    .with("reservations", ids(reservations))
            }
            Error::TokenEnded => Self::unauthorized(
                "The token is not valid, or no longer. Sign in again.",
                r#"Bearer error="invalid_token""#,
            ),
            Error::StaleVersion { current } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "stale_version", "The event has changed meanwhile")
                    .detail("Read it again and base the change on its current version.")
                    .with("current_version", current)
            }
            Error::CapacityBelowSold { lowest } => {
                Self::conflict("capacity_below_sold", "So many seats are sold or held")
                    .detail(format!("The capacity can't be lower than {lowest} now."))
                    .with("lowest_capacity", lowest)
            }
            Error::EventHasBookings => {
                Self::conflict("event_has_bookings", "The event has bookings, or seats of it are held")
                    .detail(
                        "It can't become a draft while seats are sold or held, and can't be deleted once any were sold. \
                         It can be cancelled.",
                    )
            }
            Error::EventNotDraft => Self::conflict("event_not_draft", "Only a draft can be deleted")
                .detail("Make it a draft first, if nothing of it is sold or held, or cancel it."),
            Error::RateLimited { retry_after } => {
                let seconds = whole_seconds(retry_after);
                Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests")
                    .detail(format!("The next one may come in {seconds} s."))
                    .header(header::RETRY_AFTER, HeaderValue::from(seconds))
            }
            Error::Invalid(errors) => Self::invalid(errors),
            Error::OutOfReach { .. } | Error::GaveUp(_) => {
                tracing::error!(causes = %CauseChain(&error), "{error}");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "try_again", "The outcome is not known yet")
                    .detail("Send the same request again; that is safe.")
                    .header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS))
            }
            Error::Internal(_) => {
                tracing::error!(defect = true, causes = %CauseChain(&error), "{error}");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "internal_error",
                    "Something went wrong on our side",
                )
            }
        }
    }
}

fn sold_out(available: u32) -> Problem {
    let problem = Problem::conflict("sold_out", "Sold out").with("available", available);
    match available {
        0 => problem,
        seats => problem.detail(format!("Only {seats} can be had. Ask for fewer.")),
    }
}

fn all_held(available: u32, retry_at: Timestamp) -> Problem {
    Problem::conflict("all_held", "Too few seats are free, but some are held")
        .detail(format!("Some may come back at {retry_at}, when the next hold runs out."))
        .with("available", available)
        .with("retry_at", retry_at)
        .retry_after(retry_at)
}

fn not_on_sale(why: NotOnSale) -> Problem {
    let problem = Problem::conflict("not_on_sale", "The event is not on sale");
    match why {
        NotOnSale::OpensAt(at) => {
            problem.detail(format!("Sales open at {at}.")).with("sales_open_at", at).retry_after(at)
        }
        NotOnSale::ClosedAt(at) => {
            problem.detail(format!("Sales closed at {at}.")).with("sales_close_at", at)
        }
        NotOnSale::Cancelled => problem.detail("The event was cancelled."),
        NotOnSale::Draft => problem.detail("The event is not published any more."),
    }
}

/// At least so many seconds.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, PROBLEM_JSON), (header::CACHE_CONTROL, "no-store")];
        let mut response = (self.status, headers, self.body().to_string()).into_response();
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
