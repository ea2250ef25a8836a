//! What idempotency keys of new events were used for. Key, in the table of events: `id` = `key#<user id>#<hash of the key>`.
//! They have no `listing`, so they are not in the index `by_start`. Each is written in the transaction that creates its
//! event, so there is neither without the other. DynamoDB deletes them some time after `forget_at`, so readers look at it,
//! too.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, from_item, number, text, to_item};
use domain::{
    error::Error,
    event::Event,
    id::EventId,
    request_key::{REMEMBERED, RequestKey},
};

/// What a key was used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Creation {
    /// The event that was created.
    pub event_id: EventId,
    /// What the request was, see [`RequestKey`].
    pub fingerprint: String,
    /// When the key may be used for something else, in seconds since the Unix epoch, as DynamoDB's time to live has it.
    forget_at: i64,
}

fn creation_id(key: &RequestKey) -> String {
    format!("key#{}#{}", key.user, key.hash)
}

impl Store {
    /// What a key was used for, read with strong consistency; `None` if for nothing, or long ago.
    pub async fn creation(&self, key: &RequestKey, now: Timestamp) -> Result<Option<Creation>, Error> {
        let found = self.events_table_item(&creation_id(key)).await?;
        let found: Option<Creation> = found.map(from_item).transpose()?;
        Ok(found.filter(|creation| creation.forget_at > now.as_second()))
    }

    /// Keeps what a key is used for, unless it was used already.
    pub(super) fn put_creation(&self, key: &RequestKey, event: &Event) -> Result<TransactWriteItem, Error> {
        let forget_at = (event.created_at + REMEMBERED).as_second();
        let creation = Creation { event_id: event.id, fingerprint: key.fingerprint.clone(), forget_at };
        let mut item = to_item(&creation)?;
        item.insert("id".to_owned(), text(creation_id(key)));
        Put::builder()
            .table_name(&self.tables.events)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id) OR forget_at <= :now")
            .expression_attribute_values(":now", number(event.created_at.as_second()))
            .build()
            .map(|put| TransactWriteItem::builder().put(put).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }
}
