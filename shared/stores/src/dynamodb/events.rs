//! Events. Key: `id`. Index `by_start`: `listing` (the same for all), `starts_at`; only admins write events,
//! so one index partition is far from its limit. The same table keeps their prices ([`super::prices`]), and what
//! idempotency keys of new events were used for ([`super::creations`]), and what is in the making ([`super::surplus`]).

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, Put, TransactWriteItem},
};
use futures::{Stream, TryStreamExt, stream};
use jiff::{Timestamp, civil::Date};
use serde::Deserialize;

use super::{
    Item, Store,
    deletion::is_deleted,
    failed, from_item, number,
    page::{read_page, read_page_of},
    readable,
    surplus::shards_with_event,
    text, to_item,
    transaction::{Transacted, condition_failed},
    was_written,
};
use domain::{
    audit::AuditEntry,
    error::Error,
    event::{Event, EventStatus, ON_SALE_LOOKBACK, UpcomingEvent, Words, searched},
    id::EventId,
    inventory::{Draw, InventoryShard, Shards},
    page::{Page, PageKey, PageKeyPart},
    pricing::PriceChange,
    request_key::RequestKey,
    row::LayoutPart,
};

const BY_START: &str = "by_start";
pub(super) const LISTING: &str = "event";
/// Days are compared as text, `2031-06-12`: a run of an earlier day must not decide after one of a later day, either.
const NOT_PRICED_YET: &str = "version = :expected AND (attribute_not_exists(priced_on) OR priced_on < :on)";

/// Events read at once on the way through all of them; with full descriptions DynamoDB cuts a page to 1 MB by itself.
const PAGE_EVENTS: usize = 200;
/// Pages whose inventory is read at once. Reading the list itself is what takes longest, page after page.
const PAGES_AT_ONCE: usize = 4;

/// Which events of the list are wanted.
#[derive(Clone, Debug, Default)]
pub struct EventsFilter {
    /// Only those that start then or later.
    pub from: Option<Timestamp>,
    /// Only those that start then or earlier.
    pub to: Option<Timestamp>,
    /// Only those of this status.
    pub status: Option<EventStatus>,
    /// Only those with these words in their name or venue.
    pub words: Option<Words>,
    /// Only those with demand pricing.
    pub with_pricing_only: bool,
    /// Only those that are upcoming at that time, in place of `from`.
    pub upcoming_at: Option<Timestamp>,
}

/// What the list needs of an event's item.
#[derive(Deserialize)]
struct Listed {
    id: EventId,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    starts_at: Timestamp,
    shards: Shards,
    version: u64,
    name: String,
    venue: Option<String>,
    #[serde(default, with = "jiff::fmt::serde::timestamp::millisecond::optional")]
    sales_close_at: Option<Timestamp>,
}

impl From<Listed> for UpcomingEvent {
    fn from(listed: Listed) -> Self {
        let Listed { id, starts_at, shards, version, name, venue, sales_close_at } = listed;
        Self { id, starts_at, shards, version, searched: searched(&name, venue.as_deref()), sales_close_at }
    }
}

/// How a creation ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Created {
    /// The event is there.
    Done,
    /// Another event has its id, or it took so long that it was given up. Nothing was written.
    IdTaken,
    /// The idempotency key was used before. Nothing was written but, of a large event, surplus shards.
    KeyUsed,
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

/// Events that were asked for by their ids.
#[derive(Debug, Default)]
pub struct EventsFound {
    /// The events.
    pub events: Vec<Event>,
    /// Those that exist and can't be read, as another release may have written them. They are logged.
    pub unreadable: Vec<EventId>,
}

/// Whether a list of events by their start can go on at that place: another release may have kept it, or given it to a client.
pub fn is_place_by_start(place: &PageKey) -> bool {
    let is_number = |part: Option<&PageKeyPart>| match part {
        Some(PageKeyPart::N(number)) => number.parse::<i64>().is_ok(),
        _ => false,
    };
    let is_text = |part: Option<&PageKeyPart>| matches!(part, Some(PageKeyPart::S(_)));
    place.len() == 3
        && is_text(place.get("id"))
        && is_text(place.get("listing"))
        && is_number(place.get("starts_at"))
}

