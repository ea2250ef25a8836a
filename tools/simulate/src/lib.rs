//! The rush for one event, against DynamoDB's limits, in virtual time: how many bookings a second are confirmed, and how
//! many confirms need another try, by the number of inventory shards and by capacity. So the rule of shards in
//! `shared::domain::inventory` is a result, not a guess.
//!
//! Two parts are the product's own code, not a copy: which shards a hold draws from (the script in a real Redis,
//! [`BoxOffice`]), and when a cancelled transaction is tried again ([`shared::store::Retries`], in [`rush`]). DynamoDB is
//! a model; [`Assumptions`] says what is assumed of it and where each figure comes from. Buyers are assumed, too: they
//! come independently of each other, take 2.5 seats on average, and one in ten never confirms.
//!
//! What is left out: Redis and Lambda, which are assumed to keep up; the splitting of hot partitions while the rush goes
//! on; buyers who ask again after their confirm was given up, and cancels.
//!
//! All random choices follow from a seed. So the same seed tells the same numbers.
//!
//! - `box_office`: who holds what. `dynamodb`: partitions and transactions. `rush`: confirms in virtual time.
//! - `outcome`: a rush in a few numbers. `curves`: the rushes that are run; `tables` and `plot` show them.

mod assumptions;
mod box_office;
mod curves;
mod dynamodb;
mod outcome;
mod plot;
mod rush;
mod tables;

pub use assumptions::{Assumptions, Partitions};
pub use box_office::{BoxOffice, Held, Sale};
pub use curves::{Curves, RUSH_PER_SECOND, shards_of, steady};
pub use outcome::Outcome;
pub use plot::plot;
pub use rush::{Confirm, rush};
