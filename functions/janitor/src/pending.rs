//! Pending bookings whose time is over, or of which the outside has said whether they were paid.

use booking::{Decided, decide};
use domain::error::Error;
use futures::{StreamExt, stream};
use http_api::App;
use jiff::Timestamp;
use jobs::{Budget, Job};
use stores::dynamodb::DueBooking;

use crate::report::Run;

/// Bookings read at once from each part of the index.
const PAGE: i32 = 50;
const AT_ONCE: usize = 16;

pub(crate) struct Pending<'a> {
    pub(crate) app: &'a App,
}

impl Job<Run> for Pending<'_> {
    const NAME: &'static str = "pending";

    async fn run(&self, now: Timestamp, budget: Budget, run: &mut Run) -> Result<(), Error> {
        loop {
            let (due, more) = self.app.store.due_bookings(now, PAGE).await?;
            let oldest = due.iter().map(|due| now.duration_since(due.at).as_millis()).max().unwrap_or(0);
            let oldest = u64::try_from(oldest).unwrap_or(0);
            run.done.oldest_due_booking_ms = run.done.oldest_due_booking_ms.max(oldest);
            let looks: Vec<_> = due.into_iter().map(|due| self.look(due, now, budget)).collect();
            let looked: Vec<_> = stream::iter(looks).buffer_unordered(AT_ONCE).collect().await;
            let decided = looked
                .iter()
                .filter(|looked| !matches!(looked, Ok(Some(Decided::Nothing)) | Err(())))
                .count();
            for looked in looked {
                run.add_looked(looked);
            }
            if budget.is_over() {
                run.unfinished |= more;
                return Ok(());
            }
            // The index lags behind: what is decided may be in it still, and would be read for ever.
            if !more || decided == 0 {
                return Ok(());
            }
        }
    }
}

impl Pending<'_> {
    async fn look(&self, due: DueBooking, now: Timestamp, budget: Budget) -> Result<Option<Decided>, ()> {
        if budget.is_over() {
            return Ok(None);
        }
        let decided = decide(&self.app.protocol, due.user, due.id, now).await;
        let decided = decided.inspect_err(
            |error| tracing::error!(booking_id = %due.id, %error, "a pending booking is left for later"),
        );
        decided.map(Some).map_err(|_| ())
    }
}

impl Run {
    fn add_looked(&mut self, looked: Result<Option<Decided>, ()>) {
        let done = &mut self.done;
        match looked {
            Ok(Some(Decided::Confirmed)) => done.bookings_confirmed += 1,
            Ok(Some(Decided::Expired)) => done.bookings_expired += 1,
            Ok(Some(Decided::Closing)) => done.bookings_closed += 1,
            Ok(Some(Decided::Nothing)) => {}
            Ok(None) => self.unfinished = true,
            Err(()) => done.bookings_undecided += 1,
        }
    }
}
