//! The look for what no stream told: once an hour, what happened since the last one is held against what was told.
//!
//! Bookings are looked at event by event, over all that one may still have or lose seats of. What admins changed about events is
//! in the audit trail, with the version that came of it.

use std::collections::BTreeMap;

use domain::{
    audit::{AuditAction, AuditEntry, FieldValue},
    delivery::{Delivery, TOLD_WITHIN},
    error::Error,
    event::{EVENT_DAYS_MAX, Event, EventStatus},
    id::EventId,
    message::{EventFacts, Message, due_of_booking, of_event},
    webhook::WebhookMessage,
};
use jiff::{SignedDuration, Timestamp};
use jobs::{Budget, Job, Walk, walk};
use stores::dynamodb::{AuditFilter, EventsFilter, Look};

use crate::{Report, Teller, measure};

/// What happened a moment ago is still with the streams.
const LEFT_TO_STREAMS: SignedDuration = SignedDuration::from_mins(5);
const EVENTS_PAGE: usize = 50;
const AUDIT_PAGE: usize = 100;

/// The look.
pub(crate) struct Missed<'a> {
    pub(crate) teller: &'a Teller,
    pub(crate) every: SignedDuration,
}

impl Job<Report> for Missed<'_> {
    const NAME: &'static str = "look";

    async fn run(&self, now: Timestamp, budget: Budget, report: &mut Report) -> Result<(), Error> {
        let store = &self.teller.store;
        let Some(mut look) = store.look().await? else {
            // What was before anybody told anything stays untold.
            return store.keep_look(&Look { from: now, began: None, place: None }).await;
        };
        // What is older is not told any more.
        look.from = look.from.max(now - TOLD_WITHIN);
        let began = match look.began {
            Some(began) => began,
            None if now.duration_since(look.from) < self.every => return Ok(()),
            None => {
                let began = now - LEFT_TO_STREAMS.min(self.every);
                report.missed += self.events(look.from, began, budget).await?;
                look.began = Some(began);
                began
            }
        };
        if self.bookings(&look, began, budget, report).await? {
            store.keep_look(&Look { from: began, began: None, place: None }).await?;
        }
        Ok(())
    }
}

