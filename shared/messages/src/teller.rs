//! Telling one message, and trying one delivery.

use domain::{
    delivery::{Delivery, Outcome, TOLD_WITHIN},
    error::Error,
    message::{Audience, Message, of_booking, of_event},
};
use jiff::Timestamp;
use jobs::Budget;
use settings::mail::MailConfig;
use std::time::Duration;
use stores::dynamodb::{Change, Store};
use tokio::sync::Semaphore;

use crate::{
    letter::{Facts, Letter},
    mailer::{Mailer, Recipient},
    measure,
};

/// More than are ever under way.
const TRIES_MAX: usize = 1_000;

/// All that it takes to tell people something.
#[derive(Debug)]
pub struct Teller {
    pub(crate) store: Store,
    mailer: Mailer,
    config: MailConfig,
    /// Taken by each try, so that whoever stops can wait for those under way.
    tries: Semaphore,
}

/// What became of a message, or of a try of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was written down before: somebody else tells it.
    Before,
    /// It is so old that it is not told any more.
    TooOld,
    /// It is written down, and told by the next run.
    Later,
    /// It was tried, and this came of it.
    Tried(Box<Delivery>),
}

impl Teller {
    /// A teller over these tables, which sends so.
    pub fn new(store: Store, mailer: Mailer, config: MailConfig) -> Self {
        Self { store, mailer, config, tries: Semaphore::new(TRIES_MAX) }
    }

    /// Where what is told of is.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Waits for the tries that are under way, and begins no more: what is left is told by whoever comes next.
    pub async fn finish(&self) {
        let all = self.tries.acquire_many(u32::try_from(TRIES_MAX).unwrap_or(u32::MAX)).await;
        self.tries.close();
        drop(all);
    }

    /// Tells what a change means, if it means anything to anybody.
    ///
    /// # Errors
    /// When a store fails: the change can be told again, and nothing is told twice by that.
    pub async fn tell_change(
        &self,
        change: &Change,
        at: Timestamp,
        budget: Budget,
    ) -> Result<Option<Told>, Error> {
        let message = match change {
            Change::Booking { before, after } => of_booking(before.as_deref(), Some(after)),
            Change::Event { before, after } => {
                of_event(after.id, after.version, before.as_ref().into(), after.as_ref().into(), at)
            }
            Change::Nothing => None,
        };
        match message {
            Some(message) => self.tell(&message, budget).await.map(Some),
            None => Ok(None),
        }
    }

    /// Tells a message, unless that was done before. It is written down first; then it is tried, as long as the budget is not
    /// over. Otherwise, and if it fails, the next run tries it.
    ///
    /// # Errors
    /// When a store fails.
    pub async fn tell(&self, message: &Message, budget: Budget) -> Result<Told, Error> {
        let now = Timestamp::now();
        if now.duration_since(message.at) > TOLD_WITHIN {
            return Ok(Told::TooOld);
        }
        let delivery = Delivery::new(message, now);
        if !self.store.add_delivery(&delivery).await? {
            return Ok(Told::Before);
        }
        match message.to {
            // The index of bookings follows the truth: by the next run it has.
            Audience::Bookers { .. } => Ok(Told::Later),
            Audience::Owner { .. } => self.try_begun(delivery, budget).await,
        }
    }

    /// Tries a delivery that nobody else tries now, and writes down what came of it.
    ///
    /// # Errors
    /// When a store fails. The delivery is tried again when its time for this try is over.
    pub async fn try_begun(&self, begun: Delivery, budget: Budget) -> Result<Told, Error> {
        let Ok(_under_way) = self.tries.acquire().await else { return Ok(Told::Later) };
        let Some(outcome) = self.outcome_of(&begun, budget).await? else { return Ok(Told::Later) };
        let tried = begun.after(&outcome, Timestamp::now(), fastrand::f64());
        if !self.store.change_delivery(&begun, &tried).await? {
            // It took so long that somebody else tries it.
            tracing::warn!(message_id = tried.message_id, "a delivery took longer than a try may");
        }
        measure::tried(&tried);
        tracing::info!(
            message_id = tried.message_id,
            recipient = tried.recipient,
            status = ?tried.status,
            tries = tried.tries,
            answer = tried.answer,
            "told"
        );
        Ok(Told::Tried(Box::new(tried)))
    }

    /// Sends it; `None` if its turn did not come before the budget was over.
    async fn outcome_of(&self, delivery: &Delivery, budget: Budget) -> Result<Option<Outcome>, Error> {
        let Some(user) = delivery.user() else {
            return Ok(Some(Outcome::Impossible("it is for nobody".to_owned())));
        };
        let Some(person) = self.store.people([user]).await?.remove(&user) else {
            // The index may not know yet who registered a moment ago.
            return Ok(Some(match delivery.tries {
                0 => Outcome::Failed("nobody has this account".to_owned()),
                _ => Outcome::Dropped("nobody has this account".to_owned()),
            }));
        };
        let booking = match delivery.booking_id {
            Some(booking) => self.store.booking(user, booking).await?,
            None => None,
        };
        let event = self.store.event(delivery.event_id).await?;
        let letter = Letter::of(Facts {
            delivery,
            name: person.name.as_deref(),
            event: event.as_ref(),
            booking: booking.as_ref(),
            public_url: self.config.public_url.as_deref(),
            domain: self.mailer.domain(),
            now: Timestamp::now(),
        });
        let letter = match letter {
            Ok(letter) => letter,
            Err(nothing) => return Ok(Some(Outcome::Dropped(nothing.to_owned()))),
        };
        if !self.has_turn(budget).await? {
            return Ok(None);
        }
        let to = Recipient { email: &person.email, name: person.name.as_deref() };
        let id = match delivery.booking_id {
            Some(_) => delivery.message_id.clone(),
            None => format!("{}.{}", delivery.message_id, delivery.recipient),
        };
        Ok(Some(self.mailer.send(&letter, to, &id, Timestamp::now()).await))
    }

    /// Waits for its turn among all that goes out in a second; false if the budget is over before.
    async fn has_turn(&self, budget: Budget) -> Result<bool, Error> {
        let Some(per_second) = self.config.per_second else { return Ok(!budget.is_over()) };
        while !budget.is_over() {
            let now = Timestamp::now();
            if self.store.take_of_second(now, per_second).await? {
                return Ok(true);
            }
            // Into the next second, not all at its first moment.
            let left_ms = 1_000 - u64::try_from(now.as_millisecond().rem_euclid(1_000)).unwrap_or_default();
            tokio::time::sleep(Duration::from_millis(left_ms + fastrand::u64(0..100))).await;
        }
        Ok(false)
    }
}
