//! Waiting for another request to read what both need.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use domain::error::{Error, GaveUp};

/// How long a request waits before it is told to try again: longer than a turn, should whoever had it crash.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// The n-th pause is random, up to this times 2ⁿ, so that a crowd does not look all at once, nor all the time.
const PAUSE_BASE_MS: u64 = 20;
const PAUSE_MAX_MS: u64 = 320;

/// A request that waits.
#[derive(Debug)]
pub struct Waiting {
    since: Instant,
    pause_max_ms: u64,
}

impl Waiting {
    /// It begins.
    #[expect(clippy::new_without_default, reason = "a wait begins at a moment")]
    pub fn new() -> Self {
        Self { since: Instant::now(), pause_max_ms: PAUSE_BASE_MS }
    }

    /// Waits a moment; fails once it took too long.
    pub async fn a_moment(&mut self) -> Result<(), Error> {
        if self.since.elapsed() >= WAIT_MAX {
            return Err(Error::GaveUp(GaveUp::Waiting));
        }
        sleep(Duration::from_millis(fastrand::u64(self.pause_max_ms / 2..=self.pause_max_ms))).await;
        self.pause_max_ms = PAUSE_MAX_MS.min(self.pause_max_ms * 2);
        Ok(())
    }
}
