//! Telling one message, and trying one delivery.

use accounts::tokens::Tokens;
use domain::{
    delivery::{BOOKERS, Delivery, Outcome, TOLD_WITHIN},
    email::Email,
    endpoint_url::Addresses,
    error::Error,
    id::UserId,
    message::{Audience, Kind, Message, of_booking, of_event},
    user::Person,
    webhook::WebhookMessage,
};
use jiff::Timestamp;
use jobs::Budget;
use settings::mail::MailConfig;
use std::{sync::Arc, time::Duration};
use stores::dynamodb::{Change, OtherAddresses, Store};
use tokio::sync::Semaphore;

use crate::{
    MailerError, account_letter, endpoint_letter,
    letter::{Facts, Letter},
    mailer::{Mailer, Recipient},
    measure,
    webhooks::Webhooks,
};

/// More than are ever under way.
const TRIES_MAX: usize = 1_000;

/// Mails a day to an address that nobody verified, beside those about the account, which are counted when they are asked for.
const UNVERIFIED_PER_DAY: u32 = 5;

/// All that it takes to tell people something.
#[derive(Debug)]
pub struct Teller {
    pub(crate) store: Store,
    /// How people are told; they are not, without.
    mail: Option<Mail>,
    /// How endpoints are told; there are none, without.
    pub(crate) webhooks: Option<Webhooks>,
    /// Signs what mails about an account carry.
    tokens: Arc<Tokens>,
    /// Taken by each try, so that whoever stops can wait for those under way.
    tries: Semaphore,
}

#[derive(Debug)]
struct Mail {
    mailer: Mailer,
    config: MailConfig,
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
    /// A teller over these tables: to people as the settings of mail say, and to endpoints, where there is a table of them, at these
    /// addresses.
    ///
    /// # Errors
    /// When a setting can't be used.
    pub async fn open(
        store: Store,
        tokens: Arc<Tokens>,
        mail: Option<MailConfig>,
        addresses: Addresses,
    ) -> Result<Self, MailerError> {
        let mail = match mail {
            Some(config) => Some(Mail { mailer: Mailer::open(&config).await?, config }),
            None => None,
        };
        let webhooks = store.has_webhooks().then(|| Webhooks::new(store.clone(), addresses, mail.is_some()));
        let webhooks = webhooks.transpose().map_err(MailerError::Tls)?;
        Ok(Self { store, mail, webhooks, tokens, tries: Semaphore::new(TRIES_MAX) })
    }

    /// Whether people are told anything.
    pub(crate) fn has_mail(&self) -> bool {
        self.mail.is_some()
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
        self.settle().await;
    }

    /// Waits for what endpoints are told beside all else: whoever is frozen when it ends must not leave any of it under way.
    pub async fn settle(&self) {
        if let Some(webhooks) = &self.webhooks {
            webhooks.settle().await;
        }
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
        if let Some(webhooks) = &self.webhooks
            && let Some(message) = to_endpoints(change, at)
        {
            Box::pin(self.tell_endpoints(webhooks, &message, budget)).await?;
        }
        let message = match change {
            Change::Booking { before, after } => of_booking(before.as_deref(), Some(after)),
            Change::Event { before: None, .. } => None,
            Change::Event { before: Some(before), after } => {
                of_event(after.id, after.version, before.as_ref().into(), after.as_ref().into(), at)
            }
            Change::Asked(delivery) => return self.tell_asked(delivery, budget).await,
            Change::Nothing => None,
        };
        match message.filter(|_| self.has_mail()) {
            Some(message) => self.tell(&message, budget).await.map(Some),
            None => Ok(None),
        }
    }

    /// Tells endpoints, unless it is too old.
    pub(crate) async fn tell_endpoints(
        &self,
        webhooks: &Webhooks,
        message: &WebhookMessage,
        budget: Budget,
    ) -> Result<(), Error> {
        match Timestamp::now().duration_since(message.at) > TOLD_WITHIN {
            true => Ok(()),
            false => webhooks.tell(message, budget).await,
        }
    }

