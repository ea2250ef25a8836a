//! What each action of the model is in the program: the call that takes this step, and what its process makes of the
//! answer.

use std::mem::take;

use domain::{
    booking::Booking,
    error::Error,
    event::{EventDetails, NotOnSale},
    inventory::Draw,
    pricing::PriceChange,
    rate::ALL_AT_FIRST,
    reservation::BEST_SEATS,
};
use jiff::Timestamp;
use model::{
    Action, Process,
    state::{AttemptAt, FollowAt, LowerAt, Made, State},
};
use stores::{
    dynamodb::CommitOutcome,
    redis::scripts::{Begin, Redraw, Reserve, ReserveRequest},
};

use crate::program::{Attempt, Follow, GRACE_MS, HOLD_TTL_MS, Lower, PRICES, Program, clock_ticks};

impl Attempt {
    fn done() -> Self {
        Self { at: AttemptAt::Done, ..Self::default() }
    }
}

impl Follow {
    pub(crate) fn done() -> Self {
        Self { at: FollowAt::Done, ..Self::default() }
    }
}

impl Program<'_> {
    /// Takes a step. `before` is the model's state: it tells what time may do. Answers what does not fit.
    pub(crate) async fn act(&mut self, action: Action, before: &State) -> Result<(), String> {
        match action {
            Action::Reserve { reservation, .. } => self.reserve(reservation, before).await?,
            Action::Release { reservation } => {
                let user = self.user(reservation);
                self.stores.redis.release(self.ids[reservation], user).await.map_err(unexpected)?;
            }
            Action::Begin { reservation, attempt } => self.begin(reservation, attempt).await?,
            Action::Refuse { reservation, attempt } => self.refuse(reservation, attempt).await,
            Action::Commit { reservation, attempt } => self.commit(reservation, attempt, false).await?,
            Action::CommitReplyLost { reservation, attempt } => {
                self.commit(reservation, attempt, true).await?;
            }
            Action::AskById { reservation, attempt } => self.ask_by_id(reservation, attempt).await,
            Action::Redraw { reservation, attempt, .. } => self.redraw(reservation, attempt, false).await?,
            Action::Finish { reservation, attempt } => self.finish(reservation, attempt, false).await,
            Action::DeadlinePasses { hold } => self.deadline_passes(hold).await,
            Action::Reprice => self.reprice().await,
            Action::Refresh => {
                self.stores.redis.refresh(&self.event_now().await, 0).await.map_err(unexpected)?;
            }
            Action::CancelRead { .. }
            | Action::Cancel { .. }
            | Action::Restock { .. }
            | Action::RaiseRead
            | Action::Raise
            | Action::RestockRaised
            | Action::LowerRead { .. }
            | Action::FinishBefore { .. }
            | Action::Withdraw { .. }
            | Action::Lower { .. }
            | Action::LookUnpublished { .. }
            | Action::RefreshUnpublished { .. }
            | Action::FinishLowered { .. }
            | Action::SettleLowered { .. } => self.change(action).await?,
            Action::LoadEvent { .. }
            | Action::LoadShard { .. }
            | Action::Load { .. }
            | Action::Expire
            | Action::SettleFound { .. }
            | Action::SettleRead { .. }
            | Action::Settle { .. }
            | Action::ReconcileSee { .. }
            | Action::ReconcileRead { .. }
            | Action::Reconcile { .. } => self.work(action, before).await?,
            fault => self.fail(fault).await?,
        }
        Ok(())
    }

    async fn reserve(&mut self, reservation: usize, before: &State) -> Result<(), String> {
        let request = self.config.requests[reservation];
        let asked = ReserveRequest {
            id: self.ids[reservation],
            user: self.user(reservation),
            area: None,
            quantity: request.seats.into(),
            rates: &ALL_AT_FIRST,
            seats: &BEST_SEATS,
            idempotency_key: "key",
            hold_ttl_ms: HOLD_TTL_MS,
            unbought_max_ms: 0,
        };
        // What is held says whether seats may come back.
        let may_come_back = before.redis.is_some_and(|redis| {
            let free: i8 = redis.shards.iter().map(|shard| shard.free).sum();
            let held: u8 = redis.holds.iter().flat_map(|hold| hold.draws).sum();
            free + held as i8 >= request.seats as i8
        });
        match self.stores.redis.reserve(&asked).await {
            Ok(Reserve::Held { reservation: held, .. }) => {
                self.told[reservation] = (Made::Held, held.unit_price.unwrap_or_default())
            }
            Ok(Reserve::Replayed { .. }) => self.told[reservation] = (Made::Replayed, 0),
            Ok(Reserve::NotLoaded) if before.redis.is_none() => {}
            Err(Error::EventNotFound) if before.redis.is_some_and(|redis| redis.draft) => {}
            Err(Error::AllHeld { .. }) if may_come_back => {}
            Err(Error::SoldOut { .. }) if !may_come_back => {}
            other => return Err(unexpected(other)),
        }
        Ok(())
    }

    async fn begin(&mut self, reservation: usize, attempt: usize) -> Result<(), String> {
        clock_ticks();
        let (id, user) = (self.ids[reservation], self.user(reservation));
        let redrawn = self.attempts[reservation][attempt].redrawn;
        self.attempts[reservation][attempt] = match self.stores.redis.begin(id, user, GRACE_MS).await {
            Ok(Begin::Begun(hold)) => Attempt {
                at: AttemptAt::Commit,
                deadline: self.deadline_of(reservation).await,
                hold: Some(hold),
                redrawn,
                ..Attempt::default()
            },
            Ok(Begin::NoHold) | Err(Error::NotOnSale(NotOnSale::Draft)) => Attempt::done(),
            other => return Err(unexpected(other)),
        };
        Ok(())
    }

    async fn refuse(&mut self, reservation: usize, attempt: usize) {
        let begun = take(&mut self.attempts[reservation][attempt]).hold.unwrap();
        if begun.is_first {
            self.stores.redis.unbegin(begun.id, begun.begins).await.unwrap();
        }
        self.attempts[reservation][attempt] = Attempt::done();
    }

    async fn commit(
        &mut self,
        reservation: usize,
        attempt: usize,
        is_reply_lost: bool,
    ) -> Result<(), String> {
        let before = take(&mut self.attempts[reservation][attempt]);
        let hold = before.hold.as_ref().unwrap();
        let booking = Booking::from_hold(hold, self.user(reservation), Timestamp::now());
        let committed = self.stores.store.commit_booking(&booking, hold.max_per_user).await;
        self.attempts[reservation][attempt] = match committed {
            // Nobody is there any more to hear the answer.
            Ok(_) if before.late => Attempt::done(),
            Ok(CommitOutcome::Committed) if is_reply_lost => Attempt { at: AttemptAt::Ask, ..before },
            Ok(CommitOutcome::Committed) => finishing(&before, booking.draws),
            Ok(CommitOutcome::AlreadyBooked) => {
                let booked = self.booking(reservation).await.unwrap();
                finishing(&before, booked.draws)
            }
            Ok(CommitOutcome::Refused(_)) if before.redrawn => Attempt::done(),
            Ok(CommitOutcome::Refused(refused)) => Attempt { at: AttemptAt::Redraw, refused, ..before },
            other => return Err(unexpected(other)),
        };
        Ok(())
    }

    async fn ask_by_id(&mut self, reservation: usize, attempt: usize) {
        let before = take(&mut self.attempts[reservation][attempt]);
        let booked = self.booking(reservation).await;
        self.attempts[reservation][attempt] =
            booked.map_or_else(Attempt::done, |booked| finishing(&before, booked.draws));
    }

    /// `unheard`: the script's answer is lost.
    pub(crate) async fn redraw(
        &mut self,
        reservation: usize,
        attempt: usize,
        unheard: bool,
    ) -> Result<(), String> {
        clock_ticks();
        let before = self.attempts[reservation][attempt].clone();
        let (mut hold, user) = (before.hold.clone().unwrap(), self.user(reservation));
        let redrawn = self.stores.redis.redraw(&hold, user, &before.refused, GRACE_MS).await;
        let after = match redrawn {
            Ok(Redraw::Redrawn(draws)) => {
                hold.draws = draws;
                Attempt {
                    at: AttemptAt::Commit,
                    deadline: self.deadline_of(reservation).await,
                    hold: Some(hold),
                    refused: Vec::new(),
                    redrawn: true,
                    ..before
                }
            }
            Ok(Redraw::Changed) if before.redrawn => Attempt::done(),
            Ok(Redraw::Changed) => Attempt { redrawn: true, ..Attempt::default() },
            Err(
                Error::ReservationExpired
                | Error::ReservationReleased
                | Error::AllHeld { .. }
                | Error::SoldOut { .. },
            ) => Attempt::done(),
            other => return Err(unexpected(other)),
        };
        if !unheard {
            self.attempts[reservation][attempt] = after;
        }
        Ok(())
    }

    /// `unheard`: the script's answer is lost.
    pub(crate) async fn finish(&mut self, reservation: usize, attempt: usize, unheard: bool) {
        let committed = self.attempts[reservation][attempt].committed.clone();
        self.stores.redis.finish(self.ids[reservation], Some(&committed), None).await.unwrap();
        if !unheard {
            self.attempts[reservation][attempt] = Attempt::done();
        }
    }

    pub(crate) async fn booking(&self, reservation: usize) -> Option<Booking> {
        self.stores.store.booking(self.user(reservation), self.ids[reservation]).await.unwrap()
    }

    async fn reprice(&self) {
        let event = self.event_now().await;
        let dearer = event.replaced(EventDetails { base_price: PRICES[1], ..event.details.clone() });
        let price = PriceChange::by_admin(&event, &dearer, Timestamp::now());
        assert!(
            self.stores.store.replace_event_adding(&event, &dearer, &price, &[], &[], None).await.unwrap()
        );
    }

    async fn fail(&mut self, fault: Action) -> Result<(), String> {
        match fault {
            Action::Crash(Process::Attempt { reservation, attempt }) => {
                self.attempts[reservation][attempt] = Attempt::done();
            }
            Action::Crash(Process::Cancel(cancel)) => self.cancels[cancel] = Follow::done(),
            Action::Crash(Process::Raise) => self.raise = Follow::done(),
            Action::Crash(Process::Lower(lower)) => self.lowers[lower] = Lower::done(),
            Action::CrashOfLoader { loader } => drop(take(&mut self.loaders[loader])),
            Action::CrashOfJanitor { janitor } => drop(take(&mut self.janitors[janitor])),
            Action::WriteIsLate(Process::Attempt { reservation, attempt }) => {
                self.attempts[reservation][attempt].late = true;
            }
            Action::WriteIsLate(Process::Cancel(cancel)) => self.cancels[cancel].late = true,
            Action::WriteIsLate(Process::Raise) => self.raise.late = true,
            Action::WriteIsLate(Process::Lower(lower)) => self.lowers[lower].late = true,
            Action::Twice(process) => self.run_script_unheard(process).await?,
            Action::RedisEmptied => {
                self.stores.empty_redis().await;
                self.replica = None;
            }
            Action::ReplicaCopies => self.replica = Some(self.stores.copy_redis().await),
            Action::RedisFallsBack => {
                self.stores.restore_redis(&self.replica.take().unwrap()).await;
            }
            other => return Err(format!("{other:?} is nothing that the program does")),
        }
        Ok(())
    }

    /// Runs the script that the process is about to run, but leaves the process where it is.
    async fn run_script_unheard(&mut self, process: Process) -> Result<(), String> {
        match process {
            Process::Attempt { reservation, attempt } => match self.attempts[reservation][attempt].at {
                AttemptAt::Redraw => self.redraw(reservation, attempt, true).await?,
                AttemptAt::Finish => self.finish(reservation, attempt, true).await,
                _ => {}
            },
            Process::Cancel(cancel) if self.cancels[cancel].at == FollowAt::Restock => {
                self.restock_cancelled(cancel).await;
            }
            Process::Raise if self.raise.at == FollowAt::Restock => self.restock_raised().await,
            Process::Lower(lower) => match self.lowers[lower].at {
                LowerAt::Withdraw => drop(self.withdraw(lower).await?),
                LowerAt::Finish => self.finish_lowered(lower).await,
                LowerAt::Settle => self.settle_lowered(lower).await,
                _ => {}
            },
            Process::Cancel(_) | Process::Raise => {}
        }
        Ok(())
    }
}

fn finishing(before: &Attempt, committed: Vec<Draw>) -> Attempt {
    Attempt { at: AttemptAt::Finish, committed, deadline: before.deadline, ..Attempt::default() }
}

pub(crate) fn unexpected(answer: impl std::fmt::Debug) -> String {
    format!("the program answered {answer:?}")
}
