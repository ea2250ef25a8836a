//! What is seen while a seed runs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use kit::progress::Bar;
use parking_lot::Mutex;
use tokio::time::sleep;

use crate::world::World;

const LINE_EVERY: Duration = Duration::from_secs(10);

/// How far a seed is.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    day: Duration,
    /// What comes after the day; empty during it.
    phase: Mutex<&'static str>,
    bar: Bar,
}

impl Progress {
    /// The bad day starts now and is to last so long.
    pub(crate) fn start(day: Duration) -> Self {
        Self { started: Instant::now(), day, phase: Mutex::default(), bar: Bar::new(day, LINE_EVERY) }
    }

    /// Since the start.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether half of the day is over.
    pub(crate) fn is_past_half(&self) -> bool {
        self.now() > self.day / 2
    }

    /// A line that stays.
    pub(crate) fn say(&self, what: &str) {
        let at = self.now().as_secs_f64();
        self.bar.say(&format!("{at:>6.1} s  {what}"));
    }

    /// The day is over, and this begins.
    pub(crate) fn enter(&self, phase: &'static str) {
        *self.phase.lock() = phase;
        self.say(phase);
    }

    /// The bar goes, the last line stays.
    pub(crate) fn end(&self, what: &str) {
        self.bar.end();
        self.say(what);
    }

    fn show(&self, counts: &str) {
        let (now, phase) = (self.now(), *self.phase.lock());
        let passed = now.min(self.day);
        let time = match phase {
            "" => format!("{:>3} of {} s", passed.as_secs(), self.day.as_secs()),
            _ => format!("{:>3} s", now.as_secs()),
        };
        self.bar.show(passed, format!("{time}  {counts}"));
    }
}

/// Shows the progress until it is dropped.
pub(crate) async fn show(world: Arc<World>) {
    let progress = &world.progress;
    loop {
        sleep(progress.bar.every()).await;
        let requests: u64 = world.history.answers().values().sum();
        let faults: u64 = world.faults.counts().values().sum();
        let violations = world.history.violation_count();
        progress.show(&format!("{requests} requests, {faults} faults, {violations} violations"));
    }
}
