//! Create: a new event with its inventory.

use jiff::Timestamp;

use super::reports::sales_changed;
use crate::{
    App,
    domain::{
        error::Error,
        event::{Event, EventDetails},
        id::EventId,
        inventory::new_shards,
    },
};

/// Ids tried: two events created in the same millisecond may draw the same.
const IDS_TRIED_MAX: usize = 5;

/// Makes an event and its inventory in DynamoDB. Redis hears of it when somebody asks.
pub async fn create_event(app: &App, details: EventDetails, now: Timestamp) -> Result<Event, Error> {
    details.check(None, now)?;
    let inventory = new_shards(details.capacity, app.config.seats_per_shard);
    let shards = u16::try_from(inventory.len()).map_err(|error| Error::Internal(Box::new(error)))?;
    for _ in 0..IDS_TRIED_MAX {
        let event = Event::new(EventId::new(now), details.clone(), shards, now);
        if app.store.create_event(&event, &inventory).await? {
            sales_changed(app).await;
            return Ok(event);
        }
    }
    Err(Error::Unavailable { store: "DynamoDB", source: "no free event id was found".into() })
}
