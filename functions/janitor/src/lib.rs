//! The janitor: every minute, for every event that may have holds, expires overdue holds and settles confirms that
//! crashed. Safe to run twice at once. Its work a run is bounded, and the next run goes on where it stopped.

use std::time::Duration;

use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use shared::{
    App, Error,
    domain::event::{EVENT_DAYS_MAX, Event},
    protocol::{Sweep, sweep},
    store::EventsFilter,
};
use tokio::time::Instant;

/// A run stops here, well before the next one starts, and below the function's timeout.
const RUN_TIME_MAX: Duration = Duration::from_secs(40);
const PAGE_EVENTS: usize = 200;
const EVENTS_AT_ONCE: usize = 16;

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Events looked at.
    pub events_swept: u32,
    /// Events that could not be looked at because a store failed.
    pub events_failed: u32,
    /// Whether the run came to the end of the list.
    pub complete: bool,
    /// Holds that ran out and returned their seats.
    pub holds_expired: u32,
    /// Confirms that were committed but not finished: finished now.
    pub confirms_finished: u32,
    /// Confirms that were begun but never committed: their seats returned.
    pub confirms_undone: u32,
    /// Events whose facts in Redis were old.
    pub events_refreshed: u32,
    /// Events that Redis forgot, because their sales are over.
    pub events_unloaded: u32,
    /// How late the latest overdue confirm was, in ms.
    pub oldest_overdue_ms: u64,
}

/// One run.
pub async fn run(app: &App, now: Timestamp) -> Result<Report, Error> {
    let started = Instant::now();
    // An event's sales end with the event at the latest, and its keys go soon after.
    let lookback = SignedDuration::from_hours(24 * (EVENT_DAYS_MAX + 2));
    let filter = EventsFilter { from: Some(now - lookback), ..EventsFilter::default() };
    let mut report = Report::default();
    let mut start = app.redis.janitor_cursor().await?;
    loop {
        let page = app.store.events_by_start(&filter, PAGE_EVENTS, start).await?;
        let mut sweeps = stream::iter(page.events.into_iter().map(|event| one_event(app, event, now)))
            .buffer_unordered(EVENTS_AT_ONCE);
        while let Some(swept) = sweeps.next().await {
            report.add(swept);
        }
        start = page.next;
        report.complete = start.is_none();
        if report.complete || started.elapsed() > RUN_TIME_MAX {
            app.redis.set_janitor_cursor(start).await?;
            tracing::info!(report = %serde_json::json!(report), "janitor ran");
            return Ok(report);
        }
    }
}

/// A failure for one event must not keep the others waiting.
async fn one_event(app: &App, event: Event, now: Timestamp) -> Option<Sweep> {
    sweep(app, &event, now)
        .await
        .inspect_err(|error| tracing::error!(event_id = %event.id, %error, "sweep failed"))
        .ok()
}

impl Report {
    fn add(&mut self, swept: Option<Sweep>) {
        let Some(swept) = swept else {
            self.events_failed += 1;
            return;
        };
        self.events_swept += 1;
        self.holds_expired += swept.holds_expired;
        self.confirms_finished += swept.confirms_finished;
        self.confirms_undone += swept.confirms_undone;
        self.events_refreshed += swept.events_refreshed;
        self.events_unloaded += swept.events_unloaded;
        self.oldest_overdue_ms = self.oldest_overdue_ms.max(swept.oldest_overdue_ms);
    }
}