impl EventsFilter {
    /// The start of the range of starts that is read. DynamoDB can filter by nothing that is part of a key, so of those
    /// that have started, whoever reads picks out what is still on sale.
    fn first_start(&self) -> Timestamp {
        match self.upcoming_at {
            Some(now) => now - ON_SALE_LOOKBACK,
            None => self.from.unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

impl Store {
    /// An event, read with strong consistency.
    pub async fn event(&self, id: EventId) -> Result<Option<Event>, Error> {
        self.event_item(id).await?.filter(|item| !is_deleted(item)).map(from_item).transpose()
    }

    pub(super) async fn event_item(&self, id: EventId) -> Result<Option<Item>, Error> {
        self.events_table_item(&id.to_string()).await
    }

    /// An item of the table of events, read with strong consistency.
    pub(super) async fn events_table_item(&self, id: &str) -> Result<Option<Item>, Error> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.events)
            .key("id", text(id))
            .consistent_read(true)
            .send()
            .await
            .map_err(failed)?;
        Ok(found.item)
    }

    /// Those of these events that exist, read with strong consistency, in no order.
    pub async fn events(&self, ids: &[EventId]) -> Result<EventsFound, Error> {
        let keys: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let mut found = EventsFound::default();
        for item in self.events_table_items(&keys).await?.into_iter().filter(|item| !is_deleted(item)) {
            let id: Option<EventId> = item.get("id").and_then(|id| id.as_s().ok()?.parse().ok());
            match readable(item) {
                Some(event) => found.events.push(event),
                None => found.unreadable.extend(id),
            }
        }
        Ok(found)
    }

    /// All published events that are upcoming at `now`, by start, with what is needed to find them. The index lags
    /// behind the truth by a moment.
    pub async fn upcoming(&self, now: Timestamp) -> Result<Vec<UpcomingEvent>, Error> {
        let filter = EventsFilter {
            upcoming_at: Some(now),
            status: Some(EventStatus::Published),
            ..EventsFilter::default()
        };
        let mut pages = self
            .query_by_start(&filter)
            .projection_expression("id, starts_at, shards, version, #name, venue, sales_close_at")
            .expression_attribute_names("#name", "name")
            .into_paginator()
            .items()
            .send();
        let mut found = Vec::new();
        while let Some(item) = pages.next().await {
            let event = readable::<Listed>(item.map_err(failed)?).map(UpcomingEvent::from);
            found.extend(event.filter(|event| event.is_upcoming(now)));
        }
        Ok(found)
    }

    /// Events by start time, at most `limit`, without those that can't be read. The index lags behind the truth by a moment.
    pub async fn events_by_start(
        &self,
        filter: &EventsFilter,
        limit: usize,
        start: Option<PageKey>,
    ) -> Result<Page<Event>, Error> {
        // A start outside of the range is an error to DynamoDB; the range may have moved past it meanwhile. So is one of
        // another shape, as a job of another release may have kept it.
        let from = filter.first_start();
        let start = start.filter(is_place_by_start).filter(|key| match key.get("starts_at") {
            Some(PageKeyPart::N(ms)) => ms.parse().is_ok_and(|ms: i64| ms >= from.as_millisecond()),
            _ => true,
        });
        let query = self.query_by_start(filter);
        if filter.upcoming_at.is_none() && filter.words.is_none() {
            return read_page(self.page_limits, query, limit, start, place_of).await;
        }
        // DynamoDB can't compare text as people do; nor does it know when the sales of an event without a time of its own close.
        let is_wanted = |event: &Event| {
            filter.upcoming_at.is_none_or(|now| event.is_upcoming(now))
                && filter.words.as_ref().is_none_or(|words| words.are_in_event(&event.details))
        };
        read_page_of(is_wanted, self.page_limits, query, limit, start, place_of).await
    }

    /// All events of the list that can be read, with those of their shards that can, by start time, in pages: while the inventory of some is read, so is the
    /// next page. The index lags behind the truth by a moment; the inventory is strongly consistent.
    pub fn inventories_by_start(
        &self,
        filter: &EventsFilter,
    ) -> impl Stream<Item = Result<Vec<(Event, Vec<InventoryShard>)>, Error>> {
        let pages = stream::try_unfold(Some(None), move |next| async move {
            let Some(start) = next else { return Ok(None) };
            let page = self.events_by_start(filter, PAGE_EVENTS, start).await?;
            Ok(Some((page.items, page.next.map(Some))))
        });
        pages.map_ok(|events| self.with_inventory(events)).try_buffered(PAGES_AT_ONCE)
    }

    /// The events, each with its shards in their order.
    pub async fn with_inventory(
        &self,
        events: Vec<Event>,
    ) -> Result<Vec<(Event, Vec<InventoryShard>)>, Error> {
        let wanted: Vec<_> = events.iter().map(|event| (event.id, &event.shards)).collect();
        let mut inventories = self.inventory_of_events(&wanted).await?;
        let with_shards = events.into_iter().map(|event| {
            let shards = inventories.remove(&event.id).unwrap_or_default();
            (event, shards)
        });
        Ok(with_shards.collect())
    }

    /// A query of the index `by_start`.
    pub(super) fn query_listing(&self, listing: &str, from: Timestamp, to: Timestamp) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.tables.events)
            .index_name(BY_START)
            .key_condition_expression("listing = :listing AND starts_at BETWEEN :from AND :to")
            .expression_attribute_values(":listing", text(listing))
            .expression_attribute_values(":from", number(from.as_millisecond()))
            .expression_attribute_values(":to", number(to.as_millisecond().max(from.as_millisecond())))
    }

    fn query_by_start(&self, filter: &EventsFilter) -> QueryFluentBuilder {
        let mut query =
            self.query_listing(LISTING, filter.first_start(), filter.to.unwrap_or(Timestamp::MAX));
        let mut conditions = Vec::new();
        if let Some(status) = filter.status {
            conditions.push("#status = :status");
            query = query
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":status", text(status.as_str()));
        }
        if filter.with_pricing_only {
            // Whether one of its areas has it, who judges it finds out.
            conditions.push("(attribute_exists(pricing) OR attribute_exists(areas))");
        }
        query.set_filter_expression((!conditions.is_empty()).then(|| conditions.join(" AND ")))
    }

    /// Adds an event with its first price, its inventory and its layout, and what its idempotency key was used for, if it came with
    /// one, and who did it. Shards beyond those that one transaction takes are written first, see `surplus.rs`.
    pub async fn create_event(
        &self,
        event: &Event,
        inventory: &[InventoryShard],
        layout: &[LayoutPart],
        key: Option<&RequestKey>,
        audit: Option<&AuditEntry>,
    ) -> Result<Created, Error> {
        let fits = shards_with_event(&event.shards, event.layout_parts);
        let (with_event, surplus) = inventory.split_at(inventory.len().min(fits));
        if !self.write_surplus(event, surplus).await? {
            return Ok(Created::IdTaken);
        }
        let mut items = vec![self.put_event(event, "attribute_not_exists(id)", &[])?];
        for price in PriceChange::created(event) {
            items.push(self.put_price(event.id, &price)?);
        }
        for shard in with_event {
            items.push(self.put_shard(event.id, shard)?);
        }
        for (number, part) in (1..).zip(layout) {
            items.push(self.put_layout_part(event.id, number, part)?);
        }
        if !surplus.is_empty() {
            items.push(self.delete_note(event.id)?);
        }
        let of_event = items.len();
        if let Some(key) = key {
            items.push(self.put_creation(key, event)?);
        }
        items.extend(self.put_audit(audit)?);
        Ok(match self.transact(items).await? {
            Transacted::Committed => Created::Done,
            Transacted::Refused(reasons) if reasons.iter().take(of_event).any(condition_failed) => {
                Created::IdTaken
            }
            Transacted::Refused(_) => Created::KeyUsed,
        })
    }

    /// Replaces an event if it is still as it was `before`; false if it is not. New prices are added to its
    /// history together with it, who did it to the audit trail, seats to its shards, and rows to its layout.
    pub async fn replace_event_adding(
        &self,
        before: &Event,
        event: &Event,
        prices: &[PriceChange],
        added: &[Draw],
        layout: &[LayoutPart],
        audit: Option<&AuditEntry>,
    ) -> Result<bool, Error> {
        let mut items = self.replacement(before, event, prices)?;
        for draw in added {
            items.push(if before.shards.has(draw.shard) {
                self.add_capacity(event.id, *draw)?
            } else {
                let closed = event.cancellation.is_some();
                let shard = InventoryShard { closed, ..InventoryShard::new(draw.shard, draw.seats) };
                self.put_shard(event.id, &shard)?
            });
        }
        for (number, part) in (before.layout_parts + 1..).zip(layout) {
            items.push(self.put_layout_part(event.id, number, part)?);
        }
        items.extend(self.put_audit(audit)?);
        Ok(matches!(self.transact(items).await?, Transacted::Committed))
    }

    /// Replaces an event if it is still as it was `before`, adds new prices to its history and who did it to the
    /// audit trail, and removes seats from its shards, together.
    pub async fn replace_event_removing(
        &self,
        before: &Event,
        event: &Event,
        prices: &[PriceChange],
        removed: &[Draw],
        audit: Option<&AuditEntry>,
    ) -> Result<Replaced, Error> {
        let mut items = self.replacement(before, event, prices)?;
        for draw in removed {
            items.push(self.remove_capacity(event.id, *draw)?);
        }
        items.extend(self.put_audit(audit)?);
        Ok(match self.transact(items).await? {
            Transacted::Committed => Replaced::Done,
            Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => Replaced::Stale,
            Transacted::Refused(_) => Replaced::SeatsGone,
        })
    }

    /// Gives an event the prices that a pricing run on that day decided, and adds them to its history, together. False
    /// if the event is not as it was `before`, or was priced on that day by another run.
    pub async fn reprice_event(
        &self,
        before: &Event,
        event: &Event,
        prices: &[PriceChange],
        on: Date,
    ) -> Result<bool, Error> {
        let expected = [(":expected", number(before.version)), (":on", text(on))];
        let mut items = vec![self.put_event(event, NOT_PRICED_YET, &expected)?];
        for price in prices {
            items.push(self.put_price(event.id, price)?);
        }
        Ok(matches!(self.transact(items).await?, Transacted::Committed))
    }

    /// Marks that a pricing run on that day left the event's price as it is; nobody sees this, so it makes no new
    /// version. False if the event is not as it was `before`, or was priced on that day by another run.
    pub async fn keep_price(&self, before: &Event, on: Date) -> Result<bool, Error> {
        let marked = self
            .client
            .update_item()
            .table_name(&self.tables.events)
            .key("id", text(before.id))
            .update_expression("SET priced_on = :on")
            .condition_expression(NOT_PRICED_YET)
            .expression_attribute_values(":expected", number(before.version))
            .expression_attribute_values(":on", text(on))
            .send()
            .await;
        was_written(marked)
    }

    /// Marks that all bookings of a cancelled event are cancelled; nobody decides that, so it makes no new version.
    pub async fn finish_cancellation(&self, event: EventId, now: Timestamp) -> Result<(), Error> {
        let marked = self
            .client
            .update_item()
            .table_name(&self.tables.events)
            .key("id", text(event))
            .update_expression("SET cancellation.finished_at = :now")
            .condition_expression(
                "attribute_exists(cancellation) AND attribute_not_exists(cancellation.finished_at)",
            )
            .expression_attribute_values(":now", number(now.as_millisecond()));
        was_written(marked.send().await).map(|_| ())
    }

    /// What is written whenever an admin replaces an event.
    fn replacement(
        &self,
        before: &Event,
        event: &Event,
        prices: &[PriceChange],
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let expected = [(":expected", number(before.version))];
        let mut items = vec![self.put_event(event, "version = :expected", &expected)?];
        for price in prices {
            items.push(self.put_price(event.id, price)?);
        }
        Ok(items)
    }

    fn put_event(
        &self,
        event: &Event,
        condition: &str,
        values: &[(&str, AttributeValue)],
    ) -> Result<TransactWriteItem, Error> {
        let item = event_item(event)?;
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        // DynamoDB refuses an empty list.
        let values = Some(values.collect::<Item>()).filter(|values| !values.is_empty());
        Put::builder()
            .table_name(&self.tables.events)
            .set_item(Some(item))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .build()
            .map(|put| TransactWriteItem::builder().put(put).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }
}

/// An event as it is written.
///
/// # Errors
/// Never: an event can be written.
pub fn event_item(event: &Event) -> Result<Item, Error> {
    let mut item = to_item(event)?;
    item.insert("listing".to_owned(), text(LISTING));
    // Releases before look for words in it.
    item.insert("name_lower".to_owned(), text(event.details.name.to_lowercase()));
    Ok(item)
}

/// An event's place in the list of events by start.
pub fn place_of(event: &Event) -> PageKey {
    PageKey::from([
        ("id".to_owned(), PageKeyPart::S(event.id.to_string())),
        ("listing".to_owned(), PageKeyPart::S(LISTING.to_owned())),
        ("starts_at".to_owned(), PageKeyPart::N(event.details.starts_at.as_millisecond().to_string())),
    ])
}
