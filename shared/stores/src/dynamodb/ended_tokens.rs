//! Which users' tokens ended early, in the bookings table: the functions that tokens are shown to have that table, and must
//! not read users, where the hashes of passwords are.
//!
//! Key: `user_id` = `ended-tokens`, which no user's id is; `id` = `<when the note may go, in seconds>#<user id>`. So one
//! query reads all that still matter and nothing else, whether DynamoDB has removed what expired or not. The table's
//! `TimeToLive` goes by `forget_at`, an attribute that no booking has.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use jiff::Timestamp;

use super::{Item, Store, failed, readable, text, to_item};
use domain::{error::Error, user::EndedTokensNote};

const PARTITION: &str = "ended-tokens";

/// As long as any time that can be told, so that ids sort by it.
fn id_from(forget_at: i64) -> String {
    format!("{forget_at:012}#")
}

/// A note. Of one that can't be read the key says enough to be on the safe side: all tokens of its user have ended.
fn note(item: Item) -> Option<EndedTokensNote> {
    let key = item.get("id").and_then(|id| id.as_s().ok()).cloned();
    readable(item).or_else(|| {
        let (forget_at, user) = key.as_deref()?.split_once('#')?;
        let (user, forget_at) = (user.parse().ok()?, forget_at.parse().ok()?);
        Some(EndedTokensNote { user, good_from: u32::MAX, forget_at })
    })
}

impl Store {
    /// The notes that still matter, read with strong consistency.
    ///
    /// There are no more than passwords can be changed in an hour, which takes two hashes each, and accounts be erased, which
    /// takes one.
    pub async fn ended_tokens(&self, now: Timestamp) -> Result<Vec<EndedTokensNote>, Error> {
        let items = self
            .client
            .query()
            .table_name(&self.tables.bookings)
            .key_condition_expression("user_id = :partition AND id > :now")
            .expression_attribute_values(":partition", text(PARTITION))
            .expression_attribute_values(":now", text(id_from(now.as_second() + 1)))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send()
            .collect::<Result<Vec<_>, _>>()
            .await
            .map_err(failed)?;
        Ok(items.into_iter().filter_map(note).collect())
    }

    /// Leaves a note, as part of a transaction. Doing it again does nothing more.
    pub(super) fn note_ended_tokens(&self, note: &EndedTokensNote) -> Result<TransactWriteItem, Error> {
        let mut item = to_item(note)?;
        item.insert("user_id".to_owned(), text(PARTITION));
        item.insert("id".to_owned(), text(format!("{}{}", id_from(note.forget_at), note.user)));
        Put::builder()
            .table_name(&self.tables.bookings)
            .set_item(Some(item))
            .build()
            .map(|put| TransactWriteItem::builder().put(put).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }
}