    async fn tell_asked(&self, asked: &Delivery, budget: Budget) -> Result<Option<Told>, Error> {
        match (asked.endpoint(), &self.webhooks) {
            (Some(_), Some(webhooks)) => webhooks.tell_asked(asked).await.map(|()| None),
            (None, _) if self.has_mail() => self.try_due(asked, budget).await,
            _ => Ok(None),
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

    /// Tries a delivery that is due; `None` if somebody else does.
    ///
    /// # Errors
    /// When a store fails.
    pub(crate) async fn try_due(&self, due: &Delivery, budget: Budget) -> Result<Option<Told>, Error> {
        let begun = due.begun(Timestamp::now());
        if !self.store.change_delivery(due, &begun).await? {
            return Ok(None);
        }
        if begun.recipient == BOOKERS {
            self.spread(begun, budget).await?;
            return Ok(Some(Told::Later));
        }
        self.try_begun(begun, budget).await.map(Some)
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
        Ok(Told::Tried(Box::new(tried)))
    }

    /// Sends it; `None` if its turn did not come before the budget was over.
    async fn outcome_of(&self, delivery: &Delivery, budget: Budget) -> Result<Option<Outcome>, Error> {
        let Some(user) = delivery.user() else {
            return Ok(Some(Outcome::Impossible("it is for nobody".to_owned())));
        };
        let Some(person) = self.store.people([user]).await?.remove(&user) else {
            return Ok(Some(is_gone(delivery)));
        };
        let Some(mail) = &self.mail else {
            return Ok(Some(Outcome::Dropped("no mail is sent".to_owned())));
        };
        let public_url = &mail.config.public_url;
        let to_them =
            |letter: Result<Letter, &'static str>| letter.map(|letter| (letter, person.email.clone()));
        let letter = match delivery.kind {
            kind if kind.is_of_account() => {
                // The index may not know yet where the account moved: nothing about it goes to the address that it left.
                let Some(others) = self.store.other_addresses(&person.email, user).await? else {
                    return Ok(Some(is_gone(delivery)));
                };
                self.letter_of_account(delivery, &person, others, public_url)?
            }
            Kind::WebhookDisabled => to_them(self.letter_of_endpoint(delivery, public_url).await?),
            _ => to_them(self.letter_of_event(delivery, user, &person, mail).await?),
        };
        let (letter, email) = match letter {
            Ok(letter) => letter,
            Err(nothing) => return Ok(Some(Outcome::Dropped(nothing.to_owned()))),
        };
        if delivery.tries == 0 && !self.may_be_told(delivery, &person).await? {
            return Ok(Some(Outcome::Dropped(
                "its address is not verified, and had enough today".to_owned(),
            )));
        }
        if !self.has_turn(mail.config.per_second, budget).await? {
            return Ok(None);
        }
        let name = person.name.as_deref().filter(|_| !delivery.kind.is_of_account());
        let to = Recipient { email: &email, name };
        let id = match (delivery.booking_id, delivery.event_id) {
            (Some(_), _) | (None, None) => delivery.message_id.clone(),
            (None, Some(_)) => format!("{}.{}", delivery.message_id, delivery.recipient),
        };
        Ok(Some(mail.mailer.send(&letter, to, &id, Timestamp::now()).await))
    }

    /// The letter about an account, and where it goes; or why there is nothing to say any more.
    fn letter_of_account(
        &self,
        delivery: &Delivery,
        person: &Person,
        others: OtherAddresses,
        public_url: &str,
    ) -> Result<Result<(Letter, Email), &'static str>, Error> {
        let to = match account_letter::goes_to(delivery, person, others) {
            Ok(to) => to,
            Err(nothing) => return Ok(Err(nothing)),
        };
        let letter = account_letter::of(delivery, person, &to, public_url, &self.tokens)?;
        Ok(letter.map(|letter| (letter, to)))
    }

    /// The letter about an event, or somebody's booking of it; or why there is nothing to say any more.
    async fn letter_of_event(
        &self,
        delivery: &Delivery,
        user: UserId,
        person: &Person,
        Mail { mailer, config }: &Mail,
    ) -> Result<Result<Letter, &'static str>, Error> {
        let booking = match delivery.booking_id {
            Some(booking) => self.store.booking(user, booking).await?,
            None => None,
        };
        let event = match delivery.event_id {
            Some(event) => self.store.event(event).await?,
            None => None,
        };
        Ok(Letter::of(Facts {
            delivery,
            name: person.name.as_deref(),
            event: event.as_ref(),
            booking: booking.as_ref(),
            public_url: &config.public_url,
            sender: mailer.sender(),
            now: Timestamp::now(),
        }))
    }

    /// What the admin hears who made an endpoint that is told nothing any more.
    async fn letter_of_endpoint(
        &self,
        delivery: &Delivery,
        public_url: &str,
    ) -> Result<Result<Letter, &'static str>, Error> {
        let endpoint = match (delivery.webhook_id, &self.webhooks) {
            (Some(id), Some(_)) => {
                self.store.endpoints().await?.into_iter().find(|endpoint| endpoint.id == id)
            }
            _ => None,
        };
        Ok(endpoint_letter::of(endpoint.as_ref(), public_url))
    }

    /// Whoever registers an address that is not theirs can't have us fill its mailbox.
    async fn may_be_told(&self, delivery: &Delivery, person: &Person) -> Result<bool, Error> {
        Ok(delivery.kind.is_of_account()
            || self.store.is_email_verified(&person.email, person.id).await?
            || self
                .store
                .take_of_day(person.id, &delivery.message_id, Timestamp::now(), UNVERIFIED_PER_DAY)
                .await?)
    }

    /// Waits for its turn among all that goes out in a second; false if the budget is over before.
    async fn has_turn(&self, per_second: Option<u32>, budget: Budget) -> Result<bool, Error> {
        let Some(per_second) = per_second else { return Ok(!budget.is_over()) };
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

/// What a change means to endpoints.
fn to_endpoints(change: &Change, at: Timestamp) -> Option<WebhookMessage> {
    match change {
        Change::Booking { before, after } => WebhookMessage::of_booking(before.as_deref(), Some(after)),
        Change::Event { before: Some(before), after } => {
            let differs = before.details != after.details;
            let facts = [before.as_ref().into(), after.as_ref().into()];
            WebhookMessage::of_event(after.id, after.version, facts, differs, at)
        }
        // One of a later version is restored: nobody publishes it now.
        Change::Event { before: None, after } if after.version > 1 => None,
        Change::Event { before: None, after } => WebhookMessage::of_new_event(after, at),
        Change::Asked(_) | Change::Nothing => None,
    }
}

/// Nobody has the account. The index may not know yet who registered, or moved, a moment ago.
fn is_gone(delivery: &Delivery) -> Outcome {
    match delivery.tries {
        0 => Outcome::Failed("nobody has this account".to_owned()),
        _ => Outcome::Dropped("nobody has this account".to_owned()),
    }
}
