//! What an admin decides about an event, and what is acceptable.

use iso_currency::Currency;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::Event;
use crate::{field_error::FieldError, text};

/// Characters in a name or a venue at most.
pub const NAME_CHARS_MAX: usize = 200;
/// Characters in a description at most; with all else an event stays far below DynamoDB's 400 KB an item.
pub const DESCRIPTION_CHARS_MAX: usize = 5_000;
/// Seats of one event at most.
pub const CAPACITY_MAX: u32 = 1_000_000;
/// Price of one seat at most, in minor units.
pub const PRICE_MAX: u32 = 100_000_000;
/// Seats in one booking unless the event says otherwise.
pub const MAX_PER_BOOKING_DEFAULT: u32 = 10;
/// Seats that one user may have unless the event says otherwise, or one booking may have more.
pub const MAX_PER_USER_DEFAULT: u32 = 10;
/// Seats in one booking at most. In the worst case each seat comes from a shard of its own, and a DynamoDB
/// transaction takes 100 items, the booking and the user's seats among them.
pub const MAX_PER_BOOKING_MAX: u32 = 50;
/// An event lasts, and sells, at most this many days from its start. So the janitor knows how far back holds can exist,
/// and a list how far back events may have started that are still on sale.
pub const EVENT_DAYS_MAX: i64 = 31;
/// The bounds of demand pricing, in percent of the base price.
pub const PRICING_PERCENT: std::ops::RangeInclusive<u32> = 1..=1_000;

/// Whether people can see the event, and buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EventStatus {
    /// Only admins see it.
    Draft,
    /// Everybody sees it; it sells within its sale window.
    Published,
    /// Taken off sale for good or until published again; who knows its id still sees it.
    Cancelled,
}

impl EventStatus {
    /// Its word in the API and in the stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Cancelled => "cancelled",
        }
    }

    /// The status of that word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Draft, Self::Published, Self::Cancelled].into_iter().find(|status| status.as_str() == word)
    }
}

/// How far demand pricing may move the price from the base price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pricing {
    /// The lowest price, in percent of the base price.
    #[schema(default = 80, minimum = 1, maximum = 1_000)]
    #[serde(deserialize_with = "crate::whole::whole")]
    pub min_percent: u32,
    /// The highest price, in percent of the base price; not below `min_percent`.
    #[schema(default = 150, minimum = 1, maximum = 1_000)]
    #[serde(deserialize_with = "crate::whole::whole")]
    pub max_percent: u32,
}

impl Default for Pricing {
    fn default() -> Self {
        Self { min_percent: 80, max_percent: 150 }
    }
}

/// What an admin decides about an event. [`EventDetails::check`] says whether it is acceptable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventDetails {
    /// What it is called.
    pub name: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where it takes place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
    /// When it starts.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub starts_at: Timestamp,
    /// When it ends, if that is known.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub ends_at: Option<Timestamp>,
    /// Seats in all.
    pub capacity: u32,
    /// What a seat costs before demand pricing, in minor units of `currency`.
    pub base_price: u32,
    /// ISO 4217 code. Can't be changed later: revenue is kept in it.
    pub currency: Currency,
    /// When sales open; at once if not given.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub sales_open_at: Option<Timestamp>,
    /// When sales close; at the start if not given.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub sales_close_at: Option<Timestamp>,
    /// Until when a booking can be cancelled; until the start if not given.
    #[serde(
        default,
        with = "jiff::fmt::serde::timestamp::millisecond::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub cancel_until: Option<Timestamp>,
    /// Seats in one booking at most.
    pub max_per_booking: u32,
    /// Seats that one user may have, held and bought together.
    #[serde(default = "unlimited")]
    pub max_per_user: u32,
    /// Whether people can see it, and buy.
    pub status: EventStatus,
    /// Demand pricing, if wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Pricing>,
}

/// For events from before there was a limit.
fn unlimited() -> u32 {
    CAPACITY_MAX
}

impl EventDetails {
    /// Checks all fields at once. `before` is the event that these details are to replace, if there is one.
    pub fn check(&self, before: Option<&Event>, now: Timestamp) -> Result<(), Vec<FieldError>> {
        let mut complaints = Complaints(Vec::new());
        self.check_texts(before, &mut complaints);
        self.check_times(before, now, &mut complaints);
        self.check_numbers(&mut complaints);
        complaints.unless(
            before.is_none_or(|event| event.details.currency == self.currency),
            "currency",
            "can't be changed: revenue is kept in it",
        );
        if complaints.0.is_empty() { Ok(()) } else { Err(complaints.0) }
    }

