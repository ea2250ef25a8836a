//! Shards of a large event that do not fit into the transaction that creates it. They are written before it and mean nothing
//! without it, so a note tells of them: it is written with the first of them and deleted in the event's own transaction. One
//! that stays is of a creation that broke off, and leads to what it left behind.
//!
//! Key, in the table of events: `id` = `surplus#<event id>`. In the index `by_start` notes have a `listing` of their own, by
//! when the creation began.

use std::time::Duration;

use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Store, failed, number, readable, text, to_item,
    transaction::{SHARDS_WITH_EVENT, Transacted},
    was_written,
};
use domain::{
    error::Error,
    event::Event,
    id::EventId,
    inventory::{InventoryShard, Shards},
};

const LISTING: &str = "surplus";
/// A creation that began so long ago is over: requests live for half a minute. Should one go on all the same, it finds that it
/// was given up, and creates nothing.
const OVER_AFTER: Duration = Duration::from_secs(10 * 60);
/// Creations that broke off which are cleared away at a time.
const CLEARED_MAX: i32 = 5;
const IS_GOING_ON: &str = "attribute_exists(id) AND attribute_not_exists(given_up_at)";

/// What is kept of a creation as long as it goes on.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Note {
    event_id: EventId,
    shards: Shards,
    #[serde(default, skip_serializing_if = "is_zero")]
    layout_parts: u16,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(parts: &u16) -> bool {
    *parts == 0
}

impl Note {
    fn of(event: &Event) -> Self {
        Self { event_id: event.id, shards: event.shards.clone(), layout_parts: event.layout_parts }
    }
}

/// The key of the note of an event's creation.
#[must_use]
pub fn note_id(event: EventId) -> String {
    format!("surplus#{event}")
}

/// Whether the event has more shards than fit into the transaction that creates it.
pub fn has_surplus_shards(event: &Event) -> bool {
    event.shards.count() > shards_with_event(&event.shards, event.layout_parts)
}

/// How many of its shards fit into the transaction that creates an event: each area after the first has a price there, too, and the
/// parts of its layout are in it.
pub(super) fn shards_with_event(shards: &Shards, layout_parts: u16) -> usize {
    (SHARDS_WITH_EVENT + 1).saturating_sub(shards.areas().count() + usize::from(layout_parts))
}

impl Store {
    /// Writes the shards that do not fit into the event's transaction; false if the event's id is taken.
    pub(super) async fn write_surplus(
        &self,
        event: &Event,
        surplus: &[InventoryShard],
    ) -> Result<bool, Error> {
        for (n, part) in surplus.chunks(SHARDS_WITH_EVENT).enumerate() {
            let mut items = vec![if n == 0 { self.put_note(event)? } else { self.check_note(event.id)? }];
            for shard in part {
                items.push(self.put_shard(event.id, shard)?);
            }
            if let Transacted::Refused(_) = self.transact(items).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Deletes what was written before an event that was not created then.
    pub async fn clear_surplus(&self, event: &Event) -> Result<(), Error> {
        match has_surplus_shards(event) {
            true => self.clear(&Note::of(event)).await,
            false => Ok(()),
        }
    }

    /// Deletes what creations left behind that broke off. Answers how many there were.
    pub async fn clear_broken_creations(&self, now: Timestamp) -> Result<usize, Error> {
        let over = now - OVER_AFTER;
        let found = self
            .query_listing(LISTING, Timestamp::UNIX_EPOCH, over)
            .limit(CLEARED_MAX)
            .send()
            .await
            .map_err(failed)?;
        let notes: Vec<Note> = found.items.unwrap_or_default().into_iter().filter_map(readable).collect();
        for note in &notes {
            self.clear(note).await?;
        }
        Ok(notes.len())
    }

    /// The note goes last, so that who breaks off here is followed by another. It is marked first, so that a creation which
    /// goes on after all writes nothing more.
    async fn clear(&self, note: &Note) -> Result<(), Error> {
        let id = note_id(note.event_id);
        let marked = self
            .client
            .update_item()
            .table_name(&self.tables.events)
            .key("id", text(&id))
            .update_expression("SET given_up_at = :now")
            .condition_expression("attribute_exists(id)")
            .expression_attribute_values(":now", number(Timestamp::now().as_millisecond()))
            .send()
            .await;
        // Without its note the event was created, or all is cleared away.
        if !was_written(marked)? {
            return Ok(());
        }
        let surplus = note.shards.numbers().skip(shards_with_event(&note.shards, note.layout_parts));
        self.delete_shards(note.event_id, surplus).await?;
        let deleted = self.client.delete_item().table_name(&self.tables.events).key("id", text(&id)).send();
        deleted.await.map(|_| ()).map_err(failed)
    }

    fn put_note(&self, event: &Event) -> Result<TransactWriteItem, Error> {
        let mut item = to_item(&Note::of(event))?;
        item.insert("id".to_owned(), text(note_id(event.id)));
        item.insert("listing".to_owned(), text(LISTING));
        item.insert("starts_at".to_owned(), number(event.created_at.as_millisecond()));
        Put::builder()
            .table_name(&self.tables.events)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .map(|put| TransactWriteItem::builder().put(put).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }

    fn check_note(&self, event: EventId) -> Result<TransactWriteItem, Error> {
        ConditionCheck::builder()
            .table_name(&self.tables.events)
            .key("id", text(note_id(event)))
            .condition_expression(IS_GOING_ON)
            .build()
            .map(|check| TransactWriteItem::builder().condition_check(check).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }

    /// Deletes the note with the event's transaction, which is refused if the creation was given up.
    pub(super) fn delete_note(&self, event: EventId) -> Result<TransactWriteItem, Error> {
        Delete::builder()
            .table_name(&self.tables.events)
            .key("id", text(note_id(event)))
            .condition_expression(IS_GOING_ON)
            .build()
            .map(|delete| TransactWriteItem::builder().delete(delete).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }
}
