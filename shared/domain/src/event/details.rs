//! What an admin decides about an event, and what is acceptable.

use std::{collections::BTreeMap, ops::RangeInclusive};

use iso_currency::Currency;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{AREAS_MAX, AreaDetails, Event, time_zone::is_time_zone};
use crate::{
    field_error::{FieldError, Wrong},
    id::AREA_NUMBERS,
    rate::{RATE_PERCENT, RATES_MAX, Rate},
    row::{NUMBERED_SEATS_MAX, ROWS_MAX, Row},
    text,
};

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
pub const PRICING_PERCENT: RangeInclusive<u32> = 1..=1_000;

/// Whether people can see the event, and buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(example = "published")]
pub enum EventStatus {
    /// Only admins see it.
    Draft,
    /// Everybody sees it; it sells within its sale window.
    Published,
    /// It does not take place, and its bookings are cancelled; who knows its id still sees it.
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

    /// All of them.
    pub const ALL: [Self; 3] = [Self::Draft, Self::Published, Self::Cancelled];

    /// The status of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
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

/// What an admin decides about an event, and the rows that stand with it of some of its areas, by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetailsWithRows {
    /// What is kept with the event.
    pub details: EventDetails,
    /// All rows of an area, also those that it has already. An area that is not among them keeps its own.
    pub rows: BTreeMap<String, Vec<Row>>,
}

impl From<EventDetails> for DetailsWithRows {
    fn from(details: EventDetails) -> Self {
        Self { details, rows: BTreeMap::new() }
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
    /// The zone that people there have their clocks by; UTC if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
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
    /// What places cost to whom, the ordinary rate first; none if that is all there is, and is named by nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<Rate>,
    /// What it sells from; none of an event that has the general area alone. `capacity` and `base_price` are then theirs together, see
    /// [`EventDetails::with_sums_of_areas`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<AreaDetails>,
}

/// The currency of that code, if people pay with it: one that has no country's money behind it, like `XXX` or gold, is none, and
/// neither is one that was withdrawn, like `HRK`.
pub fn currency_in_use(code: &str) -> Option<Currency> {
    let currency = Currency::from_code(code)?;
    // The crate takes the bolivar for withdrawn, which is still in ISO 4217's list beside its digital form.
    let is_withdrawn = currency.is_superseded().is_some() && currency != Currency::VES;
    (!is_withdrawn && !currency.is_special() && !currency.is_fund()).then_some(currency)
}

/// For events from before there was a limit.
fn unlimited() -> u32 {
    CAPACITY_MAX
}

impl EventDetails {
    /// What places cost to whom, the ordinary rate first.
    pub fn rates(&self) -> Vec<Rate> {
        if self.rates.is_empty() { vec![Rate::ordinary()] } else { self.rates.clone() }
    }

    /// Checks all fields at once. `before` is the event that these details are to replace, if there is one.
    ///
    /// # Errors
    /// What is wrong, field by field.
    pub fn check(&self, before: Option<&Event>, now: Timestamp) -> Result<(), Vec<FieldError>> {
        let complaints = self.complaints(before, now, &[]);
        if complaints.is_empty() { Ok(()) } else { Err(complaints) }
    }

    /// What is wrong, field by field, where some are `unknown`: what they have here only stands for them, and nothing is said of
    /// these, nor of what depends on them.
    pub fn complaints(&self, before: Option<&Event>, now: Timestamp, unknown: &[&str]) -> Vec<FieldError> {
        let mut complaints = Complaints { unknown, found: Vec::new() };
        self.check_texts(before, &mut complaints);
        self.check_times(before, now, &mut complaints);
        self.check_numbers(&mut complaints);
        self.check_rates(before, &mut complaints);
        self.check_areas(before, &mut complaints);
        complaints.unless(
            before.is_none_or(|event| event.details.currency == self.currency),
            &["currency"],
            Wrong::Fixed,
        );
        complaints.found
    }

    fn check_texts(&self, before: Option<&Event>, complaints: &mut Complaints<'_>) {
        // What an event has from before this was looked at keeps nobody from changing something else.
        let before = before.map(|event| &event.details);
        let (venue, description) = (self.venue.as_deref(), self.description.as_deref());
        let has = |text: &str, chars: RangeInclusive<usize>| chars.contains(&text.chars().count());
        let is_new_name = before.is_none_or(|before| before.name != self.name);
        let name_length = Wrong::Length { min: 1, max: Some(NAME_CHARS_MAX) };
        complaints.unless(has(&self.name, 1..=NAME_CHARS_MAX), &["name"], name_length);
        complaints.unless(!is_new_name || text::is_line(&self.name), &["name"], ONE_LINE);
        complaints.unless(!is_new_name || is_seen(&self.name), &["name"], Wrong::Invisible);
        if let Some(venue) = venue {
            let is_new = before.is_none_or(|before| before.venue.as_deref() != Some(venue));
            complaints.unless(has(venue, 0..=NAME_CHARS_MAX), &["venue"], at_most(NAME_CHARS_MAX));
            complaints.unless(!is_new || text::is_line(venue), &["venue"], ONE_LINE);
            complaints.unless(!is_new || is_seen(venue), &["venue"], Wrong::Invisible);
        }
        if let Some(description) = description {
            let is_new = before.is_none_or(|before| before.description.as_deref() != Some(description));
            let length = at_most(DESCRIPTION_CHARS_MAX);
            complaints.unless(has(description, 0..=DESCRIPTION_CHARS_MAX), &["description"], length);
            let some_lines = Wrong::ControlCharacters { but_lines: true };
            complaints.unless(!is_new || text::is_text(description), &["description"], some_lines);
        }
        if let Some(zone) = self.time_zone.as_deref() {
            let is_new = before.is_none_or(|before| before.time_zone.as_deref() != Some(zone));
            complaints.unless(!is_new || is_time_zone(zone), &["time_zone"], Wrong::NoTimeZone);
        }
    }

