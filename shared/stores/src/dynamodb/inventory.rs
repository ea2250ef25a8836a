//! Inventory shards. Key: `shard_id` = `<event id>#<shard>`, a partition of its own for each (write sharding). The same
//! table keeps the sales of past days ([`super::sales`]).

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
    builders::UpdateBuilder,
};
use jiff::Timestamp;

use super::{
    Item, Store, number, readable,
    sales::{count_cancel, count_sale, hours_in},
    sales_by_rate::{self, Way, attributes_of, by_rate_in},
    shard_id::shard_id,
    taken::{all_out_of_sale, all_taken, none_taken, out_of_sale_in, set_of, sets_of, taken_in},
    text, to_item, was_written,
};
use domain::{
    booking::Booking,
    error::Error,
    id::{AreaKey, EventId},
    inventory::{Draw, InventoryShard, ShardNumber, Shards},
    rate::DrawCharge,
    sales::hour_of,
};

impl Store {
    /// All shards of an event, read with strong consistency, in their order.
    pub async fn inventory(&self, event: EventId, shards: &Shards) -> Result<Vec<InventoryShard>, Error> {
        self.shards(event, shards.numbers()).await
    }

    /// All shards of an area, likewise.
    pub async fn inventory_of_area(
        &self,
        area: AreaKey,
        shards: &Shards,
    ) -> Result<Vec<InventoryShard>, Error> {
        self.shards(area.event, shards.numbers_of(area.number)).await
    }

    async fn shards(
        &self,
        event: EventId,
        shards: impl Iterator<Item = ShardNumber>,
    ) -> Result<Vec<InventoryShard>, Error> {
        let wanted: Vec<_> = shards.map(|shard| (event, shard)).collect();
        let mut found: Vec<_> =
            self.inventory_items(&wanted).await?.into_iter().map(|(_, shard)| shard).collect();
        found.sort_unstable_by_key(|shard| shard.shard);
        if found.len() != wanted.len() {
            let (found, shards) = (found.len(), wanted.len());
            return Err(Error::Internal(format!("event {event} has {found} of {shards} shards").into()));
        }
        Ok(found)
    }

    /// The shards of several events, read with strong consistency, those of each in their order. An event that was deleted
    /// meanwhile has none. Of an event that has lost some, or some that can't be read, what is there: one must not take down a
    /// list of others; but the log says so, which is an alarm.
    pub async fn inventory_of_events(
        &self,
        events: &[(EventId, &Shards)],
    ) -> Result<HashMap<EventId, Vec<InventoryShard>>, Error> {
        let wanted: Vec<_> =
            events.iter().flat_map(|(event, shards)| shards.numbers().map(|shard| (*event, shard))).collect();
        let mut found: HashMap<EventId, Vec<InventoryShard>> =
            events.iter().map(|(event, _)| (*event, Vec::new())).collect();
        for (event, shard) in self.inventory_items(&wanted).await? {
            found.entry(event).or_default().push(shard);
        }
        for (event, shards) in events {
            let inventory = found.entry(*event).or_default();
            inventory.sort_unstable_by_key(|shard| shard.shard);
            if inventory.len() == shards.count() {
                continue;
            }
            match self.event(*event).await {
                Ok(None) => inventory.clear(),
                _ => tracing::error!(
                    defect = true, event_id = %event, shards = shards.count(), found = inventory.len(), "an event has lost shards"
                ),
            }
        }
        Ok(found)
    }

    pub(super) async fn inventory_items(
        &self,
        wanted: &[(EventId, ShardNumber)],
    ) -> Result<Vec<(EventId, InventoryShard)>, Error> {
        let keys: Vec<String> = wanted.iter().map(|(event, shard)| shard_id(*event, *shard)).collect();
        Ok(self.inventory_table_items(&keys).await?.into_iter().filter_map(event_and_shard).collect())
    }

