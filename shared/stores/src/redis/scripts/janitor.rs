//! What the janitor does.

use serde::Deserialize;

use super::{json, rows::seats_of_row};
use crate::redis::{InventorySeen, Redis, ShardSeen};
use domain::{
    error::Error,
    id::{AreaKey, ReservationId},
    inventory::{InventoryShard, pending_of},
    row::Row,
};

script!(EXPIRE, "lib/state.lua", "lib/rows.lua", "lib/seats.lua", "expire.lua");
script!(INVENTORY, "lib/state.lua", "inventory.lua");
script!(SETTLE, "lib/state.lua", "lib/rows.lua", "lib/seats.lua", "settle.lua");
script!(RECONCILE, "lib/state.lua", "lib/rows.lua", "lib/seats.lua", "reconcile.lua");

/// What `expire.lua` answers.
#[derive(Debug)]
pub struct Swept {
    /// Holds whose seats returned.
    pub expired: u32,
    /// Whether more holds may be overdue.
    pub more: bool,
    /// The version of the event's facts in Redis.
    pub event_version: u64,
    /// Confirms that began and never finished.
    pub overdue: Vec<OverdueConfirm>,
}

/// A hold whose confirm began and whose grace has run out.
#[derive(Clone, Debug, Deserialize)]
pub struct OverdueConfirm {
    /// The reservation's id, or a withdrawal's.
    pub id: ReservationId,
    /// The deadline that was seen, in ms.
    pub deadline: i64,
    /// The user's id; empty for a withdrawal.
    pub user: String,
}

/// `None` of a hold that another release made and this one can't read: it must not keep the others waiting.
fn overdue(confirm: serde_json::Value) -> Option<OverdueConfirm> {
    let id = confirm["id"].to_string();
    serde_json::from_value(confirm)
        .inspect_err(|error| tracing::error!(id, %error, "an overdue confirm can't be read"))
        .ok()
}

/// What `reconcile.lua` answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Shards whose free seats were wrong.
    pub repaired: u32,
    /// Seats that Redis took for free and were not.
    pub seats_too_many: u32,
    /// Seats that were free and Redis did not know.
    pub seats_too_few: u32,
    /// Shards that can't be judged yet: a commit is under way, or was a moment ago.
    pub waiting: u32,
}

impl Redis {
    /// `expire.lua`: overdue holds of an area return their seats; `None` if there is no state.
    pub async fn expire(&self, area: impl Into<AreaKey>) -> Result<Option<Swept>, Error> {
        let area = area.into();
        let answer = self.run(&EXPIRE, area, |call| {
            call.key(self.keys.ended_holds(area));
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "SWEPT" => Ok(Some(Swept {
                expired: answer.value(0)?,
                more: answer.value::<u8>(1)? == 1,
                event_version: answer.value(2)?,
                overdue: answer.json::<Vec<serde_json::Value>>(3)?.into_iter().filter_map(overdue).collect(),
            })),
            "NOT_LOADED" => Ok(None),
            "DROPPED" => {
                tracing::error!(event_id = %area.event, area = area.number, "some of the event's keys were lost, or can't be read; all were dropped");
                Ok(None)
            }
            _ => Err(answer.unknown("expire")),
        }
    }

    /// `inventory.lua`: what Redis thinks of an area's inventory; `None` if the state is missing.
    pub async fn inventory(&self, area: impl Into<AreaKey>) -> Result<Option<InventorySeen>, Error> {
        let answer = self.invoke(&INVENTORY.key(self.keys.state(area))).await?;
        match answer.word() {
            "SEEN" => {
                let shards: Vec<(i64, i64, i64, u64)> = answer.json(1)?;
                let shards = shards.into_iter().map(|(free, held, confirming, applied)| ShardSeen {
                    free,
                    held,
                    confirming,
                    applied,
                });
                Ok(Some(InventorySeen { epoch: answer.value(0)?, shards: shards.collect() }))
            }
            "NOT_LOADED" => Ok(None),
            _ => Err(answer.unknown("inventory")),
        }
    }

    /// `settle.lua`: a confirm that began was never committed; its seats return. Answers whether they did.
    pub async fn settle(&self, id: ReservationId, deadline_ms: i64) -> Result<bool, Error> {
        let answer = self.run(&SETTLE, id.area(), |call| {
            call.key(self.keys.ended_holds(id.area()));
            call.arg(id.to_string()).arg(deadline_ms);
            Ok(())
        });
        let answer = answer.await?;
        match answer.word() {
            "SETTLED" => Ok(true),
            "CHANGED" => Ok(false),
            _ => Err(answer.unknown("settle")),
        }
    }

    /// `reconcile.lua`: holds an area's shards, in their order, against what DynamoDB said after `seen` was read; `rows` are what they
    /// are in a numbered area. `None` if the state is
    /// another one by now.
    pub async fn reconcile(
        &self,
        area: impl Into<AreaKey>,
        seen: &InventorySeen,
        inventory: &[InventoryShard],
        rows: &[&Row],
        grace_ms: u64,
    ) -> Result<Option<Reconciled>, Error> {
        let judged = |shard: &InventoryShard| (seen.shard(shard.shard).applied, shard.version, shard.unsold);
        let shards = if rows.is_empty() {
            json(&inventory.iter().map(judged).collect::<Vec<_>>())?
        } else {
            let of_row = |(shard, row): (&InventoryShard, &&Row)| {
                let (applied, version, unsold) = judged(shard);
                (applied, version, unsold, seats_of_row(shard, row))
            };
            json(&inventory.iter().zip(rows).map(of_row).collect::<Vec<_>>())?
        };
        let mut call = RECONCILE.key(self.keys.state(area));
        call.arg(&seen.epoch).arg(shards).arg(grace_ms).arg(pending_of(inventory));
        let answer = self.invoke(&call).await?;
        match answer.word() {
            "RECONCILED" => Ok(Some(Reconciled {
                repaired: answer.value(0)?,
                seats_too_many: answer.value(1)?,
                seats_too_few: answer.value(2)?,
                waiting: answer.value(3)?,
            })),
            "EPOCH_CHANGED" => Ok(None),
            _ => Err(answer.unknown("reconcile")),
        }
    }
}