    fn check_texts(&self, before: Option<&Event>, complaints: &mut Complaints) {
        let name_chars = self.name.chars().count();
        complaints.unless(
            (1..=NAME_CHARS_MAX).contains(&name_chars) && !self.name.trim().is_empty(),
            "name",
            format!("must have 1 to {NAME_CHARS_MAX} characters"),
        );
        let at_most =
            |text: &Option<String>, most| text.as_ref().is_none_or(|text| text.chars().count() <= most);
        complaints.unless(
            at_most(&self.venue, NAME_CHARS_MAX),
            "venue",
            format!("must have at most {NAME_CHARS_MAX} characters"),
        );
        complaints.unless(
            at_most(&self.description, DESCRIPTION_CHARS_MAX),
            "description",
            format!("must have at most {DESCRIPTION_CHARS_MAX} characters"),
        );
        // What an event has from before this was looked at keeps nobody from changing something else.
        let before = before.map(|event| &event.details);
        let (venue, description) = (self.venue.as_deref(), self.description.as_deref());
        complaints.unless(
            text::is_line(&self.name) || before.is_some_and(|before| before.name == self.name),
            "name",
            text::CONTROL_IN_LINE,
        );
        complaints.unless(
            venue.is_none_or(text::is_line) || before.is_some_and(|before| before.venue.as_deref() == venue),
            "venue",
            text::CONTROL_IN_LINE,
        );
        complaints.unless(
            description.is_none_or(text::is_text)
                || before.is_some_and(|before| before.description.as_deref() == description),
            "description",
            text::CONTROL_IN_TEXT,
        );
    }

    fn check_times(&self, before: Option<&Event>, now: Timestamp, complaints: &mut Complaints) {
        let moved = before.is_none_or(|event| event.details.starts_at != self.starts_at);
        complaints.unless(!moved || self.starts_at > now, "starts_at", "must be in the future");
        if let Some(ends_at) = self.ends_at {
            complaints.unless(ends_at > self.starts_at, "ends_at", "must be after starts_at");
            complaints.unless(
                ends_at.duration_since(self.starts_at) <= SignedDuration::from_hours(24 * EVENT_DAYS_MAX),
                "ends_at",
                format!("must be at most {EVENT_DAYS_MAX} days after starts_at"),
            );
        }
        let close = self.sales_close_at.unwrap_or(self.starts_at);
        complaints.unless(
            close <= self.ends_at.unwrap_or(self.starts_at),
            "sales_close_at",
            "must not be after the end of the event (its start, if no end is given)",
        );
        complaints.unless(
            self.sales_open_at.is_none_or(|open| open < close),
            "sales_open_at",
            "must be before sales close (sales_close_at, or starts_at if that is not given)",
        );
        complaints.unless(
            self.cancel_until.is_none_or(|until| until <= self.starts_at),
            "cancel_until",
            "must not be after starts_at",
        );
    }

    fn check_numbers(&self, complaints: &mut Complaints) {
        complaints.unless(
            (1..=CAPACITY_MAX).contains(&self.capacity),
            "capacity",
            format!("must be 1 to {CAPACITY_MAX}"),
        );
        complaints.unless(self.base_price <= PRICE_MAX, "base_price", format!("must be 0 to {PRICE_MAX}"));
        complaints.unless(
            (1..=MAX_PER_BOOKING_MAX).contains(&self.max_per_booking),
            "max_per_booking",
            format!("must be 1 to {MAX_PER_BOOKING_MAX}"),
        );
        complaints.unless(
            (1..=CAPACITY_MAX).contains(&self.max_per_user),
            "max_per_user",
            format!("must be 1 to {CAPACITY_MAX}"),
        );
        if let Some(pricing) = self.pricing {
            let (low, high) = (PRICING_PERCENT.start(), PRICING_PERCENT.end());
            for (field, percent) in
                [("pricing.min_percent", pricing.min_percent), ("pricing.max_percent", pricing.max_percent)]
            {
                complaints.unless(
                    PRICING_PERCENT.contains(&percent),
                    field,
                    format!("must be {low} to {high}"),
                );
            }
            complaints.unless(
                pricing.min_percent <= pricing.max_percent,
                "pricing.max_percent",
                "must not be below pricing.min_percent",
            );
        }
    }
}

struct Complaints(Vec<FieldError>);

impl Complaints {
    fn unless(&mut self, fine: bool, field: &str, message: impl Into<String>) {
        if !fine {
            self.0.push(FieldError::new(field, message));
        }
    }
}
