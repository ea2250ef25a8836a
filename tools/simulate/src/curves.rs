//! The rushes that are run, and what came of them.

use std::time::Duration;

use domain::inventory::{InventoryShard, SEATS_PER_SHARD, SHARDS_MAX, new_shards, shards_for};
use kit::Failure;

use crate::{
    assumptions::{Assumptions, Partitions},
    box_office::{BoxOffice, Held},
    hall::{Hall, rush_for_hall},
    outcome::Outcome,
    rush::rush,
};

/// The rush that one event shall stand, in confirms a second.
pub const RUSH_PER_SECOND: f64 = 5_000.0;

pub(crate) const RATES: [f64; 3] = [1_250.0, 2_500.0, RUSH_PER_SECOND];
const SHARDS: [u16; 9] = [1, 4, 16, 32, 64, 128, 256, 512, 1_024];
const CAPACITIES: [u32; 6] = [500, 2_000, 5_000, 10_000, 20_000, 40_000];
/// Rules that were weighed, in seats that one shard is meant for.
pub(crate) const SEATS_A_SHARD: [u32; 3] = [500, 150, SEATS_PER_SHARD];
/// Areas of one size, with these seats together.
const AREAS: [u8; 4] = [1, 3, 10, 50];
pub(crate) const SEATS_OF_AREAS: u32 = 20_000;
/// Halls whose seats have names: their rows, and the seats of each.
pub(crate) const HALLS: [(u16, u8); 2] = [(500, 40), (100, 200)];
/// How long people look at the seats that they hold, in the median, in ms.
const THINK_MS: [u64; 4] = [0, 500, 2_000, 10_000];
const WINDOWS_MS: [u64; 4] = [5, 10, 15, 20];
const PARTITIONS: [Partitions; 6] = [
    Partitions::Of(4),
    Partitions::Of(20),
    Partitions::Of(30),
    Partitions::Of(40),
    Partitions::Of(60),
    Partitions::OneForEachItem,
];

/// So large that no shard comes to its end.
const ENDLESS_CAPACITY: u32 = 1_000_000;
/// People whose holds stand for all in an endless sale.
const PEOPLE: u32 = 8_000;
/// A rush is looked at from here, when retries have come to their usual number, …
const STEADY_FROM: Duration = Duration::from_secs(2);
/// … until here, where it ends.
const STEADY_UNTIL: Duration = Duration::from_secs(5);

/// Everything that was found out.
#[derive(Debug)]
pub struct Curves {
    /// Shards, and what came of each of [`RATES`].
    pub(crate) by_shards: Vec<(u16, Vec<Outcome>)>,
    /// Capacity, and for each of [`SEATS_A_SHARD`] how many shards there are and what came of it.
    pub(crate) by_capacity: Vec<(u32, Vec<(u16, Outcome)>)>,
    /// Areas, all shards of all of them, and what came of it.
    pub(crate) by_areas: Vec<(u8, usize, Outcome)>,
    /// For each of [`HALLS`] how long people think, in ms, and what came of it.
    pub(crate) by_thinking: Vec<Vec<(u64, Outcome)>>,
    /// With [`SHARDS_MAX`].
    pub(crate) by_window: Vec<(u64, Outcome)>,
    /// With [`SHARDS_MAX`].
    pub(crate) by_partitions: Vec<(Partitions, Outcome)>,
}

impl Curves {
    /// Runs all rushes.
    ///
    /// # Errors
    /// When Redis fails.
    pub async fn run(office: &BoxOffice, seed: u64) -> Result<Self, Failure> {
        let mut by_shards = Vec::new();
        for shards in SHARDS {
            eprintln!("{shards} shards");
            let held = endless(office, shards, seed).await?;
            let outcomes = RATES.map(|rate| steady(&held, rate, Assumptions::default(), seed));
            by_shards.push((shards, outcomes.to_vec()));
        }
        let mut by_capacity = Vec::new();
        for capacity in CAPACITIES {
            eprintln!("{capacity} seats");
            let mut outcomes = Vec::new();
            for seats in SEATS_A_SHARD {
                outcomes.push(sold_out(office, capacity, shards_for(capacity, seats), seed).await?);
            }
            by_capacity.push((capacity, outcomes));
        }
        let mut by_areas = Vec::new();
        for areas in AREAS {
            eprintln!("{areas} areas");
            let shards = shards_of_areas(SEATS_OF_AREAS, areas);
            let held = office.sell(&shards, SEATS_OF_AREAS, seed).await?.held;
            let confirms = rush(&held, held.len(), RUSH_PER_SECOND, Assumptions::default(), seed);
            by_areas.push((areas, shards.len(), Outcome::whole(&confirms)));
        }
        let mut by_thinking = Vec::new();
        for (rows, of_row) in HALLS {
            eprintln!("{rows} rows of {of_row} seats");
            let mut outcomes = Vec::new();
            for ms in THINK_MS {
                let think = Duration::from_millis(ms);
                let hall = Hall { rows, of_row, think, per_second: RUSH_PER_SECOND };
                outcomes.push((ms, rush_for_hall(office, hall, seed).await?));
            }
            by_thinking.push(outcomes);
        }
        eprintln!("windows and partitions");
        let held = endless(office, SHARDS_MAX, seed).await?;
        let assuming = |assumed| steady(&held, RUSH_PER_SECOND, assumed, seed);
        let by_window = WINDOWS_MS.map(|ms| {
            (ms, assuming(Assumptions { window: Duration::from_millis(ms), ..Assumptions::default() }))
        });
        let by_partitions = PARTITIONS
            .map(|partitions| (partitions, assuming(Assumptions { partitions, ..Assumptions::default() })));
        Ok(Self {
            by_shards,
            by_capacity,
            by_areas,
            by_thinking,
            by_window: by_window.to_vec(),
            by_partitions: by_partitions.to_vec(),
        })
    }
}

/// A rush that goes on for ever, as it is after a while.
pub fn steady(held: &[Held], per_second: f64, assumed: Assumptions, seed: u64) -> Outcome {
    let people = (per_second * STEADY_UNTIL.as_secs_f64()) as usize;
    Outcome::between(&rush(held, people, per_second, assumed, seed), STEADY_FROM, STEADY_UNTIL)
}

async fn endless(office: &BoxOffice, shards: u16, seed: u64) -> Result<Vec<Held>, Failure> {
    Ok(office.sell(&shards_of(ENDLESS_CAPACITY, shards), PEOPLE, seed).await?.held)
}

/// A rush that ends when the event is sold out.
async fn sold_out(
    office: &BoxOffice,
    capacity: u32,
    shards: u16,
    seed: u64,
) -> Result<(u16, Outcome), Failure> {
    let held = office.sell(&shards_of(capacity, shards), capacity, seed).await?.held;
    let confirms = rush(&held, held.len(), RUSH_PER_SECOND, Assumptions::default(), seed);
    Ok((shards, Outcome::whole(&confirms)))
}

/// The shards of an event of so many areas, as many each as the product gives them.
pub fn shards_of_areas(capacity: u32, areas: u8) -> Vec<InventoryShard> {
    let each = capacity / u32::from(areas);
    (0..areas).flat_map(|area| new_shards(area, each, SEATS_PER_SHARD)).collect()
}

/// A new event's shards, their number chosen freely.
pub fn shards_of(capacity: u32, shards: u16) -> Vec<InventoryShard> {
    let (each, rest) = (capacity / u32::from(shards), capacity % u32::from(shards));
    let seats = |shard| each + u32::from(u32::from(shard) < rest);
    (0..shards).map(|shard| InventoryShard::new(shard.into(), seats(shard))).collect()
}
