//! Many items by their keys, in as few calls as DynamoDB allows.

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::future::try_join_all;

use super::{Item, Store, failed};
use crate::domain::error::Error;

/// What one `BatchGetItem` takes.
const BATCH_ITEMS_MAX: usize = 100;
/// Rounds of asking for keys that DynamoDB left unprocessed.
const BATCH_ROUNDS_MAX: usize = 8;

impl Store {
    /// The items that exist of those keys, read with strong consistency, in no order.
    pub(super) async fn items_of(&self, table: &str, keys: Vec<Item>) -> Result<Vec<Item>, Error> {
        let batches = keys.chunks(BATCH_ITEMS_MAX).map(|batch| self.batch(table, batch.to_vec()));
        Ok(try_join_all(batches).await?.into_iter().flatten().collect())
    }

    async fn batch(&self, table: &str, mut keys: Vec<Item>) -> Result<Vec<Item>, Error> {
        let mut found = Vec::with_capacity(keys.len());
        for _ in 0..BATCH_ROUNDS_MAX {
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