    fn check_times(&self, before: Option<&Event>, now: Timestamp, complaints: &mut Complaints<'_>) {
        let moved = before.is_none_or(|event| event.details.starts_at != self.starts_at);
        complaints.unless(!moved || self.starts_at > now, &["starts_at"], Wrong::NotInFuture);
        if let Some(ends_at) = self.ends_at {
            let uses = ["ends_at", "starts_at"];
            complaints.unless(ends_at > self.starts_at, &uses, Wrong::NotAfter("starts_at"));
            complaints.unless(
                ends_at.duration_since(self.starts_at) <= SignedDuration::from_hours(24 * EVENT_DAYS_MAX),
                &uses,
                Wrong::TooLongAfter { other: "starts_at", days: EVENT_DAYS_MAX },
            );
        }
        let (close, close_field) = or_start(self.sales_close_at, "sales_close_at", self.starts_at);
        let (end, end_field) = or_start(self.ends_at, "ends_at", self.starts_at);
        let uses = ["sales_close_at", "ends_at", "starts_at"];
        complaints.unless(close <= end, &uses, Wrong::After(end_field));
        complaints.unless(
            self.sales_open_at.is_none_or(|open| open < close),
            &["sales_open_at", "sales_close_at", "starts_at"],
            Wrong::NotBefore(close_field),
        );
        complaints.unless(
            self.cancel_until.is_none_or(|until| until <= self.starts_at),
            &["cancel_until", "starts_at"],
            Wrong::After("starts_at"),
        );
    }

    fn check_numbers(&self, complaints: &mut Complaints<'_>) {
        let mut range = |field, number: u32, min, max| {
            let is_within = (min..=max).contains(&number);
            complaints.unless(is_within, &[field], Wrong::OutOfRange { min, max });
        };
        if self.areas.is_empty() {
            // Those of areas are sums.
            range("capacity", self.capacity, 1, CAPACITY_MAX);
            range("base_price", self.base_price, 0, PRICE_MAX);
        }
        range("max_per_booking", self.max_per_booking, 1, MAX_PER_BOOKING_MAX);
        range("max_per_user", self.max_per_user, 1, CAPACITY_MAX);
        if let Some(pricing) = self.pricing {
            check_pricing(pricing, "", complaints);
        }
    }

    fn check_areas(&self, before: Option<&Event>, complaints: &mut Complaints<'_>) {
        // As with rates: what is as it was keeps nobody from changing something else.
        let known: &[AreaDetails] = before.map_or(&[], |event| &event.details.areas);
        if self.areas.len() > AREAS_MAX {
            return complaints.unless(false, &["areas"], Wrong::Count { min: 1, max: AREAS_MAX });
        }
        let places: u64 = self.areas.iter().map(|area| u64::from(area.capacity)).sum();
        let too_many = Wrong::TooManyPlaces { max: CAPACITY_MAX };
        complaints.unless(places <= CAPACITY_MAX.into(), &["areas"], too_many);
        let numbered = || self.areas.iter().filter(|area| area.rows > 0);
        let rows: usize = numbered().map(|area| usize::from(area.rows)).sum();
        complaints.unless(rows <= ROWS_MAX, &["areas"], Wrong::TooManyRows { max: ROWS_MAX });
        let seats: u64 = numbered().map(|area| u64::from(area.capacity)).sum();
        let too_many = Wrong::TooManyPlaces { max: NUMBERED_SEATS_MAX };
        complaints.unless(seats <= NUMBERED_SEATS_MAX.into(), &["areas"], too_many);
        let ever = before.map_or(self.areas.len(), |event| event.area_states_under(self).len());
        let most = usize::from(AREA_NUMBERS);
        complaints.unless(ever <= most, &["areas"], Wrong::TooManyEver { max: most });
        for (index, area) in self.areas.iter().enumerate() {
            let field = |name: &str| format!("areas.{index}.{name}");
            let (id, name) = (field("id"), field("name"));
            complaints.unless(text::is_short_id(&area.id), &[&id], Wrong::NoAreaId);
            let is_first = !self.areas.iter().take(index).any(|other| other.id == area.id);
            complaints.unless(is_first, &[&id], Wrong::Twice);
            let is_new = !known.iter().any(|known| known.name == area.name);
            check_name(&name, &area.name, is_new, complaints);
            let mut range = |name: &str, number: u32, min, max| {
                let is_within = (min..=max).contains(&number);
                complaints.unless(is_within, &[&field(name)], Wrong::OutOfRange { min, max });
            };
            range("capacity", area.capacity, 1, CAPACITY_MAX);
            range("base_price", area.base_price, 0, PRICE_MAX);
            if let Some(pricing) = area.pricing {
                check_pricing(pricing, &format!("areas.{index}."), complaints);
            }
        }
    }

