//! What the bookings come to: they alone say what was sold.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
};

use domain::{
    booking::{Booking, BookingStatus},
    id::{AreaNumber, EventId, UserId},
    inventory::{ShardNumber, place_of_shard},
    row::SeatSet,
    sales::{Hour, HourOfSales, SoldByRate, hour_of},
};
use futures::TryStreamExt;
use kit::Failure;
use stores::dynamodb::whole_tables::read_booking;

use crate::{areas::BookedArea, tables::Tables};

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Booked {
    /// How many there are.
    pub bookings: u64,
    pub(crate) events: BTreeMap<EventId, BookedEvent>,
    pub(crate) user_seats: BTreeMap<(EventId, UserId), u32>,
}

/// Those of one event.
#[derive(Clone, Debug, Default)]
pub(crate) struct BookedEvent {
    pub(crate) shards: BTreeMap<ShardNumber, BookedShard>,
    /// Its areas of which something was sold, by their numbers.
    pub(crate) areas: BTreeMap<AreaNumber, BookedArea>,
    /// By the areas' numbers.
    pub(crate) hours: BTreeMap<AreaNumber, BTreeMap<Hour, HourOfSales>>,
    /// The booking that was confirmed last.
    pub(crate) last: Option<Booking>,
}

/// What they come to on one shard.
#[derive(Clone, Debug, Default)]
pub(crate) struct BookedShard {
    pub(crate) sold: u32,
    /// In bookings that are not decided yet.
    pub(crate) pending: u32,
    /// Which ones of them, of a row.
    pub(crate) taken: SeatSet,
    pub(crate) cancelled: u32,
    pub(crate) revenue: u64,
    pub(crate) by_rate: SoldByRate,
    pub(crate) bookings: u32,
    pub(crate) cancelled_bookings: u32,
    /// Transactions that they took.
    pub(crate) commits: u64,
}

impl BookedShard {
    /// Those that nobody else can have.
    pub(crate) fn seats(&self) -> u32 {
        self.sold + self.pending
    }
}

impl Booked {
    /// Reads the whole table of bookings.
    ///
    /// # Errors
    /// When it can't be read, or has a booking that this release can't read.
    pub async fn read(tables: &Tables) -> Result<Self, Failure> {
        let mut booked = Self::default();
        let mut items = pin!(tables.items(&tables.names.bookings));
        while let Some(item) = items.try_next().await? {
            if let Some(booking) = read_booking(item)? {
                booked.add(booking);
            }
        }
        Ok(booked)
    }

    /// Adds a booking.
    pub fn add(&mut self, booking: Booking) {
        self.bookings += 1;
        let seats = if booking.status.has_seats() { booking.quantity } else { 0 };
        *self.user_seats.entry((booking.event_id, booking.user_id)).or_default() += seats;
        let event = self.events.entry(booking.event_id).or_default();
        for (index, (draw, charge)) in booking.draws.iter().zip(booking.counted()).enumerate() {
            let shard = event.shards.entry(draw.shard).or_default();
            let first = u32::from(index == 0);
            // To take them, and to give them back.
            shard.commits += 1 + u64::from(!booking.status.has_seats());
            if booking.status.has_seats() {
                shard.taken.extend(draw.named.iter());
            }
            match booking.status {
                BookingStatus::Pending | BookingStatus::Closing => shard.pending += draw.seats,
                BookingStatus::Expired => {}
                BookingStatus::Confirmed => {
                    shard.bookings += first;
                    shard.sold += draw.seats;
                    shard.revenue += charge.revenue;
                    for (rate, sold) in charge.by_rate {
                        shard.by_rate.entry(rate.to_owned()).or_default().add(sold);
                    }
                }
                BookingStatus::Cancelled => {
                    shard.bookings += first;
                    shard.cancelled += draw.seats;
                    shard.cancelled_bookings += first;
                }
            }
        }
        event.count(&booking);
        event.areas.insert(booking.id.area().number, BookedArea::of(&booking));
        if event
            .last
            .as_ref()
            .is_none_or(|last| (last.created_at, last.id) < (booking.created_at, booking.id))
        {
            event.last = Some(booking);
        }
    }

    /// Who has bookings.
    pub(crate) fn owners(&self) -> BTreeSet<UserId> {
        self.user_seats.keys().map(|(_, user)| *user).collect()
    }
}

impl BookedEvent {
    /// Its seats that are sold, or taken for a booking that is not decided yet.
    pub(crate) fn taken(&self) -> u32 {
        self.shards.values().map(BookedShard::seats).sum()
    }

    pub(crate) fn taken_in(&self, area: AreaNumber) -> u32 {
        let of_area = self.shards.iter().filter(|(number, _)| place_of_shard(**number).0 == area);
        of_area.map(|(_, shard)| shard.seats()).sum()
    }

    /// Counts a booking's sale in its hour, and its cancel.
    fn count(&mut self, booking: &Booking) {
        if !matches!(booking.status, BookingStatus::Confirmed | BookingStatus::Cancelled) {
            return;
        }
        let (tickets, amount) = (u64::from(booking.quantity), booking.charge().total());
        let cancelled = booking.status == BookingStatus::Cancelled;
        let hours = self.hours.entry(booking.id.area().number).or_default();
        let sale = hours.entry(hour_of(booking.sold_at())).or_default();
        sale.bookings += 1;
        sale.tickets += tickets;
        sale.amount += amount;
        if cancelled {
            sale.returned_bookings += 1;
            sale.returned_tickets += tickets;
            sale.returned_amount += amount;
            // A booking knows since when it is cancelled, or was never told: then at once.
            let at = hour_of(booking.cancelled_at.unwrap_or(booking.sold_at()));
            let cancel = hours.entry(at).or_default();
            cancel.cancelled_bookings += 1;
            cancel.cancelled_tickets += tickets;
            cancel.refunded += amount;
        }
    }
}
