//! Waiting for another request to read what both need.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use domain::error::{Error, GaveUp};

/// How long a request waits before it is told to try again: longer than a turn, should whoever had it crash.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(5);
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
        sleep(Duration::from_millis(self.next_pause_ms())).await;
        Ok(())
    }

    fn next_pause_ms(&mut self) -> u64 {
        let most = self.pause_max_ms;
        self.pause_max_ms = PAUSE_MAX_MS.min(most * 2);
        fastrand::u64(most / 2..=most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_from_half_of_a_limit_that_grows_to_all_of_it() {
        let mut seen: Vec<Vec<u64>> = vec![Vec::new(); 7];
        for _ in 0..1_000 {
            let mut waiting = Waiting::new();
            for pauses in &mut seen {
                pauses.push(waiting.next_pause_ms());
            }
        }
        for (pauses, most) in seen.iter().zip([20, 40, 80, 160, 320, 320, 320]) {
            let (least, longest) = (*pauses.iter().min().unwrap(), *pauses.iter().max().unwrap());
            assert!((most / 2..=most * 11 / 20).contains(&least), "at least {least} of {most}");
            assert!((most * 19 / 20..=most).contains(&longest), "at most {longest} of {most}");
        }
    }

    #[tokio::test]
    async fn a_wait_ends_after_its_time_and_not_before() {
        for (waited_ms, is_over) in [(4_900, false), (5_000, true)] {
            let since = Instant::now() - Duration::from_millis(waited_ms);
            let mut waiting = Waiting { since, pause_max_ms: PAUSE_BASE_MS };
            let (began, waited) = (Instant::now(), waiting.a_moment().await);
            assert_eq!(waited.is_err(), is_over, "after {waited_ms} ms");
            assert_eq!(
                began.elapsed() < Duration::from_millis(PAUSE_BASE_MS / 2),
                is_over,
                "it pauses, or not"
            );
            if let Err(error) = waited {
                assert!(matches!(error, Error::GaveUp(GaveUp::Waiting)), "{error}");
            }
        }
    }
}
