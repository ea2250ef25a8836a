//! What the items of whole tables are, for who reads all of them: whoever restores tables holds them against each other.
//! Functions read by keys and need none of this.

use super::{
    Item,
    deletion::is_deleted,
    from_item,
    inventory::event_and_shard,
    number,
    sales::{counters_in, hour_attributes},
    text,
};
pub use super::{
    events::event_item,
    prices::price_item,
    sales::{Counters, day_items, days_of_area},
    sales_by_rate::attributes_of,
    shard_id::shard_id,
    surplus::note_id,
    taken::sets_of,
    user_seats::user_seats_id,
};
use domain::{
    booking::Booking,
    error::Error,
    event::Event,
    id::{EventId, UserId},
    inventory::InventoryShard,
    row::LayoutPart,
};

/// An item of the inventory table.
#[derive(Debug)]
pub enum InventoryItem {
    /// A shard, and the names of its counters of sales.
    Shard(EventId, InventoryShard, Vec<String>),
    /// The seats that a user has bought of an event.
    UserSeats(EventId, UserId, u32),
    /// Sales of a day, of an event or of all, under their key.
    Day(String, Counters),
}

/// An item of the table of events.
#[derive(Debug)]
pub enum EventsItem {
    /// An event.
    Event(Box<Event>),
    /// One that is being deleted.
    Deleted(EventId),
    /// A price that an event had, by its number.
    Price(EventId, u32),
    /// A note of an event that is being created, or was.
    Note(EventId),
    /// A part of an event's layout, by its number.
    Layout(EventId, u16, LayoutPart),
    /// What nothing here depends on.
    Other,
}

/// What is wrong with an item that can't be read, by its key.
fn unreadable(key: &str, error: &dyn std::fmt::Display) -> Error {
    Error::Internal(format!("the item {key} can't be read: {error}").into())
}

fn key_of<'a>(item: &'a Item, name: &str) -> Result<&'a str, Error> {
    let key = item.get(name).and_then(|key| key.as_s().ok()).map(String::as_str);
    key.ok_or_else(|| Error::Internal(format!("an item without {name}").into()))
}

impl InventoryItem {
    /// What the item is.
    ///
    /// # Errors
    /// When it can't be read: whoever mends a table must know all of it.
    pub fn read(item: Item) -> Result<Self, Error> {
        let key = key_of(&item, "shard_id")?.to_owned();
        let failed = |why: &str| unreadable(&key, &why);
        let parts: Vec<&str> = key.split('#').collect();
        match parts.as_slice() {
            [event, "user", user] => {
                let seats = item.get("seats").and_then(|seats| seats.as_n().ok()?.parse().ok());
                let event = event.parse().map_err(|_| failed("no event's id"))?;
                let user = user.parse().map_err(|_| failed("no user's id"))?;
                Ok(Self::UserSeats(event, user, seats.ok_or_else(|| failed("no number of seats"))?))
            }
            [.., "day", _] => Ok(Self::Day(key, counters_in(&item))),
            [_, _] => {
                let hours = hour_attributes(&item);
                let (event, shard) = event_and_shard(item).ok_or_else(|| failed("no shard"))?;
                Ok(Self::Shard(event, shard, hours))
            }
            _ => Err(failed("nothing that this release knows")),
        }
    }
}

impl EventsItem {
    /// What the item is.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn read(item: Item) -> Result<Self, Error> {
        let key = key_of(&item, "id")?.to_owned();
        if let Some(event) = key.strip_prefix("surplus#") {
            return Ok(event.parse().map_or(Self::Other, Self::Note));
        }
        if let Some((event, part)) = key.split_once("#layout#") {
            let (Ok(event), Ok(part)) = (event.parse(), part.parse()) else { return Ok(Self::Other) };
            return from_item(item)
                .map(|rows| Self::Layout(event, part, rows))
                .map_err(|error| unreadable(&key, &error));
        }
        match key.split_once("#price#") {
            Some((event, price)) => Ok(match (event.parse(), price.parse()) {
                (Ok(event), Ok(price)) => Self::Price(event, price),
                _ => Self::Other,
            }),
            None => match key.parse() {
                Ok(event) if is_deleted(&item) => Ok(Self::Deleted(event)),
                Ok(_) => from_item(item)
                    .map(|event| Self::Event(Box::new(event)))
                    .map_err(|error| unreadable(&key, &error)),
                Err(_) => Ok(Self::Other),
            },
        }
    }
}

/// The booking that an item of the bookings table is; `None` for a note of ended tokens.
///
/// # Errors
/// When it is a booking that can't be read.
pub fn read_booking(item: Item) -> Result<Option<Booking>, Error> {
    if !item.contains_key("event_id") {
        return Ok(None);
    }
    let key = key_of(&item, "id")?.to_owned();
    from_item(item).map(Some).map_err(|error| unreadable(&key, &error))
}

/// A day item.
#[must_use]
pub fn day_item(key: &str, counters: &Counters) -> Item {
    let counters = counters.iter().map(|(name, value)| (name.clone(), number(value)));
    counters.chain([("shard_id".to_owned(), text(key))]).collect()
}
