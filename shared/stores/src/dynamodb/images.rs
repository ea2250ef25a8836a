//! What a record of a stream tells: an item as it was before a change, and after it.

use serde_dynamo::Item as Image;

use super::{Store, events::LISTING};
use domain::{
    booking::Booking,
    delivery::Delivery,
    error::Error,
    event::Event,
    message::{Kind, OF_ACCOUNTS},
};

/// A change of what people care about.
#[derive(Clone, Debug)]
pub enum Change {
    /// A booking was made, or changed.
    Booking {
        /// None of a new one.
        before: Option<Box<Booking>>,
        /// As it is now.
        after: Box<Booking>,
    },
    /// An event was made, or changed.
    Event {
        /// None of a new one.
        before: Option<Box<Event>>,
        /// As it is now.
        after: Box<Event>,
    },
    /// Somebody asked for this delivery.
    Asked(Box<Delivery>),
    /// Nothing that anybody is told of.
    Nothing,
}

impl Store {
    /// What a record of that table's stream tells. The tables have other items, too: notes, prices, counters.
    ///
    /// # Errors
    /// When it is a booking, an event or a delivery that can't be read.
    pub fn change_in(
        &self,
        table: &str,
        before: Option<Image>,
        after: Option<Image>,
    ) -> Result<Change, Error> {
        // What is gone was erased, or deleted while nobody had seats of it.
        let Some(after) = after else { return Ok(Change::Nothing) };
        let has = |image: &Image, name: &str| image.inner().contains_key(name);
        if table == self.tables.bookings && has(&after, "event_bucket") {
            let before = before.map(read).transpose()?;
            return Ok(Change::Booking { before, after: read(after)? });
        }
        // One that is being deleted is in no listing any more.
        // Notes of what is being created are in another.
        if table == self.tables.events && is_listed(&after) {
            let before = before.map(read).transpose()?;
            return Ok(Change::Event { before, after: read(after)? });
        }
        if self.tables.deliveries.as_deref() == Some(table) && is_asked_for(before.as_ref(), &after) {
            return Ok(Change::Asked(read(after)?));
        }
        Ok(Change::Nothing)
    }

    /// The table whose stream has that name; `None` if it is none of this store's.
    pub fn table_of_stream<'a>(&'a self, stream_arn: &str) -> Option<&'a str> {
        // arn:aws:dynamodb:<region>:<account>:table/<table>/stream/<when it was switched on>
        let table = stream_arn.split("table/").nth(1)?.split('/').next()?;
        let tables = [&self.tables.bookings, &self.tables.events];
        tables.into_iter().chain(&self.tables.deliveries).map(String::as_str).find(|name| *name == table)
    }
}

fn is_listed(image: &Image) -> bool {
    matches!(image.inner().get("listing"), Some(serde_dynamo::AttributeValue::S(listing)) if listing == LISTING)
}

/// Whether somebody asked for it: about an account, to try an endpoint, or once more. What tells of a change is tried by whoever wrote
/// it down.
fn is_asked_for(before: Option<&Image>, after: &Image) -> bool {
    use serde_dynamo::AttributeValue::{N, S};
    let is_due = after.inner().contains_key("due_at");
    let was_tried = |image: &Image| matches!(image.inner().get("tries"), Some(N(tries)) if tries != "0");
    is_due
        && match before {
            Some(before) => was_tried(before) && !was_tried(after),
            None => matches!(after.inner().get("kind"), Some(S(kind)) if is_asked_for_kind(kind)),
        }
}

fn is_asked_for_kind(kind: &str) -> bool {
    kind.starts_with(OF_ACCOUNTS)
        || [Kind::Ping, Kind::WebhookDisabled].iter().any(|asked| asked.as_str() == kind)
}

fn read<T: serde::de::DeserializeOwned>(image: Image) -> Result<Box<T>, Error> {
    serde_dynamo::from_item(image).map(Box::new).map_err(|error| Error::Internal(Box::new(error)))
}
