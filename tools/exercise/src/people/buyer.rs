//! A buyer: books, and then confirms, gives back, forgets, confirms twice, cancels; asks again when the answer is missing,
//! on whichever server.

use std::{sync::Arc, time::Duration};

use domain::{
    email::Email,
    id::UserId,
    user::{Role, User},
};
use jiff::Timestamp;
use kit::Failure;
use tokio::time::{Instant, sleep};

use super::{Session, process};
use crate::{
    faults::Dice,
    history::{Act, Purchase, Step, Wish},
    world::{HOLD_TTL_SECONDS, ROWS, World, row_name},
};

/// Times that a request is sent until its outcome is known.
const TRIES_MAX: usize = 8;
const PARTY_MAX: u64 = 4;
/// When a buyer asks again after a crash, unless a janitor is about to decide what became of the confirm: then at once.
const BACK_AFTER_MS: std::ops::RangeInclusive<u64> =
    process::DEAD_GRACE_MS + 500..=process::DEAD_GRACE_MS + 5_000;
const LOOKS_EVERY: Duration = Duration::from_millis(10);

/// A buyer, until the people are told to stop.
pub(crate) async fn live(world: Arc<World>, session: Session, user: UserId, number: usize) {
    let buyer = Buyer { dice: world.dice("buyer", number), world, session, user };
    let mut wishes = 0;
    while buyer.session.is_open() {
        wishes += 1;
        if let Some(purchase) = buyer.buy(format!("buyer-{number}-wish-{wishes}")).await {
            buyer.world.history.keep(purchase);
        }
        sleep(buyer.dice.ms(10, 250)).await;
    }
}

/// Makes the account of a buyer, who gets mail at its address.
pub(crate) async fn sign_in(world: &World, name: &str) -> Result<(UserId, String), Failure> {
    let user = User {
        email: Email::parse(&format!("{name}@example.com"))?,
        email_verified_at: Some(Timestamp::now()),
        ..kit::sample::somebody(Role::User)?
    };
    world.truth.store.create_user(&user).await?;
    let token = world.truth.tokens.issue_access(&user, Timestamp::now())?;
    Ok((user.id, token))
}

#[derive(Debug)]
struct Buyer {
    dice: Dice,
    world: Arc<World>,
    session: Session,
    user: UserId,
}

impl Buyer {
    async fn buy(&self, key: String) -> Option<Purchase> {
        let event = self.dice.one_of(&self.world.events)?;
        let (area, _) = self.dice.one_of(&self.world.areas(event))?;
        let quantity = self.dice.between(1, PARTY_MAX) as u32;
        let wish = if area == Some(ROWS.0) { self.wish(quantity) } else { Wish::default() };
        let mut purchase = Purchase { user: self.user, event, area, wish, key, quantity, steps: Vec::new() };
        let Some(id) = self.book(&mut purchase).await else { return Some(purchase) };
        if self.dice.chance(10) {
            sleep(self.dice.ms(0, HOLD_TTL_SECONDS * 1_000 + 500)).await;
        }
        match self.dice.below(100) {
            // Forgets it.
            0..10 => {}
            10..22 => self.give_back(&mut purchase, &id).await,
            _ => self.take(&mut purchase, &id).await,
        }
        if self.dice.chance(5) {
            // A network delivers the first request once more.
            let step = self.session.book(self.server(), &purchase, None).await;
            purchase.steps.push(step);
        }
        Some(purchase)
    }

    /// Some want these very seats, which others want, too; some the best, side by side or not.
    fn wish(&self, quantity: u32) -> Wish {
        let (_, rows, seats) = ROWS;
        if self.dice.chance(50) {
            return Wish { seats: Vec::new(), apart: self.dice.chance(30) };
        }
        let row = row_name(self.dice.below(rows.into()) as u16);
        let first = self.dice.between(1, u64::from(seats) - u64::from(quantity) + 1);
        let seats = (first..first + u64::from(quantity)).map(|seat| format!("{row}-{seat}")).collect();
        Wish { seats, apart: false }
    }

