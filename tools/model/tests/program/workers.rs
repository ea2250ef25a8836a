//! The steps of those that work on behalf of nobody: loaders and janitors.

use std::mem::take;

use domain::{id::ReservationId, inventory::Draw};
use model::{
    Action,
    state::{HoldState, Redis, State},
};
use stores::redis::scripts::OverdueConfirm;
use uuid::Uuid;

use crate::{
    program::{GRACE_MS, Janitor, Loader, Program},
    steps::unexpected,
};

impl Program<'_> {
    pub(crate) async fn work(&mut self, action: Action, before: &State) -> Result<(), String> {
        match action {
            Action::LoadEvent { loader } => {
                self.loaders[loader] =
                    Loader::Reading { event: Box::new(self.event_now().await), shards: Vec::new() };
            }
            Action::LoadShard { loader } => {
                if let Loader::Reading { event, mut shards } = take(&mut self.loaders[loader]) {
                    shards.push(self.shard(shards.len()).await);
                    self.loaders[loader] = Loader::Reading { event, shards };
                }
            }
            Action::Load { loader } => {
                if let Loader::Reading { event, shards } = take(&mut self.loaders[loader]) {
                    let epoch = Uuid::now_v7().to_string();
                    self.stores.redis.load(&event, 0, &shards, &[], &epoch).await.map_err(unexpected)?;
                }
            }
            Action::Expire => drop(self.expire(before).await?),
            Action::SettleFound { janitor, hold } => {
                let overdue = self.expire(before).await?;
                let found = overdue.into_iter().find(|overdue| overdue.id == self.ids[hold]);
                self.janitors[janitor] = Janitor::Settling(found.ok_or("the janitor did not find it")?);
            }
            Action::SettleRead { janitor } => {
                if let Janitor::Settling(overdue) = take(&mut self.janitors[janitor]) {
                    let committed = self.committed(&overdue).await;
                    self.janitors[janitor] = Janitor::Settled { overdue, committed };
                }
            }
            Action::Settle { janitor } => {
                if let Janitor::Settled { overdue, committed } = take(&mut self.janitors[janitor]) {
                    self.settle(&overdue, committed).await?;
                }
            }
            Action::ReconcileSee { janitor } => {
                let seen = self.stores.redis.inventory(self.event).await.map_err(unexpected)?;
                let seen = seen.ok_or("reconcile found no state")?;
                self.janitors[janitor] = Janitor::Reconciling { seen, shards: Vec::new() };
            }
            Action::ReconcileRead { janitor } => {
                if let Janitor::Reconciling { seen, mut shards } = take(&mut self.janitors[janitor]) {
                    shards.push(self.shard(shards.len()).await);
                    self.janitors[janitor] = Janitor::Reconciling { seen, shards };
                }
            }
            Action::Reconcile { janitor } => {
                if let Janitor::Reconciling { seen, shards } = take(&mut self.janitors[janitor]) {
                    for shard in before.redis.iter().flat_map(shards_whose_grace_is_over) {
                        self.stores.grace_passes(self.event, shard).await;
                    }
                    let reconciled = self.stores.redis.reconcile(self.event, &seen, &shards, &[], GRACE_MS);
                    reconciled.await.map_err(unexpected)?;
                }
            }
            other => return Err(format!("{other:?} is no worker's")),
        }
        Ok(())
    }

    /// What the janitor does first. What it is told of must be what the model knows to be overdue.
    async fn expire(&self, before: &State) -> Result<Vec<OverdueConfirm>, String> {
        let swept = self.stores.redis.expire(self.event).await.map_err(unexpected)?;
        let Some(redis) = &before.redis else {
            return if swept.is_none() { Ok(Vec::new()) } else { Err("there was no state to expire".into()) };
        };
        let swept = swept.ok_or("expire found no state")?;
        let overdue = |state: HoldState| {
            let of_state = redis.holds.iter().enumerate();
            of_state
                .filter(move |(_, hold)| hold.state == state && hold.overdue)
                .map(|(hold, _)| self.ids[hold])
        };
        let mut told: Vec<ReservationId> = swept.overdue.iter().map(|overdue| overdue.id).collect();
        let mut expected: Vec<ReservationId> = overdue(HoldState::Confirming).collect();
        told.sort_unstable_by_key(|id| id.as_uuid());
        expected.sort_unstable_by_key(|id| id.as_uuid());
        let expired = overdue(HoldState::Held).count();
        if told != expected || usize::try_from(swept.expired) != Ok(expired) || swept.more {
            return Err(format!("expire answered {swept:?}, not {expired} expired and {expected:?} overdue"));
        }
        Ok(swept.overdue)
    }

    /// What DynamoDB knows of an overdue confirm. Of withdrawals it knows the last only.
    async fn committed(&self, overdue: &OverdueConfirm) -> Option<Vec<Draw>> {
        match overdue.user.parse() {
            Ok(user) => {
                let booking = self.stores.store.booking(user, overdue.id).await.unwrap();
                booking.map(|booking| booking.draws)
            }
            Err(_) => {
                let event = self.event_now().await;
                if event.last_withdrawal == Some(overdue.id) {
                    return Some(Vec::new());
                }
                // It may be a draft now.
                self.stores.redis.refresh(&event, 0).await.unwrap();
                None
            }
        }
    }

    async fn settle(&self, overdue: &OverdueConfirm, committed: Option<Vec<Draw>>) -> Result<(), String> {
        let redis = &self.stores.redis;
        let done = match committed {
            Some(_) if overdue.user.is_empty() => redis.finish(overdue.id, None, None).await,
            Some(draws) => redis.finish(overdue.id, Some(&draws), None).await,
            None => {
                let deadline = self.same_deadline(self.number_of(overdue.id), overdue.deadline).await;
                redis.settle(overdue.id, deadline).await
            }
        };
        done.map(|_| ()).map_err(unexpected)
    }
}

/// Those that reconcile remembered when requests were in flight that have all ended.
fn shards_whose_grace_is_over(redis: &Redis) -> impl Iterator<Item = usize> {
    let remembered = redis.shards.iter().enumerate();
    remembered
        .filter(|(_, shard)| shard.remembered.is_some_and(|memory| memory.waiting == 0))
        .map(|(shard, _)| shard)
}
