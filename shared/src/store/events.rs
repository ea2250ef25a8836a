//! Events. Key: `id`. Index `by_start`: `listing` (the same for all), `starts_at`; only admins write events,
//! so one index partition is far from its limit.

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{Put, TransactWriteItem},
};
use jiff::Timestamp;

use super::{
    PageKey, PageKeyPart, Store, failed, from_item, number, page_key_from, start_key, text, to_item,
    transaction::{Transacted, condition_failed},
};
use crate::domain::{
    error::Error,
    event::{Event, EventStatus},
    id::EventId,
    inventory::{Draw, InventoryShard},
    time::{from_ms, to_whole_ms},
};

const BY_START: &str = "by_start";
const LISTING: &str = "event";

/// Which events of the list are wanted.
#[derive(Clone, Debug, Default)]
pub struct EventsFilter {
    /// Only those that start then or later.
    pub from: Option<Timestamp>,
    /// Only those that start then or earlier.
    pub to: Option<Timestamp>,
    /// Only those whose name contains this, in any case.
    pub name_contains: Option<String>,
    /// Only published ones.
    pub published_only: bool,
}

/// A part of the list.
#[derive(Debug)]
pub struct EventsPage {
    /// The events, by start time.
    pub events: Vec<Event>,
    /// Where the next page starts, if there is one.
    pub next: Option<PageKey>,
}

/// How a replacement that removes seats ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Replaced {
    /// It is committed.
    Done,
    /// The event was at another version. Nothing was written.
    Stale,
    /// A shard had fewer unsold seats than were to be removed. Nothing was written.
    SeatsGone,
}

