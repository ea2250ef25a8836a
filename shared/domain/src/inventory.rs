//! Inventory shards: how an event's capacity is split so that thousands can buy at the same second.
//!
//! One DynamoDB item takes at most 1,000 write units a second, half that in transactions, and transactions
//! on one item at the same time cancel each other. So the capacity is split over shards, each an item under
//! a partition key of its own (write sharding).
//!
//! How many is a result of `make simulate`. With [`SHARDS_MAX`] 5,000 bookings a second are confirmed, and one confirm in
//! nine is retried; with half of them it is more than one in five. Smaller events have fewer, since every shard is an item
//! to be read whenever all are, by the janitor and by admins. With [`SEATS_PER_SHARD`] 20,000 seats still sell at nearly
//! that rate with fewer than one in five retried, and smaller events are sold out within a second all the same. That is what
//! DynamoDB can take; on ElastiCache Serverless Redis gives one event about 1,000 a second (`docs/figures.md`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    id::AreaNumber,
    row::{Row, SeatSet},
    sales::{Hour, HourOfSales, SoldByRate},
};

/// Seats that one shard is meant for.
pub const SEATS_PER_SHARD: u32 = 50;
/// Shards of one area at most.
pub const SHARDS_MAX: u16 = 512;
/// Shards that one change of capacity touches at most: a DynamoDB transaction takes 100 items, the event,
/// perhaps its new price, and the entry of the audit trail among them.
pub const SHARDS_PER_CHANGE_MAX: usize = 90;

/// A shard's number in its event. Each area has a range of them, see [`shard_number`].
pub type ShardNumber = u32;

/// Bits of a shard's number that say which of its area's it is. The numbers of further areas are beyond what a release that knows
/// one area can read: it takes nothing of theirs for its own.
const PLACE_BITS: u32 = 16;

/// The number of an area's shard at that place, from 0.
pub const fn shard_number(area: AreaNumber, place: u16) -> ShardNumber {
    (area as u32) << PLACE_BITS | place as u32
}

/// The area that a shard is of, and its place there.
pub const fn place_of_shard(shard: ShardNumber) -> (AreaNumber, u16) {
    let [low, high, area, _] = shard.to_le_bytes();
    (area, u16::from_le_bytes([low, high]))
}

/// How many shards each area of an event has, by the areas' numbers. One general area alone is kept as its number, all else as a list: a
/// release that knows one general area can't read it, and leaves the event alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "KeptShards", into = "KeptShards")]
pub struct Shards {
    areas: Vec<u16>,
    /// Whether one area is kept as a list, too.
    is_list: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum KeptShards {
    One(u16),
    Several(Vec<u16>),
}

impl From<KeptShards> for Shards {
    fn from(kept: KeptShards) -> Self {
        match kept {
            KeptShards::One(shards) => shards.into(),
            KeptShards::Several(areas) => Self { is_list: areas.len() == 1, areas },
        }
    }
}

impl From<Shards> for KeptShards {
    fn from(Shards { areas, is_list }: Shards) -> Self {
        match areas.as_slice() {
            [shards] if !is_list => Self::One(*shards),
            _ => Self::Several(areas),
        }
    }
}

/// Those of an event of one general area.
impl From<u16> for Shards {
    fn from(shards: u16) -> Self {
        Self { areas: vec![shards], is_list: false }
    }
}

impl FromIterator<u16> for Shards {
    fn from_iter<I: IntoIterator<Item = u16>>(areas: I) -> Self {
        Self { areas: areas.into_iter().collect(), is_list: false }
    }
}

impl Shards {
    /// The same, of an event with a numbered area: what sells named seats no release before may take for places.
    #[must_use]
    pub fn of_numbered(self) -> Self {
        Self { is_list: self.areas.len() == 1, ..self }
    }

    /// How many that area has; none if it does not exist.
    pub fn of(&self, area: AreaNumber) -> u16 {
        self.areas.get(usize::from(area)).copied().unwrap_or(0)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.areas.iter().map(|shards| usize::from(*shards)).sum()
    }

    /// The areas that have any.
    pub fn areas(&self) -> impl Iterator<Item = AreaNumber> {
        (0..).zip(&self.areas).filter(|(_, shards)| **shards > 0).map(|(area, _)| area)
    }

