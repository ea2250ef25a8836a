//! Which areas had no seats for somebody a moment ago.

use std::time::{Duration, Instant};

use domain::{error::Error, id::AreaKey};
use quick_cache::sync::Cache;

/// For how long that is remembered.
const REMEMBERED: Duration = Duration::from_millis(250);
/// How many areas are, at most. Beyond that a refusal costs more.
const AREAS_MAX: usize = 1_000;

/// While all want what is gone, most requests are refused. What only those need that get seats then waits until one does:
/// one round trip more for the few, several requests to Redis less for the many.
#[derive(Debug)]
pub(crate) struct Refusals(Cache<AreaKey, Instant>);

impl Default for Refusals {
    fn default() -> Self {
        Self(Cache::new(AREAS_MAX))
    }
}

impl Refusals {
    /// Remembers the area, if it is one that has no seats.
    pub(crate) fn note(&self, area: AreaKey, error: &Error) {
        if matches!(error, Error::SoldOut { .. } | Error::AllHeld { .. }) {
            self.0.insert(area, Instant::now());
        }
    }

    pub(crate) fn has(&self, area: AreaKey) -> bool {
        self.0.get(&area).is_some_and(|at| at.elapsed() < REMEMBERED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::EventId;
    use jiff::Timestamp;

    #[test]
    fn only_what_has_no_seats_is_remembered_and_for_a_moment() {
        let (refusals, area) = (Refusals::default(), AreaKey::from(EventId::new(Timestamp::now())));
        assert!(!refusals.has(area));
        refusals.note(area, &Error::TooManyForUser { most: 1, left: 0 });
        assert!(!refusals.has(area));
        refusals
            .note(area, &Error::AllHeld { available: 0, retry_at: Timestamp::now(), area: "general".into() });
        assert!(refusals.has(area));
        assert!(!refusals.has(AreaKey { number: 1, ..area }));
        std::thread::sleep(REMEMBERED);
        assert!(!refusals.has(area));
        refusals.note(area, &Error::SoldOut { available: 0, area: "general".into() });
        assert!(refusals.has(area));
    }
}
