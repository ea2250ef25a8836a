//! Puts restored tables back into use.
//!
#![doc = include_str!("../README.md")]

mod apply;
mod areas;
mod booked;
mod copy;
mod kept;
mod plan;
mod rebuilt;
mod report;
mod rows;
mod sales;
mod seats;
mod tables;

pub use apply::apply;
pub use booked::Booked;
pub use copy::{Copied, Copying, copy};
pub use kept::{Kept, KeptShard};
pub use plan::{Change, Difference, Kind, Plan, plan};
pub use tables::{Table, Tables};

use jiff::Timestamp;
use kit::Failure;

/// Reads all tables and says how they differ from what the bookings come to; see [`plan()`] for `stopped_at`.
///
/// # Errors
/// When a table can't be read, or has an item that this release can't read.
pub async fn recompute(
    tables: &Tables,
    now: Timestamp,
    stopped_at: Option<Timestamp>,
) -> Result<Plan, Failure> {
    let booked = Booked::read(tables).await?;
    let kept = Kept::read(tables).await?;
    Ok(plan(&kept, &booked, now, stopped_at))
}