impl Store {
    /// An event, read with strong consistency.
    pub async fn event(&self, id: EventId) -> Result<Option<Event>, Error> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.events)
            .key("id", text(id))
            .consistent_read(true)
            .send()
            .await
            .map_err(failed)?;
        found.item.map(from_item).transpose()
    }

    /// Events by start time, at most `limit`. The index lags behind the truth by a moment.
    pub async fn events_by_start(
        &self,
        filter: &EventsFilter,
        limit: usize,
        mut start: Option<PageKey>,
    ) -> Result<EventsPage, Error> {
        let from = to_whole_ms(filter.from.unwrap_or(Timestamp::UNIX_EPOCH));
        // The present moves on while somebody turns pages, and DynamoDB refuses to start outside of the bounds.
        let read_from = start.as_ref().and_then(starts_at_of).map_or(from, |at| at.min(from));
        let mut events: Vec<Event> = Vec::new();
        // One more than asked for tells whether there is a next page.
        while events.len() <= limit {
            let read = self
                .query_by_start(filter, read_from)
                .limit(i32::try_from(limit + 1 - events.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(start.take().map(start_key))
                .send()
                .await
                .map_err(failed)?;
            for item in read.items.unwrap_or_default() {
                let event: Event = from_item(item)?;
                if event.details.starts_at >= from {
                    events.push(event);
                }
            }
            start = read.last_evaluated_key.map(page_key_from);
            if start.is_none() {
                break;
            }
        }
        let more = events.len() > limit;
        events.truncate(limit);
        let next = events.last().filter(|_| more).map(page_key_of);
        Ok(EventsPage { events, next })
    }

    fn query_by_start(&self, filter: &EventsFilter, from: Timestamp) -> QueryFluentBuilder {
        let to = filter.to.unwrap_or(Timestamp::MAX);
        let mut query = self
            .client
            .query()
            .table_name(&self.tables.events)
            .index_name(BY_START)
            .key_condition_expression("listing = :listing AND starts_at BETWEEN :from AND :to")
            .expression_attribute_values(":listing", text(LISTING))
            .expression_attribute_values(":from", number(from.as_millisecond()))
            .expression_attribute_values(":to", number(to.as_millisecond().max(from.as_millisecond())));
        let mut conditions = Vec::new();
        if filter.published_only {
            conditions.push("#status = :published");
            query = query
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":published", text(EventStatus::Published.as_str()));
        }
        if let Some(part) = &filter.name_contains {
            conditions.push("contains(name_lower, :part)");
            query = query.expression_attribute_values(":part", text(part.to_lowercase()));
        }
        query.set_filter_expression((!conditions.is_empty()).then(|| conditions.join(" AND ")))
    }

    /// Adds an event with its inventory; false if the id is taken. An event has more shards than a
    /// transaction takes items only beyond 99: the surplus is written first, and means nothing without its
    /// event.
    pub async fn create_event(&self, event: &Event, inventory: &[InventoryShard]) -> Result<bool, Error> {
        const SHARDS_PER_TRANSACTION: usize = 99;
        let (last, surplus) = inventory.split_at(inventory.len().min(SHARDS_PER_TRANSACTION));
        for part in surplus.chunks(SHARDS_PER_TRANSACTION) {
            let shards =
                part.iter().map(|shard| self.put_shard(event.id, shard)).collect::<Result<_, _>>()?;
            if let Transacted::Refused(_) = self.transact(shards).await? {
                return Ok(false);
            }
        }
        let mut items = vec![self.put_event(event, "attribute_not_exists(id)", None)?];
        for shard in last {
            items.push(self.put_shard(event.id, shard)?);
        }
        Ok(matches!(self.transact(items).await?, Transacted::Committed))
    }

    /// Replaces an event that is still at `expected` version; false if it is not. Seats are added to its
    /// shards together with it: to those below `shards_before`, the others are new.
    pub async fn replace_event_adding(
        &self,
        event: &Event,
        expected: u64,
        added: &[Draw],
        shards_before: u16,
    ) -> Result<bool, Error> {
        let mut items = vec![self.put_event(event, "version = :expected", Some(expected))?];
        for draw in added {
            items.push(if draw.shard < shards_before {
                self.add_capacity(event.id, *draw)?
            } else {
                self.put_shard(event.id, &InventoryShard::new(draw.shard, draw.seats))?
            });
        }
        Ok(matches!(self.transact(items).await?, Transacted::Committed))
    }

    /// Replaces an event that is still at `expected` version and removes seats from its shards, together.
    pub async fn replace_event_removing(
        &self,
        event: &Event,
        expected: u64,
        removed: &[Draw],
    ) -> Result<Replaced, Error> {
        let mut items = vec![self.put_event(event, "version = :expected", Some(expected))?];
        for draw in removed {
            items.push(self.remove_capacity(event.id, *draw)?);
        }
        Ok(match self.transact(items).await? {
            Transacted::Committed => Replaced::Done,
            Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => Replaced::Stale,
            Transacted::Refused(_) => Replaced::SeatsGone,
        })
    }

    fn put_event(
        &self,
        event: &Event,
        condition: &str,
        expected: Option<u64>,
    ) -> Result<TransactWriteItem, Error> {
        let mut item = to_item(event)?;
        item.insert("listing".to_owned(), text(LISTING));
        item.insert("name_lower".to_owned(), text(event.details.name.to_lowercase()));
        Put::builder()
            .table_name(&self.tables.events)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_values(
                expected.map(|expected| [(":expected".to_owned(), number(expected))].into()),
            )
            .build()
            .map(|put| TransactWriteItem::builder().put(put).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }
}

fn page_key_of(event: &Event) -> PageKey {
    PageKey::from([
        ("id".to_owned(), PageKeyPart::S(event.id.to_string())),
        ("listing".to_owned(), PageKeyPart::S(LISTING.to_owned())),
        ("starts_at".to_owned(), PageKeyPart::N(event.details.starts_at.as_millisecond().to_string())),
    ])
}

/// The start of the event that a page ended with.
fn starts_at_of(key: &PageKey) -> Option<Timestamp> {
    match key.get("starts_at") {
        Some(PageKeyPart::N(ms)) => ms.parse().ok().map(from_ms),
        _ => None,
    }
}
