//! What is seen while a seed runs: a bar on a terminal; elsewhere, in a CI log for example, a line now and then.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};
use tokio::time::sleep;

use crate::{faults::lock, world::World};

const BAR_EVERY: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(10);
const STYLE: &str = "  {bar:24} {msg}";

/// How far a seed is.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    day: Duration,
    /// What comes after the day; empty during it.
    phase: Mutex<&'static str>,
    bar: ProgressBar,
}

impl Progress {
    /// The bad day starts now and is to last so long.
    pub(crate) fn start(day: Duration) -> Self {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        // Hides itself where standard output is no terminal.
        let bar = ProgressBar::with_draw_target(Some(ms(day)), ProgressDrawTarget::stdout())
            .with_finish(ProgressFinish::AndClear);
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            bar.set_style(style);
        }
        Self { started: Instant::now(), day, phase: Mutex::default(), bar }
    }

    /// Since the start.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// A line that stays.
    pub(crate) fn say(&self, what: &str) {
        let at = self.now().as_secs_f64();
        self.bar.suspend(|| println!("  {at:>6.1} s  {what}"));
    }

    /// The day is over, and this begins.
    pub(crate) fn enter(&self, phase: &'static str) {
        *lock(&self.phase) = phase;
        self.say(phase);
    }

    /// The bar goes, the last line stays.
    pub(crate) fn end(&self, what: &str) {
        self.bar.finish_and_clear();
        self.say(what);
    }

    fn draw(&self, counts: &str) {
        let (now, phase) = (self.now(), *lock(&self.phase));
        let passed = now.min(self.day);
        self.bar.set_position(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX));
        let time = match phase {
            "" => format!("{:>3} of {} s", passed.as_secs(), self.day.as_secs()),
            _ => format!("{:>3} s", now.as_secs()),
        };
        self.bar.set_message(format!("{time}  {counts}"));
    }
}

/// Shows the progress until it is dropped.
pub(crate) async fn show(world: Arc<World>) {
    let progress = &world.progress;
    let every = if progress.bar.is_hidden() { LINE_EVERY } else { BAR_EVERY };
    loop {
        sleep(every).await;
        let requests: u64 = world.history.answers().values().sum();
        let faults: u64 = world.faults.counts().values().sum();
        let violations = world.history.violation_count();
        let counts = format!("{requests} requests, {faults} faults, {violations} violations");
        if progress.bar.is_hidden() {
            progress.say(&counts);
        } else {
            progress.draw(&counts);
        }
    }
}
