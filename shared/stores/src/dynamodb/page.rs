//! Pages of a list, whatever it lists.

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::AttributeValue};
use serde::de::DeserializeOwned;

use super::{Item, failed, readable};
use domain::{
    error::Error,
    page::{Page, PageKey, PageKeyPart},
};

/// How much is read for one page. A filter that lets little pass ends a page early, with a place to go on.
#[derive(Clone, Copy, Debug)]
pub struct PageLimits {
    /// Items that one query reads at least: with a filter few of them may pass.
    pub read_items_min: usize,
    /// Queries for one page at most.
    pub queries_max: usize,
    /// Bookings read at once from a bucket of an event at least, where only one status is wanted.
    pub bucket_items_min: usize,
    /// Readings of buckets for one page at most.
    pub bucket_reads_max: usize,
}

impl PageLimits {
    /// The usual ones.
    pub const DEFAULT: Self =
        Self { read_items_min: 200, queries_max: 10, bucket_items_min: 50, bucket_reads_max: 160 };
}

/// Reads a page of at most `limit` items, without those that can't be read. `key_of` says where the list goes on after an item.
pub(super) async fn read_page<T: DeserializeOwned>(
    limits: PageLimits,
    query: QueryFluentBuilder,
    limit: usize,
    start: Option<PageKey>,
    key_of: impl Fn(&T) -> PageKey,
) -> Result<Page<T>, Error> {
    let filtered = query.get_filter_expression().is_some();
    read(filtered, |_| true, limits, query, limit, start, key_of).await
}

/// The same of those items that are `wanted`, by something that DynamoDB can't decide.
pub(super) async fn read_page_of<T: DeserializeOwned>(
    wanted: impl Fn(&T) -> bool,
    limits: PageLimits,
    query: QueryFluentBuilder,
    limit: usize,
    start: Option<PageKey>,
    key_of: impl Fn(&T) -> PageKey,
) -> Result<Page<T>, Error> {
    read(true, wanted, limits, query, limit, start, key_of).await
}

async fn read<T: DeserializeOwned>(
    filtered: bool,
    wanted: impl Fn(&T) -> bool,
    limits: PageLimits,
    query: QueryFluentBuilder,
    limit: usize,
    start: Option<PageKey>,
    key_of: impl Fn(&T) -> PageKey,
) -> Result<Page<T>, Error> {
    // One more than asked for tells whether there is a next page.
    let read_items = if filtered { limits.read_items_min.max(limit + 1) } else { limit + 1 };
    let mut items: Vec<T> = Vec::new();
    let mut start: Option<Item> =
        start.map(|key| key.into_iter().map(|(name, part)| (name, attribute(part))).collect());
    for _ in 0..limits.queries_max {
        let read = query
            .clone()
            .limit(i32::try_from(read_items).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(failed)?;
        for item in read.items.unwrap_or_default() {
            items.extend(readable(item).filter(&wanted));
        }
        start = read.last_evaluated_key;
        if start.is_none() || items.len() > limit {
            break;
        }
    }
    let next = if items.len() > limit {
        items.truncate(limit);
        items.last().map(key_of)
    } else {
        start.map(page_key_from)
    };
    Ok(Page { items, next })
}

fn page_key_from(item: Item) -> PageKey {
    item.into_iter()
        .filter_map(|(name, value)| match value {
            AttributeValue::S(text) => Some((name, PageKeyPart::S(text))),
            AttributeValue::N(number) => Some((name, PageKeyPart::N(number))),
            _ => None,
        })
        .collect()
}

fn attribute(part: PageKeyPart) -> AttributeValue {
    match part {
        PageKeyPart::S(text) => AttributeValue::S(text),
        PageKeyPart::N(number) => AttributeValue::N(number),
    }
}
