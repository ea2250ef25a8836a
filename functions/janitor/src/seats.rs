//! Redis' free seats, held against DynamoDB. The events and their inventory being read, it is noticed which bookings are to be
//! cancelled, and what can be done for popularity and for hours of sales; that is left to jobs of their own.

use std::hash::{DefaultHasher, Hash, Hasher};

use booking::{Reconciliation, reconcile};
use domain::{error::Error, event::Event, popularity::rank};
use http_api::App;
use jiff::Timestamp;
use jobs::{Budget, Job};
use stores::dynamodb::has_hours_to_move;

use crate::{
    report::{Ranked, Run},
    walk_events,
};

pub(crate) struct Seats<'a> {
    pub(crate) app: &'a App,
    pub(crate) page_events: usize,
}

/// What was found for one event.
enum Found {
    /// Redis knows it. It was that popular before its shards were read.
    Reconciled(Box<Reconciliation>, Option<i64>),
    /// Redis does not know it.
    Unknown(Box<Event>),
    Failed,
}

impl Job<Run> for Seats<'_> {
    const NAME: &'static str = "seats";

    async fn run(&self, now: Timestamp, budget: Budget, run: &mut Run) -> Result<(), Error> {
        let job = (Self::NAME, self.page_events);
        let each = |found| run.add_found(found, now);
        let is_complete = walk_events(self.app, job, now, budget, |event| self.one(event), each).await?;
        run.unfinished |= !is_complete;
        Ok(())
    }
}

impl Seats<'_> {
    async fn one(&self, event: Event) -> Found {
        let found = async {
            let seen = self.app.redis.popularity(event.id).await?;
            Ok::<_, Error>((seen, reconcile(&self.app.protocol, &event).await?))
        };
        match found.await {
            Ok((seen, Some(reconciled))) => Found::Reconciled(Box::new(reconciled), seen),
            Ok((_, None)) => Found::Unknown(Box::new(event)),
            Err(error) => {
                tracing::error!(event_id = %event.id, %error, "seats could not be reconciled");
                Found::Failed
            }
        }
    }
}

impl Run {
    fn add_found(&mut self, found: Found, now: Timestamp) {
        let event = match &found {
            Found::Failed => None,
            Found::Reconciled(found, _) => Some(&found.event),
            Found::Unknown(event) => Some(&**event),
        };
        self.cancelling.extend(event.filter(|event| event.is_being_cancelled()).map(|event| event.id));
        match found {
            Found::Failed => self.events_failed += 1,
            Found::Unknown(event) if is_turn_of(&event, now) => self.hours.push((*event, None)),
            Found::Unknown(_) => {}
            Found::Reconciled(found, seen) => self.add_reconciled(*found, seen, now),
        }
    }

    fn add_reconciled(&mut self, found: Reconciliation, seen: Option<i64>, now: Timestamp) {
        let Reconciliation { event, inventory, seats, reconciled } = found;
        let done = &mut self.done;
        done.seats.add(seats);
        if let Some(reconciled) = reconciled {
            done.shards_repaired += reconciled.repaired;
            done.seats_too_many += reconciled.seats_too_many;
            done.seats_too_few += reconciled.seats_too_few;
            done.shards_waiting += reconciled.waiting;
        }
        if event.is_listed(now) {
            let sold = inventory.iter().map(|shard| shard.sold).sum();
            let should_be = rank(sold, event.details.starts_at);
            if seen != Some(should_be) {
                self.ranks.push(Ranked { event: event.id, seen, should_be });
            }
        }
        if inventory.iter().any(|shard| has_hours_to_move(shard, now)) {
            self.hours.push((event, Some(inventory)));
        }
    }
}

/// Whether the hours of an event that Redis does not know are moved in this minute. It sells nothing now, so once an
/// hour is enough; the minute is another one in each hour, so that no rhythm of long runs misses it for good.
fn is_turn_of(event: &Event, now: Timestamp) -> bool {
    const MINUTES: u64 = 60;
    let minute = u64::try_from(now.as_second() / 60).unwrap_or(0);
    let mut hasher = DefaultHasher::new();
    (event.id, minute / MINUTES).hash(&mut hasher);
    hasher.finish() % MINUTES == minute % MINUTES
}
