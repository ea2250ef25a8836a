//! Draws as scripts have them: pairs `[shard, seats]`, or of a row `[shard, [seat, …]]`, where the shards of each area are counted
//! from 0.

use domain::{
    error::Error,
    id::AreaNumber,
    inventory::{Draw, DrawnSeats, place_of_shard, shard_number},
};
use serde::Deserialize;

use super::json;

/// Draws from the shards of an area.
#[derive(Debug, Deserialize)]
pub(super) struct Drawn(Vec<(u16, DrawnSeats)>);

impl Drawn {
    /// As they are known elsewhere.
    pub(super) fn draws_of(self, area: AreaNumber) -> Vec<Draw> {
        self.0.into_iter().map(|(place, drawn)| Draw::from((shard_number(area, place), drawn))).collect()
    }
}

/// What a script is told of draws.
pub(super) fn drawn(draws: &[Draw]) -> Result<String, Error> {
    let pairs: Vec<(u16, DrawnSeats)> =
        draws.iter().map(|draw| (place_of_shard(draw.shard).1, draw.drawn())).collect();
    json(&pairs)
}
