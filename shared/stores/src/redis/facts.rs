//! The facts of an event that its state keeps, as answers.

use jiff::Timestamp;

use domain::event::{EventNow, EventStatus};

/// The event as it is now; `None` if an older release made the state, which then lacks the venue.
pub(super) fn event_now(
    name: String,
    starts_at: Timestamp,
    venue: Option<String>,
    status: Option<String>,
) -> Option<EventNow> {
    let venue = Some(venue?).filter(|venue| !venue.is_empty());
    Some(EventNow { name, starts_at, venue, status: EventStatus::parse(&status?)? })
}
