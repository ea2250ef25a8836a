//! Errors as answers: RFC 9457 `application/problem+json`. The one place where the domain's errors become
//! codes.

use std::time::Duration;
use telemetry::CauseChain;

use axum::{
    http::{HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::Code;
use domain::{
    error::Error,
    event::NotOnSale,
    field_error::{FieldError, Wrong},
    id::ReservationId,
    time::shown,
    webhook::ENDPOINTS_MAX,
};

/// The media type of a problem.
pub const PROBLEM_JSON: &str = "application/problem+json";
/// Seconds after which a client may try again when a store did not answer.
pub const RETRY_AFTER_SECONDS: u32 = 1;

/// An error answer. Its `code` is stable; clients go by it.
#[derive(Debug)]
pub struct Problem {
    code: Code,
    detail: Option<String>,
    errors: Vec<FieldError>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// A problem with that code.
    pub fn new(code: Code) -> Self {
        Self { code, detail: None, errors: Vec::new(), members: Map::new(), headers: Vec::new() }
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
        let sentences: Vec<_> =
            errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect();
        Self { errors, ..Self::new(Code::ValidationFailed).detail(sentences.join("; ")) }
    }

    /// A parameter of the path, the query or the headers can't be accepted.
    pub fn bad_parameter(name: &str, wrong: Wrong) -> Self {
        Self::bad_parameters(vec![FieldError::new(name, wrong)])
    }

    /// Parameters that can't be accepted.
    pub fn bad_parameters(errors: Vec<FieldError>) -> Self {
        Self { code: Code::InvalidParameter, ..Self::invalid(errors) }
    }

    /// The caller did not say who it is, or not convincingly (RFC 6750, section 3).
    pub fn unauthorized(detail: &'static str, challenge: &'static str) -> Self {
        Self::new(Code::Unauthorized).detail(detail).header(header::WWW_AUTHENTICATE, challenge)
    }

    /// The fields complained about.
    #[cfg(test)]
    pub(super) fn errors(&self) -> Vec<FieldError> {
        self.errors.clone()
    }

    /// Its code.
    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// The names of the headers that come with it.
    pub(super) fn header_names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    /// Its body.
    pub fn body(&self) -> Value {
        let mut body = self.members.clone();
        body.insert("type".to_owned(), json!(format!("/problems/{}", self.code.as_str())));
        body.insert("title".to_owned(), json!(self.code.title()));
        body.insert("status".to_owned(), json!(self.code.status().as_u16()));
        body.insert("code".to_owned(), json!(self.code.as_str()));
        if let Some(detail) = &self.detail {
            body.insert("detail".to_owned(), json!(detail));
        }
        if !self.errors.is_empty() {
            body.insert("errors".to_owned(), json!(self.errors));
        }
        Value::Object(body)
    }

    /// Says in how many seconds it is worth to try again: not before `at`.
    fn retry_after(self, at: Timestamp) -> Self {
        let left = Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default();
        self.header(header::RETRY_AFTER, HeaderValue::from(whole_seconds(left).max(1)))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::EventNotFound => Self::new(Code::EventNotFound),
            Error::AreaNotFound => Self::new(Code::AreaNotFound),
            Error::ReservationNotFound => Self::new(Code::ReservationNotFound),
            Error::BookingNotFound => Self::new(Code::BookingNotFound),
            Error::SoldOut { available, area } => sold_out(available).with("area", area),
            Error::AllHeld { available, retry_at, area } => all_held(available, retry_at).with("area", area),
            Error::TooManyForUser { most, left } => Self::new(Code::MaxPerUserReached)
                .detail(format!("At most {most}, held and bought together; {left} more can be had."))
                .with("max_per_user", most)
                .with("left", left),
            Error::UnknownRate(rate) => Self::new(Code::UnknownRate)
                .detail("The event's `rates` say which there are.".to_owned())
                .with("rate", rate),
            Error::UnknownArea(area) => Self::new(Code::UnknownArea)
                .detail("The event's `areas` say which there are.".to_owned())
                .with("area", area),
            Error::UnknownSeats(seats) => Self::new(Code::UnknownSeats)
                .detail("The event's layout says which seats an area has: a row's name, a hyphen, and the seat's label, like A-7.")
                .with("seats", seats),
            Error::SeatsTaken { seats, area } => Self::new(Code::SeatsTaken)
                .detail("Others have them, or hold them, or they are out of sale. Choose others.")
                .with("area", area)
                .with("seats", seats),
            Error::SeatsInUse { seats, area } => Self::new(Code::SeatsInUse)
                .detail("They can be taken out of sale once nobody has them.")
                .with("area", area)
                .with("seats", seats),
            Error::NotTogether { largest, area } => Self::new(Code::NotTogether)
                .detail(match largest {
                    0 => "Ask for fewer.".to_owned(),
                    _ => format!("At most {largest} stand side by side. Ask for fewer, or with `\"together\": false`."),
                })
                .with("area", area)
                .with("largest", largest),
            Error::AreaRequired => Self::new(Code::AreaRequired)
                .detail("Say of which `area` places are to be held, by its id; the event's `areas` have them."),
            Error::AreasRequired => Self::new(Code::AreasRequired).detail(
                "Send all its `areas`, each with its capacity and its base price, in place of `capacity`, \
                 `base_price` and `pricing`.",
            ),
            Error::HeldTooLong { retry_at } => Self::new(Code::HeldTooLong)
                .detail(format!("Let others have their chance. Book again from {} on.", shown(retry_at)))
                .with("retry_at", shown(retry_at))
                .retry_after(retry_at),
            Error::NetworkLimit { retry_at } => Self::new(Code::NetworkLimit)
                .detail(format!(
                    "Let others have their chance. Some may be had again from {} on.",
                    shown(retry_at)
                ))
                .with("retry_at", shown(retry_at))
                .retry_after(retry_at),
            Error::NotOnSale(why) => not_on_sale(why),
            Error::ReservationExpired => {
                Self::new(Code::ReservationExpired).detail("Its seats went back on sale. Book again.")
            }
            Error::ReservationReleased => {
                Self::new(Code::ReservationReleased).detail("Its seats went back on sale. Book again.")
            }
            Error::ConfirmUnderWay => Self::new(Code::ConfirmUnderWay)
                .detail("It can't be given back now. Once it is a booking, that can be cancelled."),
            Error::AlreadyConfirmed => Self::new(Code::AlreadyConfirmed)
                .detail("It is, or was, a booking of the same id: while it is confirmed it can be cancelled, while it is pending closed."),
            Error::PaymentRequired { booking } => Self::new(Code::PaymentRequired)
                .detail("The seats are taken for you; pay for the booking, or give it up.")
                .with("booking_id", booking.to_string()),
            Error::NotConfirmed => Self::new(Code::NotConfirmed)
                .detail("Only a confirmed booking is cancelled. Give this one up with DELETE instead."),
            Error::CancelClosed { since } => Self::new(Code::CancelClosed)
                .detail(format!("Bookings of this event could be cancelled until {}.", shown(since)))
                .with("cancel_until", shown(since)),
            Error::EventStarted => {
                Self::new(Code::EventStarted).detail("A booking can be cancelled until the event starts.")
            }
            Error::IdempotencyKeyReused => Self::new(Code::IdempotencyKeyReused)
                .detail("Send a new Idempotency-Key with each new request."),
            Error::EmailTaken => Self::new(Code::EmailTaken),
            Error::InvalidCredentials => {
                Self::new(Code::InvalidCredentials).header(header::WWW_AUTHENTICATE, "Bearer")
            }
            Error::TooManyAttempts { wait_seconds } => Self::new(Code::TooManyAttempts)
                .detail(format!("Try again in {wait_seconds} s."))
                .header(header::RETRY_AFTER, HeaderValue::from(wait_seconds)),
            Error::PasswordIsASetting => Self::new(Code::PasswordIsASetting)
                .detail("Change it where the service's settings are, and deploy them."),
            Error::AccountNotFound => Self::new(Code::AccountNotFound),
            Error::StillOpen { bookings, reservations } => {
                let ids = |ids: Vec<ReservationId>| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
                Self::new(Code::StillOpen)
                    .detail(
                        "Cancel these bookings, or close those that are pending, or wait until the events are over; give these reservations \
                         back.",
                    )
                    .with("bookings", ids(bookings))
                    .with("reservations", ids(reservations))
            }
            Error::TokenEnded => Self::unauthorized(
                "The token is not valid, or no longer. Sign in again.",
                r#"Bearer error="invalid_token""#,
            ),
            Error::MailedTokenEnded => Self::new(Code::TokenEnded)
                .detail("Ask for another mail, and use the link in the newest one."),
            Error::EmailNotVerified => Self::new(Code::EmailNotVerified).detail(
                "Follow the link in the mail that the address was sent, or ask for another by POST \
                 /verify-email/resend.",
            ),
            Error::NoMail => Self::new(Code::NoMail).detail("Whoever runs it can set MAIL_URL."),
            Error::NoWebhooks => Self::new(Code::NoWebhooks)
                .detail("Whoever runs it can make the table and name it in WEBHOOKS_TABLE."),
            Error::WebhookNotFound => Self::new(Code::WebhookNotFound),
            Error::TooManyWebhooks => Self::new(Code::TooManyWebhooks)
                .detail(format!("There may be {ENDPOINTS_MAX}. Remove one that nobody needs.")),
            Error::DeliveryNotFound => Self::new(Code::DeliveryNotFound),
            Error::NotReplayable => Self::new(Code::NotReplayable)
                .detail("It is about an account, and its link has ended: whoever needs another asks for it. Or its endpoint was removed."),
            Error::StaleVersion { current } => Self::new(Code::StaleVersion)
                .detail("Read it again and base the change on its current version.")
                .with("current_version", current),
            Error::CapacityBelowSold { area, lowest } => Self::new(Code::CapacityBelowSold)
                .detail(format!("The capacity can't be lower than {lowest} now."))
                .with("area", area)
                .with("lowest_capacity", lowest),
            Error::AreaHasBookings { area, seats } => Self::new(Code::AreaHasBookings)
                .detail("It can't be taken away, nor can its id be changed, while seats of it are sold or held.")
                .with("area", area)
                .with("places", seats),
            Error::EventCancelled => Self::new(Code::EventCancelled)
                .detail("Its bookings were cancelled with it: make a new event. All but the status can be changed."),
            Error::EventHasBookings => Self::new(Code::EventHasBookings).detail(
                "It can't become a draft while seats are sold or held, and can't be deleted once any \
                         were sold. It can be cancelled.",
            ),
            Error::NotAudited => Self::new(Code::NotAudited)
                .detail("Make the table and name it in AUDIT_TABLE: what is done from then on is kept."),
            Error::EventNotDraft => Self::new(Code::EventNotDraft)
                .detail("Make it a draft first, if nothing of it is sold or held, or cancel it."),
            Error::RateLimited { retry_after } => {
                let seconds = whole_seconds(retry_after);
                Self::new(Code::RateLimited)
                    .detail(format!("The next one may come in {seconds} s."))
                    .header(header::RETRY_AFTER, HeaderValue::from(seconds))
            }
            Error::TooManyRegistrations { retry_after } => {
                let seconds = whole_seconds(retry_after);
                Self::new(Code::TooManyRegistrations)
                    .detail(format!("The next account may be made in {seconds} s."))
                    .header(header::RETRY_AFTER, HeaderValue::from(seconds))
            }
            Error::Invalid(errors) => Self::invalid(errors),
            Error::OutOfReach { .. } | Error::GaveUp(_) => {
                tracing::error!(causes = %CauseChain(&error), "{error}");
                Self::new(Code::TryAgain)
                    .detail("Send the same request again; that is safe.")
                    .header(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS))
            }
            Error::Internal(_) => {
                tracing::error!(defect = true, causes = %CauseChain(&error), "{error}");
                Self::new(Code::InternalError)
            }
        }
    }
}

fn sold_out(available: u32) -> Problem {
    let problem = Problem::new(Code::SoldOut).with("available", available);
    match available {
        0 => problem,
        seats => problem.detail(format!("Only {seats} can be had. Ask for fewer.")),
    }
}

fn all_held(available: u32, retry_at: Timestamp) -> Problem {
    Problem::new(Code::AllHeld)
        .detail(format!("Some may come back at {}, when the next hold runs out.", shown(retry_at)))
        .with("available", available)
        .with("retry_at", shown(retry_at))
        .retry_after(retry_at)
}

fn not_on_sale(why: NotOnSale) -> Problem {
    let problem = Problem::new(Code::NotOnSale);
    match why {
        NotOnSale::OpensAt(at) => problem
            .detail(format!("Sales open at {}.", shown(at)))
            .with("sales_open_at", shown(at))
            .retry_after(at),
        NotOnSale::ClosedAt(at) => {
            problem.detail(format!("Sales closed at {}.", shown(at))).with("sales_close_at", shown(at))
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
        let mut response = (self.code.status(), headers, self.body().to_string()).into_response();
        for (name, value) in self.headers {
            response.headers_mut().insert(name, value);
        }
        // For the log.
        response.extensions_mut().insert(self.code);
        response
    }
}
