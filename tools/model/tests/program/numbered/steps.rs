//! What each action of the model is in the program: the call that takes this step, and what its process makes of the answer.

use std::{mem::replace, time::Duration};

use booking::Expired;
use domain::{
    booking::{Booking, BookingStatus},
    error::Error,
    rate::ALL_AT_FIRST,
    reservation::WantedSeats,
};
use jiff::Timestamp;
use jobs::Budget;
use model::numbered::{A, Action, B, HoldAt, Request, SEATS, Seat, Seats, State, Status, Wanted};
use stores::{
    dynamodb::{CancelOutcome, CommitOutcome},
    redis::scripts::{Begin, Cancelled, Release, Reserve, ReserveRequest, UserSeats},
};

use super::program::{Attempt, Cancel, Janitor, PLACES, Program, ROW};
use crate::{
    program::{GRACE_MS, HOLD_TTL_MS},
    steps::unexpected,
    stores::now_ms,
};

impl Program<'_> {
    /// Takes a step. `before` is the model's state. Answers whether Redis refused it for a limit, and what does not fit.
    pub(super) async fn act(&mut self, action: Action, before: &State) -> Result<bool, String> {
        match action {
            Action::Reserve(id) => return self.reserve(id, before).await,
            Action::Begin(id, attempt)
            | Action::Commit(id, attempt)
            | Action::Refuse(id, attempt)
            | Action::Unbegin(id, attempt)
            | Action::Finish(id, attempt)
            | Action::Crash(id, attempt) => {
                let at = replace(&mut self.attempts[id][attempt], Attempt::Ended);
                self.attempts[id][attempt] = self.confirm(action, id, at, before).await?;
            }
            Action::CancelRead(cancel)
            | Action::Cancel(cancel)
            | Action::Restock(cancel)
            | Action::CrashCancel(cancel) => {
                let at = replace(&mut self.cancels[cancel], Cancel::Ended);
                let id = self.config.cancels[cancel].unwrap();
                self.cancels[cancel] = self.cancel(action, id, at).await?;
            }
            Action::End(id) => self.end(id, before).await?,
            Action::LoadRead => self.loader = Some(self.inventory(self.row).await),
            Action::Load => {
                if let Some(read) = self.loader.take() {
                    self.load(&read).await?;
                    self.load_again(&read).await?;
                }
            }
            Action::ReconcileSee => {
                self.janitor.seen = self.stores.redis.inventory(self.row).await.map_err(unexpected)?;
            }
            Action::ReconcileRead => self.janitor.read = Some(self.inventory(self.row).await),
            Action::Reconcile => self.reconcile(before).await?,
            Action::Lose => {
                self.stores.lose(self.row).await;
                self.losses += 1;
            }
        }
        Ok(false)
    }

    async fn reserve(&mut self, id: usize, before: &State) -> Result<bool, String> {
        let Request { user, wanted, .. } = self.config.requests[id].unwrap();
        let (area, seats) = match wanted {
            Wanted::Named(seats) => (ROW, self.asked_for(seats, before)),
            Wanted::Places(_) => (PLACES, WantedSeats::default()),
        };
        let asked = ReserveRequest {
            id: self.ids[id],
            user: self.users[user],
            area: Some(area),
            quantity: u32::try_from(wanted.count()).unwrap(),
            rates: &ALL_AT_FIRST,
            seats: &seats,
            idempotency_key: &id.to_string(),
            hold_ttl_ms: HOLD_TTL_MS,
            unbought_max_ms: 0,
        };
        // Who is refused for the limit is refused by what DynamoDB says: Redis may not have heard of a cancel.
        for _ in 0..2 {
            match self.stores.redis.reserve(&asked).await {
                Ok(Reserve::Held { reservation, .. })
                    if reservation.seats == self.names_of(wanted.seats()) =>
                {
                    self.reserved[id] = true;
                    return Ok(false);
                }
                Ok(Reserve::NotLoaded) if before.row.is_none() && area == ROW => return Ok(false),
                Err(Error::SeatsTaken { seats, area }) if area == ROW => {
                    let taken = self.names_of(not_free(before) & wanted.seats());
                    return if seats == taken { Ok(false) } else { Err(unexpected(seats)) };
                }
                Err(Error::AllHeld { .. } | Error::SoldOut { .. }) if area == PLACES => return Ok(false),
                Ok(Reserve::UserLimit(counted)) => {
                    let bought = self.stores.store.seats_of_user(self.event.id, asked.user).await.unwrap();
                    if bought >= counted.bought {
                        return self.is_over_limit(id, before, counted).map(|()| true);
                    }
                    let (before, area) = (counted.bought, asked.id.area());
                    let learned = self.stores.redis.bought(area, asked.user, before, bought).await;
                    learned.map_err(unexpected)?;
                }
                other => return Err(unexpected(other)),
            }
        }
        Err("Redis counts too much again".to_owned())
    }

    /// The seats by their names, or as the best that there are, where these are the best.
    fn asked_for(&self, seats: Seats, before: &State) -> WantedSeats {
        let free = !not_free(before) & (A | B);
        let is_best = seats & free == seats && (seats != B || free == B);
        let chosen = if is_best && fastrand::bool() { Vec::new() } else { self.names_of(seats) };
        WantedSeats { chosen: chosen.into_iter().collect(), ..WantedSeats::default() }
    }

    /// What Redis refuses for the limit is over it, by all that the user has bought and what it holds of the area.
    fn is_over_limit(&self, id: usize, before: &State, counted: UserSeats) -> Result<(), String> {
        let Request { user, wanted, .. } = self.config.requests[id].unwrap();
        let is_alike =
            |other: Request| other.user == user && (other.wanted.seats() == 0) == (wanted.seats() == 0);
        let requests = self.config.requests.into_iter().enumerate();
        let theirs = requests.filter_map(|(id, other)| Some((id, other.filter(|other| is_alike(*other))?)));
        let held = theirs.filter(|(id, _)| before.holds[*id] != HoldAt::None);
        let holding: i8 = held.map(|(_, other)| other.wanted.count()).sum();
        let has = before.dynamo.counted[user] + holding + wanted.count();
        if has > self.config.most { Ok(()) } else { Err(format!("Redis refused too much: {counted:?}")) }
    }

    /// What a confirm comes to by its next step.
    async fn confirm(
        &self,
        action: Action,
        id: usize,
        at: Attempt,
        before: &State,
    ) -> Result<Attempt, String> {
        Ok(match (action, at) {
            (Action::Begin(..), at) => {
                match self.stores.redis.begin(self.ids[id], self.user(id), GRACE_MS).await {
                    Ok(Begin::Begun(hold)) => Attempt::Begun(hold),
                    // A booking is answered, or that it has expired.
                    Ok(Begin::NoHold) => at,
                    other => return Err(unexpected(other)),
                }
            }
            (Action::Commit(..), Attempt::Begun(hold)) => {
                let booking = Booking::from_hold(&hold, self.user(id), Timestamp::now());
                match self.stores.store.commit_booking(&booking, hold.max_per_user).await {
                    Ok(CommitOutcome::Committed) => Attempt::Committed(booking.draws),
                    Ok(CommitOutcome::AlreadyBooked) => {
                        Attempt::Committed(self.booking(id).await.ok_or("there is no booking")?.draws)
                    }
                    Ok(CommitOutcome::UserLimit { .. }) if hold.is_first => Attempt::OverLimit(hold),
                    Ok(CommitOutcome::UserLimit { .. }) => Attempt::Ended,
                    Ok(CommitOutcome::Refused(refused)) => {
                        let wanted = self.config.requests[id].map_or(0, |request| request.wanted.seats());
                        let (told, taken) = (hold.refused_seats(&refused), taken(before) & wanted);
                        if told.is_empty() || told != self.names_of(taken) {
                            return Err(unexpected((told, refused)));
                        }
                        Attempt::Refused(hold)
                    }
                    other => return Err(unexpected(other)),
                }
            }
            (Action::Unbegin(..), Attempt::OverLimit(hold)) => {
                self.stores.redis.unbegin(hold.id, hold.begins).await.map_err(unexpected)?;
                Attempt::Ended
            }
            (Action::Finish(..), Attempt::Committed(draws)) => {
                self.stores.redis.finish(self.ids[id], Some(&draws), None).await.map_err(unexpected)?;
                // Whose answer was lost is sent again.
                if fastrand::bool() {
                    self.stores.redis.finish(self.ids[id], Some(&draws), None).await.map_err(unexpected)?;
                }
                Attempt::Ended
            }
            // Seats with names are not drawn again: the answer is `seats_taken`.
            (Action::Refuse(..), Attempt::Refused(_)) | (Action::Crash(..), _) => Attempt::Ended,
            (action, at) => return Err(format!("{action:?} of {at:?}")),
        })
    }

    /// What a cancel comes to by its next step.
    async fn cancel(&self, action: Action, id: usize, at: Cancel) -> Result<Cancel, String> {
        Ok(match (action, at) {
            (Action::CancelRead(_), _) => {
                let seen = self.stores.redis.state_seen(self.row).await.map_err(unexpected)?;
                match self.booking(id).await {
                    Some(booking) if booking.status == BookingStatus::Confirmed => {
                        Cancel::Seen(seen.map(|seen| seen.epoch), booking)
                    }
                    other => return Err(unexpected(other)),
                }
            }
            (Action::Cancel(_), Cancel::Seen(epoch, booking)) => {
                match self.stores.store.cancel_booking(&booking, Timestamp::now()).await {
                    Ok(CancelOutcome::Cancelled) => Cancel::Committed(epoch, booking),
                    Ok(CancelOutcome::NotConfirmed) => Cancel::Ended,
                    other => return Err(unexpected(other)),
                }
            }
            (Action::Restock(_), Cancel::Committed(epoch, booking)) => {
                match epoch {
                    Some(epoch) => self.restock(&epoch, &booking).await?,
                    None => self.stores.redis.forget_copy(self.event.id).await.map_err(unexpected)?,
                }
                Cancel::Ended
            }
            (Action::CrashCancel(_), _) => Cancel::Ended,
            (action, at) => return Err(format!("{action:?} of {at:?}")),
        })
    }

    async fn restock(&self, epoch: &str, booking: &Booking) -> Result<(), String> {
        let cancelled = Some(Cancelled { id: booking.id, user: booking.user_id, pending: 0, unbought: None });
        let change = booking.id.to_string();
        // Whose answer was lost is sent again.
        for _ in 0..fastrand::usize(1..=2) {
            let restocked = self.stores.redis.restock(self.row, &change, epoch, &booking.draws, cancelled);
            restocked.await.map_err(unexpected)?;
        }
        Ok(())
    }

    /// A hold's time runs out, and the janitor comes; or who only holds gives it back.
    async fn end(&self, id: usize, before: &State) -> Result<(), String> {
        if matches!(before.holds[id], HoldAt::Held(_)) && fastrand::bool() {
            return match self.stores.redis.release(self.ids[id], self.user(id)).await {
                Ok(Release::Released(_)) => Ok(()),
                other => Err(unexpected(other)),
            };
        }
        self.stores.set_deadline(self.ids[id], now_ms() - 1_000).await;
        let (now, budget) = (Timestamp::now(), Budget::of(Duration::from_secs(60)));
        let expired = booking::expire(&self.stores.protocol, &self.event, now, budget).await;
        let Expired { holds_expired, confirms_finished, confirms_undone, confirms_failed, .. } =
            expired.map_err(unexpected)?;
        let is_booked = before.dynamo.bookings[id].status != Status::Absent;
        let expected = match before.holds[id] {
            HoldAt::Confirming(_) if is_booked => (0, 1, 0),
            HoldAt::Confirming(_) => (0, 0, 1),
            _ => (1, 0, 0),
        };
        match (holds_expired, confirms_finished, confirms_undone) {
            done if done == expected && confirms_failed == 0 => Ok(()),
            done => Err(format!("expired, finished, undone: {done:?}, not {expected:?}")),
        }
    }

    async fn reconcile(&mut self, before: &State) -> Result<(), String> {
        let Janitor { seen: Some(seen), read: Some(read) } = std::mem::take(&mut self.janitor) else {
            return Err("the janitor has not looked".to_owned());
        };
        if before.row.and_then(|row| row.differs).is_some_and(|differs| differs.waits_for == 0) {
            self.stores.grace_passes(self.row, 0).await;
        }
        let rows: Vec<_> = self.layout.iter().collect();
        // Perhaps two janitors are at work.
        for _ in 0..fastrand::usize(1..=2) {
            let reconciled = self.stores.redis.reconcile(self.row, &seen, &read, &rows, GRACE_MS);
            reconciled.await.map_err(unexpected)?;
        }
        Ok(())
    }
}

/// The seats of the row that nobody can hold now.
fn not_free(state: &State) -> Seats {
    let is_free = |seat: usize| state.row.is_some_and(|row| row.seats[seat] == Seat::Free);
    (0..SEATS).filter(|seat| !is_free(*seat)).fold(0, |seats, seat| seats | 1 << seat)
}

/// Those that are sold.
fn taken(state: &State) -> Seats {
    let is_taken = |seat: &usize| state.dynamo.taken[*seat].is_some();
    (0..SEATS).filter(is_taken).fold(0, |seats, seat| seats | 1 << seat)
}