    /// The numbers of that area's shards, in their order.
    pub fn numbers_of(&self, area: AreaNumber) -> impl Iterator<Item = ShardNumber> + use<> {
        (0..self.of(area)).map(move |place| shard_number(area, place))
    }

    /// The numbers of all, in their order.
    pub fn numbers(&self) -> impl Iterator<Item = ShardNumber> {
        self.areas().flat_map(|area| self.numbers_of(area))
    }

    /// With shards of an area up to that one, if it has fewer.
    #[must_use]
    pub fn up_to(mut self, shard: ShardNumber) -> Self {
        let (area, place) = place_of_shard(shard);
        let area = usize::from(area);
        if self.areas.len() <= area {
            self.areas.resize(area + 1, 0);
            self.is_list = false;
        }
        self.areas[area] = self.areas[area].max(place + 1);
        self
    }

    /// Whether there is that one.
    pub fn has(&self, shard: ShardNumber) -> bool {
        let (area, place) = place_of_shard(shard);
        place < self.of(area)
    }
}

/// Some seats of one shard: so many, or of a row, which ones. In Redis and DynamoDB a pair, `[shard, seats]` or
/// `[shard, [seat, …]]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(ShardNumber, DrawnSeats)", into = "(ShardNumber, DrawnSeats)")]
pub struct Draw {
    /// The shard's number.
    pub shard: ShardNumber,
    /// How many of its seats, at least 1.
    pub seats: u32,
    /// Which ones, if they have names.
    pub named: SeatSet,
}

/// The second half of a draw.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DrawnSeats {
    /// So many.
    Places(u32),
    /// These.
    Named(SeatSet),
}

impl Draw {
    /// So many seats of a shard.
    pub fn places(shard: ShardNumber, seats: u32) -> Self {
        Self { shard, seats, named: SeatSet::default() }
    }

    /// These seats of a row.
    pub fn named(shard: ShardNumber, named: SeatSet) -> Self {
        Self { shard, seats: named.count(), named }
    }

    /// Its second half.
    pub fn drawn(&self) -> DrawnSeats {
        if self.named.is_empty() { DrawnSeats::Places(self.seats) } else { DrawnSeats::Named(self.named) }
    }
}

impl From<(ShardNumber, DrawnSeats)> for Draw {
    fn from((shard, drawn): (ShardNumber, DrawnSeats)) -> Self {
        match drawn {
            DrawnSeats::Places(seats) => Self::places(shard, seats),
            DrawnSeats::Named(named) => Self::named(shard, named),
        }
    }
}

impl From<Draw> for (ShardNumber, DrawnSeats) {
    fn from(draw: Draw) -> Self {
        (draw.shard, draw.drawn())
    }
}

