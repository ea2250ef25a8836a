//! Load: Redis has no state for an event, so it is made from DynamoDB.

use std::collections::HashMap;

use futures::future::try_join_all;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    Catalogue,
    layouts::layout,
    read::{inventories, unsold},
};
use domain::{
    error::{Error, StoreName},
    event::{Available, Event},
    id::{AreaKey, AreaNumber, EventId},
    row::Row,
};
use stores::waiting::Waiting;

/// Makes an area's state in Redis from what DynamoDB says now, unless somebody else was first. `event` must come
/// from a strongly consistent read, as its inventory does. What is committed between them and the script is seen by the janitor: DynamoDB's
/// versions are then ahead of what Redis applied.
pub async fn load(catalogue: &Catalogue, event: &Event, area: AreaNumber) -> Result<(), Error> {
    let key = AreaKey { event: event.id, number: area };
    let inventory = catalogue.store.inventory_of_area(key, &event.shards).await?;
    let layout = layout(catalogue, event).await?;
    let rows: Vec<&Row> = layout.rows_of(area).collect();
    catalogue.redis.load(event, area, &inventory, &rows, &Uuid::now_v7().to_string()).await?;
    tracing::info!(event_id = %event.id, area, shards = inventory.len(), "loaded into Redis");
    Ok(())
}

/// Loads an area that Redis did not know a moment ago, if its event is acceptable. When thousands ask for it at once, one of
/// them reads DynamoDB, and the others wait for that.
pub async fn load_missing(
    catalogue: &Catalogue,
    area: AreaKey,
    accept: impl Fn(&Event) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut waiting_for = Waiting::new();
    while catalogue.redis.state_seen(area).await?.is_none() {
        if catalogue.redis.take_turn(area).await? {
            let loaded = load_accepted(catalogue, area, &accept).await;
            if let Err(error) = catalogue.redis.end_turn(area).await {
                tracing::debug!(event_id = %area.event, %error, "a turn ends by itself");
            }
            return loaded;
        }
        waiting_for.a_moment().await?;
    }
    Ok(())
}

async fn load_accepted(
    catalogue: &Catalogue,
    area: AreaKey,
    accept: impl Fn(&Event) -> Result<(), Error>,
) -> Result<(), Error> {
    // Somebody's turn may have ended since we looked.
    if catalogue.redis.state_seen(area).await?.is_some() {
        return Ok(());
    }
    let event = catalogue.store.event(area.event).await?.ok_or(Error::EventNotFound)?;
    accept(&event)?;
    load(catalogue, &event, area.number).await
}

/// How many seats of each event can be had right now, in their order, by area. Events that may sell are loaded if Redis
/// does not know them; the seats of the others, and of all if Redis is out of reach, are counted in DynamoDB,
/// where held seats count as available. An event that was deleted meanwhile has none.
pub async fn available_seats(
    catalogue: &Catalogue,
    events: &[Event],
    now: Timestamp,
) -> Result<Vec<Available>, Error> {
    match free_seats_loading(catalogue, events, now).await {
        Ok(seats) => Ok(seats),
        Err(Error::OutOfReach { store: StoreName::Redis, source }) => {
            tracing::warn!(error = %source, "availability counted in DynamoDB");
            let unsold = unsold_seats(catalogue, events).await?;
            Ok(events.iter().map(|event| unsold.get(&event.id).cloned().unwrap_or_default()).collect())
        }
        Err(error) => Err(error),
    }
}

async fn free_seats_loading(
    catalogue: &Catalogue,
    events: &[Event],
    now: Timestamp,
) -> Result<Vec<Available>, Error> {
    let areas: Vec<AreaKey> = events.iter().flat_map(Event::area_keys).collect();
    let mut free: HashMap<AreaKey, u32> = free_of(catalogue, &areas).await?.collect();
    let is_missing = |area: &AreaKey| !free.contains_key(area);
    let selling = events.iter().filter(|event| event.may_sell(now)).flat_map(Event::area_keys);
    let selling: Vec<AreaKey> = selling.filter(is_missing).collect();
    // What sells nothing is not loaded. One area without a state is enough to count them all.
    let counted = events.iter().filter(|event| !event.may_sell(now));
    let counted: Vec<Event> =
        counted.filter(|event| event.area_keys().any(|area| is_missing(&area))).cloned().collect();

    let loads = selling.iter().map(|area| async {
        match load_missing(catalogue, *area, |_| Ok(())).await {
            // The list that it comes from lags behind the truth by a moment.
            Err(Error::EventNotFound) => Ok(()),
            // One that can't be read must not hide the others.
            Err(Error::Internal(error)) => {
                tracing::error!(event_id = %area.event, %error, "an event could not be loaded; it counts as sold out");
                Ok(())
            }
            loaded => loaded,
        }
    });
    try_join_all(loads).await?;
    free.extend(free_of(catalogue, &selling).await?);
    let unsold = unsold_seats(catalogue, &counted).await?;
    let seats = events.iter().map(|event| {
        let free_in = |area: AreaKey| (area.number, free.get(&area).copied().unwrap_or(0));
        let free = || Available::by_area(event.area_keys().map(free_in).collect());
        unsold.get(&event.id).cloned().unwrap_or_else(free)
    });
    Ok(seats.collect())
}

/// The free seats of those areas that Redis knows.
async fn free_of(
    catalogue: &Catalogue,
    areas: &[AreaKey],
) -> Result<impl Iterator<Item = (AreaKey, u32)>, Error> {
    let free = catalogue.redis.free_seats(areas).await?;
    let known = areas.iter().copied().zip(free);
    Ok(known.filter_map(|(area, free)| Some((area, free?))))
}

async fn unsold_seats(catalogue: &Catalogue, events: &[Event]) -> Result<HashMap<EventId, Available>, Error> {
    let inventories = inventories(&catalogue.store, &events.iter().collect::<Vec<_>>()).await?;
    Ok(inventories.into_iter().map(|(event, shards)| (event, unsold(&shards))).collect())
}