    fn check_rates(&self, before: Option<&Event>, complaints: &mut Complaints<'_>) {
        // A rate that is as it was keeps nobody from changing something else.
        let before: &[Rate] = before.map_or(&[], |event| &event.details.rates);
        let count = Wrong::Count { min: 1, max: RATES_MAX };
        complaints.unless(self.rates.len() <= RATES_MAX, &["rates"], count);
        // What an ordinary price may not be, that of a rate may not be, either.
        let base_price = self.areas.iter().map(|area| area.base_price).max().unwrap_or(self.base_price);
        let dearest = (u64::from(PRICE_MAX) * 100).checked_div(base_price.into()).unwrap_or(u64::MAX);
        let (least, most) = (*RATE_PERCENT.start(), *RATE_PERCENT.end());
        let most = u32::try_from(dearest).unwrap_or(most).clamp(least, most);
        for (index, rate) in self.rates.iter().enumerate() {
            let field = |name: &str| format!("rates.{index}.{name}");
            let (id, name, percent) = (field("id"), field("name"), field("percent"));
            let is_new = !before.contains(rate);
            complaints.unless(text::is_short_id(&rate.id), &[&id], Wrong::NoRateId);
            let is_first = !self.rates.iter().take(index).any(|other| other.id == rate.id);
            complaints.unless(is_first, &[&id], Wrong::Twice);
            check_name(&name, &rate.name, is_new, complaints);
            let is_within = (least..=most).contains(&rate.percent);
            let uses = [percent.as_str(), "base_price"];
            complaints.unless(is_within, &uses, Wrong::OutOfRange { min: least, max: most });
        }
    }
}

/// The name of a rate or an area.
fn check_name(field: &str, name: &str, is_new: bool, complaints: &mut Complaints<'_>) {
    let length = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    complaints.unless(length, &[field], Wrong::Length { min: 1, max: Some(NAME_CHARS_MAX) });
    complaints.unless(!is_new || text::is_line(name), &[field], ONE_LINE);
    complaints.unless(!is_new || is_seen(name), &[field], Wrong::Invisible);
}

/// The bounds of demand pricing, whose fields stand `within` others.
fn check_pricing(pricing: Pricing, within: &str, complaints: &mut Complaints<'_>) {
    let (min, max) = (*PRICING_PERCENT.start(), *PRICING_PERCENT.end());
    let field = |name: &str| format!("{within}pricing.{name}");
    let (lowest, highest) = (field("min_percent"), field("max_percent"));
    for (field, percent) in [(&lowest, pricing.min_percent), (&highest, pricing.max_percent)] {
        complaints.unless(PRICING_PERCENT.contains(&percent), &[field], Wrong::OutOfRange { min, max });
    }
    let is_above = pricing.min_percent <= pricing.max_percent;
    complaints.unless(is_above, &[&highest, &lowest], Wrong::Below("pricing.min_percent"));
}

/// Whether there is something to be seen of a line, or something else is wrong with it: an empty one has a length, and control
/// characters are enough to say.
fn is_seen(line: &str) -> bool {
    line.is_empty() || !text::is_line(line) || text::is_visible(line)
}

/// A line, as names are.
const ONE_LINE: Wrong = Wrong::ControlCharacters { but_lines: false };

fn at_most(chars: usize) -> Wrong {
    Wrong::Length { min: 0, max: Some(chars) }
}

/// A time and its field, or the start's if it is not given.
fn or_start(time: Option<Timestamp>, field: &'static str, starts_at: Timestamp) -> (Timestamp, &'static str) {
    time.map_or((starts_at, "starts_at"), |time| (time, field))
}

struct Complaints<'a> {
    unknown: &'a [&'a str],
    found: Vec<FieldError>,
}

impl Complaints<'_> {
    /// Complains of the first of these fields unless it is fine. The others are what that depends on.
    fn unless(&mut self, fine: bool, uses: &[&str], wrong: Wrong) {
        let is_unknown = |field: &&str| self.unknown.contains(field);
        if let (false, Some(field)) = (fine || uses.iter().any(is_unknown), uses.first()) {
            self.found.push(FieldError::new(*field, wrong));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_one_that_people_pay_with() {
        for code in ["EUR", "USD", "JPY", "KWD", "CHF", "SLE", "ZWG", "VES", "XOF", "XCG"] {
            assert!(currency_in_use(code).is_some(), "{code}");
        }
        for code in [
            "XXX", "XTS", "XAU", "XDR", "HRK", "BGN", "CUC", "SLL", "ZWL", "CHE", "USN", "ABC", "eur", "",
            "EURO",
        ] {
            assert!(currency_in_use(code).is_none(), "{code}");
        }
    }
}
