//! Holds that ran out, and confirms that crashed.

use booking::{Expired, expire};
use domain::{error::Error, event::Event};
use http_api::App;
use jiff::Timestamp;
use jobs::{Budget, Job};

use crate::{report::Run, walk_events};

pub(crate) struct Holds<'a> {
    pub(crate) app: &'a App,
    pub(crate) page_events: usize,
}

impl Job<Run> for Holds<'_> {
    const NAME: &'static str = "holds";

    async fn run(&self, now: Timestamp, budget: Budget, run: &mut Run) -> Result<(), Error> {
        let (app, job) = (self.app, (Self::NAME, self.page_events));
        let expire_holds = |event: Event| async move {
            let done = expire(&app.protocol, &event, now, budget).await;
            done.inspect_err(
                |error| tracing::error!(event_id = %event.id, %error, "holds could not be expired"),
            )
        };
        let each = |done| run.add_expired(done);
        let is_complete = walk_events(app, job, now, budget, expire_holds, each).await?;
        run.unfinished |= !is_complete;
        Ok(())
    }
}

impl Run {
    fn add_expired(&mut self, expired: Result<Expired, Error>) {
        let Ok(one) = expired else {
            self.events_failed += 1;
            return;
        };
        self.events_swept += 1;
        let done = &mut self.done;
        done.holds_expired += one.holds_expired;
        done.confirms_finished += one.confirms_finished;
        done.confirms_undone += one.confirms_undone;
        done.confirms_failed += one.confirms_failed;
        done.oldest_overdue_ms = done.oldest_overdue_ms.max(one.oldest_overdue_ms);
        done.events_refreshed += u32::from(one.refreshed);
        done.events_unloaded += u32::from(one.unloaded);
    }
}
