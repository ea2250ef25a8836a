//! What a process remembers of its clients: who was refused until when, and, while Redis is out of reach, the times of
//! their requests.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use quick_cache::sync::Cache;

use super::counted::Budget;
use domain::network::WIDE_TIMES;
use stores::redis::scripts::{Allowance, LimitOf};

/// Clients remembered at most. Beyond that those are forgotten that came once and long ago, which only means that Redis is
/// asked again.
const CLIENTS_MAX: usize = 10_000;

type Client = (Budget, String);
type Times = Arc<Mutex<VecDeque<Instant>>>;

#[derive(Debug)]
pub(crate) struct Memory {
    refused: Cache<Client, Instant>,
    counted: Cache<Client, Times>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { refused: Cache::new(CLIENTS_MAX), counted: Cache::new(CLIENTS_MAX) }
    }
}

impl Memory {
    /// How long the client is refused from now on, if it is.
    pub(super) fn refused_for(&self, budget: Budget, of: &LimitOf) -> Option<Duration> {
        let until = self.refused.get(&(budget, of.client.clone()))?;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Refuses the client until then.
    pub(super) fn refuse(&self, budget: Budget, of: &LimitOf, until: Instant) {
        self.refused.insert((budget, of.client.clone()), until);
    }

    /// Counts a request as `limit.lua` does.
    pub(super) fn count(&self, budget: Budget, of: &LimitOf, allowed: u64, window: Duration) -> Allowance {
        let own = self.count_one(budget, &of.client, allowed, window);
        let Some(wide) = of.wide.as_ref().filter(|_| own.is_allowed) else { return own };
        let wide = self.count_one(budget, wide, allowed * u64::from(WIDE_TIMES), window);
        if !wide.is_allowed {
            self.take_back_one(budget, &of.client);
        }
        if wide.left < own.left || !wide.is_allowed { wide } else { own }
    }

    fn count_one(&self, budget: Budget, client: &str, allowed: u64, window: Duration) -> Allowance {
        let now = Instant::now();
        let is_in_window = |time: &Instant| now.saturating_duration_since(*time) < window;
        let client = (budget, client.to_owned());
        let Ok(times) = self.counted.get_or_insert_with(&client, || Ok::<_, Infallible>(Times::default()));
        let mut times = times.lock();
        while times.front().is_some_and(|time| !is_in_window(time)) {
            times.pop_front();
        }
        let had = times.len() as u64;
        let is_allowed = had < allowed;
        if is_allowed {
            times.push_back(now);
        }
        let more_in = times.front().map_or(window, |oldest| window - now.saturating_duration_since(*oldest));
        Allowance { is_allowed, left: allowed.saturating_sub(had + 1), more_in }
    }

    /// Takes back one of the requests that this process counted by itself.
    pub(super) fn take_back(&self, budget: Budget, of: &LimitOf) {
        [Some(&of.client), of.wide.as_ref()]
            .into_iter()
            .flatten()
            .for_each(|one| self.take_back_one(budget, one));
    }

    fn take_back_one(&self, budget: Budget, client: &str) {
        if let Some(times) = self.counted.get(&(budget, client.to_owned())) {
            times.lock().pop_back();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_millis(80);

    fn of(client: &str) -> LimitOf {
        LimitOf { client: client.to_owned(), wide: None }
    }

    #[test]
    fn a_wider_network_has_ten_times_as_much() {
        let memory = Memory::default();
        let count = |client: usize| {
            let of = LimitOf { client: client.to_string(), wide: Some("wide".to_owned()) };
            memory.count(Budget::Auth, &of, 2, Duration::from_secs(60)).is_allowed
        };
        let allowed = (0..30).filter(|client| count(*client)).count();
        assert_eq!(allowed, 20);
        memory.take_back(Budget::Auth, &LimitOf { client: "0".to_owned(), wide: Some("wide".to_owned()) });
        assert!(count(30) && !count(31), "what is taken back is free, and what is refused does not count");
    }

    #[test]
    fn a_window_never_has_more_than_the_limit() {
        let memory = Memory::default();
        let count = |client: &str| memory.count(Budget::Writes, &of(client), 2, WINDOW);
        assert_eq!((count("a").left, count("a").left), (1, 0));
        let refused = count("a");
        assert!(!refused.is_allowed && refused.more_in <= WINDOW);
        assert!(count("b").is_allowed, "another client");
        assert!(memory.count(Budget::Auth, &of("a"), 2, WINDOW).is_allowed, "another budget");
        std::thread::sleep(WINDOW);
        assert!(count("a").is_allowed);
    }

    #[test]
    fn who_was_refused_is_refused_until_then() {
        let memory = Memory::default();
        memory.refuse(Budget::Writes, &of("a"), Instant::now() + WINDOW);
        assert!(memory.refused_for(Budget::Writes, &of("a")).is_some());
        assert!(memory.refused_for(Budget::Writes, &of("b")).is_none());
        assert!(memory.refused_for(Budget::Reads, &of("a")).is_none());
        std::thread::sleep(WINDOW);
        assert!(memory.refused_for(Budget::Writes, &of("a")).is_none());
    }

    #[test]
    fn no_number_of_clients_fills_the_memory() {
        let memory = Memory::default();
        for n in 0..=2 * CLIENTS_MAX {
            memory.refuse(Budget::Writes, &of(&n.to_string()), Instant::now() + WINDOW);
            memory.count(Budget::Writes, &of(&n.to_string()), 1, WINDOW);
        }
        assert!(memory.refused.len() <= CLIENTS_MAX && memory.counted.len() <= CLIENTS_MAX);
    }
    #[test]
    fn a_flood_of_other_clients_does_not_free_one_that_keeps_coming() {
        let memory = Memory::default();
        let until = Instant::now() + Duration::from_secs(60);
        memory.refuse(Budget::Writes, &of("a"), until);
        let mut allowed =
            u64::from(memory.count(Budget::Writes, &of("a"), 1, Duration::from_secs(60)).is_allowed);
        for n in 0..3 * CLIENTS_MAX {
            memory.refuse(Budget::Writes, &of(&n.to_string()), until);
            memory.count(Budget::Writes, &of(&n.to_string()), 1, Duration::from_secs(60));
            if n % 500 == 0 {
                assert!(memory.refused_for(Budget::Writes, &of("a")).is_some(), "after {n} others");
                allowed +=
                    u64::from(memory.count(Budget::Writes, &of("a"), 1, Duration::from_secs(60)).is_allowed);
            }
        }
        assert_eq!(allowed, 1, "within one window");
    }
}
