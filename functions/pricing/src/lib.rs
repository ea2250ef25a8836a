//! Demand pricing: every 24 hours, each upcoming published event with `pricing` gets the price that demand asks for.
//! [`domain::pricing`] has the rule, [`catalogue::price_event`] what is done for one event.
//!
//! Safe to run twice, also at once: an event is moved once a day, in UTC. Its work a run is bounded; a run that does
//! not come to the end leaves its place in Redis, and the next one goes on there. Without Redis it starts over, which
//! costs little: what was priced today is skipped.

mod measure;

use std::time::Duration;

use catalogue::{Priced, price_event, pricing_day};
use domain::{
    error::Error,
    event::{Event, EventStatus},
};
use futures::{StreamExt, stream};
use http_api::App;
use jiff::Timestamp;
use serde::Serialize;
use stores::{dynamodb::EventsFilter, redis::PricingCursor};
use tokio::time::Instant;

/// A run begins no further page of events after this time.
const RUN_TIME_MAX: Duration = Duration::from_secs(220);
/// And no further event so much later. What is begun by then ends within the stores' own time limits, all together
/// below the function's timeout of 300 s.
const PAGE_TIME_MAX: Duration = Duration::from_secs(30);
const PAGE_EVENTS: usize = 200;
const EVENTS_AT_ONCE: usize = 16;

/// How much a run does at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// No further page of events is begun after this time.
    pub run_time: Duration,
    /// Events in a page.
    pub page_events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { run_time: RUN_TIME_MAX, page_events: PAGE_EVENTS }
    }
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Events looked at.
    pub events: u32,
    /// Events that became dearer.
    pub prices_raised: u32,
    /// Events that became cheaper.
    pub prices_lowered: u32,
    /// Events whose price is right as it is.
    pub prices_kept: u32,
    /// Events that were priced today already, or are no longer to be priced.
    pub prices_skipped: u32,
    /// Events that were left as they were because a store failed.
    pub events_failed: u32,
    /// Whether the run came to the end of the list.
    pub complete: bool,
}

/// Events are left that were not priced today. Running again soon is safe, and prices them.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("some events are not priced yet: {0:?}")]
pub struct Unfinished(Report);

/// One run.
pub async fn run(app: &App, now: Timestamp) -> Result<Report, Error> {
    run_within(app, now, Limits::default()).await
}

/// One run within other limits than the usual ones.
pub async fn run_within(app: &App, now: Timestamp, limits: Limits) -> Result<Report, Error> {
    let started = Instant::now();
    let until = started + limits.run_time;
    let filter = EventsFilter {
        upcoming_at: Some(now),
        status: Some(EventStatus::Published),
        with_pricing_only: true,
        ..EventsFilter::default()
    };
    let mut report = Report::default();
    let mut place = Place::of_last_run(app, now).await;
    loop {
        let page = app.store.events_by_start(&filter, limits.page_events, place.start.clone()).await?;
        if price_page(app, page.items, now, until + PAGE_TIME_MAX, &mut report).await {
            place.start = page.next;
            report.complete = place.is_the_end();
        }
        if report.complete || Instant::now() >= until {
            place.keep(app).await;
            measure::record(&report, started.elapsed());
            tracing::info!(report = %serde_json::json!(report), "pricing ran");
            return Ok(report);
        }
    }
}

/// Prices the events of a page. Answers whether there was time for all of them.
async fn price_page(
    app: &App,
    events: Vec<Event>,
    now: Timestamp,
    until: Instant,
    report: &mut Report,
) -> bool {
    let mut priced = stream::iter(events.into_iter().map(|event| one_event(app, event, now, until)))
        .buffer_unordered(EVENTS_AT_ONCE);
    let mut all = true;
    while let Some(one) = priced.next().await {
        match one {
            Some(outcome) => report.add(outcome),
            None => all = false,
        }
    }
    all
}

/// A failure for one event must not keep the others waiting. `None` if there was no time for it.
async fn one_event(app: &App, event: Event, now: Timestamp, until: Instant) -> Option<Result<Priced, Error>> {
    if Instant::now() >= until {
        return None;
    }
    if event.was_priced_on(pricing_day(now)) {
        return Some(Ok(Priced::Skipped));
    }
    let priced = price_event(&app.catalogue, event.id, now).await;
    Some(priced.inspect_err(|error| tracing::error!(event_id = %event.id, %error, "pricing failed")))
}

/// How far a run has come.
struct Place {
    /// Where its next page starts; from the beginning if `None`.
    start: Option<domain::page::PageKey>,
    /// The day for which the events before are priced.
    day: jiff::civil::Date,
    today: jiff::civil::Date,
}

impl Place {
    /// Where the last run stopped. Redis may have lost it, or be out of reach.
    async fn of_last_run(app: &App, now: Timestamp) -> Self {
        let today = pricing_day(now);
        let cursor = app.redis.pricing_cursor().await.unwrap_or_else(|error| {
            tracing::warn!(%error, "pricing starts from the first event");
            None
        });
        match cursor {
            Some(PricingCursor { day, start }) => Self { start: Some(start), day, today },
            None => Self { start: None, day: today, today },
        }
    }

    /// Whether the list is at its end. A run that went on where one of another day had stopped begins anew there: the
    /// events before were not priced today.
    fn is_the_end(&mut self) -> bool {
        let ends = self.start.is_none() && self.day == self.today;
        if self.start.is_none() {
            self.day = self.today;
        }
        ends
    }

    async fn keep(self, app: &App) {
        let cursor = self.start.map(|start| PricingCursor { day: self.day, start });
        if let Err(error) = app.redis.set_pricing_cursor(cursor).await {
            tracing::warn!(%error, "the next pricing run starts where this one did");
        }
    }
}

impl Report {
    fn add(&mut self, outcome: Result<Priced, Error>) {
        self.events += 1;
        *match outcome {
            Ok(Priced::Raised) => &mut self.prices_raised,
            Ok(Priced::Lowered) => &mut self.prices_lowered,
            Ok(Priced::Kept) => &mut self.prices_kept,
            Ok(Priced::Skipped) => &mut self.prices_skipped,
            Err(_) => &mut self.events_failed,
        } += 1;
    }

    /// The report of a run after which nothing is left to do today; an error otherwise, so that whoever invoked the run
    /// repeats it.
    pub fn finished(self) -> Result<Self, Unfinished> {
        if self.complete && self.events_failed == 0 { Ok(self) } else { Err(Unfinished(self)) }
    }
}
