//! What is seen while it runs.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use kit::progress::Bar;
use tokio::time::sleep;

use crate::{drive::Crowd, record::Outcome};

const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows the progress from `start` over the warm-up and `time` until it is dropped.
pub(crate) async fn show(crowd: Rc<Crowd>, start: Instant, warmup: Duration, time: Duration) {
    let total = warmup + time;
    let bar = Bar::new(total, LINE_EVERY);
    let mut answered_before = 0;
    loop {
        sleep(bar.every()).await;
        let passed = start.elapsed().min(total);
        let now = match passed < warmup {
            true => "warming up".to_owned(),
            false => format!("{:>3} of {} s", (passed - warmup).as_secs(), time.as_secs()),
        };
        let [done, refused, limited, failed] =
            [Outcome::Done, Outcome::Refused, Outcome::Limited, Outcome::Failed]
                .map(|outcome| crowd.record.borrow().count(outcome));
        let answered = done + refused + limited + failed;
        let per_second = (answered - answered_before) as f64 / bar.every().as_secs_f64();
        answered_before = answered;
        let mut said = format!("{now}  {per_second:.0}/s  {done} done, {refused} refused, {failed} failed");
        if limited > 0 {
            said += &format!(", {limited} limited");
        }
        bar.show(passed, said);
    }
}
