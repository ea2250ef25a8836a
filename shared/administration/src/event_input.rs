//! An event as an admin writes it.

use std::{collections::BTreeMap, ops::RangeInclusive};

use domain::{
    error::Error,
    event::{
        AREAS_MAX, AreaDetails, AreaName, CAPACITY_MAX, DetailsWithRows, Event, EventDetails, EventStatus,
        MAX_PER_BOOKING_DEFAULT, MAX_PER_BOOKING_MAX, MAX_PER_USER_DEFAULT, PRICE_MAX, Pricing,
        currency_in_use,
    },
    field_error::{FieldError, Wrong},
    rate::{RATE_PERCENT, RATES_MAX, Rate},
    row::Row,
    time::to_whole_ms,
};
use http_api::fields::{Fields, Read, Value, instant, text, whole, word};
use iso_currency::Currency;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::area_input::{AreaInput, area, pricing};

/// An event as an admin writes it. When an event is replaced, what is left out gets its default, but `status` keeps its
/// value.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EventInput {
    /// What could not be read. What these fields have here only stands for them.
    #[serde(skip)]
    #[schema(ignore)]
    pub unread: Vec<FieldError>,
    /// 1 to 200 characters, something to be seen among them, and none of them a control character.
    #[schema(example = "Open Air 2031", max_length = 200, pattern = r"\S")]
    pub name: String,
    /// At most 5,000 characters; of control characters only line breaks and tabs.
    #[schema(max_length = 5000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// At most 200 characters, and no control characters.
    #[schema(example = "Riverside Park", max_length = 200)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
    /// In the future, unless the event had this start already.
    #[schema(example = "2031-06-12T18:00:00.000Z")]
    pub starts_at: Timestamp,
    /// IANA name of the venue's time zone; UTC if left out. Times in mails are told in it.
    #[schema(example = "Europe/Berlin", min_length = 1)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// At most 31 days after `starts_at`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// Seats in all. Needed unless there are `areas`.
    #[schema(value_type = u32, required = false, example = 500, minimum = 1, maximum = 1_000_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    /// Price of a seat, in minor units of `currency`. A new base price is the new price, too. Needed unless there are `areas`.
    #[schema(value_type = u32, required = false, example = 4500, minimum = 0, maximum = 100_000_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_price: Option<u32>,
    /// ISO 4217 code of a currency in use. Can't be changed later.
    #[schema(example = "EUR", pattern = "^[A-Z]{3}$")]
    pub currency: String,
    /// When sales open; at once if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sales_open_at: Option<Timestamp>,
    /// When sales close; at the start if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sales_close_at: Option<Timestamp>,
    /// Until when a booking can be cancelled, at most `starts_at`; until the start if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_until: Option<Timestamp>,
    /// Seats in one booking at most, 10 if left out.
    #[schema(example = 10, minimum = 1, maximum = 50)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_per_booking: Option<u32>,
    /// Seats that one user may have, held and bought together; if left out 10, or `max_per_booking` if that is more.
    #[schema(example = 10, minimum = 1, maximum = 1_000_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_per_user: Option<u32>,
    /// If left out, a new event is `published`, and one that is replaced keeps its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<EventStatus>,
    /// Bounds of demand pricing, `{}` for the usual ones. Without, the price is the base price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pricing: Option<Pricing>,
    /// What places cost to whom, in percent of the price: 1 to 10, the ordinary one first. If left out everybody pays the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rates: Option<Vec<Rate>>,
    /// What it sells from, each with its own capacity or rows, price and bounds of demand pricing, in place of `capacity`, `base_price`
    /// and `pricing`: 1 to 50, with 1,000,000 seats together. Needed when an event that names areas is replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub areas: Option<Vec<AreaInput>>,
}

/// An event's body: 5,000 characters of a description, 400 of a name and a venue, 2,320 of ten rates and 11,600 of 50 areas take some
/// 300,000 bytes if each is escaped. Rows that need more are added later.
pub const EVENT_BODY_BYTES_MAX: usize = 1024 * 1024;

impl Read for EventInput {
    const BODY_BYTES_MAX: usize = EVENT_BODY_BYTES_MAX;

