//! An event as an admin writes it.

use domain::{
    error::Error,
    event::{Event, EventDetails, EventStatus, MAX_PER_BOOKING_DEFAULT, MAX_PER_USER_DEFAULT, Pricing},
    field_error::FieldError,
    object::object_or_none,
    time::to_whole_ms,
    whole::{whole, whole_or_none},
};
use iso_currency::Currency;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An event as an admin writes it. When an event is replaced, what is left out gets its default, but `status` keeps its
/// value.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventInput {
    /// 1 to 200 characters, not all of them white space, and none of them a control character.
    #[schema(example = "Open Air 2031", max_length = 200, pattern = r"\S")]
    pub(crate) name: String,
    /// At most 5,000 characters; of control characters only line breaks and tabs.
    #[schema(max_length = 5000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    /// At most 200 characters, and no control characters.
    #[schema(example = "Riverside Park", max_length = 200)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) venue: Option<String>,
    /// In the future, unless the event had this start already.
    #[schema(example = "2031-06-12T18:00:00Z")]
    pub(crate) starts_at: Timestamp,
    /// At most 31 days after `starts_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ends_at: Option<Timestamp>,
    /// Seats in all.
    #[schema(example = 500, minimum = 1, maximum = 1_000_000)]
    #[serde(deserialize_with = "whole")]
    pub(crate) capacity: u32,
    /// Price of a seat, in minor units of `currency`. A new base price is the new price, too.
    #[schema(example = 4500, minimum = 0, maximum = 100_000_000)]
    #[serde(deserialize_with = "whole")]
    pub(crate) base_price: u32,
    /// ISO 4217 code. Can't be changed later.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    pub(crate) currency: String,
    /// When sales open; at once if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sales_open_at: Option<Timestamp>,
    /// When sales close; at the start if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sales_close_at: Option<Timestamp>,
    /// Until when a booking can be cancelled, at most `starts_at`; until the start if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cancel_until: Option<Timestamp>,
    /// Seats in one booking at most, 10 if left out.
    #[schema(minimum = 1, maximum = 50)]
    #[serde(default, deserialize_with = "whole_or_none", skip_serializing_if = "Option::is_none")]
    pub(crate) max_per_booking: Option<u32>,
    /// Seats that one user may have, held and bought together; if left out 10, or `max_per_booking` if that is more.
    #[schema(minimum = 1, maximum = 1_000_000)]
    #[serde(default, deserialize_with = "whole_or_none", skip_serializing_if = "Option::is_none")]
    pub(crate) max_per_user: Option<u32>,
    /// If left out, a new event is `published`, and one that is replaced keeps its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<EventStatus>,
    /// Bounds of demand pricing, `{}` for the usual ones. Without, the price is the base price.
    #[serde(default, deserialize_with = "object_or_none", skip_serializing_if = "Option::is_none")]
    pub(crate) pricing: Option<Pricing>,
}

impl EventInput {
    /// The same text for the same event, however its JSON was written: what an idempotency key stands for. What is left out
    /// is not in it, so that a field added one day changes nothing for those who do not send it.
    pub(crate) fn canonical(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| Error::Internal(Box::new(error)))
    }

    /// The event's details, all checked; `before` is the event that they are to replace, if there is one. Every bad
    /// field is named at once.
    pub(crate) fn details(self, before: Option<&Event>, now: Timestamp) -> Result<EventDetails, Error> {
        let mut errors = Vec::new();
        let currency = Currency::from_code(&self.currency);
        if currency.is_none() {
            errors.push(FieldError::new("currency", "must be an ISO 4217 code, like EUR"));
        }
        if before.is_none() && self.status == Some(EventStatus::Cancelled) {
            errors.push(FieldError::new("status", "must be draft or published for a new event"));
        }
        // Until there is a currency, one that nobody complains about: the other fields are to be checked, too.
        let stand_in = before.map_or(Currency::XXX, |event| event.details.currency);
        let max_per_booking = self.max_per_booking.unwrap_or(MAX_PER_BOOKING_DEFAULT);
        let details = EventDetails {
            name: self.name.trim().to_owned(),
            description: self.description,
            venue: self.venue,
            starts_at: to_whole_ms(self.starts_at),
            ends_at: self.ends_at.map(to_whole_ms),
            capacity: self.capacity,
            base_price: self.base_price,
            currency: currency.unwrap_or(stand_in),
            sales_open_at: self.sales_open_at.map(to_whole_ms),
            sales_close_at: self.sales_close_at.map(to_whole_ms),
            cancel_until: self.cancel_until.map(to_whole_ms),
            max_per_booking,
            max_per_user: self.max_per_user.unwrap_or(MAX_PER_USER_DEFAULT.max(max_per_booking)),
            status: self
                .status
                .unwrap_or(before.map_or(EventStatus::Published, |event| event.details.status)),
            pricing: self.pricing,
        };
        match details.check(before, now) {
            Ok(()) if errors.is_empty() => Ok(details),
            Ok(()) => Err(Error::Invalid(errors)),
            Err(mut all) => {
                all.append(&mut errors);
                Err(Error::Invalid(all))
            }
        }
    }
}
