//! Jobs: what is done again and again, of its own accord, rather than for a request.
//!
//! A [`Job`] has a name and does its work within a [`Budget`] of time: it begins nothing when that is over, so that a run ends
//! well before its function's timeout, however slow a store is. It is safe to repeat, safe to run twice at once, and may be
//! broken off anywhere. [`run_all`] runs a function's jobs one after another, the one that matters most first, each leaving
//! some time to those behind it, so that bookkeeping never delays safety.
//!
//! Most jobs have something to do for each event: [`walk`] takes them there, and keeps where it came to after each page, so
//! that the next run goes on there.

mod budget;
mod walk;

use std::time::Duration;

use domain::error::Error;
use futures::future::BoxFuture;
use jiff::Timestamp;

pub use self::{
    budget::Budget,
    walk::{Walk, walk},
};

/// A job, which adds to a report of type `R` what it did.
pub trait Job<R>: Send + Sync {
    /// What it is called, in the log and in the name of its cursor.
    fn name(&self) -> &'static str;

    /// One run.
    ///
    /// # Errors
    /// When it could not go on. What it did is in the report all the same, and the next run goes on from there.
    fn run<'a>(
        &'a self,
        now: Timestamp,
        budget: Budget,
        report: &'a mut R,
    ) -> BoxFuture<'a, Result<(), Error>>;
}

/// A job, and how much of a run's time it leaves to those behind it.
pub type Leaving<'a, R> = (&'a dyn Job<R>, Duration);

/// Runs jobs in their order. One that fails does not keep the others from running; the first failure is answered. A job that
/// ends early leaves its time to those behind it.
pub async fn run_all<R>(
    jobs: &[Leaving<'_, R>],
    now: Timestamp,
    budget: Budget,
    report: &mut R,
) -> Result<(), Error> {
    let mut outcome = Ok(());
    for (job, left_to_others) in jobs {
        if let Err(error) = job.run(now, budget.leaving(*left_to_others), report).await {
            tracing::error!(job = job.name(), %error, "a job could not go on");
            outcome = outcome.and(Err(error));
        }
    }
    outcome
}