impl Missed<'_> {
    /// Goes from event to event. Answers whether it came to the end.
    async fn bookings(
        &self,
        look: &Look,
        began: Timestamp,
        budget: Budget,
        report: &mut Report,
    ) -> Result<bool, Error> {
        let store = &self.teller.store;
        // Of an event that is over nothing is booked or cancelled.
        let from = look.from - SignedDuration::from_hours(24 * EVENT_DAYS_MAX);
        let filter = EventsFilter { from: Some(from), ..EventsFilter::default() };
        let mut outcome = Ok(());
        let is_whole = walk(
            Walk { store, filter, page_events: EVENTS_PAGE, at_once: 1 },
            look.place.clone(),
            budget,
            |event| self.of_event(event, look.from, began, budget),
            |found| match found {
                Ok(missed) => report.missed += missed,
                Err(error) => outcome = Err(error),
            },
            |place| {
                let kept = Look { from: look.from, began: Some(began), place };
                async move { store.keep_look(&kept).await }
            },
        )
        .await?;
        outcome.map(|()| is_whole)
    }

    async fn of_event(
        &self,
        event: Event,
        from: Timestamp,
        began: Timestamp,
        budget: Budget,
    ) -> Result<u32, Error> {
        if event.details.status == EventStatus::Draft {
            return Ok(0);
        }
        let changed = self.teller.store.bookings_changed_since(event.id, from).await?;
        let mut due = Changes::default();
        for booking in &changed {
            due.messages.extend(due_of_booking(booking, from));
            due.to_endpoints.extend(WebhookMessage::due_of_booking(booking, from));
        }
        self.tell_missing(due.until(began), budget).await
    }

    /// What admins did to events.
    async fn events(&self, from: Timestamp, began: Timestamp, budget: Budget) -> Result<u32, Error> {
        let store = &self.teller.store;
        if !store.is_audited() {
            return Ok(0);
        }
        let filter = AuditFilter { from: Some(from), ..AuditFilter::default() };
        let (mut start, mut entries) = (None, BTreeMap::<EventId, Vec<AuditEntry>>::new());
        loop {
            // The newest come first.
            let page = store.audit(&filter, AUDIT_PAGE, start, Timestamp::now()).await?;
            for entry in page.items.into_iter().filter(|entry| !entry.changes.is_empty()) {
                entries.entry(entry.event_id).or_default().push(entry);
            }
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        let mut due = Changes::default();
        for (id, entries) in entries {
            let Some(event) = store.event(id).await? else { continue };
            due.add_event(&event, &entries);
        }
        self.tell_missing(due.until(began), budget).await
    }

    /// Tells those that nobody told.
    async fn tell_missing(&self, changes: Changes, budget: Budget) -> Result<u32, Error> {
        let teller = self.teller;
        let mut missed = 0;
        if teller.has_mail() {
            let by_key: BTreeMap<_, Message> = changes
                .messages
                .into_iter()
                .map(|message| (key(&Delivery::new(&message, message.at)), message))
                .collect();
            for message in self.untold(&by_key).await? {
                teller.tell(message, budget).await?;
                missed += 1;
            }
        }
        if let Some(webhooks) = &teller.webhooks {
            let mut by_key = BTreeMap::new();
            for message in changes.to_endpoints {
                for delivery in webhooks.deliveries_of(&message, message.at).await? {
                    by_key.insert(key(&delivery), message.clone());
                }
            }
            // All endpoints of a message are told by the first of them; for the others nothing is left to do.
            for message in self.untold(&by_key).await? {
                Box::pin(teller.tell_endpoints(webhooks, message, budget)).await?;
                missed += 1;
            }
        }
        Ok(missed)
    }

    /// Those whose delivery was never written down.
    async fn untold<'b, M>(&self, by_key: &'b BTreeMap<(String, String), M>) -> Result<Vec<&'b M>, Error> {
        let keys: Vec<_> = by_key.keys().cloned().collect();
        let told = self.teller.store.deliveries_among(&keys).await?;
        let untold = by_key.iter().filter(|(key, _)| !told.contains(*key));
        Ok(untold
            .map(|(key, message)| {
                tracing::warn!(message_id = key.0, recipient = key.1, "no stream told this: it is told now");
                measure::found_by_looking();
                message
            })
            .collect())
    }
}

fn key(delivery: &Delivery) -> (String, String) {
    (delivery.message_id.clone(), delivery.recipient.clone())
}

/// What should have been told by now.
#[derive(Debug, Default)]
struct Changes {
    messages: Vec<Message>,
    to_endpoints: Vec<WebhookMessage>,
}

impl Changes {
    /// Only what happened until then.
    fn until(mut self, until: Timestamp) -> Self {
        self.messages.retain(|message| message.at <= until);
        self.to_endpoints.retain(|message| message.at <= until);
        self
    }

    /// What the entries of the audit trail, the newest first, mean. They have what changed, and how the event is now says the rest:
    /// from there it goes back.
    fn add_event(&mut self, event: &Event, entries: &[AuditEntry]) {
        let mut after = EventFacts::from(event);
        for entry in entries {
            let mut before = after;
            if entry.action == AuditAction::EventCreated {
                before.status = EventStatus::Draft;
            }
            for change in &entry.changes {
                let Some(FieldValue::Text(was)) = &change.before else { continue };
                match change.field.as_str() {
                    "status" => {
                        before.status = EventStatus::parse(was).unwrap_or(before.status);
                        before.cancels_bookings = false;
                    }
                    "starts_at" => before.starts_at = was.parse().unwrap_or(before.starts_at),
                    _ => {}
                }
            }
            if let Some(version) = entry.version_after {
                self.messages.extend(of_event(event.id, version, before, after, entry.at));
                let differs = !entry.changes.is_empty();
                self.to_endpoints.extend(WebhookMessage::of_event(
                    event.id,
                    version,
                    [before, after],
                    differs,
                    entry.at,
                ));
            }
            after = before;
        }
    }
}