    /// The reservation that was answered, if any.
    async fn book(&self, purchase: &mut Purchase) -> Option<String> {
        let mut tries = 0;
        loop {
            let asked = purchase.clone();
            let book = |server, patience| self.session.book(server, &asked, patience);
            let (one, other) = self.once_or_twice(8, book).await;
            let id =
                [Some(&one), other.as_ref()].into_iter().flatten().find_map(|step| step.reservation.clone());
            let open = one.outcome.is_open();
            purchase.steps.push(one);
            purchase.steps.extend(other);
            tries += 1;
            if id.is_some() || !open || tries == TRIES_MAX || !self.session.is_open() {
                return id;
            }
            sleep(self.dice.ms(10, 300)).await;
        }
    }

    async fn give_back(&self, purchase: &mut Purchase, id: &str) {
        self.until_known(purchase, |server, patience| self.session.release(server, id, patience)).await;
        if self.dice.chance(30) {
            // A changed mind: too late, unless the hold is still there.
            self.until_known(purchase, |server, patience| self.session.confirm(server, id, patience)).await;
        }
    }

    async fn take(&self, purchase: &mut Purchase, id: &str) {
        if self.dice.chance(12) && !self.meet_a_crash(purchase, id).await {
            return;
        }
        self.until_known(purchase, |server, patience| self.session.confirm(server, id, patience)).await;
        let is_confirmed =
            |purchase: &Purchase| purchase.steps_of(Act::Confirm, id).any(|step| step.outcome.is_success());
        if self.dice.chance(20) {
            let step = self.session.confirm(self.server(), id, self.patience()).await;
            purchase.steps.push(step);
        }
        if self.dice.chance(8) {
            let step = self.session.release(self.server(), id, None).await;
            purchase.steps.push(step);
        }
        // Most cancel, so that seats go round and round.
        if is_confirmed(purchase) && self.dice.chance(85) {
            sleep(self.dice.ms(0, 1_500)).await;
            self.until_known(purchase, |server, patience| self.session.cancel(server, id, patience)).await;
            if self.dice.chance(15) {
                let step = self.session.cancel(self.server(), id, None).await;
                purchase.steps.push(step);
            }
            if self.dice.chance(10) {
                let step = self.session.confirm(self.server(), id, None).await;
                purchase.steps.push(step);
            }
        }
    }

    /// A process dies with the confirm, and the buyer comes back much later. Whether they come back at all.
    async fn meet_a_crash(&self, purchase: &mut Purchase, id: &str) -> bool {
        let commits = self.dice.chance(25);
        purchase.steps.extend(process::die_confirming(&self.world, self.user, id, commits).await);
        if commits && self.dice.chance(60) {
            // Only a janitor can end it now.
            return false;
        }
        let back = Instant::now() + self.dice.ms(*BACK_AFTER_MS.start(), *BACK_AFTER_MS.end());
        // A janitor that has read that there is no booking, and does not know it yet, must notice what comes between.
        let decides = || self.world.faults.is_reply_late_about(id);
        while self.session.is_open() && Instant::now() < back && !decides() {
            sleep(LOOKS_EVERY).await;
        }
        if self.dice.chance(85) {
            purchase.steps.extend(process::confirm_slowly(&self.world, self.user, id).await);
        }
        true
    }

    /// Sends the request, each time to some server, until its outcome is known.
    async fn until_known<F: Future<Output = Step>>(
        &self,
        purchase: &mut Purchase,
        send: impl Fn(usize, Option<Duration>) -> F,
    ) {
        for _ in 0..TRIES_MAX {
            let (one, other) = self.once_or_twice(12, &send).await;
            let known = !one.outcome.is_open() || other.as_ref().is_some_and(|step| !step.outcome.is_open());
            purchase.steps.push(one);
            purchase.steps.extend(other);
            if known || !self.session.is_open() {
                return;
            }
            sleep(self.dice.ms(10, 400)).await;
        }
    }

    /// Sends the request; in some cases to two servers at the same time.
    async fn once_or_twice<F: Future<Output = Step>>(
        &self,
        twice_percent: u64,
        send: impl Fn(usize, Option<Duration>) -> F,
    ) -> (Step, Option<Step>) {
        let one = send(self.server(), self.patience());
        if self.dice.chance(twice_percent) {
            let (one, other) = tokio::join!(one, send(self.server(), None));
            (one, Some(other))
        } else {
            (one.await, None)
        }
    }

    fn server(&self) -> usize {
        self.dice.below(self.world.fleet.len() as u64) as usize
    }

    /// Some people give up too early.
    fn patience(&self) -> Option<Duration> {
        self.dice.chance(10).then(|| self.dice.ms(5, 400))
    }
}
