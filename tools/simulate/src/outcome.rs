//! What came of a rush, in a few numbers.

use std::time::Duration;

use crate::rush::Confirm;

/// Of so many confirms all but one make up the time that a small sale is said to take: the last may be an unlucky one.
const ALL_BUT_ONE_OF: usize = 100;

/// What came of a rush.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Bookings confirmed in a second.
    pub bookings_per_second: f64,
    /// Seats in them.
    pub seats_per_second: f64,
    /// The part of all confirms that needed more than one try.
    pub retried: f64,
    /// The part of all confirms that was given up: the buyer is told to try again.
    pub given_up: f64,
    /// How long a confirm took in the median.
    pub p50: Duration,
    /// How long 99 of 100 confirms took at most.
    pub p99: Duration,
}

impl Outcome {
    /// The steady state: what was confirmed between two times, and what became of those who came then.
    pub fn between(confirms: &[Confirm], from: Duration, until: Duration) -> Self {
        let came = confirms.iter().filter(|confirm| (from..until).contains(&confirm.began));
        let done = confirms.iter().filter(|one| one.confirmed.is_some_and(|at| (from..until).contains(&at)));
        Self::of(&came.collect::<Vec<_>>(), &done.collect::<Vec<_>>(), until - from)
    }

    /// A whole sale, until all but one of a hundred bookings were confirmed.
    pub fn whole(confirms: &[Confirm]) -> Self {
        let mut done: Vec<_> = confirms.iter().filter(|confirm| confirm.confirmed.is_some()).collect();
        done.sort_by_key(|confirm| confirm.confirmed);
        done.truncate(done.len() - done.len() / ALL_BUT_ONE_OF);
        let took = done.last().and_then(|last| last.confirmed).unwrap_or(Duration::MAX);
        Self::of(&confirms.iter().collect::<Vec<_>>(), &done, took)
    }

    fn of(came: &[&Confirm], done: &[&Confirm], took: Duration) -> Self {
        let part = |count: usize| count as f64 / came.len().max(1) as f64;
        let mut times: Vec<_> = came.iter().filter_map(|one| Some(one.confirmed? - one.began)).collect();
        times.sort_unstable();
        let percentile = |percent| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        let seats: u32 = done.iter().map(|confirm| confirm.seats).sum();
        Self {
            bookings_per_second: done.len() as f64 / took.as_secs_f64(),
            seats_per_second: f64::from(seats) / took.as_secs_f64(),
            retried: part(came.iter().filter(|confirm| confirm.tries > 1).count()),
            given_up: part(came.iter().filter(|confirm| confirm.confirmed.is_none()).count()),
            p50: percentile(50),
            p99: percentile(99),
        }
    }
}
