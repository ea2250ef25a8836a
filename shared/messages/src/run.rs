//! What is done again and again.

use std::time::Duration;

use domain::error::Error;
use jiff::{SignedDuration, Timestamp};
use jobs::{Budget, Series};
use serde::Serialize;
use telemetry::names;
use tokio::time::Instant;

use crate::{Teller, due::Due, look::Missed, outcomes::Outcomes};

/// A run begins nothing after this time. What is begun by then ends within the time of a sending and of writing down what came of
/// it, all together below the function's timeout of 58 s.
const RUN_TIME_MAX: Duration = Duration::from_secs(32);
/// What many mails leave to the look.
const LEFT_TO_LOOK: Duration = Duration::from_secs(3);
/// Streams keep a day: there is time to be told of what they did not tell, and to see why.
const LOOK_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// How much a run does at most.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nothing is begun after this time.
    pub run_time: Duration,
    /// How often to look for what no stream told.
    pub look_every: SignedDuration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { run_time: RUN_TIME_MAX, look_every: LOOK_EVERY }
    }
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What became of mails.
    #[serde(flatten)]
    pub mails: Outcomes,
    /// What became of messages to endpoints.
    pub webhooks: Outcomes,
    /// Messages that no stream told.
    pub missed: u32,
}

/// One run.
///
/// # Errors
/// When it could not go on: the next run does the rest.
pub async fn run(teller: &Teller, now: Timestamp) -> Result<Report, Error> {
    run_within(teller, now, Limits::default()).await
}

/// One run within other limits than the usual ones.
///
/// # Errors
/// As [`run()`].
pub async fn run_within(teller: &Teller, now: Timestamp, limits: Limits) -> Result<Report, Error> {
    let started = Instant::now();
    let mut report = Report::default();
    let left_to_look = LEFT_TO_LOOK.min(limits.run_time / 2);
    let mut jobs = Series::new(now, Budget::of(limits.run_time), &mut report);
    jobs.run(&Due { teller }, left_to_look).await;
    jobs.run(&Missed { teller, every: limits.look_every }, Duration::ZERO).await;
    let outcome = jobs.outcome();
    metrics::histogram!(names::RUN_MS).record(started.elapsed().as_secs_f64() * 1_000.0);
    tracing::info!(report = %serde_json::json!(report), "notifications ran");
    outcome.map(|()| report)
}
