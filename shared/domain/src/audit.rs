//! The audit trail: what admins did to events, an entry for each version that one of them made.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    event::{Event, EventDetails},
    id::{AuditId, EventId, UserId},
    rate::in_one_line,
    time::to_whole_ms,
};

/// Characters of a field's value that are kept: all of a name and of a venue, and the beginning of a long description.
pub const VALUE_CHARS_MAX: usize = 500;

/// The admin who does something, and by which request.
#[derive(Clone, Debug)]
pub struct Actor {
    /// Who. An address would be personal data, which stays in the table of users alone.
    pub admin_id: UserId,
    /// The request's id, as the log and the answer have it.
    pub request_id: Option<String>,
}

/// What an admin did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    /// Created the event.
    EventCreated,
    /// Changed the event: its status, too, so it was published, cancelled or made a draft by this.
    EventChanged,
    /// Deleted the event, a draft.
    EventDeleted,
}

impl AuditAction {
    /// Its word in the API, in the store and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EventCreated => "event_created",
            Self::EventChanged => "event_changed",
            Self::EventDeleted => "event_deleted",
        }
    }
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum FieldValue {
    /// A number.
    Number(u64),
    /// A text; a time as RFC 3339 has it.
    Text(String),
}

/// A field that an action changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(example = json!({ "field": "name", "before": null, "after": "Open Air 2031" }))]
pub struct FieldChange {
    /// The field, as in the body of a request; `pricing.min_percent` for one within another.
    pub field: String,
    /// What it was; null if it was not set, or the event is new. A long text ends with `…`, and so does `after`.
    pub before: Option<FieldValue>,
    /// What it is; null if it is not set any more, or the event is deleted.
    pub after: Option<FieldValue>,
}

/// What an admin did to an event, once. It is never changed or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its id, by when it was written.
    pub id: AuditId,
    /// When.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub at: Timestamp,
    /// Who.
    pub admin_id: UserId,
    /// What.
    pub action: AuditAction,
    /// On what.
    pub event_id: EventId,
    /// What the event is called after it, or was before it was deleted.
    pub event_name: String,
    /// The event's version before; none if it is new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_before: Option<u64>,
    /// The event's version after; none if it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_after: Option<u64>,
    /// What changed of what admins decide. A new price that follows from it is in the price history.
    #[serde(default)]
    pub changes: Vec<FieldChange>,
    /// By which request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl AuditEntry {
    /// Of an event that is created.
    pub fn created(by: &Actor, event: &Event, at: Timestamp) -> Self {
        Self::new(by, AuditAction::EventCreated, event, (None, Some(event)), at)
    }

    /// Of an event that is replaced.
    pub fn changed(by: &Actor, before: &Event, after: &Event, at: Timestamp) -> Self {
        Self::new(by, AuditAction::EventChanged, after, (Some(before), Some(after)), at)
    }

    /// Of an event that is deleted: all that it was.
    pub fn deleted(by: &Actor, event: &Event, at: Timestamp) -> Self {
        Self::new(by, AuditAction::EventDeleted, event, (Some(event), None), at)
    }

    fn new(
        by: &Actor,
        action: AuditAction,
        event: &Event,
        (before, after): (Option<&Event>, Option<&Event>),
        at: Timestamp,
    ) -> Self {
        Self {
            id: AuditId::new(at),
            at: to_whole_ms(at),
            admin_id: by.admin_id,
            action,
            event_id: event.id,
            event_name: event.details.name.clone(),
            version_before: before.map(|event| event.version),
            version_after: after.map(|event| event.version),
            changes: changes(before.map(|event| &event.details), after.map(|event| &event.details))
                .into_iter()
                .chain(reason_of_cancellation(before, after))
                .collect(),
            request_id: by.request_id.clone(),
        }
    }
}

/// Why it was cancelled, if it was by this.
fn reason_of_cancellation(before: Option<&Event>, after: Option<&Event>) -> Option<FieldChange> {
    let cancellation =
        after.zip(before.filter(|before| before.cancellation.is_none()))?.0.cancellation.as_ref()?;
    let reason = Some(&cancellation.reason).filter(|reason| !reason.is_empty())?;
    let after = Some(FieldValue::Text(reason.clone()).bounded());
    Some(FieldChange { field: "reason".to_owned(), before: None, after })
}

