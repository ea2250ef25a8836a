//! Telling endpoints, by the Standard Webhooks specification. Each message to each endpoint is a delivery of its own, and each endpoint
//! has its own line of those that are due: one that hangs holds up itself alone.

mod body;
mod known;
mod sender;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    delivery::{Delivery, Outcome},
    endpoint_url::Addresses,
    error::Error,
    id::WebhookId,
    time::to_whole_ms,
    webhook::{DisabledBecause, Endpoint, EndpointStatus, WebhookMessage},
};
use futures::{StreamExt, future::join_all, stream};
use jiff::{SignedDuration, Timestamp};
use jobs::Budget;
use stores::dynamodb::{Queue, Store};
use tokio::{sync::OwnedSemaphorePermit, task::JoinSet};

use self::{
    known::{AT_ONCE, Known, KnownEndpoints},
    sender::{Answer, Letter, Sender},
};
use crate::{measure, outcomes::Outcomes};

/// Deliveries of an endpoint that are read at once.
const READ_AT_ONCE: usize = 100;
/// No delivery waits longer for its next try.
const REMOVED_WAITS_MAX: SignedDuration = SignedDuration::from_hours(48);
/// What becomes of a delivery that its endpoint will not get.
const NOBODY_THERE: &str = "the endpoint is disabled, or was removed";

/// All that it takes to tell endpoints something.
#[derive(Debug)]
pub(crate) struct Webhooks {
    tries: Arc<Tries>,
    /// What is tried while its teller goes on.
    under_way: Mutex<JoinSet<()>>,
}

#[derive(Debug)]
struct Tries {
    store: Store,
    sender: Sender,
    known: KnownEndpoints,
    /// Whether admins can be told by mail.
    has_mail: bool,
}

impl Webhooks {
    /// # Errors
    /// When there is no TLS to be had.
    pub(crate) fn new(store: Store, addresses: Addresses, has_mail: bool) -> Result<Self, String> {
        let tries =
            Tries { store, sender: Sender::new(addresses)?, known: KnownEndpoints::default(), has_mail };
        Ok(Self { tries: Arc::new(tries), under_way: Mutex::default() })
    }

    /// The deliveries of a message: one for each endpoint that wants it.
    pub(crate) async fn deliveries_of(
        &self,
        message: &WebhookMessage,
        now: Timestamp,
    ) -> Result<Vec<Delivery>, Error> {
        let known = self.tries.known.all(&self.tries.store, message.at).await?;
        let wanting = known.iter().filter(|one| one.endpoint.wants(message.kind, message.at));
        Ok(wanting.map(|one| Delivery::to_endpoint(message, one.endpoint.id, now)).collect())
    }

    /// Tells all endpoints that want it, unless that was done before. Each delivery is written down first; then it is tried, beside all
    /// that follows, where the endpoint works. Otherwise, and if it fails, its turn comes with the next run.
    pub(crate) async fn tell(&self, message: &WebhookMessage, budget: Budget) -> Result<(), Error> {
        let now = Timestamp::now();
        for delivery in self.deliveries_of(message, now).await? {
            let known = self.tries.known(&delivery).await?;
            let place = known.as_ref().and_then(|one| self.tries.known.place(&one.endpoint));
            match place.filter(|_| !budget.is_over()) {
                Some(place) if self.tries.store.add_delivery(&delivery).await? => self.begin(delivery, place),
                Some(_) => {}
                None => {
                    let due = Delivery { due_at: Some(to_whole_ms(now)), ..delivery };
                    self.tries.store.add_delivery(&due).await?;
                }
            }
        }
        Ok(())
    }

    /// Tries a delivery that was asked for, unless somebody else does, or the endpoint is slow.
    pub(crate) async fn tell_asked(&self, due: &Delivery) -> Result<(), Error> {
        let Some(known) = self.tries.known(due).await? else { return Ok(()) };
        let Some(place) = self.tries.known.place(&known.endpoint) else { return Ok(()) };
        let begun = due.begun(Timestamp::now());
        if self.tries.store.change_delivery(due, &begun).await? {
            self.begin(begun, place);
        }
        Ok(())
    }

