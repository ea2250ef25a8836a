//! The janitor: every minute, for every event that may have holds, expires overdue holds, settles confirms that
//! crashed, and moves past hours of sales to where they are kept. Safe to run twice at once. Its work a run is bounded, and the next run goes on where it stopped.

use std::time::Duration;

use booking::{Sweep, sweep};
use domain::{error::Error, event::Event};
use futures::{StreamExt, stream};
use http_api::App;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use stores::dynamodb::{EventsFilter, UNMOVED_DAYS};
use tokio::time::Instant;

mod measure;

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
    /// What was done for them.
    #[serde(flatten)]
    pub done: Sweep,
}

/// One run.
pub async fn run(app: &App, now: Timestamp) -> Result<Report, Error> {
    run_within(app, now, RUN_TIME_MAX).await
}

/// One run that begins no further page of events after so long.
pub async fn run_within(app: &App, now: Timestamp, time_max: Duration) -> Result<Report, Error> {
    let started = Instant::now();
    let until = started + time_max;
    // An event's sales end with the event at the latest, its keys go soon after, and its last hours of sales are moved.
    let lookback = SignedDuration::from_hours(24 * UNMOVED_DAYS);
    let filter = EventsFilter { from: Some(now - lookback), ..EventsFilter::default() };
    let mut report = Report::default();
    let mut start = app.redis.janitor_cursor().await?;
    loop {
        let page = app.store.events_by_start(&filter, PAGE_EVENTS, start).await?;
        let mut sweeps = stream::iter(page.items.into_iter().map(|event| one_event(app, event, now, until)))
            .buffer_unordered(EVENTS_AT_ONCE);
        while let Some(swept) = sweeps.next().await {
            report.add(swept);
        }
        start = page.next;
        report.complete = start.is_none();
        if report.complete || Instant::now() >= until {
            app.redis.set_janitor_cursor(start).await?;
            measure::record(&report, started.elapsed());
            tracing::info!(report = %serde_json::json!(report), "janitor ran");
            return Ok(report);
        }
    }
}

/// A failure for one event must not keep the others waiting.
async fn one_event(app: &App, event: Event, now: Timestamp, until: Instant) -> Option<Sweep> {
    sweep(&app.protocol, &event, now, until)
        .await
        .inspect_err(|error| tracing::error!(event_id = %event.id, %error, "sweep failed"))
        .ok()
}

impl Report {
    fn add(&mut self, swept: Option<Sweep>) {
        match swept {
            Some(done) => {
                self.events_swept += 1;
                self.done.add(done);
            }
            None => self.events_failed += 1,
        }
    }
}
