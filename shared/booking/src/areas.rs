//! Where areas are found: an area's number leads to its keys, and people name its id.

use std::sync::Arc;

use domain::{
    error::Error,
    event::{Event, EventStatus},
    id::{AreaKey, AreaNumber, EventId},
};
use quick_cache::sync::Cache;

use crate::Protocol;

/// Events whose areas are remembered, at most.
const EVENTS_MAX: usize = 1_000;

/// The numbers of areas, by their ids, of events that name any. An id stands for the same number for ever, so what is remembered is
/// never wrong; an area that is not known yet, or was taken away, its state tells.
#[derive(Debug)]
pub(crate) struct AreasKnown(Cache<EventId, Arc<[(String, AreaNumber)]>>);

impl Default for AreasKnown {
    fn default() -> Self {
        Self(Cache::new(EVENTS_MAX))
    }
}

impl AreasKnown {
    /// The area of that id, if it is known; without one the only area that is known, or the first.
    fn get(&self, event: EventId, id: Option<&str>) -> Option<AreaKey> {
        let known = self.0.get(&event);
        let number = match (known.as_deref(), id) {
            (Some(known), Some(id)) => known.iter().find(|(known, _)| known == id).map(|(_, number)| *number),
            (Some([(_, only)]), None) => Some(*only),
            (_, None) => Some(0),
            (None, Some(_)) => None,
        };
        number.map(|number| AreaKey { event, number })
    }

    fn note(&self, event: &Event) {
        let areas = event.areas().into_iter().map(|area| (area.id.to_owned(), area.key.number));
        self.0.insert(event.id, areas.collect());
    }
}

/// The area that is asked for, by its id or as the only one, as far as that can be known without asking anybody.
pub(crate) async fn area_asked_for(
    protocol: &Protocol,
    event: EventId,
    id: Option<&str>,
) -> Result<AreaKey, Error> {
    match protocol.areas.get(event, id) {
        Some(area) => Ok(area),
        None => look_up(protocol, event, id).await,
    }
}

/// The area that is asked for, as people see the event now.
pub(crate) async fn look_up(protocol: &Protocol, event: EventId, id: Option<&str>) -> Result<AreaKey, Error> {
    let shown = catalogue::event(&protocol.catalogue, event).await?;
    let shown = shown.filter(|shown| shown.event.details.status != EventStatus::Draft);
    let event = shown.ok_or(Error::EventNotFound)?.event;
    if !event.details.areas.is_empty() {
        protocol.areas.note(&event);
    }
    let unknown = || id.map_or(Error::AreaRequired, |id| Error::UnknownArea(id.to_owned()));
    event.area_called(id).map(|area| area.key).ok_or_else(unknown)
}
