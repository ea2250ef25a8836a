//! The prices that events had. Key, in the table of events: `id` = `<event id>#price#<number>`. They have no `listing`,
//! so they are not in the index `by_start`. Their numbers are known, so no index is needed to find them.

use std::ops::RangeInclusive;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};

use super::{Item, Store, readable, text, to_item};
use domain::{error::Error, id::EventId, pricing::PriceChange};

pub(super) fn price_id(event: EventId, number: u32) -> String {
    format!("{event}#price#{number}")
}

/// A price as it is written.
///
/// # Errors
/// Never: a price can be written.
pub fn price_item(event: EventId, price: &PriceChange) -> Result<Item, Error> {
    let mut item = to_item(price)?;
    item.insert("id".to_owned(), text(price_id(event, price.number)));
    Ok(item)
}

impl Store {
    /// The event's prices with those numbers, read with strong consistency, newest first, without those that can't be
    /// read.
    pub async fn prices(
        &self,
        event: EventId,
        numbers: RangeInclusive<u32>,
    ) -> Result<Vec<PriceChange>, Error> {
        let keys: Vec<String> = numbers.map(|number| price_id(event, number)).collect();
        let items = self.events_table_items(&keys).await?;
        let mut prices: Vec<PriceChange> = items.into_iter().filter_map(readable).collect();
        prices.sort_unstable_by_key(|price| std::cmp::Reverse(price.number));
        Ok(prices)
    }

    /// Adds a price to the history. What is in there is never written again.
    pub(super) fn put_price(&self, event: EventId, price: &PriceChange) -> Result<TransactWriteItem, Error> {
        let item = price_item(event, price)?;
        Put::builder()
            .table_name(&self.tables.events)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(id)")
            .build()
            .map(|put| TransactWriteItem::builder().put(put).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }
}
