//! The facts of an event that its state keeps, as answers.

use jiff::Timestamp;

use domain::{
    event::{EventNow, EventStatus},
    time::from_ms,
};

/// The event as it is now; `None` if an older release made the state, which then lacks the venue, or when cancelling ends.
pub(super) fn event_now(
    name: String,
    starts_at: Timestamp,
    venue: Option<String>,
    status: Option<String>,
    cancel_until: Option<String>,
) -> Option<EventNow> {
    let venue = Some(venue?).filter(|venue| !venue.is_empty());
    let cancel_until = cancel_until?.parse().ok().map(from_ms);
    Some(EventNow { name, starts_at, venue, cancel_until, status: EventStatus::parse(&status?)? })
}
