//! The abstraction: what the program's stores and processes amount to in the terms of the model.
//!
//! What the model keeps only to judge by (how often a booking was put, who was in flight when, what faults there
//! were) can't be seen in the program; it is taken from the model's state.

use domain::{
    booking::BookingStatus,
    event::EventStatus,
    inventory::{Draw, InventoryShard},
};
use model::{
    Action,
    state::{
        Attempt, AttemptAt, Booking, Draws, Dynamo, Follow, FollowAt, Janitor, Left, Loader, Lower, LowerAt,
        RESERVATIONS, Read, Redis, SHARDS, Seen, Shard, State, Status,
    },
};
use stores::redis::InventorySeen;

use crate::program::{self, PRICES, Program};

/// What was seen of both stores.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoresSeen {
    pub(crate) dynamo: Dynamo,
    pub(crate) redis: Option<Redis>,
    pub(crate) answered: u8,
}

pub(crate) fn draws_of(draws: &[Draw]) -> Draws {
    let mut seats = [0; SHARDS];
    for draw in draws {
        seats[draw.shard as usize] += small(draw.seats);
    }
    seats
}

/// The model's numbers are small. One that is not is none that the model has.
pub(crate) fn small(number: impl TryInto<u8>) -> u8 {
    number.try_into().unwrap_or(u8::MAX)
}

pub(crate) fn price_of(price: impl Into<Option<u32>>) -> u8 {
    match price.into().unwrap_or_default() {
        0 => 0,
        price => PRICES.iter().position(|known| *known == price).map_or(u8::MAX, small),
    }
}