    fn read(fields: &mut Fields) -> Option<Self> {
        let names_areas = fields.has("areas");
        let input = Self {
            unread: Vec::new(),
            name: fields.required("name", text).unwrap_or_default(),
            description: fields.optional("description", text),
            venue: fields.optional("venue", text),
            starts_at: fields.required("starts_at", instant).unwrap_or_default(),
            time_zone: fields.optional("time_zone", text),
            ends_at: fields.optional("ends_at", instant),
            capacity: unless_areas(fields, "capacity", names_areas, 1..=CAPACITY_MAX),
            base_price: unless_areas(fields, "base_price", names_areas, 0..=PRICE_MAX),
            currency: fields.required("currency", text).unwrap_or_default(),
            sales_open_at: fields.optional("sales_open_at", instant),
            sales_close_at: fields.optional("sales_close_at", instant),
            cancel_until: fields.optional("cancel_until", instant),
            max_per_booking: fields.optional("max_per_booking", whole(1..=MAX_PER_BOOKING_MAX)),
            max_per_user: fields.optional("max_per_user", whole(1..=CAPACITY_MAX)),
            status: fields.optional("status", status),
            pricing: fields.object("pricing", pricing).flatten(),
            rates: fields.objects("rates", rate).flatten(),
            areas: fields.objects("areas", area).flatten(),
        };
        if names_areas && input.pricing.is_some() {
            fields.complain("pricing", Wrong::Beside("areas"));
        }
        Some(Self { unread: fields.complaints(), ..input })
    }
}

/// A number that an event has unless it names areas, which then have their own.
fn unless_areas(
    fields: &mut Fields,
    name: &str,
    names_areas: bool,
    range: RangeInclusive<u32>,
) -> Option<u32> {
    if names_areas {
        return fields.optional(name, |_| Err(Wrong::Beside("areas")));
    }
    fields.required(name, whole(range))
}

/// The word of a status.
///
/// # Errors
/// When it is none.
pub fn status(value: Value) -> Result<EventStatus, Wrong> {
    word(&EventStatus::ALL, EventStatus::as_str)(value)
}

/// A rate. What is said of it beyond its kind, the event's details know. What could not be read only stands for it.
pub fn rate(fields: &mut Fields) -> Option<Rate> {
    let (id, name) = (fields.required("id", text), fields.required("name", text));
    let percent = fields.required("percent", whole(RATE_PERCENT));
    let (id, name) = (id.unwrap_or_default(), name.unwrap_or_default().trim().to_owned());
    Some(Rate { id, name, percent: percent.unwrap_or_default() })
}

impl EventInput {
    /// An event as it is, to change something of it.
    pub fn of(event: &Event) -> Self {
        let details = event.details.clone();
        // Of areas, those are sums.
        let own = |number| Some(number).filter(|_| event.details.areas.is_empty());
        Self {
            unread: Vec::new(),
            name: details.name,
            description: details.description,
            venue: details.venue,
            starts_at: details.starts_at,
            time_zone: details.time_zone,
            ends_at: details.ends_at,
            capacity: own(details.capacity),
            base_price: own(details.base_price),
            currency: details.currency.code().to_owned(),
            sales_open_at: details.sales_open_at,
            sales_close_at: details.sales_close_at,
            cancel_until: details.cancel_until,
            max_per_booking: Some(details.max_per_booking),
            max_per_user: Some(details.max_per_user),
            status: Some(details.status),
            pricing: details.pricing,
            rates: Some(details.rates).filter(|rates| !rates.is_empty()),
            areas: Some(details.areas)
                .filter(|areas| !areas.is_empty())
                .map(|areas| areas.into_iter().map(AreaInput::from).collect()),
        }
    }

