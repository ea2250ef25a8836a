//! Bookings of events that were cancelled.

use booking::cancel_bookings;
use domain::error::Error;
use http_api::App;
use jiff::Timestamp;
use jobs::{Budget, Job};

use crate::report::Run;

pub(crate) struct Cancellations<'a> {
    pub(crate) app: &'a App,
}

impl Job<Run> for Cancellations<'_> {
    const NAME: &'static str = "cancellations";

    /// One event after the other: each is done as fast as the stores go.
    async fn run(&self, now: Timestamp, budget: Budget, run: &mut Run) -> Result<(), Error> {
        for event in std::mem::take(&mut run.cancelling) {
            if budget.is_over() {
                run.done.events_being_cancelled += 1;
                run.unfinished = true;
                continue;
            }
            match cancel_bookings(&self.app.protocol, event, now, budget).await {
                Ok(done) => {
                    run.done.bookings_cancelled += done.cancelled;
                    run.done.bookings_not_cancelled += done.failed;
                    run.done.events_being_cancelled += u32::from(!done.finished);
                }
                Err(error) => {
                    tracing::error!(event_id = %event, %error, "bookings of a cancelled event are left for later");
                    run.events_failed += 1;
                    run.done.events_being_cancelled += 1;
                }
            }
        }
        Ok(())
    }
}
