//! How popular events are: a process may have ended between a sale and its counting.

use domain::error::Error;
use http_api::App;
use jiff::Timestamp;
use jobs::{Budget, Job};

use crate::report::{Ranked, Run};

pub(crate) struct Popularity<'a> {
    pub(crate) app: &'a App,
}

impl Job<Run> for Popularity<'_> {
    const NAME: &'static str = "popularity";

    async fn run(&self, _: Timestamp, budget: Budget, run: &mut Run) -> Result<(), Error> {
        for Ranked { event, seen, should_be } in std::mem::take(&mut run.ranks) {
            if budget.is_over() {
                run.unfinished = true;
                break;
            }
            // What was sold since it was seen has changed it: then this changes nothing.
            run.done.ranks_corrected += u32::from(self.app.redis.correct(event, seen, should_be).await?);
        }
        Ok(())
    }
}
