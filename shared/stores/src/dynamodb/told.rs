//! What was told to whom, as admins look at it: deliveries by time, or those of one message.
//!
//! Index `by_time`: `list`, then `listed`, which is the time, the message's id and the recipient. What went well, or is under way, has
//! lists of its own, what failed has others, and so has what was given up: what few look for among many is found at once, and what goes
//! well is written into the index once.

use std::{cmp::Reverse, collections::HashMap};

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures::future::try_join_all;
use jiff::Timestamp;

use super::{
    Item, Store,
    deliveries::{BATCH_GET_ITEMS_MAX, was_put},
    delivery_item::{BUCKETS, list_of},
    failed, number, readable, text,
};
use domain::{
    delivery::{Delivery, DeliveryStatus},
    error::Error,
    page::{Page, PageKey, PageKeyPart},
};

/// Deliveries that are looked for.
#[derive(Clone, Debug, Default)]
pub struct DeliveriesFilter {
    /// Only those that are so far.
    pub status: Option<DeliveryStatus>,
    /// Only those of this message.
    pub message_id: Option<String>,
}

/// Whether a list of deliveries can go on at that place, which another release may have given to a client.
pub fn is_place_of_deliveries(place: &PageKey) -> bool {
    place.len() == 1 && part(place).is_some()
}

fn part(place: &PageKey) -> Option<&str> {
    match place.get("after") {
        Some(PageKeyPart::S(text)) => Some(text),
        _ => None,
    }
}

fn after(place: impl Into<String>) -> PageKey {
    PageKey::from([("after".to_owned(), PageKeyPart::S(place.into()))])
}

/// What became of the wish to tell something once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It is due.
    Due,
    /// There is none.
    Nothing,
    /// It is about an account: its link has ended.
    OfAccount,
    /// Its endpoint was removed.
    ToNobody,
}

impl Store {
    /// Deliveries, the newest first, or those of a message by their recipients; at most `limit`.
    pub async fn deliveries(
        &self,
        filter: &DeliveriesFilter,
        limit: usize,
        start: Option<&PageKey>,
    ) -> Result<Page<Delivery>, Error> {
        let start = start.and_then(part);
        let (found, next) = match &filter.message_id {
            Some(message) => self.deliveries_of(message, limit, start).await?,
            None => self.deliveries_by_time(filter.status, limit, start).await?,
        };
        let is_meant = |delivery: &Delivery| filter.status.is_none_or(|status| delivery.status == status);
        Ok(Page { items: found.into_iter().filter(is_meant).collect(), next: next.map(after) })
    }

