//! Many items by their keys, in as few calls as DynamoDB allows.

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::future::try_join_all;

use super::{Item, Store, failed, text};
use crate::domain::error::Error;

/// What one `BatchGetItem` takes.
const BATCH_GET_ITEMS_MAX: usize = 100;
/// Rounds of asking for keys that DynamoDB left unprocessed.
const BATCH_GET_ROUNDS_MAX: usize = 8;
/// Batches of one reading under way at once: 800 items. More would only wait for this process to parse them.
const BATCHES_AT_ONCE: usize = 8;

impl Store {
    /// Those items of the inventory table that exist, read with strong consistency, in no order.
    pub(super) async fn inventory_table_items(&self, keys: &[String]) -> Result<Vec<Item>, Error> {
        self.items(&self.tables.inventory, "shard_id", keys).await
    }

    /// Those items of the table of events that exist, read with strong consistency, in no order.
    pub(super) async fn events_table_items(&self, keys: &[String]) -> Result<Vec<Item>, Error> {
        self.items(&self.tables.events, "id", keys).await
    }

    async fn items(&self, table: &str, key: &str, values: &[String]) -> Result<Vec<Item>, Error> {
        let mut found = Vec::with_capacity(values.len());
        for some in values.chunks(BATCH_GET_ITEMS_MAX * BATCHES_AT_ONCE) {
            let batches = some.chunks(BATCH_GET_ITEMS_MAX).map(|batch| self.batch(table, key, batch));
            found.extend(try_join_all(batches).await?.into_iter().flatten());
        }
        Ok(found)
    }

    async fn batch(&self, table: &str, key: &str, values: &[String]) -> Result<Vec<Item>, Error> {
        let mut found = Vec::with_capacity(values.len());
        let mut keys: Vec<Item> =
            values.iter().map(|value| Item::from([(key.to_owned(), text(value))])).collect();
        for _ in 0..BATCH_GET_ROUNDS_MAX {
            let asked = KeysAndAttributes::builder()
                .set_keys(Some(keys))
                .consistent_read(true)
                .build()
                .map_err(|error| Error::Internal(Box::new(error)))?;
            let read =
                self.client.batch_get_item().request_items(table, asked).send().await.map_err(failed)?;
            found.extend(read.responses.unwrap_or_default().remove(table).unwrap_or_default());
            keys = read
                .unprocessed_keys
                .unwrap_or_default()
                .remove(table)
                .map(|left| left.keys)
                .unwrap_or_default();
            if keys.is_empty() {
                return Ok(found);
            }
        }
        Err(Error::Unavailable { store: "DynamoDB", source: "a batch was only partly read".into() })
    }
}