    fn begin(&self, begun: Delivery, place: OwnedSemaphorePermit) {
        let tries = Arc::clone(&self.tries);
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        while under_way.try_join_next().is_some() {}
        under_way.spawn(async move {
            let _place = place;
            if let Err(error) = tries.try_begun(begun).await {
                tracing::error!(%error, "a delivery could not be tried");
            }
        });
    }

    /// Waits for all that is under way.
    pub(crate) async fn settle(&self) {
        let mut under_way =
            std::mem::take(&mut *self.under_way.lock().unwrap_or_else(PoisonError::into_inner));
        while under_way.join_next().await.is_some() {}
    }

    /// Tries what is due, of all endpoints at once, and drops what waits for those that were removed.
    pub(crate) async fn try_due(&self, budget: Budget) -> Result<Outcomes, Error> {
        let now = Timestamp::now();
        let known = self.tries.known.all(&self.tries.store, now).await?;
        let removed = self.tries.known.removed(&self.tries.store, now).await?;
        let lines = join_all(known.iter().map(|one| self.tries.try_line(one, budget)));
        let dropped = join_all(removed.iter().map(|one| self.tries.drop_line(*one, budget)));
        let (done, dropped) = futures::join!(lines, dropped);
        let mut all = Outcomes::default();
        for outcomes in done.into_iter().chain(dropped) {
            all.add_all(outcomes?);
        }
        Ok(all)
    }
}

impl Tries {
    async fn known(&self, delivery: &Delivery) -> Result<Option<Known>, Error> {
        let known = self.known.all(&self.store, delivery.happened_at).await?;
        Ok(known.iter().find(|one| Some(one.endpoint.id) == delivery.endpoint()).cloned())
    }

    /// The same, if it may be told anything, as it is right now: before it is told nothing for good.
    async fn enabled(&self, delivery: &Delivery) -> Result<Option<Known>, Error> {
        let is_enabled = |one: &Known| one.endpoint.status == EndpointStatus::Enabled;
        if let Some(one) = self.known(delivery).await?.filter(is_enabled) {
            return Ok(Some(one));
        }
        self.known.forget();
        Ok(self.known(delivery).await?.filter(is_enabled))
    }

    /// Tries what is due of one endpoint: as long as it works, or what failed can be tried once more within this run.
    async fn try_line(&self, one: &Known, budget: Budget) -> Result<Outcomes, Error> {
        let mut outcomes = Outcomes::default();
        let mut failures = 0;
        while !budget.is_over() && failures < 2 {
            let queue = Queue::Endpoint(one.endpoint.id);
            let due = self.store.due_deliveries(queue, Timestamp::now(), READ_AT_ONCE).await?;
            if due.is_empty() {
                return Ok(outcomes);
            }
            let tries: Vec<_> = due.iter().map(|due| self.try_one_due(due, budget)).collect();
            let mut tried = stream::iter(tries).buffer_unordered(AT_ONCE);
            let mut again: Option<Timestamp> = None;
            let mut gained = false;
            while let Some(tried) = tried.next().await {
                let Some(tried) = tried? else { continue };
                gained = true;
                again = [again, tried.due_at].into_iter().flatten().min();
                outcomes.add(tried.status);
            }
            match again {
                Some(again) => {
                    failures += 1;
                    let wait = Duration::try_from(again.duration_since(Timestamp::now())).unwrap_or_default();
                    if failures > 1 || budget.leaving(wait).is_over() {
                        return Ok(outcomes);
                    }
                    tokio::time::sleep(wait).await;
                }
                // The index follows the truth: what was tried a moment ago may still be in it.
                None if !gained => tokio::time::sleep(Duration::from_millis(250)).await,
                None => {}
            }
        }
        Ok(outcomes)
    }