/// Fields that are not the same.
fn changes(before: Option<&EventDetails>, after: Option<&EventDetails>) -> Vec<FieldChange> {
    let none = || FIELDS.map(|_| None);
    let of_areas = changes_of_areas(before, after);
    let (before, after) = (before.map_or_else(none, values), after.map_or_else(none, values));
    let pairs = FIELDS.into_iter().zip(before.into_iter().zip(after));
    let of_fields = pairs.map(|(field, (before, after))| (field.to_owned(), before, after));
    of_fields
        .chain(of_areas)
        .filter(|(_, before, after)| before != after)
        .map(|(field, before, after)| FieldChange {
            field,
            before: before.map(FieldValue::bounded),
            after: after.map(FieldValue::bounded),
        })
        .collect()
}

/// Each area by itself, as `areas.floor`: of fifty in one text nobody would see which one is another.
fn changes_of_areas(
    before: Option<&EventDetails>,
    after: Option<&EventDetails>,
) -> Vec<(String, Option<FieldValue>, Option<FieldValue>)> {
    let areas = |details: Option<&EventDetails>| -> BTreeMap<String, FieldValue> {
        let areas = details.into_iter().flat_map(|details| &details.areas);
        areas.map(|area| (area.id.clone(), FieldValue::Text(area.to_string()))).collect()
    };
    let (before, after) = (areas(before), areas(after));
    let ids: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    ids.into_iter()
        .map(|id| (format!("areas.{id}"), before.get(id).cloned(), after.get(id).cloned()))
        .collect()
}

/// The fields that are times.
pub const TIMES: [&str; 5] = ["starts_at", "ends_at", "sales_open_at", "sales_close_at", "cancel_until"];

const FIELDS: [&str; 18] = [
    "name",
    "description",
    "venue",
    "starts_at",
    "time_zone",
    "ends_at",
    "capacity",
    "base_price",
    "currency",
    "sales_open_at",
    "sales_close_at",
    "cancel_until",
    "max_per_booking",
    "max_per_user",
    "status",
    "pricing.min_percent",
    "pricing.max_percent",
    "rates",
];

/// What the fields are, in their order, as the API shows them.
fn values(details: &EventDetails) -> [Option<FieldValue>; FIELDS.len()] {
    let EventDetails {
        name,
        description,
        venue,
        starts_at,
        time_zone,
        ends_at,
        capacity,
        base_price,
        currency,
        sales_open_at,
        sales_close_at,
        cancel_until,
        max_per_booking,
        max_per_user,
        status,
        pricing,
        rates,
        // Each stands by itself.
        areas: _,
    } = details;
    let number = |number: u32| Some(FieldValue::Number(number.into()));
    let text = |text: &str| Some(FieldValue::Text(text.to_owned()));
    let time = |time: Timestamp| Some(FieldValue::Text(time.to_string()));
    [
        text(name),
        description.as_deref().and_then(text),
        venue.as_deref().and_then(text),
        time(*starts_at),
        time_zone.as_deref().and_then(text),
        ends_at.and_then(time),
        number(*capacity),
        number(*base_price),
        text(currency.code()),
        sales_open_at.and_then(time),
        sales_close_at.and_then(time),
        cancel_until.and_then(time),
        number(*max_per_booking),
        number(*max_per_user),
        text(status.as_str()),
        pricing.and_then(|pricing| number(pricing.min_percent)),
        pricing.and_then(|pricing| number(pricing.max_percent)),
        (!rates.is_empty()).then(|| FieldValue::Text(in_one_line(rates))),
    ]
}

impl FieldValue {
    /// The same, or the beginning of a long text.
    fn bounded(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(match text.char_indices().nth(VALUE_CHARS_MAX) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }),
            number => number,
        }
    }
}

#[cfg(test)]
mod tests {
    use iso_currency::Currency;

    use super::*;
    use crate::{
        event::{AreaDetails, EventStatus, Pricing},
        rate::Rate,
    };

    fn event() -> Event {
        let now = crate::time::from_ms(1_800_000_000_000);
        let details = EventDetails {
            name: "Concert".into(),
            description: None,
            venue: None,
            starts_at: now,
            ends_at: None,
            capacity: 10,
            base_price: 2_500,
            currency: Currency::EUR,
            time_zone: None,
            sales_open_at: None,
            sales_close_at: None,
            cancel_until: None,
            max_per_booking: 10,
            max_per_user: 10,
            status: EventStatus::Draft,
            pricing: None,
            rates: Vec::new(),
            areas: Vec::new(),
        };
        Event::new(EventId::new(now), details, 1, now)
    }

