//! DynamoDB, as far as a rush can feel it: the write units of partitions, and the items that a transaction is at.
//!
//! A transaction writes each of its items twice, to prepare and to commit it (AWS, "Amazon DynamoDB Transactions: How it
//! works", capacity management); an item of up to 1 KB is one unit each time. A try that is refused has used up what it
//! prepared. All transactions write with conditions, so none may wait behind another: the later one is cancelled.

use std::{collections::HashMap, collections::HashSet, time::Duration};

use fastrand::Rng;

use crate::assumptions::{PARTITION_UNITS_PER_SECOND, PARTITION_UNITS_SAVED_MAX, Partitions};

/// Partitions of the bookings' index that one event's bookings are spread over (`store::bookings`).
const INDEX_BUCKETS: u32 = 16;

/// What a confirm writes, and the entry of a booking in the index of its table, which follows it. The numbers tell
/// those of one kind apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Item {
    Booking(u32),
    IndexEntry(u32),
    Shard(u32),
    SeatsOfUser(u32),
}

impl Item {
    /// The table or index, and the partition key in it.
    fn key(self) -> (u64, u32) {
        match self {
            Self::Booking(buyer) => (0, buyer),
            Self::IndexEntry(booking) => (1, booking % INDEX_BUCKETS),
            // Both lie in the inventory table.
            Self::Shard(shard) => (2, shard),
            Self::SeatsOfUser(buyer) => (2, u32::MAX - buyer),
        }
    }
}

/// Why a try was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancelled {
    /// Another transaction is at one of the items.
    Conflict,
    /// A partition has no write units left.
    Throttled,
}

/// The tables of one run.
pub(crate) struct DynamoDb {
    partitions: Partitions,
    /// Moves the items to other partitions with another seed.
    seed: u64,
    units: HashMap<(u64, u64), Units>,
    prepared: HashSet<Item>,
}

impl DynamoDb {
    pub(crate) fn new(partitions: Partitions, seed: u64) -> Self {
        Self { partitions, seed, units: HashMap::new(), prepared: HashSet::new() }
    }

    /// Prepares as many of the items as it goes, and answers with those, and why not all.
    pub(crate) fn prepare(&mut self, items: &[Item], now: Duration) -> (Vec<Item>, Option<Cancelled>) {
        let mut prepared = Vec::with_capacity(items.len());
        let mut cancelled = None;
        for item in items {
            if !self.units_of(*item).take(now) {
                cancelled = Some(Cancelled::Throttled);
            } else if self.prepared.insert(*item) {
                prepared.push(*item);
            } else {
                cancelled = cancelled.or(Some(Cancelled::Conflict));
            }
        }
        (prepared, cancelled)
    }

    /// Commits what was prepared. What was promised is written even if that takes more than there are units.
    pub(crate) fn commit(&mut self, prepared: &[Item], now: Duration) {
        for item in prepared {
            // The index is written once, asynchronously.
            if !matches!(item, Item::IndexEntry(_)) {
                self.units_of(*item).take_promised(now);
            }
        }
        self.let_go(prepared);
    }

    pub(crate) fn let_go(&mut self, prepared: &[Item]) {
        for item in prepared {
            self.prepared.remove(item);
        }
    }

    fn units_of(&mut self, item: Item) -> &mut Units {
        let (table, key) = item.key();
        let partition = match self.partitions {
            Partitions::OneForEachItem => u64::from(key),
            Partitions::Of(partitions) => hash(self.seed, table, key) % partitions,
        };
        self.units.entry((table, partition)).or_default()
    }
}

fn hash(seed: u64, table: u64, key: u32) -> u64 {
    Rng::with_seed(seed ^ table << 32 ^ u64::from(key)).u64(..)
}

/// The write units of a partition: a bucket that fills steadily and holds little. Counted in microseconds of its filling,
/// so that nothing is lost in rounding.
struct Units {
    /// When the bucket is, or was, exactly full.
    full_at: Duration,
}

/// How long a partition takes to make one unit.
const UNIT: Duration = Duration::from_micros(1_000_000 / PARTITION_UNITS_PER_SECOND);

impl Default for Units {
    fn default() -> Self {
        Self { full_at: Duration::ZERO }
    }
}

impl Units {
    fn take(&mut self, now: Duration) -> bool {
        let full_at = self.full_at.max(now) + UNIT;
        let enough = full_at - now <= UNIT * PARTITION_UNITS_SAVED_MAX as u32;
        if enough {
            self.full_at = full_at;
        }
        enough
    }

    fn take_promised(&mut self, now: Duration) {
        self.full_at = self.full_at.max(now) + UNIT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_second_transaction_on_a_prepared_item_is_cancelled() {
        let mut dynamodb = DynamoDb::new(Partitions::OneForEachItem, 1);
        let first = [Item::Booking(1), Item::Shard(7)];
        let second = [Item::Booking(2), Item::Shard(7)];
        assert_eq!(dynamodb.prepare(&first, ms(0)), (first.to_vec(), None));
        let (prepared, cancelled) = dynamodb.prepare(&second, ms(1));
        assert_eq!((prepared.as_slice(), cancelled), (&second[..1], Some(Cancelled::Conflict)));
        dynamodb.let_go(&prepared);
        dynamodb.commit(&first, ms(2));
        assert_eq!(dynamodb.prepare(&second, ms(3)), (second.to_vec(), None));
    }

    #[test]
    fn a_partition_writes_its_thousand_units_a_second_and_no_more() {
        let mut dynamodb = DynamoDb::new(Partitions::Of(1), 1);
        let mut committed: u64 = 0;
        for step in 0..40_000 {
            let now = Duration::from_micros(step * 250);
            let item = [Item::SeatsOfUser(u32::try_from(step).unwrap())];
            let (prepared, cancelled) = dynamodb.prepare(&item, now);
            match cancelled {
                None => {
                    dynamodb.commit(&prepared, now);
                    committed += 1;
                }
                Some(cancelled) => assert_eq!(cancelled, Cancelled::Throttled),
            }
        }
        // 10 s of 1,000 units, two for each item, and what was saved.
        assert!((5_000..=5_000 + PARTITION_UNITS_SAVED_MAX).contains(&committed), "{committed}");
    }
}
