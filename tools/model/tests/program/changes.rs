//! The steps of those that change DynamoDB first and Redis after, or the other way round: cancels and changes of
//! capacity.

use std::mem::take;

use domain::{
    booking::BookingStatus,
    event::{Event, EventDetails, EventStatus},
    inventory::{Draw, SHARDS_MAX, SHARDS_PER_CHANGE_MAX},
};
use jiff::Timestamp;
use model::{
    ALL_SEATS, Action,
    state::{FollowAt, LowerAt},
};
use stores::{
    dynamodb::{CancelOutcome, Replaced},
    redis::scripts::{Cancelled, Withdraw},
};

use crate::{
    program::{Follow, GRACE_MS, Lower, Program, clock_ticks},
    steps::unexpected,
};

impl Lower {
    pub(crate) fn done() -> Self {
        Self { at: LowerAt::Done, ..Self::default() }
    }
}

impl Follow {
    fn after_commit(self, done: bool) -> Self {
        if done && !self.late && self.epoch.is_some() {
            Self { at: FollowAt::Restock, ..self }
        } else {
            Self::done()
        }
    }
}

impl Program<'_> {
    pub(crate) async fn change(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::CancelRead { cancel } => {
                let booking = self.booking(self.config.cancels[cancel]).await;
                let open = booking.filter(|booking| booking.status == BookingStatus::Confirmed);
                self.cancels[cancel] = match open {
                    Some(booking) => Follow { booking: Some(booking), ..self.about_to_commit().await },
                    None => Follow::done(),
                };
            }
            Action::Cancel { cancel } => self.commit_cancel(cancel).await,
            Action::Restock { cancel } => {
                self.restock_cancelled(cancel).await;
                self.cancels[cancel] = Follow::done();
            }
            Action::RaiseRead => {
                let event = Some(self.event_now().await);
                self.raised_from.clone_from(&event);
                self.raise = Follow { event, ..self.about_to_commit().await };
            }
            Action::Raise => self.commit_raise().await,
            Action::RestockRaised => {
                self.restock_raised().await;
                self.raise = Follow::done();
            }
            Action::LowerRead { lower } if self.unpublishes(lower) => {
                let event = self.event_now().await;
                let wanted = event.details.capacity;
                self.lowers[lower] = match event.details.status {
                    EventStatus::Draft => Lower::done(),
                    _ => Lower { at: LowerAt::Withdraw, wanted, event: Some(event), ..Lower::default() },
                };
            }
            Action::LowerRead { lower } => {
                let event = self.event_now().await;
                let before = event.last_withdrawal;
                let at = if before.is_some() { LowerAt::FinishBefore } else { LowerAt::Withdraw };
                self.lowers[lower] = Lower { at, before, event: Some(event), ..Lower::default() };
            }
            Action::FinishBefore { lower } => {
                let before = self.lowers[lower].before.take().unwrap();
                self.stores.redis.finish(before, None, None).await.map_err(unexpected)?;
                self.lowers[lower].at = LowerAt::Withdraw;
            }
            Action::Withdraw { lower } => {
                let (withdrawn, unpublishes) = (self.withdraw(lower).await?, self.unpublishes(lower));
                let before = &mut self.lowers[lower];
                match withdrawn {
                    Withdraw::Withdrawn { draws, deadline_ms } => {
                        before.at = if unpublishes { LowerAt::Look } else { LowerAt::Commit };
                        (before.wanted, before.draws, before.deadline) = (0, draws, deadline_ms);
                    }
                    Withdraw::TooFew(_) => *before = Lower::done(),
                    Withdraw::NotLoaded => *before = Lower::default(),
                }
            }
            Action::LookUnpublished { lower } => {
                let event = self.lowers[lower].event.as_ref().unwrap();
                let inventory = self.stores.store.inventory(self.event, &event.shards).await.unwrap();
                let sold = inventory.iter().any(|shard| shard.sold > 0);
                self.lowers[lower].at = if sold { LowerAt::Settle } else { LowerAt::Commit };
            }
            Action::RefreshUnpublished { lower } => {
                let draft = unpublished(self.lowers[lower].event.as_ref().unwrap());
                self.stores.redis.refresh(&draft, 0).await.map_err(unexpected)?;
                self.lowers[lower].at = LowerAt::Settle;
            }
            Action::Lower { lower } if self.unpublishes(lower) => {
                let before = self.lowers[lower].clone();
                let event = before.event.as_ref().unwrap();
                let draft = unpublished(event);
                let done =
                    self.stores.store.replace_event_adding(event, &draft, &[], &[], &[], None).await.unwrap();
                let at = if done { LowerAt::Refresh } else { LowerAt::Settle };
                self.lowers[lower] = if before.late { Lower::done() } else { Lower { at, ..before } };
            }
            Action::Lower { lower } => self.commit_lower(lower).await,
            Action::FinishLowered { lower } => {
                self.finish_lowered(lower).await;
                self.lowers[lower] = Lower::done();
            }
            Action::SettleLowered { lower } => {
                self.settle_lowered(lower).await;
                self.lowers[lower] = Lower::done();
            }
            other => return Err(format!("{other:?} changes nothing")),
        }
        Ok(())
    }

    /// The epoch must be seen before the transaction.
    async fn about_to_commit(&self) -> Follow {
        let seen = self.stores.redis.state_seen(self.event).await.unwrap();
        Follow { at: FollowAt::Commit, epoch: seen.map(|seen| seen.epoch), ..Follow::default() }
    }

    async fn commit_cancel(&mut self, cancel: usize) {
        let before = take(&mut self.cancels[cancel]);
        let booking = before.booking.as_ref().unwrap();
        let outcome = self.stores.store.cancel_booking(booking, Timestamp::now()).await.unwrap();
        self.cancels[cancel] = before.after_commit(outcome == CancelOutcome::Cancelled);
    }

    async fn commit_raise(&mut self) {
        let before = take(&mut self.raise);
        let (event, added) = (before.event.as_ref().unwrap(), self.added());
        let raised = self.raised(event);
        let done =
            self.stores.store.replace_event_adding(event, &raised, &[], &added, &[], None).await.unwrap();
        self.raise = before.after_commit(done);
    }

    pub(crate) async fn restock_cancelled(&self, cancel: usize) {
        let Follow { epoch, booking, .. } = &self.cancels[cancel];
        let (epoch, booking) = (epoch.as_ref().unwrap(), booking.as_ref().unwrap());
        let cancelled = Some(Cancelled { id: booking.id, user: booking.user_id, pending: 0, unbought: None });
        let change = booking.id.to_string();
        self.stores.redis.restock(self.event, &change, epoch, &booking.draws, cancelled).await.unwrap();
    }

    /// The seats that are added.
    pub(crate) fn added(&self) -> Vec<Draw> {
        let added = (0..).zip(self.config.raise.unwrap_or_default());
        added
            .filter(|(_, seats)| *seats > 0)
            .map(|(shard, seats)| Draw::places(shard, seats.into()))
            .collect()
    }

    pub(crate) fn raised(&self, event: &Event) -> Event {
        let added = self.added();
        let capacity = event.details.capacity + added.iter().map(|draw| draw.seats).sum::<u32>();
        let mut raised = event.replaced(EventDetails { capacity, ..event.details.clone() });
        raised.shards = added.iter().fold(raised.shards, |shards, draw| shards.up_to(draw.shard));
        raised
    }

    /// What restock remembers a raise by.
    pub(crate) fn name_of_raise(event: &Event) -> String {
        format!("version {}", event.version + 1)
    }

    pub(crate) async fn restock_raised(&self) {
        let Follow { epoch, event, .. } = &self.raise;
        let (epoch, change) = (epoch.as_ref().unwrap(), Self::name_of_raise(event.as_ref().unwrap()));
        self.stores.redis.restock(self.event, &change, epoch, &self.added(), None).await.unwrap();
    }

    pub(crate) async fn withdraw(&self, lower: usize) -> Result<Withdraw, String> {
        clock_ticks();
        let (id, seats) = (self.id_of_withdrawal(lower), self.config.lowers[lower].into());
        let (seats, shards_max) = match self.unpublishes(lower) {
            true => (self.lowers[lower].wanted, SHARDS_MAX.into()),
            false => (seats, SHARDS_PER_CHANGE_MAX),
        };
        self.stores.redis.withdraw(id, seats, shards_max, GRACE_MS).await.map_err(unexpected)
    }

    fn unpublishes(&self, lower: usize) -> bool {
        self.config.lowers[lower] == ALL_SEATS
    }

    async fn commit_lower(&mut self, lower: usize) {
        let id = self.id_of_withdrawal(lower);
        let Lower { event, draws, late, .. } = self.lowers[lower].clone();
        let event = event.unwrap();
        let seats: u32 = draws.iter().map(|draw| draw.seats).sum();
        // What comes late may find fewer seats than it read.
        let capacity = event.details.capacity.saturating_sub(seats);
        let mut lowered = event.replaced(EventDetails { capacity, ..event.details.clone() });
        lowered.last_withdrawal = Some(id);
        let done =
            self.stores.store.replace_event_removing(&event, &lowered, &[], &draws, None).await.unwrap();
        if late {
            self.lowers[lower] = Lower::done();
        } else {
            let done = matches!(done, Replaced::Done);
            self.lowers[lower].at = if done { LowerAt::Finish } else { LowerAt::Settle };
        }
    }

    pub(crate) async fn finish_lowered(&self, lower: usize) {
        let draws = &self.lowers[lower].draws;
        self.stores.redis.finish(self.id_of_withdrawal(lower), Some(draws), None).await.unwrap();
    }

    pub(crate) async fn settle_lowered(&self, lower: usize) {
        let deadline = self.lowers[lower].deadline;
        self.stores.redis.settle(self.id_of_withdrawal(lower), deadline).await.unwrap();
    }
}

fn unpublished(event: &Event) -> Event {
    event.replaced(EventDetails { status: EventStatus::Draft, ..event.details.clone() })
}
