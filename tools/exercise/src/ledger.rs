//! The ledger: every seat is accounted for, in both stores, to the last one.

use std::collections::HashMap;

use domain::{
    booking::{Booking, BookingStatus},
    id::{AreaKey, EventId, UserId},
    inventory::{InventoryShard, ShardNumber, of_area},
    row::SeatSet,
    sales::SoldByRate,
};
use http_api::App;
use kit::Failure;
use stores::{dynamodb::Client, redis::ShardSeen};

/// The stores in which every seat is looked for, past whatever disturbs them.
#[derive(Clone, Copy, Debug)]
pub struct Ledger<'a> {
    /// The app over both.
    pub app: &'a App,
    /// DynamoDB itself.
    pub dynamodb: &'a Client,
    /// The events that people bought.
    pub events: &'a [EventId],
    /// Seats of an event that one user may have.
    pub max_per_user: u32,
}

/// What the bookings of one shard come to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    sold: u32,
    pending: u32,
    cancelled: u32,
    revenue: u64,
    by_rate: SoldByRate,
    bookings: u32,
    cancelled_bookings: u32,
    /// Which seats of a row are sold, or pending.
    seats: SeatSet,
}

impl Ledger<'_> {
    /// An event's shards, as DynamoDB has them.
    pub(crate) async fn inventory(&self, event: EventId) -> Result<Vec<InventoryShard>, Failure> {
        let shards = self.app.store.event(event).await?.ok_or("the event is gone")?.shards;
        Ok(self.app.store.inventory(event, &shards).await?)
    }

    /// All bookings that there are, whoever's.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn bookings(&self) -> Result<Vec<Booking>, Failure> {
        let mut pages = self
            .dynamodb
            .scan()
            .table_name(&self.app.config.tables.bookings)
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut bookings = Vec::new();
        while let Some(item) = pages.next().await {
            bookings.push(serde_dynamo::from_item(item?)?);
        }
        Ok(bookings)
    }

    /// Holds the stores against each other, at rest; says what is wrong.
    ///
    /// # Errors
    /// When a store fails.
    pub async fn check(&self, bookings: &[Booking]) -> Result<Vec<String>, Failure> {
        let mut wrong = Vec::new();
        let mut sums: HashMap<(EventId, ShardNumber), Sums> = HashMap::new();
        for booking in bookings {
            for (index, (draw, charge)) in booking.draws.iter().zip(booking.counted()).enumerate() {
                let sums = sums.entry((booking.event_id, draw.shard)).or_default();
                if booking.status.has_seats() {
                    if !sums.seats.and(&draw.named).is_empty() {
                        wrong.push(format!("another booking has a seat of {booking:?}"));
                    }
                    sums.seats.extend(draw.named.iter());
                }
                match booking.status {
                    BookingStatus::Pending | BookingStatus::Closing => sums.pending += draw.seats,
                    BookingStatus::Expired => {}
                    BookingStatus::Confirmed => {
                        sums.bookings += u32::from(index == 0);
                        sums.sold += draw.seats;
                        sums.revenue += charge.revenue;
                        for (rate, sold) in charge.by_rate {
                            sums.by_rate.entry(rate.to_owned()).or_default().add(sold);
                        }
                    }
                    BookingStatus::Cancelled => {
                        sums.bookings += u32::from(index == 0);
                        sums.cancelled += draw.seats;
                        sums.cancelled_bookings += u32::from(index == 0);
                    }
                }
            }
            if booking.draws.iter().map(|draw| draw.seats).sum::<u32>() != booking.quantity {
                wrong.push(format!("its draws are not its quantity: {booking:?}"));
            }
        }
        wrong.extend(self.check_users(bookings).await?);
        for event in self.events {
            let of_event = self.check_event(*event, &sums).await?;
            wrong.extend(of_event.into_iter().map(|wrong| format!("event {event} at rest: {wrong}")));
        }
        Ok(wrong)
    }

    /// Nobody has more seats than one user may, and each user's seats are counted right.
    async fn check_users(&self, bookings: &[Booking]) -> Result<Vec<String>, Failure> {
        let mut bought: HashMap<(EventId, UserId), u32> = HashMap::new();
        for booking in bookings {
            let has_seats = booking.status.has_seats();
            *bought.entry((booking.event_id, booking.user_id)).or_default() +=
                if has_seats { booking.quantity } else { 0 };
        }
        let mut wrong = Vec::new();
        for ((event, user), seats) in bought {
            let counted = self.app.store.seats_of_user(event, user).await?;
            if seats > self.max_per_user || counted != seats {
                wrong.push(format!("user {user} bought {seats} seats of {event}, {counted} are counted"));
            }
        }
        Ok(wrong)
    }

    async fn check_event(
        &self,
        event: EventId,
        sums: &HashMap<(EventId, ShardNumber), Sums>,
    ) -> Result<Vec<String>, Failure> {
        let mut wrong = Vec::new();
        let inventory = self.inventory(event).await?;
        let kept = self.app.store.event(event).await?.ok_or("the event is gone")?;
        for area in kept.area_keys() {
            self.check_area(area, of_area(&inventory, area.number), sums, &mut wrong).await?;
        }
        for area in kept.areas() {
            let shards: u32 = of_area(&inventory, area.key.number).iter().map(|shard| shard.capacity).sum();
            if shards != area.capacity {
                wrong.push(format!(
                    "the shards of {} have {shards} seats, it says {}",
                    area.id, area.capacity
                ));
            }
        }
        let capacity: u32 = inventory.iter().map(|shard| shard.capacity).sum();
        if kept.details.capacity != capacity {
            let said = kept.details.capacity;
            wrong.push(format!("the shards have {capacity} seats, the event says {said:?}"));
        }
        Ok(wrong)
    }

    /// Each seat with a name is free in Redis if it is in DynamoDB.
    async fn check_rows(
        &self,
        area: AreaKey,
        inventory: &[InventoryShard],
        wrong: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let seen = self.app.redis.seats(area).await?.ok_or("Redis has no state at rest")?;
        let rows = seen.seats.map(|seats| seats.rows).unwrap_or_default();
        for (row, shard) in rows.iter().zip(inventory) {
            let seats = row.free.chars().zip(0..);
            let free: SeatSet =
                seats.clone().filter(|(seat, _)| *seat == '1').map(|(_, place)| place).collect();
            let all: SeatSet = seats.map(|(_, place)| place).collect();
            if free != all.without(&shard.taken) {
                wrong.push(format!("row {} is {} in Redis: {shard:?}", row.name, row.free));
            }
            if shard.out_of_sale.count() + shard.capacity != all.count() {
                wrong.push(format!("its seats are not those on sale and out of it: {shard:?}"));
            }
        }
        Ok(())
    }

    async fn check_area(
        &self,
        area: AreaKey,
        inventory: &[InventoryShard],
        sums: &HashMap<(EventId, ShardNumber), Sums>,
        wrong: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let seen = self.app.redis.inventory(area).await?.ok_or("Redis has no state at rest")?;
        let none = Sums::default();
        for shard in inventory {
            let booked = sums.get(&(area.event, shard.shard)).unwrap_or(&none);
            let kept = Sums {
                sold: shard.sold,
                pending: shard.pending,
                cancelled: shard.cancelled,
                revenue: shard.revenue,
                by_rate: shard.by_rate.clone(),
                bookings: shard.bookings,
                cancelled_bookings: shard.cancelled_bookings,
                seats: shard.taken.without(&shard.out_of_sale),
            };
            if *booked != kept {
                wrong.push(format!(
                    "shard {}: the bookings come to {booked:?}, it says {kept:?}",
                    shard.shard
                ));
            }
            if shard.sold > shard.capacity || shard.sold + shard.pending + shard.unsold != shard.capacity {
                wrong.push(format!("sold, pending and unsold are not the capacity: {shard:?}"));
            }
            let ShardSeen { free, held, confirming, applied } = seen.shard(shard.shard);
            if free + held + i64::from(shard.sold + shard.pending) != i64::from(shard.capacity) {
                wrong.push(format!(
                    "free {free} + held {held} + sold + pending are not the capacity: {shard:?}"
                ));
            }
            if (held, confirming) != (0, 0) || applied != shard.version {
                wrong.push(format!(
                    "held {held}, confirming {confirming}, applied {applied} at rest: {shard:?}"
                ));
            }
        }
        self.check_rows(area, inventory, wrong).await?;
        if seen.shards().len() != inventory.len() {
            wrong.push(format!("Redis knows {} of {} shards", seen.shards().len(), inventory.len()));
        }
        let free: i64 = seen.shards().iter().map(|shard| shard.free).sum();
        let said = self.app.redis.free_seats(&[area]).await?;
        if said.first().copied().flatten().map(i64::from) != Some(free) {
            wrong.push(format!("the shards have {free} free seats, the area says {said:?}"));
        }
        Ok(())
    }
}
