//! Past hours of sales move from the shards to the day items. Nothing depends on when, so a failure is only counted, and the
//! rest is left to the next run.

use domain::{error::Error, event::Event, inventory::InventoryShard};
use futures::{StreamExt, stream};
use http_api::App;
use jiff::Timestamp;
use jobs::{Budget, Job};

use crate::{EVENTS_AT_ONCE, report::Run};

pub(crate) struct Hours<'a> {
    pub(crate) app: &'a App,
}

/// What was done for one event.
#[derive(Default)]
struct Moved {
    shards: u32,
    failed: u32,
    unfinished: bool,
}

impl Job<Run> for Hours<'_> {
    const NAME: &'static str = "hours";

    async fn run(&self, now: Timestamp, budget: Budget, run: &mut Run) -> Result<(), Error> {
        let mut events = stream::iter(std::mem::take(&mut run.hours))
            .map(|(event, inventory)| self.one(event, inventory, now, budget))
            .buffer_unordered(EVENTS_AT_ONCE);
        while let Some(moved) = events.next().await {
            run.done.shards_hours_moved += moved.shards;
            run.done.shards_hours_failed += moved.failed;
            run.unfinished |= moved.unfinished;
        }
        Ok(())
    }
}

impl Hours<'_> {
    async fn one(
        &self,
        event: Event,
        inventory: Option<Vec<InventoryShard>>,
        now: Timestamp,
        budget: Budget,
    ) -> Moved {
        let mut moved = Moved::default();
        if budget.is_over() {
            moved.unfinished = true;
            return moved;
        }
        let inventory = match inventory {
            Some(inventory) => Ok(inventory),
            None => self.app.store.inventory(event.id, &event.shards).await,
        };
        let failed =
            |error: Error| tracing::warn!(event_id = %event.id, %error, "hours of sales were not moved");
        let Ok(inventory) = inventory.map_err(failed) else {
            moved.failed = 1;
            return moved;
        };
        // One after the other: they all add to the event's day item, and transactions that meet there hold each other up.
        for shard in &inventory {
            if budget.is_over() {
                moved.unfinished = true;
                break;
            }
            match self.app.store.move_hours(&event, shard, now).await {
                Ok(done) => moved.shards += u32::from(done),
                Err(error) => {
                    failed(error);
                    moved.failed = 1;
                    break;
                }
            }
        }
        moved
    }
}
