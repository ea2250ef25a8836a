//! What the other tables have, which is held against the bookings.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
};

use domain::{
    audit::AuditEntry,
    event::Event,
    id::{EventId, UserId},
    inventory::{InventoryShard, ShardNumber},
    row::LayoutPart,
};
use futures::TryStreamExt;
use kit::Failure;
use stores::dynamodb::whole_tables::{Counters, EventsItem, InventoryItem};

use crate::tables::Tables;

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The events.
    pub events: BTreeMap<EventId, Event>,
    /// Events that are being deleted.
    pub deleted: BTreeSet<EventId>,
    /// Notes of creations that have not ended.
    pub notes: BTreeSet<EventId>,
    /// The numbers of the last price that there is of each event.
    pub last_prices: BTreeMap<EventId, u32>,
    /// The parts of layouts, by their numbers.
    pub layouts: BTreeMap<EventId, BTreeMap<u16, LayoutPart>>,
    /// The shards, also of events that are not there.
    pub shards: BTreeMap<EventId, BTreeMap<ShardNumber, KeptShard>>,
    /// How many seats each user has bought.
    pub user_seats: BTreeMap<(EventId, UserId), u32>,
    /// Sales by the day, by their keys.
    pub days: BTreeMap<String, Counters>,
    /// What admins did, by event, in the order of the versions that they made.
    pub audit: BTreeMap<EventId, Vec<AuditEntry>>,
    /// The ids of all accounts.
    pub users: BTreeSet<UserId>,
}

/// A shard.
#[derive(Clone, Debug)]
pub struct KeptShard {
    /// As it is.
    pub shard: InventoryShard,
    /// The attributes that count sales by the hour on it.
    pub hour_attributes: Vec<String>,
}

impl Kept {
    /// Reads the tables whole.
    ///
    /// # Errors
    /// When one can't be read, or has an item that this release can't read.
    pub async fn read(tables: &Tables) -> Result<Self, Failure> {
        let mut kept = Self::default();
        kept.read_events(tables).await?;
        kept.read_inventory(tables).await?;
        kept.read_users(tables).await?;
        kept.read_audit(tables).await?;
        Ok(kept)
    }

    async fn read_events(&mut self, tables: &Tables) -> Result<(), Failure> {
        let mut items = pin!(tables.items(&tables.names.events));
        while let Some(item) = items.try_next().await? {
            match EventsItem::read(item)? {
                EventsItem::Event(event) => {
                    self.events.insert(event.id, *event);
                }
                EventsItem::Deleted(event) => {
                    self.deleted.insert(event);
                }
                EventsItem::Price(event, number) => {
                    let last = self.last_prices.entry(event).or_default();
                    *last = number.max(*last);
                }
                EventsItem::Note(event) => {
                    self.notes.insert(event);
                }
                EventsItem::Layout(event, number, part) => {
                    self.layouts.entry(event).or_default().insert(number, part);
                }
                EventsItem::Other => {}
            }
        }
        Ok(())
    }

    async fn read_inventory(&mut self, tables: &Tables) -> Result<(), Failure> {
        let mut items = pin!(tables.items(&tables.names.inventory));
        while let Some(item) = items.try_next().await? {
            match InventoryItem::read(item)? {
                InventoryItem::Shard(event, shard, hour_attributes) => {
                    let shards = self.shards.entry(event).or_default();
                    shards.insert(shard.shard, KeptShard { shard, hour_attributes });
                }
                InventoryItem::UserSeats(event, user, seats) => {
                    self.user_seats.insert((event, user), seats);
                }
                InventoryItem::Day(key, counters) => {
                    self.days.insert(key, counters);
                }
            }
        }
        Ok(())
    }

    async fn read_users(&mut self, tables: &Tables) -> Result<(), Failure> {
        let mut items = pin!(tables.items(&tables.names.users));
        while let Some(item) = items.try_next().await? {
            // What an account left at another address is nobody.
            if item.contains_key("moved_to_user") {
                continue;
            }
            let id: Option<UserId> = item.get("id").and_then(|id| id.as_s().ok()?.parse().ok());
            self.users.extend(id);
        }
        Ok(())
    }

    async fn read_audit(&mut self, tables: &Tables) -> Result<(), Failure> {
        let Some(table) = &tables.names.audit else { return Ok(()) };
        let mut items = pin!(tables.items(table));
        while let Some(item) = items.try_next().await? {
            let entry: AuditEntry = serde_dynamo::from_item(item)?;
            self.audit.entry(entry.event_id).or_default().push(entry);
        }
        for entries in self.audit.values_mut() {
            entries.sort_by_key(|entry| (entry.version_after.unwrap_or(u64::MAX), entry.id));
        }
        Ok(())
    }
}
