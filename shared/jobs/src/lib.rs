//! Jobs: what is done again and again, of its own accord, rather than for a request.
//!
//! A [`Job`] has a name and does its work within a [`Budget`] of time: it begins nothing when that is over, so that a run ends
//! well before its function's timeout, however slow a store is. It is safe to repeat, safe to run twice at once, and may be
//! broken off anywhere. A [`Series`] runs a function's jobs one after another, the one that matters most first, each leaving
//! some time to those behind it, so that bookkeeping never delays safety.
//!
//! What is done right after a change is fed by [`Records`] of the tables' streams.
//!
//! Most jobs have something to do for each event: [`walk`] takes them there, and keeps where it came to after each page, so
//! that the next run goes on there.

mod budget;
mod records;
mod walk;

use std::time::Duration;

use domain::error::Error;
use jiff::Timestamp;

pub use self::{
    budget::Budget,
    records::{Records, unreadable},
    walk::{Walk, walk},
};

/// A job, which adds to a report of type `R` what it did.
pub trait Job<R> {
    /// What it is called, in the log and in the name of its cursor.
    const NAME: &'static str;

    /// One run.
    ///
    /// # Errors
    /// When it could not go on. What it did is in the report all the same, and the next run goes on from there.
    fn run(
        &self,
        now: Timestamp,
        budget: Budget,
        report: &mut R,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A function's jobs, one after another.
#[derive(Debug)]
pub struct Series<'a, R> {
    now: Timestamp,
    budget: Budget,
    report: &'a mut R,
    failure: Option<Error>,
}

impl<'a, R> Series<'a, R> {
    /// Jobs that share this time, and add to that report.
    pub fn new(now: Timestamp, budget: Budget, report: &'a mut R) -> Self {
        Self { now, budget, report, failure: None }
    }

    /// Runs the next job, which leaves so much time to those behind it, and what it does not need. One that fails does not keep
    /// the others from running.
    pub async fn run<J: Job<R>>(&mut self, job: &J, left_to_others: Duration) {
        let outcome = job.run(self.now, self.budget.leaving(left_to_others), self.report).await;
        if let Err(error) = outcome {
            tracing::error!(job = J::NAME, %error, "a job could not go on");
            self.failure.get_or_insert(error);
        }
    }

    /// How it went with all of them.
    ///
    /// # Errors
    /// The first failure.
    pub fn outcome(self) -> Result<(), Error> {
        self.failure.map_or(Ok(()), Err)
    }
}