impl Program<'_> {
    /// A shard's version, counted from the start of the story.
    pub(crate) fn version_of(&self, shard: usize, version: u64) -> u8 {
        small(version.saturating_sub(self.earlier[shard]))
    }

    pub(crate) fn event_version_of(&self, event: &domain::event::Event) -> u8 {
        // The model's event has another version with another capacity only, not with another price.
        small(event.version - 1).saturating_sub(price_of(event.price))
    }

    fn shard_of(&self, shard: &InventoryShard) -> Shard {
        let InventoryShard { capacity, sold, version, .. } = *shard;
        let version = self.version_of(shard.shard as usize, version);
        Shard { capacity: small(capacity), sold: small(sold), version }
    }

    /// What DynamoDB has. What `step` could not have written is as it was known before; without a step all is read.
    pub(crate) async fn dynamo(&self, known: Dynamo, step: Option<Action>) -> Result<Dynamo, String> {
        let mut dynamo = known;
        let booked = match step {
            Some(Action::Commit { reservation, .. } | Action::CommitReplyLost { reservation, .. }) => {
                Some(reservation)
            }
            Some(Action::Cancel { cancel }) => Some(self.config.cancels[cancel]),
            _ => None,
        };
        if booked.is_none() {
            let event = self.event_now().await;
            dynamo.event_version = self.event_version_of(&event);
            dynamo.event_shards = small(event.shards.of(0));
            dynamo.price = price_of(event.price);
            dynamo.draft = event.details.status == EventStatus::Draft;
            dynamo.last_withdrawal = event.last_withdrawal.map(|id| small(self.number_of(id)));
        }
        let shards = &u16::from(dynamo.event_shards).into();
        for shard in self.stores.store.inventory(self.event, shards).await.unwrap() {
            if shard.capacity != shard.sold + shard.unsold {
                return Err(format!("{shard:?} does not add up"));
            }
            dynamo.shards[shard.shard as usize] = self.shard_of(&shard);
        }
        let all = if step.is_none() { 0..self.config.requests.len() } else { 0..0 };
        for id in booked.into_iter().chain(all) {
            dynamo.bookings[id] = self.booking(id).await.map_or(Booking::default(), |booking| Booking {
                status: match booking.status {
                    BookingStatus::Confirmed => Status::Confirmed,
                    BookingStatus::Cancelled => Status::Cancelled,
                    status => panic!("nothing here makes a booking {status:?}"),
                },
                draws: draws_of(&booking.draws),
                price: price_of(booking.unit_price),
                puts: 0,
            });
        }
        Ok(dynamo)
    }

    /// The program's state as the model would have it, if that is `model`. Puts those workers in order that the model
    /// puts in order.
    pub(crate) fn as_state(&mut self, seen: &StoresSeen, model: &State) -> State {
        self.loaders = sorted(&self.loaders, |loader| self.loader_of(loader));
        self.janitors = sorted(&self.janitors, |janitor| self.janitor_of(janitor));
        let mut state = *model;
        state.dynamo = Dynamo { withdrawn: model.dynamo.withdrawn, ..seen.dynamo };
        for (booking, known) in state.dynamo.bookings.iter_mut().zip(model.dynamo.bookings) {
            booking.puts = known.puts;
        }
        state.redis = seen.redis;
        if let (Some(redis), Some(known)) = (&mut state.redis, &model.redis) {
            for (shard, known) in redis.shards.iter_mut().zip(known.shards) {
                if let (Some(memory), Some(known)) = (&mut shard.remembered, known.remembered) {
                    memory.waiting = known.waiting;
                }
            }
        }
        state.answered = seen.answered;
        state.epochs = small(self.epochs.len());
        for (id, reservation) in state.reservations.iter_mut().enumerate() {
            let (made, price) = self.told[id];
            (reservation.made, reservation.quoted) = (made, price_of(price));
            reservation.deadlines = self.numbers[id];
        }
        for id in 0..RESERVATIONS {
            state.attempts[id] = std::array::from_fn(|n| self.attempt_of(id, &self.attempts[id][n]));
        }
        state.cancels = std::array::from_fn(|cancel| self.follow_of(&self.cancels[cancel]));
        state.raise = self.follow_of(&self.raise);
        state.lowers = std::array::from_fn(|lower| self.lower_of(lower));
        state.withdrawals = std::array::from_fn(|lower| self.numbers[RESERVATIONS + lower]);
        state.loaders = self.loaders.each_ref().map(|loader| self.loader_of(loader));
        state.janitors = self.janitors.each_ref().map(|janitor| self.janitor_of(janitor));
        state
    }

    /// The number that the model gives an epoch: they are counted as they are seen.
    fn epoch_of(&self, epoch: &str) -> u8 {
        self.epochs.iter().position(|known| known == epoch).map_or(u8::MAX, |index| small(index + 1))
    }

    fn deadline_number(&self, hold: usize, deadline: i64) -> u8 {
        self.deadlines[hold].get(&deadline).copied().unwrap_or(u8::MAX)
    }

    fn attempt_of(&self, id: usize, attempt: &program::Attempt) -> Attempt {
        let program::Attempt { at, redrawn, late, .. } = *attempt;
        match (at, &attempt.hold) {
            (AttemptAt::Begin, _) => Attempt { redrawn, ..Attempt::default() },
            (AttemptAt::Finish, _) => Attempt {
                at,
                draws: draws_of(&attempt.committed),
                deadline: self.deadline_number(id, attempt.deadline),
                ..Attempt::default()
            },
            (AttemptAt::Commit | AttemptAt::Ask | AttemptAt::Redraw, Some(hold)) => {
                let mut left = [None; SHARDS];
                for refused in &attempt.refused {
                    let shard = refused.shard as usize;
                    let version = self.version_of(shard, refused.version);
                    left[shard] = Some(Left { unsold: small(refused.unsold), version });
                }
                Attempt {
                    at,
                    draws: draws_of(&hold.draws),
                    price: price_of(hold.unit_price),
                    deadline: self.deadline_number(id, attempt.deadline),
                    is_first: hold.is_first,
                    left,
                    redrawn,
                    late,
                }
            }
            _ => Attempt { at: AttemptAt::Done, ..Attempt::default() },
        }
    }

    fn follow_of(&self, follow: &program::Follow) -> Follow {
        let program::Follow { at, late, .. } = *follow;
        let epoch = follow.epoch.as_deref().map(|epoch| self.epoch_of(epoch));
        match (at, &follow.event) {
            (FollowAt::Commit, Some(event)) => {
                Follow { at, epoch, event_version: self.event_version_of(event), late }
            }
            (FollowAt::Commit, None) => Follow { at, epoch, late, ..Follow::default() },
            (FollowAt::Restock, _) => Follow { at, epoch, ..Follow::default() },
            (FollowAt::Read | FollowAt::Done, _) => Follow { at, ..Follow::default() },
        }
    }

    fn lower_of(&self, lower: usize) -> Lower {
        let real = &self.lowers[lower];
        let program::Lower { at, late, .. } = *real;
        let event_version = real.event.as_ref().map_or(0, |event| self.event_version_of(event));
        let before = real.before.map(|id| small(self.number_of(id)));
        let deadline = match real.deadline {
            0 => 0,
            deadline => self.deadline_number(RESERVATIONS + lower, deadline),
        };
        let draws = draws_of(&real.draws);
        match at {
            LowerAt::Read | LowerAt::Done => Lower { at, ..Lower::default() },
            LowerAt::Finish | LowerAt::Refresh | LowerAt::Settle => {
                Lower { at, draws, deadline, ..Lower::default() }
            }
            _ => Lower { at, event_version, before, wanted: small(real.wanted), draws, deadline, late },
        }
    }

    fn loader_of(&self, loader: &program::Loader) -> Loader {
        let program::Loader::Reading { event, shards } = loader else { return Loader::Idle };
        Loader::Reading {
            event: Read {
                count: small(event.shards.of(0)),
                price: price_of(event.price),
                draft: event.details.status == EventStatus::Draft,
            },
            read: small(shards.len()),
            shards: self.shards_of(shards),
        }
    }

    fn janitor_of(&self, janitor: &program::Janitor) -> Janitor {
        match janitor {
            program::Janitor::Idle => Janitor::Idle,
            program::Janitor::Settling(overdue) => {
                let hold = self.number_of(overdue.id);
                Janitor::Settling {
                    hold: small(hold),
                    deadline: self.deadline_number(hold, overdue.deadline),
                }
            }
            program::Janitor::Settled { overdue, committed } => {
                let hold = self.number_of(overdue.id);
                Janitor::Settled {
                    hold: small(hold),
                    deadline: self.deadline_number(hold, overdue.deadline),
                    committed: committed.as_deref().map(draws_of),
                }
            }
            program::Janitor::Reconciling { seen, shards } => Janitor::Reconciling {
                seen: Some(self.seen_of(seen)),
                read: small(shards.len()),
                shards: self.shards_of(shards),
            },
        }
    }

    fn seen_of(&self, seen: &InventorySeen) -> Seen {
        let applied = std::array::from_fn(|shard| {
            self.version_of(shard, seen.shard(u32::try_from(shard).unwrap()).applied)
        });
        Seen { epoch: self.epoch_of(&seen.epoch), applied }
    }

    fn shards_of(&self, read: &[InventoryShard]) -> [Shard; SHARDS] {
        let mut shards = [Shard::default(); SHARDS];
        for shard in read {
            shards[shard.shard as usize] = self.shard_of(shard);
        }
        shards
    }
}

fn sorted<T: Clone, K: Ord, const N: usize>(workers: &[T; N], key: impl Fn(&T) -> K) -> [T; N] {
    let mut sorted = workers.clone();
    sorted.sort_by_key(key);
    sorted
}
