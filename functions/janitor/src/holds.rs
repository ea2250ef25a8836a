//! Holds that ran out, and confirms that crashed.

use booking::{Expired, expire};
use domain::error::Error;
use futures::{FutureExt, future::BoxFuture};
use http_api::App;
use jiff::Timestamp;
use jobs::{Budget, Job, Walk, walk};

use crate::{EVENTS_AT_ONCE, events_with_work, report::Run};

pub(crate) struct Holds<'a> {
    pub(crate) app: &'a App,
    pub(crate) page_events: usize,
}

impl Job<Run> for Holds<'_> {
    fn name(&self) -> &'static str {
        "holds"
    }

    fn run<'a>(
        &'a self,
        now: Timestamp,
        budget: Budget,
        run: &'a mut Run,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            // Until it has come to the end, it has not.
            let was_unfinished = std::mem::replace(&mut run.unfinished, true);
            let start = self.app.redis.janitor_cursor(self.name()).await?;
            let events = Walk {
                store: &self.app.store,
                filter: events_with_work(now),
                page_events: self.page_events,
                at_once: EVENTS_AT_ONCE,
            };
            let is_complete = walk(
                events,
                start,
                budget,
                |event| async move {
                    let done = expire(&self.app.protocol, &event, now, budget).await;
                    done.inspect_err(
                        |error| tracing::error!(event_id = %event.id, %error, "holds could not be expired"),
                    )
                },
                |done| run.add_expired(done),
                |place| self.app.redis.set_janitor_cursor(self.name(), place),
            )
            .await?;
            run.unfinished = was_unfinished || !is_complete;
            Ok(())
        }
        .boxed()
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