/// One shard as DynamoDB keeps it. `capacity = sold + pending + unsold`, always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InventoryShard {
    /// Its number.
    pub shard: ShardNumber,
    /// Its part of the event's capacity.
    pub capacity: u32,
    /// Seats sold and not cancelled.
    pub sold: u32,
    /// Seats of pending bookings: taken, but not sold yet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pending: u32,
    /// `capacity - sold - pending`, kept because a DynamoDB condition can compare but not add.
    pub unsold: u32,
    /// Seats sold and cancelled, ever.
    pub cancelled: u32,
    /// What the seats in `sold` cost, in minor units.
    pub revenue: u64,
    /// Bookings ever confirmed whose first draw is on this shard.
    pub bookings: u32,
    /// Those of them that were cancelled.
    pub cancelled_bookings: u32,
    /// The optimistic lock: every committed change of seats adds exactly 1, its creation included.
    pub version: u64,
    /// What happened in each of the latest hours: those that the janitor has not moved out yet, so never all of them.
    #[serde(skip)]
    pub hours: BTreeMap<Hour, HourOfSales>,
    /// What of `sold` and `revenue` was sold at which rates: of the bookings that are counted by rate.
    #[serde(skip)]
    pub by_rate: SoldByRate,
    /// Of a row, the seats that nobody can have: those that are sold, and those that are out of sale.
    #[serde(skip)]
    pub taken: SeatSet,
    /// Those among them that are out of sale, and not counted in `capacity`.
    #[serde(skip)]
    pub out_of_sale: SeatSet,
    /// How often the janitor moved hours out. That changes no seat, so it is not counted in `version`.
    #[serde(default)]
    pub hours_moved: u64,
    /// Whether its event was cancelled, so that nothing of it is sold any more. That changes no seat, either.
    #[serde(default, skip_serializing_if = "is_false")]
    pub closed: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(is: &bool) -> bool {
    !*is
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl InventoryShard {
    /// A new shard with nothing sold.
    pub fn new(shard: ShardNumber, capacity: u32) -> Self {
        Self { shard, capacity, unsold: capacity, version: 1, ..Self::default() }
    }
}

/// How many seats of these shards are pending.
pub fn pending_of(inventory: &[InventoryShard]) -> u32 {
    inventory.iter().map(|shard| shard.pending).sum()
}

/// The shards of rows that an area gets behind those that it has, so many.
pub fn shards_of_rows(area: AreaNumber, has: u16, rows: &[Row]) -> Vec<InventoryShard> {
    let of_row = |(place, row): (u16, &Row)| InventoryShard::new(shard_number(area, place), row.seats());
    (has..).zip(rows).map(of_row).collect()
}

/// Those of an area among the shards of an event, which are in their order.
pub fn of_area(shards: &[InventoryShard], area: AreaNumber) -> &[InventoryShard] {
    let area_of = |shard: &InventoryShard| place_of_shard(shard.shard).0;
    let first = shards.partition_point(|shard| area_of(shard) < area);
    let behind = shards.partition_point(|shard| area_of(shard) <= area);
    &shards[first..behind]
}

/// How many shards an area of that capacity gets.
pub fn shards_for(capacity: u32, seats_per_shard: u32) -> u16 {
    let wanted = capacity.div_ceil(seats_per_shard.max(1));
    u16::try_from(wanted).unwrap_or(SHARDS_MAX).clamp(1, SHARDS_MAX)
}

/// The shards of a new area: its capacity, split as evenly as it goes.
pub fn new_shards(area: AreaNumber, capacity: u32, seats_per_shard: u32) -> Vec<InventoryShard> {
    let shards = shards_for(capacity, seats_per_shard);
    let shard = |place| InventoryShard::new(shard_number(area, place), even_part(capacity, place, shards));
    (0..shards).map(shard).collect()
}

fn even_part(seats: u32, index: u16, parts: u16) -> u32 {
    let (parts, index) = (u32::from(parts), u32::from(index));
    seats / parts + u32::from(index < seats % parts)
}

/// Where `extra` seats go when an area's capacity is raised: the emptiest of its shards, which are `current`, are filled up first, new
/// shards among them if the new capacity is worth more. The draws' shards at or beyond the place `current.len()` are new.
/// Touches at most [`SHARDS_PER_CHANGE_MAX`] shards, so it may place fewer than `extra` seats: do it again.
pub fn raise(area: AreaNumber, current: &[InventoryShard], extra: u32, seats_per_shard: u32) -> Vec<Draw> {
    let capacity: u32 = current.iter().map(|shard| shard.capacity).sum::<u32>() + extra;
    let shards =
        shards_for(capacity, seats_per_shard).max(u16::try_from(current.len()).unwrap_or(SHARDS_MAX));
    let level = capacity.div_ceil(u32::from(shards));
    let mut left = extra;
    let mut draws = Vec::new();
    for place in 0..shards {
        let has = current.get(usize::from(place)).map_or(0, |shard| shard.capacity);
        let seats = level.saturating_sub(has).min(left);
        if seats > 0 {
            draws.push(Draw::places(shard_number(area, place), seats));
            left -= seats;
        }
        if draws.len() == SHARDS_PER_CHANGE_MAX {
            break;
        }
    }
    draws
}

/// A shard that had too few seats left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The shard's number.
    pub shard: ShardNumber,
    /// What DynamoDB says is left on it.
    pub unsold: u32,
    /// Its version when it refused.
    pub version: u64,
    /// Of a row, the seats that it had none of any more.
    pub taken: SeatSet,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shards_number_says_where_it_is_and_only_the_first_areas_fit_into_16_bits() {
        for area in [0, 1, 63] {
            for place in [0, 1, 511, u16::MAX] {
                let number = shard_number(area, place);
                assert_eq!(place_of_shard(number), (area, place));
                assert_eq!(u16::try_from(number).is_ok(), area == 0);
            }
        }
    }

    #[test]
    fn one_areas_shards_are_kept_as_their_number_and_those_of_several_as_a_list() {
        for (kept, shards) in [
            ("7", Shards::from(7)),
            ("[7,0,2]", [7, 0, 2].into_iter().collect()),
            ("[7]", Shards::from(7).of_numbered()),
            ("[7,2]", [7, 2].into_iter().collect::<Shards>().of_numbered()),
        ] {
            assert_eq!(serde_json::to_string(&shards).unwrap(), kept);
            assert_eq!(serde_json::from_str::<Shards>(kept).unwrap(), shards);
        }
        let several = Shards::from(2).up_to(shard_number(2, 1)).up_to(shard_number(2, 0));
        let numbers = [(0, 0), (0, 1), (2, 0), (2, 1)].map(|(area, place)| shard_number(area, place));
        assert_eq!((several.numbers().collect::<Vec<_>>(), several.count()), (numbers.to_vec(), 4));
        let shards: Vec<_> = several.numbers().map(|number| InventoryShard::new(number, 1)).collect();
        let places = |area| of_area(&shards, area).iter().map(|shard| shard.shard).collect::<Vec<_>>();
        assert_eq!([0, 1, 2, 3].map(places), [numbers[..2].to_vec(), vec![], numbers[2..].to_vec(), vec![]]);
        assert!(several.areas().eq([0, 2]) && several.numbers_of(1).next().is_none());
        assert!(
            several.has(shard_number(2, 1))
                && !several.has(shard_number(2, 2))
                && !several.has(shard_number(1, 0))
        );
    }

    #[test]
    fn the_number_of_shards_follows_the_capacity() {
        for (capacity, shards) in [(1, 1), (50, 1), (51, 2), (20_000, 400), (25_600, 512), (1_000_000, 512)] {
            assert_eq!(shards_for(capacity, SEATS_PER_SHARD), shards, "{capacity}");
        }
    }

    #[test]
    fn a_new_event_has_all_its_seats_in_near_equal_shards() {
        for capacity in [1, 2, 99, 501, 12_345, 1_000_000] {
            let shards = new_shards(0, capacity, SEATS_PER_SHARD);
            assert_eq!(shards.iter().map(|shard| shard.capacity).sum::<u32>(), capacity);
            let (low, high) = shards.iter().fold((u32::MAX, 0), |(low, high), shard| {
                (low.min(shard.capacity), high.max(shard.capacity))
            });
            assert!(high - low <= 1 && low > 0, "{capacity}: {low} to {high}");
        }
    }

    #[test]
    fn raising_places_every_seat_and_may_append_shards() {
        for (before, extra) in
            [(1, 1), (40, 9), (40, 60), (49, 2_000), (400, 20_000), (90_000, 1), (10, 999_990)]
        {
            let mut shards = new_shards(3, before, SEATS_PER_SHARD);
            let mut left = extra;
            while left > 0 {
                let draws = raise(3, &shards, left, SEATS_PER_SHARD);
                assert!(!draws.is_empty() && draws.len() <= SHARDS_PER_CHANGE_MAX);
                for draw in draws {
                    let (area, place) = place_of_shard(draw.shard);
                    let index = usize::from(place);
                    assert_eq!(area, 3);
                    if index < shards.len() {
                        shards[index].capacity += draw.seats;
                    } else {
                        assert_eq!(index, shards.len(), "shards are appended in order");
                        shards.push(InventoryShard::new(draw.shard, draw.seats));
                    }
                    left -= draw.seats;
                }
            }
            assert_eq!(shards.iter().map(|shard| shard.capacity).sum::<u32>(), before + extra);
            assert!(shards.len() >= usize::from(shards_for(before + extra, SEATS_PER_SHARD)));
        }
    }
}