    async fn deliveries_of(
        &self,
        message: &str,
        limit: usize,
        start: Option<&str>,
    ) -> Result<(Vec<Delivery>, Option<String>), Error> {
        let condition = match start {
            Some(_) => "message_id = :message AND recipient > :start",
            None => "message_id = :message",
        };
        let query = self
            .client
            .query()
            .table_name(self.deliveries_table()?)
            .key_condition_expression(condition)
            .expression_attribute_values(":message", text(message))
            .consistent_read(true)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX));
        let query = match start {
            Some(start) => query.expression_attribute_values(":start", text(start)),
            None => query,
        };
        let found = query.send().await.map_err(failed)?;
        let next = found.last_evaluated_key().and_then(|key| key.get("recipient")?.as_s().ok().cloned());
        // Those who tell keep other things in the table, too.
        let items = found.items.unwrap_or_default().into_iter().filter(|item| item.contains_key("kind"));
        Ok((items.filter_map(readable).collect(), next))
    }

    async fn deliveries_by_time(
        &self,
        status: Option<DeliveryStatus>,
        limit: usize,
        start: Option<&str>,
    ) -> Result<(Vec<Delivery>, Option<String>), Error> {
        let lists: Vec<_> = match status {
            Some(status) => vec![list_of(status)],
            None => vec!["told", "failed", "dead"],
        };
        let lists =
            lists.into_iter().flat_map(|list| (0..BUCKETS).map(move |bucket| format!("{list}#{bucket}")));
        let mut found: Vec<Item> = try_join_all(lists.map(|list| self.listed(list, limit, start)))
            .await?
            .into_iter()
            .flatten()
            .collect();
        let place =
            |item: &Item| item.get("listed").and_then(|place| place.as_s().ok()).cloned().unwrap_or_default();
        found.sort_by_cached_key(|item| Reverse(place(item)));
        // Each list was read as far as all of them together are shown.
        let next = (found.len() > limit).then(|| found.get(limit.saturating_sub(1)).map(place)).flatten();
        found.truncate(limit);
        Ok((self.deliveries_at(found).await?, next))
    }

    /// One more than is shown, to see whether there are more.
    async fn listed(&self, list: String, limit: usize, start: Option<&str>) -> Result<Vec<Item>, Error> {
        let condition = match start {
            Some(_) => "#list = :list AND listed < :start",
            None => "#list = :list",
        };
        let query = self
            .client
            .query()
            .table_name(self.deliveries_table()?)
            .index_name("by_time")
            .key_condition_expression(condition)
            .expression_attribute_names("#list", "list")
            .expression_attribute_values(":list", text(list))
            .scan_index_forward(false)
            .limit(i32::try_from(limit + 1).unwrap_or(i32::MAX));
        let query = match start {
            Some(start) => query.expression_attribute_values(":start", text(start)),
            None => query,
        };
        Ok(query.send().await.map_err(failed)?.items.unwrap_or_default())
    }

    /// The deliveries at these places of the index, in their order.
    async fn deliveries_at(&self, places: Vec<Item>) -> Result<Vec<Delivery>, Error> {
        let keys: Vec<Item> = places
            .into_iter()
            .map(|place| {
                place.into_iter().filter(|(name, _)| name == "message_id" || name == "recipient").collect()
            })
            .collect();
        let mut found = HashMap::new();
        for batch in keys.chunks(BATCH_GET_ITEMS_MAX) {
            let asked = KeysAndAttributes::builder()
                .set_keys(Some(batch.to_vec()))
                .consistent_read(true)
                .build()
                .map_err(|error| Error::Internal(Box::new(error)))?;
            for item in self.batch(self.deliveries_table()?, asked).await? {
                let delivery: Option<Delivery> = readable(item);
                found.extend(delivery.map(|one| ((one.message_id.clone(), one.recipient.clone()), one)));
            }
        }
        let key = |item: &Item| {
            let part = |name| item.get(name).and_then(|part| part.as_s().ok()).cloned();
            part("message_id").zip(part("recipient"))
        };
        Ok(keys.iter().filter_map(|item| found.remove(&key(item)?)).collect())
    }

    /// Makes a delivery due once more. One that is under way is left alone.
    pub async fn replay_delivery(
        &self,
        message: &str,
        recipient: &str,
        now: Timestamp,
    ) -> Result<Replayed, Error> {
        let found = self
            .client
            .get_item()
            .table_name(self.deliveries_table()?)
            .key("message_id", text(message))
            .key("recipient", text(recipient))
            .consistent_read(true)
            .send()
            .await
            .map_err(failed)?;
        let item = found.item.filter(|item| item.contains_key("kind"));
        let Some(seen) = item.and_then(readable::<Delivery>) else { return Ok(Replayed::Nothing) };
        let Some(again) = seen.again(now) else { return Ok(Replayed::OfAccount) };
        if let Some(endpoint) = seen.endpoint()
            && self.endpoint(endpoint).await?.is_none()
        {
            return Ok(Replayed::ToNobody);
        }
        if seen.status == DeliveryStatus::Pending {
            return Ok(Replayed::Due);
        }
        let put = self.put_delivery(&again)?;
        let put = match seen.due_at {
            Some(due_at) => put
                .condition_expression("due_at = :seen")
                .expression_attribute_values(":seen", number(due_at.as_millisecond())),
            None => put.condition_expression("attribute_exists(message_id) AND attribute_not_exists(due_at)"),
        };
        // Whoever was faster has it tried, too.
        was_put(put.send().await).map(|_| Replayed::Due)
    }
}
