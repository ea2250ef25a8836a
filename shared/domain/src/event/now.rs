//! What a booking's owner sees of its event.

use jiff::Timestamp;
use serde::Serialize;

use super::{Event, EventDetails, EventStatus};
use crate::time::{show, show_or_null};

/// What a booking's owner sees of its event, as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct EventNow {
    /// What it is called.
    #[schema(example = "Open Air 2031")]
    pub name: String,
    /// When it starts.
    #[serde(serialize_with = "show")]
    pub starts_at: Timestamp,
    /// Where it takes place.
    #[schema(example = "Riverside Park")]
    pub venue: Option<String>,
    /// Until when a booking can be cancelled; null if until the start.
    #[serde(serialize_with = "show_or_null")]
    pub cancel_until: Option<Timestamp>,
    /// `cancelled` once it does not take place.
    pub status: EventStatus,
}

impl From<Event> for EventNow {
    fn from(event: Event) -> Self {
        let EventDetails { name, starts_at, venue, cancel_until, status, .. } = event.details;
        Self { name, starts_at, venue, cancel_until, status }
    }
}