    pub(super) fn put_shard(
        &self,
        event: EventId,
        shard: &InventoryShard,
    ) -> Result<TransactWriteItem, Error> {
        let mut item = to_item(shard)?;
        item.extend(attributes_of(&shard.by_rate));
        let sets = sets_of(&shard.taken, &shard.out_of_sale);
        item.extend(sets.into_iter().filter_map(|(name, set)| Some((name.to_owned(), set?))));
        item.insert("shard_id".to_owned(), text(shard_id(event, shard.shard)));
        let put = Put::builder()
            .table_name(&self.tables.inventory)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(shard_id)")
            .build();
        put.map(|put| TransactWriteItem::builder().put(put).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }

    /// Sells a draw's seats for what is charged, unless fewer are unsold, or of seats with names one is taken. `first` marks the draw that counts the booking.
    pub(super) fn sell(
        &self,
        booking: &Booking,
        draw: Draw,
        charge: &DrawCharge<'_>,
        first: bool,
    ) -> Result<TransactWriteItem, Error> {
        let by_hour = count_sale(hour_of(booking.sold_at()), charge.revenue, first);
        let by_rate = sales_by_rate::added(charge);
        let update = self.change_of_shard(
            booking.event_id,
            draw,
            &format!(
                "SET sold = sold + :seats, unsold = unsold - :seats, revenue = revenue + :revenue, \
                 bookings = bookings + :bookings, version = version + :one {by_hour}{by_rate}{}",
                named(&draw, ", taken :taken")
            ),
            &format!("unsold >= :seats AND attribute_not_exists(closed){}", none_taken(&draw)),
            &[(":revenue", charge.revenue), (":bookings", u64::from(first))],
        );
        built(sales_by_rate::with_values(update, charge, Way::Sold))
    }

    /// Takes a draw's seats for a pending booking, under the conditions of a sale.
    pub(super) fn take(&self, booking: &Booking, draw: Draw) -> Result<TransactWriteItem, Error> {
        let update = self.change_of_shard(
            booking.event_id,
            draw,
            &format!(
                "SET unsold = unsold - :seats, pending = if_not_exists(pending, :zero) + :seats, \
                 version = version + :one{}",
                named(&draw, " ADD taken :taken")
            ),
            &format!("unsold >= :seats AND attribute_not_exists(closed){}", none_taken(&draw)),
            &[(":zero", 0)],
        );
        built(update)
    }

    /// Sells the seats that were taken for a pending booking. No seat moves for Redis, so `version` stays.
    pub(super) fn sell_taken(
        &self,
        booking: &Booking,
        draw: Draw,
        charge: &DrawCharge<'_>,
        first: bool,
    ) -> Result<TransactWriteItem, Error> {
        let by_hour = count_sale(hour_of(booking.sold_at()), charge.revenue, first);
        let by_rate = sales_by_rate::added(charge);
        let values = [
            (":seats", u64::from(draw.seats)),
            (":revenue", charge.revenue),
            (":bookings", u64::from(first)),
        ];
        let update = self.update_of_shard(
            booking.event_id,
            draw.shard,
            &format!(
                "SET sold = sold + :seats, pending = pending - :seats, revenue = revenue + :revenue, \
                 bookings = bookings + :bookings {by_hour}{by_rate}"
            ),
            "pending >= :seats",
            &values,
        );
        built(sales_by_rate::with_values(update, charge, Way::Sold))
    }

    /// Takes the seats back that were taken for a pending booking.
    pub(super) fn give_back(&self, booking: &Booking, draw: Draw) -> Result<TransactWriteItem, Error> {
        built(self.change_of_shard(
            booking.event_id,
            draw,
            &format!(
                "SET unsold = unsold + :seats, pending = pending - :seats, version = version + :one{}",
                named(&draw, " DELETE taken :taken")
            ),
            &format!("pending >= :seats{}", all_taken(&draw)),
            &[],
        ))
    }

    /// Takes a draw's seats, and what was charged for them, back from a booking that is cancelled at `now`.
    pub(super) fn take_back(
        &self,
        booking: &Booking,
        draw: Draw,
        charge: &DrawCharge<'_>,
        first: bool,
        now: Timestamp,
    ) -> Result<TransactWriteItem, Error> {
        let (hour, hour_of_sale) = (hour_of(now), hour_of(booking.sold_at()));
        let by_hour = count_cancel(hour, hour_of_sale, charge.revenue, first);
        let by_rate = sales_by_rate::added(charge);
        let update = self.change_of_shard(
            booking.event_id,
            draw,
            &format!(
                "SET sold = sold - :seats, unsold = unsold + :seats, cancelled = cancelled + :seats, \
                 revenue = revenue - :revenue, cancelled_bookings = cancelled_bookings + :bookings, \
                 version = version + :one {by_hour}{by_rate}{}",
                named(&draw, " DELETE taken :taken")
            ),
            &format!("sold >= :seats{}", all_taken(&draw)),
            &[(":revenue", charge.revenue), (":bookings", u64::from(first))],
        );
        built(sales_by_rate::with_values(update, charge, Way::TakenBack))
    }

    /// Closes a shard of an event that was cancelled: from then on no commit sells of it, however long ago it began. What is sold
    /// stays sold until it is cancelled. No seat moves, so `version` stays.
    pub async fn close_shard(&self, event: EventId, shard: ShardNumber) -> Result<(), Error> {
        let closed = self
            .client
            .update_item()
            .table_name(&self.tables.inventory)
            .key("shard_id", text(shard_id(event, shard)))
            .update_expression("SET closed = :closed")
            .condition_expression("attribute_exists(shard_id) AND attribute_not_exists(closed)")
            .expression_attribute_values(":closed", AttributeValue::Bool(true));
        // One that is closed, or gone with its event, is as it should be.
        was_written(closed.send().await).map(|_| ())
    }

    pub(super) fn add_capacity(&self, event: EventId, draw: Draw) -> Result<TransactWriteItem, Error> {
        built(self.change_of_shard(
            event,
            draw,
            &format!(
                "SET #capacity = #capacity + :seats, unsold = unsold + :seats, version = version + :one{}",
                named(&draw, " DELETE taken :taken, out_of_sale :taken")
            ),
            &format!("attribute_exists(shard_id){}", all_out_of_sale(&draw)),
            &[],
        ))
    }

    pub(super) fn remove_capacity(&self, event: EventId, draw: Draw) -> Result<TransactWriteItem, Error> {
        built(self.change_of_shard(
            event,
            draw,
            &format!(
                "SET #capacity = #capacity - :seats, unsold = unsold - :seats, version = version + :one{}",
                named(&draw, " ADD taken :taken, out_of_sale :taken")
            ),
            &format!("unsold >= :seats{}", none_taken(&draw)),
            &[],
        ))
    }

    fn change_of_shard(
        &self,
        event: EventId,
        draw: Draw,
        change: &str,
        condition: &str,
        values: &[(&str, u64)],
    ) -> UpdateBuilder {
        let mut update = self
            .update_of_shard(event, draw.shard, change, condition, values)
            .expression_attribute_values(":seats", number(draw.seats))
            .expression_attribute_values(":one", number(1));
        if change.contains("#capacity") {
            // A reserved word of DynamoDB's expressions.
            update = update.expression_attribute_names("#capacity", "capacity");
        }
        if !draw.named.is_empty() {
            update = update.expression_attribute_values(":taken", set_of(&draw.named));
        }
        for seat in draw.named.iter() {
            update = update.expression_attribute_values(format!(":seat{seat}"), number(seat));
        }
        update
    }

    fn update_of_shard(
        &self,
        event: EventId,
        shard: ShardNumber,
        change: &str,
        condition: &str,
        values: &[(&str, u64)],
    ) -> UpdateBuilder {
        let mut update = Update::builder()
            .table_name(&self.tables.inventory)
            .key("shard_id", text(shard_id(event, shard)))
            .update_expression(change)
            .condition_expression(condition)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (name, value) in values {
            update = update.expression_attribute_values(*name, number(value));
        }
        update
    }
}

/// A part of an expression that is about seats with names.
fn named<'a>(draw: &Draw, part: &'a str) -> &'a str {
    if draw.named.is_empty() { "" } else { part }
}

fn built(update: UpdateBuilder) -> Result<TransactWriteItem, Error> {
    update
        .build()
        .map(|update| TransactWriteItem::builder().update(update).build())
        .map_err(|error| Error::Internal(Box::new(error)))
}

pub(super) fn event_and_shard(item: Item) -> Option<(EventId, InventoryShard)> {
    let event = item.get("shard_id")?.as_s().ok()?.split('#').next()?.parse().ok()?;
    let (hours, by_rate) = (hours_in(&item), by_rate_in(&item));
    let (taken, out_of_sale) = (taken_in(&item), out_of_sale_in(&item));
    Some((event, InventoryShard { hours, by_rate, taken, out_of_sale, ..readable(item)? }))
}
