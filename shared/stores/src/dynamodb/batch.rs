//! Reading many items by their keys, in as few calls as DynamoDB allows.

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::{StreamExt, TryStreamExt, stream};

use super::{Item, Store, failed, text};
use domain::error::{Error, GaveUp};

/// What one `BatchGetItem` takes.
const BATCH_GET_ITEMS_MAX: usize = 100;
/// Calls under way at once: enough to hide their latency, few enough not to starve others of connections.
const CALLS_AT_ONCE: usize = 16;
/// Rounds of asking for keys that DynamoDB left unprocessed.
const ROUNDS_MAX: usize = 8;

impl Store {
    /// Those items of the inventory table that exist, read with strong consistency, in no order. No key may stand twice.
    pub(super) async fn inventory_table_items(&self, keys: &[String]) -> Result<Vec<Item>, Error> {
        self.items(&self.tables.inventory, "shard_id", keys).await
    }

    /// Those items of the table of events that exist, read with strong consistency, in no order. No key may stand twice.
    pub(super) async fn events_table_items(&self, keys: &[String]) -> Result<Vec<Item>, Error> {
        self.items(&self.tables.events, "id", keys).await
    }

    async fn items(&self, table: &str, key: &str, values: &[String]) -> Result<Vec<Item>, Error> {
        let item = |value: &String| Item::from([(key.to_owned(), text(value))]);
        let batches: Vec<Vec<Item>> =
            values.chunks(BATCH_GET_ITEMS_MAX).map(|batch| batch.iter().map(item).collect()).collect();
        stream::iter(batches)
            .map(|batch| async move {
                let asked = KeysAndAttributes::builder()
                    .set_keys(Some(batch))
                    .consistent_read(true)
                    .build()
                    .map_err(|error| Error::Internal(Box::new(error)))?;
                self.batch(table, asked).await
            })
            .buffer_unordered(CALLS_AT_ONCE)
            .try_concat()
            .await
    }

    /// Those of these items that exist, at most as many as one call takes.
    pub(super) async fn batch(&self, table: &str, mut asked: KeysAndAttributes) -> Result<Vec<Item>, Error> {
        let mut found = Vec::with_capacity(asked.keys().len());
        for _ in 0..ROUNDS_MAX {
            let read =
                self.client.batch_get_item().request_items(table, asked).send().await.map_err(failed)?;
            found.extend(read.responses.unwrap_or_default().remove(table).unwrap_or_default());
            match read.unprocessed_keys.unwrap_or_default().remove(table) {
                Some(left) if !left.keys.is_empty() => asked = left,
                _ => return Ok(found),
            }
        }
        Err(Error::GaveUp(GaveUp::ReadingAll))
    }
}
