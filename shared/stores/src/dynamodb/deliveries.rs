//! Deliveries, in a table of their own. Key: `message_id`, `recipient`. Two indexes, both spread over buckets, so that thousands who
//! buy at once are no hot partition:
//!
//! - `by_due`: `due_bucket`, `due_at`; only what is still to be tried is in it. Each endpoint of webhooks has a bucket of its own, so
//!   that what piles up before one that is down hides nothing of the others.
//! - `by_time`: `list`, `listed`, keys alone; see [`super::told`].

use std::collections::BTreeSet;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::put_item::{PutItemError, builders::PutItemFluentBuilder},
    types::{KeysAndAttributes, Put, TransactWriteItem},
};
use futures::future::try_join_all;
use jiff::Timestamp;

use super::{
    Item, Store,
    delivery_item::{Queue, item_of},
    failed, number, readable, text,
};
use domain::{delivery::Delivery, error::Error};

/// What one `BatchGetItem` takes.
pub(super) const BATCH_GET_ITEMS_MAX: usize = 100;

pub(super) fn was_put<T>(put: Result<T, SdkError<PutItemError>>) -> Result<bool, Error> {
    match put {
        Ok(_) => Ok(true),
        Err(error) => match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(false),
            _ => Err(failed(error)),
        },
    }
}

impl Store {
    /// The name of the table of deliveries.
    pub(super) fn deliveries_table(&self) -> Result<&str, Error> {
        let table = self.tables.deliveries.as_deref();
        table.ok_or(Error::NoMail)
    }

    pub(super) fn put_delivery(&self, delivery: &Delivery) -> Result<PutItemFluentBuilder, Error> {
        let put = self.client.put_item().table_name(self.deliveries_table()?);
        Ok(put.set_item(Some(item_of(delivery)?)))
    }

    /// Writes down a new delivery. Answers whether there was none: then it is the caller's to try.
    pub async fn add_delivery(&self, delivery: &Delivery) -> Result<bool, Error> {
        let put = self.put_delivery(delivery)?.condition_expression("attribute_not_exists(message_id)");
        was_put(put.send().await)
    }

    /// Writes down what somebody asked for. If it is for nobody, the same is written, and nobody is told: who watches the time learns
    /// little of who has an account.
    pub async fn ask_for_delivery(&self, delivery: &Delivery, is_for_somebody: bool) -> Result<(), Error> {
        let delivery = if is_for_somebody { delivery.clone() } else { delivery.for_nobody() };
        self.put_delivery(&delivery)?.send().await.map(|_| ()).map_err(failed)
    }

    /// A delivery as a part of a transaction.
    pub(super) fn also_deliver(&self, delivery: &Delivery) -> Result<TransactWriteItem, Error> {
        Put::builder()
            .table_name(self.deliveries_table()?)
            .set_item(Some(item_of(delivery)?))
            .build()
            .map(|put| TransactWriteItem::builder().put(put).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }

    /// Writes what became of a delivery, if it still is as it was seen: due at that time. Otherwise somebody else has it.
    pub async fn change_delivery(&self, seen: &Delivery, now: &Delivery) -> Result<bool, Error> {
        let Some(due_at) = seen.due_at else { return Ok(false) };
        let put = self
            .put_delivery(now)?
            .condition_expression("due_at = :seen")
            .expression_attribute_values(":seen", number(due_at.as_millisecond()));
        was_put(put.send().await)
    }

    /// Deliveries that are due, the longest first, at most `limit`. The index lags behind the truth by a moment.
    pub async fn due_deliveries(
        &self,
        queue: Queue,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Delivery>, Error> {
        let table = self.deliveries_table()?;
        let of_bucket = |bucket: String| async move {
            let found = self
                .client
                .query()
                .table_name(table)
                .index_name("by_due")
                .key_condition_expression("due_bucket = :bucket AND due_at <= :now")
                .expression_attribute_values(":bucket", text(bucket))
                .expression_attribute_values(":now", number(now.as_millisecond()))
                .limit(i32::try_from(limit).unwrap_or(i32::MAX))
                .send()
                .await
                .map_err(failed)?;
            Ok::<_, Error>(found.items.unwrap_or_default())
        };
        let found: Vec<Item> =
            try_join_all(queue.buckets().into_iter().map(of_bucket)).await?.into_iter().flatten().collect();
        let mut due: Vec<Delivery> = found.into_iter().filter_map(readable).collect();
        due.sort_by_key(|delivery| delivery.due_at);
        due.truncate(limit);
        Ok(due)
    }

    /// Which of these deliveries there are, each by its message's id and its recipient, read with strong consistency. None may
    /// stand twice.
    pub async fn deliveries_among(
        &self,
        keys: &[(String, String)],
    ) -> Result<BTreeSet<(String, String)>, Error> {
        let table = self.deliveries_table()?;
        let mut found = BTreeSet::new();
        for batch in keys.chunks(BATCH_GET_ITEMS_MAX) {
            let key = |(message, recipient): &(String, String)| {
                Item::from([
                    ("message_id".to_owned(), text(message)),
                    ("recipient".to_owned(), text(recipient)),
                ])
            };
            let asked = KeysAndAttributes::builder()
                .set_keys(Some(batch.iter().map(key).collect()))
                .consistent_read(true)
                .projection_expression("message_id, recipient")
                .build()
                .map_err(|error| Error::Internal(Box::new(error)))?;
            for item in self.batch(table, asked).await? {
                let part = |name: &str| item.get(name).and_then(|part| part.as_s().ok()).cloned();
                found.extend(part("message_id").zip(part("recipient")));
            }
        }
        Ok(found)
    }
}
