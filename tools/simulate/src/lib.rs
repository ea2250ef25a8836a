//! The rush for one event, against DynamoDB's limits, in virtual time.
//!
#![doc = include_str!("../README.md")]

mod assumptions;
mod box_office;
mod curves;
mod dynamodb;
mod hall;
mod outcome;
mod plot;
mod rush;
mod tables;

pub use assumptions::{Assumptions, Partitions};
pub use box_office::{BoxOffice, Held, Sale};
pub use curves::{Curves, RUSH_PER_SECOND, shards_of, shards_of_areas, steady};
pub use hall::{Hall, rush_for_hall};
pub use outcome::Outcome;
pub use plot::plot;
pub use rush::{Confirm, rush};
