//! How long a run may take.

use std::time::Duration;

use tokio::time::Instant;

/// The time of a run. When it is over, nothing more is begun; what is under way ends within the stores' own time limits.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    until: Instant,
}

impl Budget {
    /// So long from now on.
    pub fn of(time: Duration) -> Self {
        Self { until: Instant::now() + time }
    }

    /// Whether it is over.
    pub fn is_over(self) -> bool {
        Instant::now() >= self.until
    }

    /// All of it but so much at its end.
    #[must_use]
    pub fn leaving(self, time: Duration) -> Self {
        Self { until: self.until - time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_leaves_something_is_over_sooner() {
        let whole = Budget::of(Duration::from_secs(10));
        let part = whole.leaving(Duration::from_secs(6));
        for (second, over) in [(3, [false, false]), (4, [true, false]), (10, [true, true])] {
            tokio::time::sleep_until(whole.until - Duration::from_secs(10 - second)).await;
            assert_eq!([part, whole].map(Budget::is_over), over, "after {second} s");
        }
    }
}
