//! The layouts of events with numbered areas: rows and what their seats are called. Key, in the table of events: `id` =
//! `<event id>#layout#<number>`, numbered from 1. They have no `listing`, so they are not in the index `by_start`. A layout may be
//! large, so it is not in the item that browsing reads; the event says how many parts there are.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};

use super::{Item, Store, from_item, number, text, to_item};
use domain::{
    error::Error,
    event::Event,
    id::EventId,
    row::{Layout, LayoutPart},
};

pub(super) fn layout_id(event: EventId, part: u16) -> String {
    format!("{event}#layout#{part}")
}

/// A part as it is written.
///
/// # Errors
/// Never: a part can be written.
fn layout_item(event: EventId, part: u16, rows: &LayoutPart) -> Result<Item, Error> {
    let mut item = to_item(rows)?;
    item.insert("id".to_owned(), text(layout_id(event, part)));
    item.insert("part".to_owned(), number(part));
    Ok(item)
}

impl Store {
    /// The layout of an event, read with strong consistency. Nothing is read of an event without numbered areas.
    pub async fn layout(&self, event: &Event) -> Result<Layout, Error> {
        if event.layout_parts == 0 {
            return Ok(Layout::default());
        }
        let keys: Vec<String> = (1..=event.layout_parts).map(|part| layout_id(event.id, part)).collect();
        let mut items = self.events_table_items(&keys).await?;
        if items.len() != keys.len() {
            let (found, parts) = (items.len(), keys.len());
            return Err(Error::Internal(
                format!("event {} has {found} of {parts} parts of its layout", event.id).into(),
            ));
        }
        items.sort_by_key(part_of);
        items.into_iter().map(from_item).collect::<Result<Vec<LayoutPart>, _>>().map(Layout::new)
    }

    /// Adds a part to the layout. What is in there is never written again.
    pub(super) fn put_layout_part(
        &self,
        event: EventId,
        part: u16,
        rows: &LayoutPart,
    ) -> Result<TransactWriteItem, Error> {
        Put::builder()
            .table_name(&self.tables.events)
            .set_item(Some(layout_item(event, part, rows)?))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .map(|put| TransactWriteItem::builder().put(put).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }
}

fn part_of(item: &Item) -> u16 {
    item.get("part").and_then(|part| part.as_n().ok()?.parse().ok()).unwrap_or_default()
}
