//! The rows of a numbered area, as `lib/rows.lua` has them.

use std::collections::BTreeMap;

use super::json;
use crate::redis::Redis;
use domain::{
    error::Error,
    id::{AreaKey, AreaNumber},
    inventory::InventoryShard,
    row::{Labels, Row},
};

script!(SEATS, "seats.lua");
script!(ADD_ROWS, "lib/state.lua", "lib/rows.lua", "add_rows.lua");

const FREE: char = '1';
const SOLD: char = 's';
const OUT_OF_SALE: char = 'x';

/// Which seats of a numbered area are free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeatsFree {
    /// Another number after each change of them.
    pub version: u64,
    /// The rows, best first.
    pub rows: Vec<RowFree>,
}

/// Which seats of a row are free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowFree {
    /// What the row is called.
    pub name: String,
    /// Its seats, a `1` for a free one and a `0` for each other.
    pub free: String,
}

/// What an area's state says of the event's numbered areas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateOfSeats {
    /// The event's status, in one word.
    pub status: String,
    /// Their numbers, by their ids.
    pub numbered: BTreeMap<String, AreaNumber>,
    /// The version of their layout.
    pub layout: u64,
}

/// What `seats.lua` answers where there is a state.
#[derive(Debug, PartialEq, Eq)]
pub struct SeatsSeen {
    /// What it says of the event.
    pub state: StateOfSeats,
    /// The area's seats, if they have names.
    pub seats: Option<SeatsFree>,
}

impl Redis {
    /// `seats.lua`: which seats of an area are free; `None` if the state is missing.
    pub async fn seats(&self, area: impl Into<AreaKey>) -> Result<Option<SeatsSeen>, Error> {
        let answer = self.invoke(&SEATS.key(self.keys.state(area))).await?;
        let seats = match answer.word() {
            "SEATS" => {
                let (names, free): (Vec<String>, Vec<String>) = (answer.value(4)?, answer.value(5)?);
                let rows = names.into_iter().zip(free).map(|(name, free)| RowFree { name, free }).collect();
                Some(SeatsFree { version: answer.value(3)?, rows })
            }
            "GENERAL" => None,
            "NOT_LOADED" => return Ok(None),
            _ => return Err(answer.unknown("seats")),
        };
        // Neither is there of an event without such areas.
        let numbered = match answer.value::<Option<String>>(1)? {
            Some(_) => answer.json(1)?,
            None => BTreeMap::new(),
        };
        let layout = answer.value::<Option<u64>>(2)?.unwrap_or_default();
        Ok(Some(SeatsSeen { state: StateOfSeats { status: answer.value(0)?, numbered, layout }, seats }))
    }
}

impl Redis {
    /// `add_rows.lua`: an area got more rows behind the first `has`. Answers whether Redis knows them now; if not, its state is
    /// another one than that of `epoch`.
    pub async fn add_rows(
        &self,
        area: AreaKey,
        epoch: &str,
        has: u16,
        inventory: &[InventoryShard],
        rows: &[&Row],
    ) -> Result<bool, Error> {
        let mut call = ADD_ROWS.key(self.keys.state(area));
        call.arg(epoch).arg(has).arg(shards_as_loaded(inventory, rows)?).arg(rows_as_loaded(rows)?);
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "ADDED" => Ok(true),
            "EPOCH_CHANGED" => Ok(false),
            _ => Err(answer.unknown("add_rows")),
        }
    }
}

/// The seats of a row as DynamoDB has them: free, sold or out of sale.
pub(super) fn seats_of_row(shard: &InventoryShard, row: &Row) -> String {
    let seats = (0..row.labels.count()).filter_map(|seat| u8::try_from(seat).ok());
    let seat = |seat| match (shard.out_of_sale.has(seat), shard.taken.has(seat)) {
        (true, _) => OUT_OF_SALE,
        (false, true) => SOLD,
        (false, false) => FREE,
    };
    seats.map(seat).collect()
}

/// What is free in a row by DynamoDB, where held seats count as free.
pub fn row_by_dynamodb(shard: &InventoryShard, row: &Row) -> RowFree {
    let free = seats_of_row(shard, row).chars().map(|seat| if seat == FREE { '1' } else { '0' }).collect();
    RowFree { name: row.name.clone(), free }
}

/// What `load.lua` is told of shards, in their order; those of a numbered area are rows.
pub(super) fn shards_as_loaded(inventory: &[InventoryShard], rows: &[&Row]) -> Result<String, Error> {
    if rows.is_empty() {
        let shards: Vec<(u32, u64)> = inventory.iter().map(|shard| (shard.unsold, shard.version)).collect();
        return json(&shards);
    }
    let of_row =
        |(shard, row): (&InventoryShard, &&Row)| (shard.unsold, shard.version, seats_of_row(shard, row));
    json(&inventory.iter().zip(rows).map(of_row).collect::<Vec<_>>())
}

/// What `load.lua` is told of rows: their name, their labels and which of their seats are accessible.
pub(super) fn rows_as_loaded(rows: &[&Row]) -> Result<String, Error> {
    if rows.is_empty() {
        return Ok(String::new());
    }
    let of_row = |row: &&Row| {
        let labels = match &row.labels {
            Labels::Numbers(count) => count.to_string(),
            Labels::Listed(labels) => format!("/{}/", labels.join("/")),
        };
        let seats = (0..row.labels.count()).filter_map(|seat| u8::try_from(seat).ok());
        let accessible = match row.accessible.is_empty() {
            true => String::new(),
            false => seats.map(|seat| if row.accessible.has(seat) { '1' } else { '0' }).collect(),
        };
        (row.name.clone(), labels, accessible)
    };
    json(&rows.iter().map(of_row).collect::<Vec<_>>())
}
