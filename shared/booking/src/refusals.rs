//! Which events had no seats for somebody a moment ago.

use std::time::{Duration, Instant};

use domain::{error::Error, id::EventId};
use quick_cache::sync::Cache;

/// For how long that is remembered.
const REMEMBERED: Duration = Duration::from_millis(250);
/// How many events are, at most. Beyond that a refusal costs more.
const EVENTS_MAX: usize = 1_000;

/// While all want what is gone, most requests are refused. What only those need that get seats then waits until one does:
/// one round trip more for the few, several requests to Redis less for the many.
#[derive(Debug)]
pub(crate) struct Refusals(Cache<EventId, Instant>);

impl Default for Refusals {
    fn default() -> Self {
        Self(Cache::new(EVENTS_MAX))
    }
}

impl Refusals {
    /// Remembers the event, if it is one that has no seats.
    pub(crate) fn note(&self, event: EventId, error: &Error) {
        if matches!(error, Error::SoldOut { .. } | Error::AllHeld { .. }) {
            self.0.insert(event, Instant::now());
        }
    }

    pub(crate) fn has(&self, event: EventId) -> bool {
        self.0.get(&event).is_some_and(|at| at.elapsed() < REMEMBERED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn only_what_has_no_seats_is_remembered_and_for_a_moment() {
        let (refusals, event) = (Refusals::default(), EventId::new(Timestamp::now()));
        assert!(!refusals.has(event));
        refusals.note(event, &Error::TooManyForUser { most: 1, left: 0 });
        assert!(!refusals.has(event));
        refusals.note(event, &Error::AllHeld { available: 0, retry_at: Timestamp::now() });
        assert!(refusals.has(event));
        assert!(!refusals.has(EventId::new(Timestamp::now())));
        std::thread::sleep(REMEMBERED);
        assert!(!refusals.has(event));
        refusals.note(event, &Error::SoldOut { available: 0 });
        assert!(refusals.has(event));
    }
}
