//! An event that is missing altogether, though there are bookings of it: it was created after the second that the table of
//! events is of. The audit trail, which is never restored, has each field of it; without, the bookings know what was sold.

use std::collections::BTreeMap;

use domain::{
    audit::{AuditEntry, FieldValue, VALUE_CHARS_MAX},
    booking::Booking,
    event::{Event, EventDetails, EventStatus, MAX_PER_BOOKING_DEFAULT, MAX_PER_USER_DEFAULT},
};
use iso_currency::Currency;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// An event made again, and what somebody should look at.
pub(crate) struct Rebuilt {
    pub(crate) event: Event,
    pub(crate) remark: String,
}

/// Makes an event again of which `last` is the last booking, and which had so many seats and shards at least.
pub(crate) fn rebuilt(
    last: &Booking,
    audit: &[AuditEntry],
    seats: u32,
    shards: u16,
    now: Timestamp,
) -> Rebuilt {
    match details_by(audit) {
        Some(details) => by_audit(last, details, audit, shards),
        None => by_booking(last, seats, shards, now),
    }
}

fn by_audit(last: &Booking, details: EventDetails, audit: &[AuditEntry], shards: u16) -> Rebuilt {
    let created_at = audit.first().map_or(last.created_at, |entry| entry.at);
    let mut event = Event::new(last.event_id, details, shards, created_at);
    event.version = audit.iter().filter_map(|entry| entry.version_after).max().unwrap_or(0) + 1;
    if let (Some(_), Some(price), []) = (event.details.pricing, last.unit_price, &last.lines[..]) {
        event.price = price;
    }
    let had_rates = audit.iter().flat_map(|entry| &entry.changes).any(|change| change.field == "rates");
    let cut = event.details.description.as_ref().is_some_and(|text| text.chars().count() > VALUE_CHARS_MAX);
    let remark =
        format!(
            "event {} ({}) is made again as the audit trail has it{}",
            event.id,
            event.details.name,
            if cut { "; its description is cut off there: write it again" } else { "" }
        ) + if had_rates { "; its rates are not kept there as they were: write them again" } else { "" };
    Rebuilt { event, remark }
}

/// It sells nothing before somebody has looked at it: what the bookings do not know is a guess.
fn by_booking(last: &Booking, seats: u32, shards: u16, now: Timestamp) -> Rebuilt {
    let details = EventDetails {
        name: last.event_name.clone(),
        description: None,
        venue: None,
        starts_at: last.starts_at,
        ends_at: None,
        capacity: seats,
        base_price: last.charge().lines().iter().map(|line| line.unit_price).max().unwrap_or_default(),
        currency: currency(last),
        time_zone: None,
        sales_open_at: None,
        sales_close_at: Some(domain::time::to_whole_ms(now).min(last.starts_at)),
        cancel_until: None,
        max_per_booking: MAX_PER_BOOKING_DEFAULT,
        max_per_user: MAX_PER_USER_DEFAULT,
        status: EventStatus::Published,
        pricing: None,
        rates: Vec::new(),
        areas: Vec::new(),
    };
    let event = Event::new(last.event_id, details, shards, last.created_at);
    let remark = format!(
        "event {} ({}) is made again by its bookings alone, with its sales closed: correct its fields, then open them",
        event.id, event.details.name
    );
    Rebuilt { event, remark }
}

fn currency(booking: &Booking) -> Currency {
    Currency::from_code(&booking.currency).unwrap_or(Currency::EUR)
}

/// The fields of an event after all that admins did to it; `None` if its creation is not in the audit trail, or it was deleted.
fn details_by(audit: &[AuditEntry]) -> Option<EventDetails> {
    audit.first().filter(|first| first.version_before.is_none())?;
    audit.last().filter(|last| last.version_after.is_some())?;
    let mut fields: BTreeMap<&str, Option<&FieldValue>> = BTreeMap::new();
    for change in audit.iter().flat_map(|entry| &entry.changes) {
        fields.insert(&change.field, change.after.as_ref());
    }
    let mut event = Map::new();
    for (field, value) in fields {
        // What the trail has of these is for people to read; the bookings know of the areas.
        if ["rates", "areas"].contains(&field) || field.starts_with("areas.") {
            continue;
        }
        let Some(value) = value.map(kept_value(field)) else { continue };
        match field.split_once('.') {
            None => {
                event.insert(field.to_owned(), value);
            }
            Some((outer, inner)) => {
                event.entry(outer).or_insert_with(|| json!({}))[inner] = value;
            }
        }
    }
    serde_json::from_value(Value::Object(event)).ok()
}

/// A field's value as an event keeps it: times as milliseconds, which the audit trail shows as the API does.
fn kept_value(field: &str) -> impl Fn(&FieldValue) -> Value {
    let is_time = field.ends_with("_at") || field == "cancel_until";
    move |value| match value {
        FieldValue::Number(number) => json!(number),
        FieldValue::Text(text) => match text.parse::<Timestamp>().ok().filter(|_| is_time) {
            Some(time) => json!(time.as_millisecond()),
            None => json!(text),
        },
    }
}