    fn changed(change: impl FnOnce(&mut EventDetails)) -> AuditEntry {
        let (before, by) = (event(), Actor { admin_id: UserId::new(), request_id: None });
        let mut details = before.details.clone();
        change(&mut details);
        AuditEntry::changed(&by, &before, &before.replaced(details), before.created_at)
    }

    fn change(field: &str, before: Option<FieldValue>, after: Option<FieldValue>) -> FieldChange {
        FieldChange { field: field.to_owned(), before, after }
    }

    #[test]
    fn an_entry_has_what_changed_and_nothing_else() {
        let (number, text) =
            (|number| Some(FieldValue::Number(number)), |text: &str| Some(FieldValue::Text(text.into())));
        let entry = changed(|details| {
            details.venue = Some("Town Hall".into());
            details.capacity = 12;
            details.status = EventStatus::Published;
            details.pricing = Some(Pricing::default());
            details.rates = vec![Rate::ordinary()];
        });
        assert_eq!((entry.version_before, entry.version_after), (Some(1), Some(2)));
        assert_eq!(
            entry.changes,
            [
                change("venue", None, text("Town Hall")),
                change("capacity", number(10), number(12)),
                change("status", text("draft"), text("published")),
                change("pricing.min_percent", None, number(80)),
                change("pricing.max_percent", None, number(150)),
                change("rates", None, text("full 100 % (Full price)")),
            ]
        );
        assert_eq!(changed(|_| {}).changes, []);
    }

    #[test]
    fn each_area_that_changed_stands_by_itself() {
        let area = |id: &str, base_price| AreaDetails {
            id: id.to_owned(),
            name: id.to_uppercase(),
            capacity: 3,
            base_price,
            ..AreaDetails::default()
        };
        let mut before = event();
        before.details.areas = (0..50).map(|number| area(&format!("x{number}"), 100)).collect();
        let mut details = before.details.clone();
        details.areas[45].base_price = 200;
        details.areas.remove(7);
        details.areas.push(area("y", 1));
        let by = Actor { admin_id: UserId::new(), request_id: None };
        let entry = AuditEntry::changed(&by, &before, &before.replaced(details), before.created_at);
        let text = |text: &str| Some(FieldValue::Text(text.into()));
        assert_eq!(
            entry.changes,
            [
                change("areas.x45", text("x45 3 at 100 (X45)"), text("x45 3 at 200 (X45)")),
                change("areas.x7", text("x7 3 at 100 (X7)"), None),
                change("areas.y", None, text("y 3 at 1 (Y)")),
            ]
        );
    }

    #[test]
    fn a_new_event_has_all_that_it_is_and_a_deleted_one_all_that_it_was() {
        let (event, by) = (event(), Actor { admin_id: UserId::new(), request_id: Some("a request".into()) });
        let created = AuditEntry::created(&by, &event, event.created_at);
        let deleted = AuditEntry::deleted(&by, &event, event.created_at);
        assert_eq!((created.version_before, created.version_after), (None, Some(1)));
        assert_eq!((deleted.version_before, deleted.version_after), (Some(1), None));
        let named: Vec<_> = created.changes.iter().map(|change| change.field.as_str()).collect();
        let set = ["name", "starts_at", "capacity", "base_price", "currency", "max_per_booking"];
        assert_eq!(named, [&set[..], &["max_per_user", "status"]].concat());
        for (created, deleted) in created.changes.iter().zip(&deleted.changes) {
            assert_eq!((&created.before, &deleted.after), (&None, &None));
            assert_eq!((&created.field, &created.after), (&deleted.field, &deleted.before));
        }
    }

    #[test]
    fn a_long_text_is_cut_between_characters_and_differs_all_the_same() {
        let entry = changed(|details| details.description = Some("ä".repeat(VALUE_CHARS_MAX + 1)));
        let cut = format!("{}…", "ä".repeat(VALUE_CHARS_MAX));
        assert_eq!(entry.changes, [change("description", None, Some(FieldValue::Text(cut)))]);
        let whole = "ä".repeat(VALUE_CHARS_MAX);
        assert_eq!(FieldValue::Text(whole.clone()).bounded(), FieldValue::Text(whole));
    }

    #[test]
    fn an_action_is_written_as_it_is_called() {
        for action in [AuditAction::EventCreated, AuditAction::EventChanged, AuditAction::EventDeleted] {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
    }
}
