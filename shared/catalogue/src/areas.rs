//! Which area is meant: people name its id, and its number leads to its keys.

use domain::id::{AreaKey, AreaNumber, EventId};
use quick_cache::sync::Cache;

/// Areas that are remembered, at most.
const AREAS_MAX: usize = 10_000;

/// The numbers of areas by their ids. An id stands for one number for ever, so what is remembered is never wrong; of one that is not
/// known, the state of the event's first area says where it is, at the price of one more round trip.
#[derive(Debug)]
pub struct AreasKnown(Cache<(EventId, Box<str>), AreaNumber>);

impl Default for AreasKnown {
    fn default() -> Self {
        Self(Cache::new(AREAS_MAX))
    }
}

impl AreasKnown {
    /// The area that is meant, as far as is known: the first one otherwise, which knows more.
    pub fn meant(&self, event: EventId, id: Option<&str>) -> AreaKey {
        let number = self.0.get(&key(event, id)).unwrap_or(0);
        AreaKey { event, number }
    }

    /// Remembers which area is meant by an id, or, without one, which was the only one.
    pub fn note(&self, area: AreaKey, id: Option<&str>) {
        self.0.insert(key(area.event, id), area.number);
    }
}

fn key(event: EventId, id: Option<&str>) -> (EventId, Box<str>) {
    (event, id.unwrap_or_default().into())
}
