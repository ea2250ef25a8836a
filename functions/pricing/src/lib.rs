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
    page::PageKey,
};
use http_api::App;
use jiff::{Timestamp, civil::Date};
use jobs::{Budget, Job, Walk, walk};
use serde::Serialize;
use stores::{dynamodb::EventsFilter, redis::PricingCursor};
use tokio::time::Instant;

/// A run begins nothing after this time. What is begun by then ends within the stores' own time limits, all together below
/// the function's timeout of 300 s.
const RUN_TIME_MAX: Duration = Duration::from_secs(250);
const PAGE_EVENTS: usize = 200;
const EVENTS_AT_ONCE: usize = 16;

/// How much a run does at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nothing is begun after this time.
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
    let mut report = Report::default();
    let job = Prices { app, page_events: limits.page_events };
    let outcome = job.run(now, Budget::of(limits.run_time), &mut report).await;
    measure::record(&report, started.elapsed());
    tracing::info!(report = %serde_json::json!(report), "pricing ran");
    outcome.map(|()| report)
}

/// The price of each event, once a day.
struct Prices<'a> {
    app: &'a App,
    page_events: usize,
}

impl Job<Report> for Prices<'_> {
    const NAME: &'static str = "prices";

    async fn run(&self, now: Timestamp, budget: Budget, report: &mut Report) -> Result<(), Error> {
        let today = pricing_day(now);
        if let Some(PricingCursor { day, start }) = self.place_of_last_run().await? {
            let is_at_the_end = self.price_from(Some(start), day, now, budget, report).await?;
            if day == today || !is_at_the_end {
                report.complete = is_at_the_end;
                return Ok(());
            }
            // It went on where a run of another day had stopped: the events before were not priced today.
        }
        report.complete = self.price_from(None, today, now, budget, report).await?;
        Ok(())
    }
}

impl Prices<'_> {
    /// Prices events from a place on. Answers whether there was time for all of them.
    async fn price_from(
        &self,
        start: Option<PageKey>,
        day: Date,
        now: Timestamp,
        budget: Budget,
        report: &mut Report,
    ) -> Result<bool, Error> {
        let filter = EventsFilter {
            upcoming_at: Some(now),
            status: Some(EventStatus::Published),
            with_pricing_only: true,
            ..EventsFilter::default()
        };
        let (store, page_events) = (&self.app.store, self.page_events);
        walk(
            Walk { store, filter, page_events, at_once: EVENTS_AT_ONCE },
            start,
            budget,
            |event| self.one(event, now),
            |priced| report.add(priced),
            |place| self.keep(place, day),
        )
        .await
    }

    /// A failure for one event must not keep the others waiting.
    async fn one(&self, event: Event, now: Timestamp) -> Result<Priced, Error> {
        if event.was_priced_on(pricing_day(now)) {
            return Ok(Priced::Skipped);
        }
        let priced = price_event(&self.app.catalogue, event.id, now).await;
        priced.inspect_err(|error| tracing::error!(event_id = %event.id, %error, "pricing failed"))
    }

    /// Where the last run stopped. Redis may have lost it, or be out of reach.
    async fn place_of_last_run(&self) -> Result<Option<PricingCursor>, Error> {
        match self.app.redis.pricing_cursor().await {
            Err(error) if error.is_without_redis() => {
                tracing::warn!(%error, "pricing starts from the first event");
                Ok(None)
            }
            cursor => cursor,
        }
    }

    async fn keep(&self, place: Option<PageKey>, day: Date) -> Result<(), Error> {
        let cursor = place.map(|start| PricingCursor { day, start });
        match self.app.redis.set_pricing_cursor(cursor).await {
            Err(error) if error.is_without_redis() => {
                tracing::warn!(%error, "the next pricing run starts where this one did");
                Ok(())
            }
            kept => kept,
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
