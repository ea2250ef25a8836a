//! When a transaction is tried again that DynamoDB was too busy for: other transactions were under way on its items, or
//! a partition had no write units left. `tools/simulate` runs the same code.

use std::time::Duration;

/// All tries of one transaction together; with the last try still below the functions' timeout of 10 s.
pub const TRANSACTION_TIME_MAX: Duration = Duration::from_secs(4);
/// Full jitter: the n-th pause is random, up to this times 2ⁿ. (AWS Architecture Blog, "Exponential Backoff
/// And Jitter")
const PAUSE_BASE_MS: u64 = 20;
const PAUSE_MAX_MS: u64 = 800;

/// The failed tries of one transaction.
#[derive(Clone, Copy, Debug, Default)]
pub struct Retries {
    failed: u32,
}

impl Retries {
    /// A try failed, `spent` after the first one began. Answers how long to pause before the next; `None` to give up.
    pub fn pause_after(&mut self, spent: Duration) -> Option<Duration> {
        let most = (PAUSE_BASE_MS << self.failed).min(PAUSE_MAX_MS);
        self.failed = (self.failed + 1).min(u32::BITS);
        let pause = Duration::from_millis(fastrand::u64(0..=most));
        (spent + pause < TRANSACTION_TIME_MAX).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_anything_up_to_a_limit_that_grows() {
        for (failed, most) in [(0, 20), (1, 40), (3, 160), (6, 800), (32, 800)] {
            let pauses = (0..2_000).map(|_| Retries { failed }.pause_after(Duration::ZERO).unwrap());
            let mut pauses: Vec<_> = pauses.map(|pause| pause.as_millis()).collect();
            pauses.sort_unstable();
            let (least, middle, longest) = (pauses[0], pauses[1_000], pauses[1_999]);
            assert!(longest <= most && longest > most * 9 / 10, "{failed}: {longest} of {most}");
            // Those who met once would meet again if they all paused for long.
            assert!(least < most / 10, "{failed}: at least {least} of {most}");
            assert!((most * 2 / 5..=most * 3 / 5).contains(&middle), "{failed}: mostly {middle} of {most}");
        }
    }

    #[test]
    fn a_transaction_is_given_up_when_its_time_is_over() {
        let mut retries = Retries::default();
        let mut spent = Duration::ZERO;
        let mut tries = 1;
        while let Some(pause) = retries.pause_after(spent) {
            spent += pause;
            tries += 1;
        }
        assert!(spent < TRANSACTION_TIME_MAX && (5..1_000).contains(&tries), "{tries} tries in {spent:?}");
        assert_eq!(Retries::default().pause_after(TRANSACTION_TIME_MAX), None);
    }
}
