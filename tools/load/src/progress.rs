//! What is seen while it runs: a bar on a terminal; elsewhere, in a CI log for example, a line now and then.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use tokio::time::sleep;

use crate::{drive::Crowd, record::Outcome};

const BAR_EVERY: Duration = Duration::from_millis(250);
const LINE_EVERY: Duration = Duration::from_secs(5);
const STYLE: &str = "  {bar:24} {msg}";

/// Shows the progress from `start` over the warm-up and `time` until it is dropped.
pub(crate) async fn show(crowd: Rc<Crowd>, start: Instant, warmup: Duration, time: Duration) {
    let total = warmup + time;
    // Hides itself where standard output is no terminal.
    let bar = ProgressBar::with_draw_target(Some(ms(total)), ProgressDrawTarget::stdout())
        .with_finish(ProgressFinish::AndClear);
    if let Ok(style) = ProgressStyle::with_template(STYLE) {
        bar.set_style(style);
    }
    let every = if bar.is_hidden() { LINE_EVERY } else { BAR_EVERY };
    let mut answered_before = 0;
    loop {
        sleep(every).await;
        let passed = start.elapsed().min(total);
        let now = match passed < warmup {
            true => "warming up".to_owned(),
            false => format!("{:>3} of {} s", (passed - warmup).as_secs(), time.as_secs()),
        };
        let [done, refused, limited, failed] =
            [Outcome::Done, Outcome::Refused, Outcome::Limited, Outcome::Failed]
                .map(|outcome| crowd.record.borrow().count(outcome));
        let answered = done + refused + limited + failed;
        let per_second = (answered - answered_before) * 1_000 / ms(every);
        answered_before = answered;
        let mut said = format!("{now}  {per_second}/s  {done} done, {refused} refused, {failed} failed");
        if limited > 0 {
            said += &format!(", {limited} limited");
        }
        if bar.is_hidden() {
            println!("  {said}");
        } else {
            bar.set_position(ms(passed));
            bar.set_message(said);
        }
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
