//! Every code that a problem may have, with its status and its title: the one place that has them.

use axum::http::StatusCode;

/// Makes [`Code`] from a table: under each status its codes, each with how it is written and its title. They stand in the API
/// document in the table's order.
macro_rules! codes {
    ($($status:ident { $($code:ident $text:literal $title:literal)+ })+) => {
        /// What is wrong, for programs. A code is stable; clients go by it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = concat!("`", $text, "`: ", $title, ".")] $code,)+)+
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$($(Self::$code,)+)+];

            /// As it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$code => $text,)+)+ }
            }

            /// The HTTP status that a problem with it has.
            pub const fn status(self) -> StatusCode {
                match self { $($(Self::$code)|+ => StatusCode::$status,)+ }
            }

            /// What is wrong in general, for people. It is the same whenever the code is (RFC 9457, section 3.1.3).
            pub const fn title(self) -> &'static str {
                match self { $($(Self::$code => $title,)+)+ }
            }
        }
    };
}

codes! {
    BAD_REQUEST {
        IdempotencyKeyRequired "idempotency_key_required" "An Idempotency-Key header is required"
        InvalidParameter "invalid_parameter" "A parameter is not acceptable"
        InvalidCursor "invalid_cursor" "The cursor is not one of this list"
        MalformedJson "malformed_json" "The body is not valid JSON"
        MalformedBody "malformed_body" "The body could not be read"
    }
    UNAUTHORIZED {
        InvalidCredentials "invalid_credentials" "Email address or password is wrong"
        Unauthorized "unauthorized" "Sign in first"
    }
    PAYMENT_REQUIRED {
        PaymentRequired "payment_required" "The booking has yet to be paid for"
    }
    FORBIDDEN {
        Forbidden "forbidden" "Only an admin may do this"
        EmailNotVerified "email_not_verified" "The email address is not verified yet"
    }
    NOT_FOUND {
        NotFound "not_found" "There is nothing at this path"
        EventNotFound "event_not_found" "There is no such event"
        AreaNotFound "area_not_found" "The event has no such area"
        ReservationNotFound "reservation_not_found" "There is no such reservation"
        BookingNotFound "booking_not_found" "There is no such booking"
        AccountNotFound "account_not_found" "There is no account to change"
        NotAudited "not_audited" "What admins do is not kept here"
        WebhookNotFound "webhook_not_found" "There is no such webhook"
        DeliveryNotFound "delivery_not_found" "There is no such delivery"
    }
    METHOD_NOT_ALLOWED {
        MethodNotAllowed "method_not_allowed" "This path has other methods"
    }
    REQUEST_TIMEOUT {
        BodyTooSlow "body_too_slow" "The body took too long to arrive"
    }
    CONFLICT {
        SoldOut "sold_out" "Sold out"
        AllHeld "all_held" "Too few seats are free, but some are held"
        SeatsTaken "seats_taken" "Some of the seats are taken"
        SeatsInUse "seats_in_use" "Some of the seats are sold or held"
        NotTogether "not_together" "So many seats are free, but not side by side"
        NotOnSale "not_on_sale" "The event is not on sale"
        MaxPerUserReached "max_per_user_reached" "One user may not have so many seats of this event"
        NetworkLimit "network_limit" "Too many places of the event are held or were bought from one network"
        HeldTooLong "held_too_long" "Seats were held, or bought and cancelled, again and again"
        AlreadyConfirmed "already_confirmed" "The reservation is a booking already"
        NotConfirmed "not_confirmed" "The booking is not confirmed yet"
        ConfirmUnderWay "confirm_under_way" "The reservation is being confirmed"
        EventStarted "event_started" "The event has started"
        CancelClosed "cancel_closed" "The time for cancelling is over"
        EmailTaken "email_taken" "The email address has an account already"
        StillOpen "still_open" "Something of the account is still open"
        NoMail "no_mail" "This service sends no mail"
        NoWebhooks "no_webhooks" "This service sends no webhooks"
        TooManyWebhooks "too_many_webhooks" "There are as many webhooks as there may be"
        NotReplayable "not_replayable" "This is not told once more"
        PasswordIsASetting "password_is_a_setting" "The admin's password is a setting"
        CapacityBelowSold "capacity_below_sold" "So many seats are sold or held"
        AreaHasBookings "area_has_bookings" "The area has bookings, or seats of it are held"
        EventCancelled "event_cancelled" "The event was cancelled"
        EventNotDraft "event_not_draft" "Only a draft can be deleted"
        EventHasBookings "event_has_bookings" "The event has bookings, or seats of it are held"
    }
    GONE {
        ReservationExpired "reservation_expired" "The reservation has expired"
        ReservationReleased "reservation_released" "The reservation was given back"
        TokenEnded "token_ended" "The link was used, or is too old"
    }
    PRECONDITION_FAILED {
        StaleVersion "stale_version" "The event has changed meanwhile"
    }
    PAYLOAD_TOO_LARGE {
        BodyTooLarge "body_too_large" "The body is too large"
    }
    UNSUPPORTED_MEDIA_TYPE {
        UnsupportedMediaType "unsupported_media_type" "The body has the wrong media type"
    }
    MISDIRECTED_REQUEST {
        HostNotServed "host_not_served" "This server has another name"
    }
    UNPROCESSABLE_ENTITY {
        ValidationFailed "validation_failed" "Some fields are not acceptable"
        UnknownRate "unknown_rate" "The event has no such rate"
        UnknownArea "unknown_area" "The event has no such area"
        UnknownSeats "unknown_seats" "The area has no such seats"
        AreaRequired "area_required" "The event has several areas"
        AreasRequired "areas_required" "The event names its areas"
        IdempotencyKeyReused "idempotency_key_reused" "The idempotency key was used for another request"
    }
    PRECONDITION_REQUIRED {
        IfMatchRequired "if_match_required" "An If-Match header is required"
    }
    TOO_MANY_REQUESTS {
        RateLimited "rate_limited" "Too many requests"
        TooManyAttempts "too_many_attempts" "Too many passwords were wrong"
        TooManyRegistrations "too_many_registrations" "Too many accounts were made from this network"
    }
    INTERNAL_SERVER_ERROR {
        InternalError "internal_error" "Something went wrong on our side"
    }
    SERVICE_UNAVAILABLE {
        TryAgain "try_again" "The outcome is not known yet"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_as_it_is_named() {
        for code in Code::ALL {
            let named: String = code.as_str().split('_').map(capitalised).collect();
            assert_eq!(named, format!("{code:?}"));
        }
    }

    fn capitalised(word: &str) -> String {
        word[..1].to_uppercase() + &word[1..]
    }
}
