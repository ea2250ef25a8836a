//! What is seen while a tool is at work: a bar on a terminal; elsewhere, in a CI log for example, a line now and then.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

const BAR_EVERY: Duration = Duration::from_millis(200);
const STYLE: &str = "  {bar:24} {msg}";

/// How far the work is, in time.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    line_every: Duration,
}

impl Bar {
    /// Work that takes so long; without a terminal there is a line every so often.
    #[must_use]
    pub fn new(whole: Duration, line_every: Duration) -> Self {
        // Hides itself where standard output is no terminal.
        let bar = ProgressBar::with_draw_target(Some(ms(whole)), ProgressDrawTarget::stdout())
            .with_finish(ProgressFinish::AndClear);
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            bar.set_style(style);
        }
        Self { bar, line_every }
    }

    /// How often to show something new.
    #[must_use]
    pub fn every(&self) -> Duration {
        if self.bar.is_hidden() { self.line_every } else { BAR_EVERY }
    }

    /// Shows how much has passed and what is to be said of it.
    pub fn show(&self, passed: Duration, said: String) {
        if self.bar.is_hidden() {
            println!("  {said}");
        } else {
            self.bar.set_position(ms(passed));
            self.bar.set_message(said);
        }
    }

    /// A line that stays.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| println!("  {line}"));
    }

    /// The bar goes.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
