//! Those that work on behalf of nobody: loaders and janitors.

use crate::{
    config::{Config, Mutation},
    state::{
        Dynamo, Hold, HoldState, Janitor, Loader, RESERVATIONS, Read, Redis, SHARDS, Seen, Shard, State,
    },
};

const UNREAD: [Shard; SHARDS] = [Shard { capacity: 0, sold: 0, version: 0 }; SHARDS];

impl State {
    pub(crate) fn load_event(&mut self, loader: usize) {
        let Dynamo { event_shards: count, price, draft, .. } = self.dynamo;
        let event = Read { count, price, draft };
        self.loaders[loader] = Loader::Reading { event, read: 0, shards: UNREAD };
    }

    /// A batch of reads is no snapshot: each shard is read at its own moment.
    pub(crate) fn load_shard(&mut self, loader: usize) {
        if let Loader::Reading { read, shards, .. } = &mut self.loaders[loader] {
            shards[usize::from(*read)] = self.dynamo.shards[usize::from(*read)];
            *read += 1;
        }
    }

    pub(crate) fn load_script(&mut self, config: &Config, loader: usize) {
        if let Loader::Reading { event, shards, .. } = self.loaders[loader] {
            self.load(config, event, shards);
        }
        self.loaders[loader] = Loader::Idle;
    }

    pub(crate) fn settle_found(&mut self, janitor: usize, id: usize, hold: Hold) {
        self.janitors[janitor] = Janitor::Settling { hold: id as u8, deadline: hold.deadline };
    }

    pub(crate) fn settle_read(&mut self, config: &Config, janitor: usize) {
        if let Janitor::Settling { hold, deadline } = self.janitors[janitor] {
            let committed = self.committed(usize::from(hold));
            let is_withdrawal = usize::from(hold) >= RESERVATIONS;
            if is_withdrawal && committed.is_none() && !config.lacks(Mutation::SettleSkipsRefresh) {
                // It may be a draft now: Redis must know before the seats return.
                self.refresh();
            }
            self.janitors[janitor] = Janitor::Settled { hold, deadline, committed };
        }
    }

    /// What DynamoDB knows of an overdue confirm. Of withdrawals it knows the last only.
    fn committed(&self, id: usize) -> Option<[u8; SHARDS]> {
        if id < RESERVATIONS {
            return self.is_committed(id).then_some(self.dynamo.bookings[id].draws);
        }
        (self.dynamo.last_withdrawal == Some(id as u8)).then_some([0; SHARDS])
    }

    pub(crate) fn settle_acts(&mut self, config: &Config, janitor: usize) {
        if let Janitor::Settled { hold, deadline, committed } = self.janitors[janitor] {
            let id = usize::from(hold);
            match committed {
                Some(draws) => self.finish(config, id, (id < RESERVATIONS).then_some(draws)),
                None => self.settle(config, id, deadline),
            }
        }
        self.janitors[janitor] = Janitor::Idle;
    }

    /// The first read of reconcile: the fence, unless a mutation puts it last.
    pub(crate) fn reconcile_sees(&mut self, janitor: usize) {
        let Some(redis) = &self.redis else { return };
        self.janitors[janitor] = match self.janitors[janitor] {
            Janitor::Reconciling { read, shards, .. } => {
                Janitor::Reconciling { seen: Some(redis.seen()), read, shards }
            }
            _ => Janitor::Reconciling { seen: Some(redis.seen()), read: 0, shards: UNREAD },
        };
    }

    pub(crate) fn reconcile_reads(&mut self, janitor: usize) {
        let (seen, read, mut shards) = match self.janitors[janitor] {
            Janitor::Reconciling { seen, read, shards } => (seen, read, shards),
            _ => (None, 0, UNREAD),
        };
        shards[usize::from(read)] = self.dynamo.shards[usize::from(read)];
        self.janitors[janitor] = Janitor::Reconciling { seen, read: read + 1, shards };
    }

    pub(crate) fn reconcile_acts(&mut self, config: &Config, janitor: usize) {
        if let Janitor::Reconciling { seen: Some(seen), shards, .. } = self.janitors[janitor] {
            self.reconcile(config, seen, shards, self.in_flight());
        }
        self.janitors[janitor] = Janitor::Idle;
    }

    /// What a janitor may do next in reconcile.
    pub(crate) fn reconcile_turn(&self, config: &Config, janitor: usize) -> Option<ReconcileTurn> {
        let shards = self.dynamo.event_shards;
        let backwards = config.lacks(Mutation::ReconcileReadsDynamoFirst);
        match self.janitors[janitor] {
            Janitor::Idle if self.redis.is_some() => {
                Some(if backwards { ReconcileTurn::Read } else { ReconcileTurn::See })
            }
            Janitor::Reconciling { read, .. } if read < shards => Some(ReconcileTurn::Read),
            Janitor::Reconciling { seen: None, .. } => self.redis.map(|_| ReconcileTurn::See),
            Janitor::Reconciling { .. } => Some(ReconcileTurn::Act),
            _ => None,
        }
    }

    /// A confirming hold that `expire.lua` would tell the janitor of.
    pub(crate) fn overdue_confirm(&self, id: usize) -> Option<Hold> {
        let hold = self.redis.as_ref()?.holds[id];
        (hold.state == HoldState::Confirming && hold.overdue).then_some(hold)
    }
}

/// The steps of reconcile.
pub(crate) enum ReconcileTurn {
    See,
    Read,
    Act,
}

impl Redis {
    pub(crate) fn seen(&self) -> Seen {
        Seen { epoch: self.epoch, applied: self.shards.map(|shard| shard.applied) }
    }
}