    /// Drops all that waits for an endpoint that was removed, also what would be tried later.
    async fn drop_line(&self, endpoint: WebhookId, budget: Budget) -> Result<Outcomes, Error> {
        let mut outcomes = Outcomes::default();
        while !budget.is_over() {
            let later = Timestamp::now() + REMOVED_WAITS_MAX;
            let waiting = self.store.due_deliveries(Queue::Endpoint(endpoint), later, READ_AT_ONCE).await?;
            let drops: Vec<_> = waiting.iter().map(|waiting| self.drop_one(waiting)).collect();
            let before = outcomes.dropped;
            let mut drops = stream::iter(drops).buffer_unordered(AT_ONCE);
            while let Some(is_dropped) = drops.next().await {
                outcomes.dropped += u32::from(is_dropped?);
            }
            // The rest is under way somewhere, or the index does not know yet what was dropped: the next run sees.
            if before == outcomes.dropped {
                break;
            }
        }
        Ok(outcomes)
    }

    /// Drops what nobody tries now. Answers whether this did it.
    async fn drop_one(&self, waiting: &Delivery) -> Result<bool, Error> {
        Ok(!waiting.is_under_way(Timestamp::now())
            && self.store.change_delivery(waiting, &waiting.dropped(NOBODY_THERE)).await?)
    }

    async fn try_one_due(&self, due: &Delivery, budget: Budget) -> Result<Option<Delivery>, Error> {
        let begun = due.begun(Timestamp::now());
        if budget.is_over() || !self.store.change_delivery(due, &begun).await? {
            return Ok(None);
        }
        self.try_begun(begun).await.map(Some)
    }

    /// Tries a delivery that nobody else tries now, and writes down what came of it.
    async fn try_begun(&self, begun: Delivery) -> Result<Delivery, Error> {
        let outcome = self.outcome_of(&begun).await?;
        let tried = begun.after(&outcome, Timestamp::now(), fastrand::f64());
        if !self.store.change_delivery(&begun, &tried).await? {
            tracing::warn!(message_id = tried.message_id, "a delivery took longer than a try may");
        }
        measure::told_endpoint(&tried);
        Ok(tried)
    }

    async fn outcome_of(&self, delivery: &Delivery) -> Result<Outcome, Error> {
        let Some(Known { endpoint, secrets }) = self.enabled(delivery).await? else {
            return Ok(Outcome::Dropped(NOBODY_THERE.to_owned()));
        };
        let body = match body::of(&self.store, delivery).await? {
            Ok(body) => body,
            Err(nothing) => return Ok(Outcome::Dropped(nothing.to_owned())),
        };
        let now = Timestamp::now();
        let letter = Letter { id: &delivery.message_id, body: &body };
        let answer = self.sender.send(&endpoint.url, letter, secrets.signing(now), now).await;
        match answer {
            Answer::Taken(answer) => {
                if endpoint.failing_since.is_some() {
                    self.store.endpoint_works(endpoint.id).await?;
                    self.known.forget();
                }
                Ok(Outcome::Delivered(answer))
            }
            Answer::Gone(answer) => {
                self.disable(&endpoint, DisabledBecause::Gone).await?;
                Ok(Outcome::Impossible(answer))
            }
            Answer::Failed(answer) => {
                if endpoint.fails_for_too_long(now) {
                    self.disable(&endpoint, DisabledBecause::Failing).await?;
                } else if endpoint.failing_since.is_none() {
                    self.store.endpoint_fails(endpoint.id, now).await?;
                    self.known.forget();
                }
                Ok(Outcome::Failed(answer))
            }
        }
    }

    /// Disables an endpoint, and tells the admin who made it.
    async fn disable(&self, endpoint: &Endpoint, because: DisabledBecause) -> Result<(), Error> {
        if !self.store.disable_endpoint(endpoint, because).await? {
            return Ok(());
        }
        self.known.forget();
        measure::disabled_endpoint(endpoint.id, because);
        if self.has_mail {
            let told = Delivery::of_disabled(endpoint.id, endpoint.made_by, Timestamp::now());
            self.store.add_delivery(&told).await?;
        }
        Ok(())
    }
}
