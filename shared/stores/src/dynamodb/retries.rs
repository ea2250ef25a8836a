//! When a transaction is tried again that DynamoDB was too busy for: other transactions were under way on its items, or
//! a partition had no write units left. `tools/simulate` runs the same code.

use std::time::Duration;

/// All tries of one transaction together; with the last try still below the functions' timeout of 10 s.
const BUDGET: Duration = Duration::from_secs(4);
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
        (spent + pause < BUDGET).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_limit() {
        let longest = |failed| {
            let pauses = (0..2_000).map(|_| Retries { failed }.pause_after(Duration::ZERO).unwrap());
            pauses.max().unwrap().as_millis()
        };
        for (failed, most) in [(0, 20), (1, 40), (3, 160), (6, 800), (32, 800)] {
            let seen = longest(failed);
            assert!(seen <= most && seen > most * 9 / 10, "{failed}: {seen} of {most}");
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
        assert!(spent < BUDGET && (5..1_000).contains(&tries), "{tries} tries in {spent:?}");
        assert_eq!(Retries::default().pause_after(BUDGET), None);
    }
}
