//! The look for what no stream told: once an hour, what happened since the last one is held against what was told.
//!
//! Bookings are looked at event by event, over all that one may still have or lose seats of. What admins changed about events is
//! in the audit trail, with the version that came of it.

use std::collections::BTreeMap;

use domain::{
    audit::{AuditEntry, FieldValue},
    delivery::{Delivery, TOLD_WITHIN},
    error::Error,
    event::{EVENT_DAYS_MAX, Event, EventStatus},
    id::EventId,
    message::{EventFacts, Message, due_of_booking, of_event},
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
        let messages = changed.iter().flat_map(|booking| due_of_booking(booking, from));
        self.tell_missing(messages.filter(|message| message.at <= began), budget).await
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
            for entry in page.items.into_iter().filter(may_matter) {
                entries.entry(entry.event_id).or_default().push(entry);
            }
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        let mut messages = Vec::new();
        for (id, entries) in entries {
            let Some(event) = store.event(id).await? else { continue };
            messages.extend(messages_of(&event, &entries).into_iter().filter(|message| message.at <= began));
        }
        self.tell_missing(messages.into_iter(), budget).await
    }

    /// Tells those that nobody told.
    async fn tell_missing(
        &self,
        messages: impl Iterator<Item = Message>,
        budget: Budget,
    ) -> Result<u32, Error> {
        let by_key: BTreeMap<(String, String), Message> = messages
            .map(|message| {
                let Delivery { message_id, recipient, .. } = Delivery::new(&message, message.at);
                ((message_id, recipient), message)
            })
            .collect();
        let keys: Vec<_> = by_key.keys().cloned().collect();
        let told = self.teller.store.deliveries_among(&keys).await?;
        let mut missed = 0;
        for (key, message) in by_key.iter().filter(|(key, _)| !told.contains(*key)) {
            tracing::warn!(message_id = key.0, "no stream told this: it is told now");
            measure::found_by_looking();
            self.teller.tell(message, budget).await?;
            missed += 1;
        }
        Ok(missed)
    }
}

fn may_matter(entry: &AuditEntry) -> bool {
    entry.changes.iter().any(|change| ["status", "starts_at"].contains(&change.field.as_str()))
}

/// What the entries of the audit trail, the newest first, mean to those who have seats. They have what changed, and how the event is
/// now says the rest: from there it goes back.
fn messages_of(event: &Event, entries: &[AuditEntry]) -> Vec<Message> {
    let mut after = EventFacts::from(event);
    let mut messages = Vec::new();
    for entry in entries {
        let mut before = after;
        for change in &entry.changes {
            let Some(FieldValue::Text(was)) = &change.before else { continue };
            match change.field.as_str() {
                "status" => before.status = EventStatus::parse(was).unwrap_or(before.status),
                "starts_at" => before.starts_at = was.parse().unwrap_or(before.starts_at),
                _ => {}
            }
        }
        messages.extend(
            entry.version_after.and_then(|version| of_event(event.id, version, before, after, entry.at)),
        );
        after = before;
    }
    messages
}
