//! Deleting a draft, with its shards and its prices: more items than a transaction takes, perhaps. So the event is marked
//! first, in `deleted_at`, and leaves the index `by_start`. From then on nobody reads it as an event any more, and nobody
//! who read it before can write it, for it has a new version. Its own item goes last, so that who deletes it once more finds
//! what is left.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update, builders::DeleteBuilder};
use jiff::Timestamp;

use super::{
    Item, Store, from_item, layouts::layout_id, number, prices::price_id, shard_id::shard_id, text,
    transaction::Transacted,
};
use domain::{
    audit::AuditEntry,
    error::Error,
    event::{Event, EventStatus},
    id::EventId,
    inventory::ShardNumber,
};

const DELETED_AT: &str = "deleted_at";
/// What one transaction takes.
const ITEMS_PER_TRANSACTION: usize = 100;

/// Whether the item of an event is marked.
pub(super) fn is_deleted(event: &Item) -> bool {
    event.contains_key(DELETED_AT)
}

impl Store {
    /// An event that was marked and not deleted to the end, read with strong consistency.
    pub async fn half_deleted_event(&self, id: EventId) -> Result<Option<Event>, Error> {
        self.event_item(id).await?.filter(is_deleted).map(from_item).transpose()
    }

    /// Marks a draft as deleted, and adds who did it to the audit trail, together; false if it is not as it was `before`.
    pub async fn mark_deleted(
        &self,
        before: &Event,
        now: Timestamp,
        audit: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        let mark = Update::builder()
            .table_name(&self.tables.events)
            .key("id", text(before.id))
            .update_expression("SET deleted_at = :now, version = version + :one REMOVE listing")
            .condition_expression("version = :expected AND #status = :draft")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":expected", number(before.version))
            .expression_attribute_values(":draft", text(EventStatus::Draft.as_str()))
            .build()
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let mut items = vec![TransactWriteItem::builder().update(mark).build()];
        items.extend(self.put_audit(audit)?);
        Ok(matches!(self.transact(items).await?, Transacted::Committed))
    }

    /// Deletes shards that never sold a seat. Those that are gone already are no mistake.
    pub async fn delete_shards(
        &self,
        event: EventId,
        shards: impl Iterator<Item = ShardNumber>,
    ) -> Result<(), Error> {
        let deletes = shards.map(|shard| {
            let delete = Delete::builder()
                .table_name(&self.tables.inventory)
                .key("shard_id", text(shard_id(event, shard)))
                // What was sold is never deleted, whatever brought us here.
                .condition_expression("attribute_not_exists(shard_id) OR (bookings = :none AND sold = :none)")
                .expression_attribute_values(":none", number(0));
            built(delete)
        });
        self.delete(deletes).await
    }

    /// Deletes the prices that an event had, and its layout, then the event itself.
    pub async fn delete_event_and_parts(&self, event: &Event) -> Result<(), Error> {
        let of_table = |id: String| Delete::builder().table_name(&self.tables.events).key("id", text(id));
        let prices = (1..=event.price_changes).map(|price| price_id(event.id, price));
        let layout = (1..=event.layout_parts).map(|part| layout_id(event.id, part));
        self.delete(prices.chain(layout).map(|id| built(of_table(id)))).await?;
        self.delete(std::iter::once(built(of_table(event.id.to_string())))).await
    }

    async fn delete(
        &self,
        deletes: impl Iterator<Item = Result<TransactWriteItem, Error>>,
    ) -> Result<(), Error> {
        let deletes = deletes.collect::<Result<Vec<_>, _>>()?;
        for part in deletes.chunks(ITEMS_PER_TRANSACTION) {
            if let Transacted::Refused(_) = self.transact(part.to_vec()).await? {
                return Err(Error::Internal("seats of an event that is to be deleted were sold".into()));
            }
        }
        Ok(())
    }
}

fn built(delete: DeleteBuilder) -> Result<TransactWriteItem, Error> {
    delete
        .build()
        .map(|delete| TransactWriteItem::builder().delete(delete).build())
        .map_err(|error| Error::Internal(Box::new(error)))
}