    /// The same text for the same event, however its JSON was written: what an idempotency key stands for. What is left out
    /// is not in it, so that a field added one day changes nothing for those who do not send it.
    pub fn canonical(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| Error::Internal(Box::new(error)))
    }

    /// The event's details, all checked; `before` is the event that they are to replace, if there is one. Every bad
    /// field is named at once.
    pub fn details(mut self, before: Option<&Event>, now: Timestamp) -> Result<DetailsWithRows, Error> {
        let names_areas = before.is_some_and(|event| !event.details.areas.is_empty());
        if names_areas && self.areas.is_none() && !self.unread.iter().any(is_of_areas) {
            return Err(Error::AreasRequired);
        }
        if !names_areas {
            self.unname_the_only_area();
        }
        let (mut errors, mut more) = (self.unread, Vec::new());
        let unread: Vec<String> = errors.iter().map(|error| error.field.clone()).collect();
        let is_read = |field: &str| !unread.iter().any(|unread| unread == field);
        // An event keeps its currency, in use or not.
        let kept = before.map(|event| event.details.currency).filter(|kept| kept.code() == self.currency);
        let currency = kept.or_else(|| currency_in_use(&self.currency));
        if currency.is_none() && is_read("currency") {
            more.push(FieldError::new("currency", Wrong::NoCurrency));
        }
        if before.is_none() && self.status == Some(EventStatus::Cancelled) {
            let of_new = [EventStatus::Draft, EventStatus::Published].map(EventStatus::as_str);
            more.push(FieldError::new("status", Wrong::NotOneOf(of_new.to_vec())));
        }
        if self.rates.as_ref().is_some_and(Vec::is_empty) {
            more.push(FieldError::new("rates", Wrong::Count { min: 1, max: RATES_MAX }));
        }
        if self.areas.as_ref().is_some_and(Vec::is_empty) {
            more.push(FieldError::new("areas", Wrong::Count { min: 1, max: AREAS_MAX }));
        }
        let (areas, rows) = areas_of(self.areas.unwrap_or_default(), before, &unread, &mut more);
        // Until there is a currency, one that nobody complains about: the other fields are to be checked, too.
        let stand_in = before.map_or(Currency::XXX, |event| event.details.currency);
        let max_per_booking = self.max_per_booking.unwrap_or(MAX_PER_BOOKING_DEFAULT);
        let details = EventDetails {
            name: self.name.trim().to_owned(),
            description: self.description,
            venue: self.venue,
            starts_at: to_whole_ms(self.starts_at),
            time_zone: self.time_zone,
            ends_at: self.ends_at.map(to_whole_ms),
            capacity: self.capacity.unwrap_or(1),
            base_price: self.base_price.unwrap_or_default(),
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
            rates: self.rates.filter(|rates| *rates != [Rate::ordinary()]).unwrap_or_default(),
            areas,
        };
        let details = details.with_sums_of_areas();
        let unread: Vec<&str> = unread.iter().map(String::as_str).collect();
        errors.extend(details.complaints(before, now, &unread));
        errors.append(&mut more);
        if errors.is_empty() { Ok(DetailsWithRows { details, rows }) } else { Err(Error::Invalid(errors)) }
    }

    /// One area that is called as that of an event which names none is no area that is named.
    fn unname_the_only_area(&mut self) {
        let Some([only]) = self.areas.as_deref() else { return };
        let AreaInput { id, name, capacity, base_price, pricing, rows, .. } = only.clone();
        if (AreaName { id, name }).is_general() && rows.is_none() && self.unread.is_empty() {
            (self.capacity, self.base_price, self.pricing) = (capacity, Some(base_price), pricing);
            self.areas = None;
        }
    }
}

/// The areas as they are kept, and the rows that are given of some, by their ids.
fn areas_of(
    areas: Vec<AreaInput>,
    before: Option<&Event>,
    unread: &[String],
    errors: &mut Vec<FieldError>,
) -> (Vec<AreaDetails>, BTreeMap<String, Vec<Row>>) {
    // One that names no areas has the general one.
    let known = before.map(Event::areas).unwrap_or_default();
    let known: Vec<AreaDetails> = known.iter().map(AreaDetails::from).collect();
    let mut rows = BTreeMap::new();
    let areas = areas.into_iter().enumerate().map(|(index, area)| {
        let before = known.iter().find(|known| known.id == area.id);
        let (details, given, wrong) = area.details(before, &format!("areas.{index}."), unread);
        errors.extend(wrong);
        rows.extend(given.map(|given| (details.id.clone(), given)));
        details
    });
    (areas.collect(), rows)
}

fn is_of_areas(error: &FieldError) -> bool {
    error.field == "areas" || error.field.starts_with("areas.")
}
