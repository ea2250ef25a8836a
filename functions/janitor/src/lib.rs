//! The janitor: every minute, for every event that may have holds, it sees to it that seats return and that the two stores
//! agree; then it keeps the books. Safe to run twice at once. Its time is bounded, and the next run goes on where it stopped.
//!
//! Its jobs, in their order: what matters to people who wait for a seat comes first, and has done its work before the books
//! are touched.
//!
//! | Job | Does | Cursor |
//! | --- | --- | --- |
//! | `holds` | expires holds, settles confirms that crashed, tells Redis of changes | of its own |
//! | `pending` | ends pending bookings whose time is over, or of which the outside has answered | none: what is due |
//! | `seats` | holds Redis' free seats against DynamoDB, and notices what the next three can do | of its own |
//! | `cancellations` | cancels the bookings of events that were cancelled | none: what `seats` noticed |
//! | `popularity` | corrects how popular an event is | none: what `seats` noticed |
//! | `hours` | moves past hours of sales to the day items | none: what `seats` noticed |

mod cancellations;
mod holds;
mod hours;
mod measure;
mod pending;
mod popularity;
mod report;
mod seats;

use std::time::Duration;

use domain::{error::Error, event::Event};
use http_api::App;
use jiff::{SignedDuration, Timestamp};
use jobs::{Budget, Series, Walk, walk};
use stores::dynamodb::{EventsFilter, UNMOVED_DAYS};
use tokio::time::Instant;

use self::{
    cancellations::Cancellations, holds::Holds, hours::Hours, pending::Pending, popularity::Popularity,
    report::Run, seats::Seats,
};
pub use report::{Report, Sweep};

/// A run begins nothing after this time, well before the next one starts; the function's timeout is longer by what a store
/// may take.
const RUN_TIME_MAX: Duration = Duration::from_secs(40);
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

/// One run.
pub async fn run(app: &App, now: Timestamp) -> Result<Report, Error> {
    run_within(app, now, Limits::default()).await
}

/// One run within other limits than the usual ones.
pub async fn run_within(app: &App, now: Timestamp, limits: Limits) -> Result<Report, Error> {
    let started = Instant::now();
    let mut run = Run::default();
    let (page_events, whole) = (limits.page_events, limits.run_time);
    let mut jobs = Series::new(now, Budget::of(whole), &mut run);
    jobs.run(&Holds { app, page_events }, whole * 5 / 12).await;
    jobs.run(&Pending { app }, whole / 3).await;
    jobs.run(&Seats { app, page_events }, whole / 4).await;
    jobs.run(&Cancellations { app }, whole / 10).await;
    jobs.run(&Popularity { app }, whole / 20).await;
    jobs.run(&Hours { app }, Duration::ZERO).await;
    let outcome = jobs.outcome();
    run.unfinished |= outcome.is_err();
    let report = run.report();
    measure::record(&report, started.elapsed());
    // The metrics tell that it ran.
    match report.is_idle() {
        true => tracing::debug!(report = %serde_json::json!(report), "janitor ran"),
        false => tracing::info!(report = %serde_json::json!(report), "janitor ran"),
    }
    outcome.map(|()| report)
}

/// Takes a job to the events that may have something to do, from where its last run stopped. An event's sales end with the
/// event at the latest, its keys go soon after, and its last hours of sales are moved. Answers whether it came to the end.
///
/// Each job that walks reads the list for itself. With one walk for all, the holds of one event would wait for the seats of
/// those before it; and a list that was kept for the next job would be in memory whole, and as old as the first job is slow.
async fn walk_events<T, F: Future<Output = T>>(
    app: &App,
    (job, page_events): (&str, usize),
    now: Timestamp,
    budget: Budget,
    one: impl Fn(Event) -> F,
    each: impl FnMut(T),
) -> Result<bool, Error> {
    let lookback = SignedDuration::from_hours(24 * UNMOVED_DAYS);
    let filter = EventsFilter { from: Some(now - lookback), ..EventsFilter::default() };
    let events = Walk { store: &app.store, filter, page_events, at_once: EVENTS_AT_ONCE };
    let start = app.redis.janitor_cursor(job).await?;
    walk(events, start, budget, one, each, |place| app.redis.set_janitor_cursor(job, place)).await
}
