//! How fast passwords may be tried: wrong ones slow down what comes next, and a stranger's wrong ones do not keep the
//! owner of an account out.
//!
//! An attempt is a sign-in, a change of the password or of the address, an erasure, or a registration of an address that is taken: all tell
//! whether a password is right. Each is counted in several places, by one script (`attempt.lua`), before that. Once a count
//! is high, the next attempt must wait; the delay doubles with each failure up to a bound. A right password takes its
//! attempt back. What waits is answered at once, with when to come again, and costs no hash (but the one that
//! every registration begins with).
//!
//! Registrations alone wait for their turn themselves, for up to `PATIENCE`. The same registration twenty times at once makes
//! one account and nineteen attempts with its right password, of which all after the fifth would be told to wait although none
//! was wrong: attempts under way count as failed. So they try again while those under way are taken back. Nobody guesses faster
//! by it: a wrong password is let through no sooner than at a sign-in, for the same script decides, and a delay that is longer
//! than their patience, as after eight wrong ones, is answered at once. To count after the comparison instead would let
//! as many guesses through as come at once; and to wait for a new account only would tell which ones are new.
//!
//! | Counter | Against | Keeps out |
//! | --- | --- | --- |
//! | account and network | guessing one account's password | only that network, from that account |
//! | network, over all accounts | trying one password, or a stolen list, on many accounts | only that network |
//! | account, over all networks | guessing one account's password from many networks | networks that the account never signed in from |
//! | wider network, over all accounts | the same from the thousands of networks that one customer of IPv6 has | its networks that the account never signed in from |
//!
//! The last two are those that strangers could turn against the owner, so the networks from which the account has signed in
//! before are exempt: it neither stops them nor do they count. A network is known for 30 days after its last right
//! password.
//!
//! Limits, which follow from this:
//! - An owner who comes from a new network while many networks guess at the account has to get in between them.
//! - Whoever shares the owner's network (an office, a carrier's gateway) can slow the owner down there: by up to
//!   15 minutes with the account's address, by up to a minute without.
//! - Whoever shares a /48 with a guesser, as a carrier's subscribers do, waits for up to a minute there, but in networks that the
//!   account signed in from.
//! - A stranger with thousands of networks has five attempts an hour from each at first, and all together about one a
//!   minute; common passwords are refused at registration so that these are not enough.
//! - Attempts under way count as failed: if fifty people of one network sign in within a tenth of a second, some must try
//!   again after a second.
//! - If Redis forgets, the counts start again; without Redis each process counts by itself, account and network only.
//!
//! Redis learns no address, neither of mail nor of network: fingerprints with the JWT secret stand for them. A new secret
//! starts all counts again.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use quick_cache::sync::Cache;
use serde::Serialize;
use tokio::time::sleep;

use crate::Accounts;
use domain::{email::Email, error::Error};
use stores::redis::scripts::{FailureRules, FailuresOf};
use telemetry::names;

const MINUTE_MS: u64 = 60_000;

/// The rules of the counters.
#[derive(Clone, Copy, Serialize)]
struct Rules {
    pair: FailureRules,
    address: FailureRules,
    account: FailureRules,
    /// `None` for a network that is part of no wider one which counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    wide: Option<FailureRules>,
}

const RULES: Rules = Rules {
    // A person who tries the few passwords that it might have been does not notice.
    pair: FailureRules { free: 5, delay_ms: 1_000, delay_ms_max: 15 * MINUTE_MS, memory_ms: 60 * MINUTE_MS },
    // Many people share a network.
    address: FailureRules { free: 50, delay_ms: 1_000, delay_ms_max: MINUTE_MS, memory_ms: 15 * MINUTE_MS },
    account: FailureRules { free: 100, delay_ms: 1_000, delay_ms_max: MINUTE_MS, memory_ms: 60 * MINUTE_MS },
    // Ten times what a network may: a carrier has thousands of subscribers in one.
    wide: Some(FailureRules {
        free: 500,
        delay_ms: 1_000,
        delay_ms_max: MINUTE_MS,
        memory_ms: 15 * MINUTE_MS,
    }),
};

const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Networks of an account that are remembered: home, work, telephone, and those of travels.
const KNOWN_MAX: usize = 20;
/// How long a registration waits for its turn. With a hash before and one after, it stays below what a request may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long it waits before it tries again: about as long as a hash takes, then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const PAUSE_MAX: Duration = Duration::from_millis(200);
/// Counters that a process keeps while it is without Redis.
const KEPT_MAX: usize = 10_000;

/// What a process counts while Redis is out of reach.
#[derive(Debug)]
pub(crate) struct Attempts(Cache<String, Arc<Mutex<Kept>>>);

impl Default for Attempts {
    fn default() -> Self {
        Self(Cache::new(KEPT_MAX))
    }
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    failures: u32,
    until: Instant,
    forgotten_at: Instant,
}

/// Where an attempt comes from, in words that only have to be different for different networks.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The network.
    pub network: String,
    /// The wider network that it is part of, if that counts, too.
    pub wide: Option<String>,
}

/// An attempt to tell an account's password. It counts as failed unless it [succeeds](Attempt::succeeded).
#[derive(Debug)]
#[must_use]
pub struct Attempt<'a> {
    accounts: &'a Accounts,
    of: FailuresOf,
}

/// Asks to try the password of an account, whether it exists or not, from that address; `TooManyAttempts` if too many
/// were wrong.
pub async fn try_password<'a>(
    accounts: &'a Accounts,
    email: &Email,
    from: impl Into<Origin>,
) -> Result<Attempt<'a>, Error> {
    let of = failures_of(accounts, email, &from.into());
    match count(accounts, &of).await? {
        None => Ok(Attempt { accounts, of }),
        Some(wait) => Err(too_many(wait)),
    }
}

/// Like [`try_password`], but waits for its turn, for up to `PATIENCE`: the attempts that it would be refused for may be under
/// way, and right.
pub async fn try_password_in_turn<'a>(
    accounts: &'a Accounts,
    email: &Email,
    from: impl Into<Origin>,
) -> Result<Attempt<'a>, Error> {
    let of = failures_of(accounts, email, &from.into());
    let deadline = Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    while let Some(wait) = count(accounts, &of).await? {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || wait > PATIENCE {
            return Err(too_many(wait));
        }
        sleep(pause.min(wait).min(left)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
    Ok(Attempt { accounts, of })
}

fn failures_of(accounts: &Accounts, email: &Email, from: &Origin) -> FailuresOf {
    let of_network = |network: &str| accounts.tokens.fingerprint("network", network);
    FailuresOf {
        account: accounts.tokens.fingerprint("account", email.of_all_releases().as_str()),
        network: of_network(&from.network),
        wide: from.wide.as_deref().map(of_network),
    }
}

/// Counts an attempt, or answers how long to wait if there were too many.
async fn count(accounts: &Accounts, of: &FailuresOf) -> Result<Option<Duration>, Error> {
    let rules = Rules { wide: RULES.wide.filter(|_| of.wide.is_some()), ..RULES };
    match accounts.redis.attempt(of, &rules, KNOWN_FOR).await {
        Err(error @ Error::OutOfReach { .. }) => {
            tracing::warn!(%error, "wrong passwords are counted by this process alone");
            Ok(accounts.attempts.count(of, Instant::now()))
        }
        counted => counted,
    }
}

fn too_many(wait: Duration) -> Error {
    metrics::counter!(names::SIGN_INS_SLOWED).increment(1);
    Error::TooManyAttempts { wait_seconds: wait.as_millis().div_ceil(1_000).max(1) as u64 }
}

impl Attempt<'_> {
    /// The password was right.
    pub async fn succeeded(self) {
        self.take_back(true).await;
    }

    /// What was `found`, if the password was right; `None` stands for a wrong one. If something of ours failed before the
    /// password was looked at, the client is told to send it again, which must not count against anybody.
    pub async fn judge<T>(self, found: Result<Option<T>, Error>) -> Result<T, Error> {
        match found {
            Ok(Some(found)) => {
                self.succeeded().await;
                Ok(found)
            }
            Ok(None) => Err(self.failed()),
            Err(error) => {
                self.take_back(false).await;
                Err(error)
            }
        }
    }

    async fn take_back(self, is_right: bool) {
        self.accounts.attempts.forget(&self.of);
        if let Err(error) = self.accounts.redis.signed_in(&self.of, KNOWN_FOR, KNOWN_MAX, is_right).await {
            tracing::warn!(%error, "a password that was not wrong still counts as a wrong one");
        }
    }

    /// The password was wrong, or there is no such account.
    pub fn failed(self) -> Error {
        metrics::counter!(names::PASSWORDS_WRONG).increment(1);
        Error::InvalidCredentials
    }
}

impl Attempts {
    /// Counts an attempt, as `attempt.lua` does. Answers how long to wait if there were too many.
    fn count(&self, of: &FailuresOf, now: Instant) -> Option<Duration> {
        let (pair, network) = (self.counter(pair_of(of), now), self.counter(of.network.clone(), now));
        // The pair's first, always, so that no two wait for each other.
        let (mut pair, mut network) = (pair.lock(), network.lock());
        let wait = pair.until.max(network.until).saturating_duration_since(now);
        if !wait.is_zero() {
            return Some(wait);
        }
        for (counter, rules) in [(&mut *pair, RULES.pair), (&mut *network, RULES.address)] {
            if counter.forgotten_at <= now {
                *counter = Kept::new(now);
            }
            counter.failures += 1;
            counter.until = now + delay(&rules, counter.failures);
            counter.forgotten_at = now + Duration::from_millis(rules.memory_ms);
        }
        None
    }

    fn counter(&self, key: String, now: Instant) -> Arc<Mutex<Kept>> {
        let fresh = || Ok::<_, Infallible>(Arc::new(Mutex::new(Kept::new(now))));
        let Ok(counter) = self.0.get_or_insert_with(&key, fresh);
        counter
    }

    fn forget(&self, of: &FailuresOf) {
        self.0.remove(&pair_of(of));
        if let Some(network) = self.0.get(&of.network) {
            let mut network = network.lock();
            network.failures = network.failures.saturating_sub(1);
            network.until = Instant::now();
        }
    }
}

impl Kept {
    fn new(now: Instant) -> Self {
        Self { failures: 0, until: now, forgotten_at: now }
    }
}

fn pair_of(of: &FailuresOf) -> String {
    format!("{} {}", of.account, of.network)
}

fn delay(rules: &FailureRules, failures: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(rules.free) else { return Duration::ZERO };
    let delay_ms = rules.delay_ms.saturating_mul(2_u64.saturating_pow(doublings));
    Duration::from_millis(delay_ms.min(rules.delay_ms_max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(account: &str, network: &str) -> FailuresOf {
        FailuresOf { account: account.to_owned(), network: network.to_owned(), wide: None }
    }

    #[test]
    fn delays_double_up_to_a_bound() {
        let seconds = |failures| delay(&RULES.pair, failures).as_secs();
        assert_eq!([4, 5, 6, 7, 14, 15, 4_000_000_000].map(seconds), [0, 1, 2, 4, 512, 900, 900]);
    }

    #[test]
    fn without_redis_a_process_counts_by_itself() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..5 {
            assert_eq!(attempts.count(&of("ada", "here"), now), None);
        }
        assert_eq!(attempts.count(&of("ada", "here"), now), Some(Duration::from_secs(1)));
        assert_eq!(attempts.count(&of("ada", "there"), now), None);
        assert_eq!(attempts.count(&of("bob", "here"), now), None);
        let later = now + Duration::from_secs(1);
        assert_eq!(attempts.count(&of("ada", "here"), later), None);
        assert_eq!(attempts.count(&of("ada", "here"), later), Some(Duration::from_secs(2)));
        let much_later = later + Duration::from_millis(RULES.pair.memory_ms);
        assert_eq!(attempts.count(&of("ada", "here"), much_later), None, "all is forgotten");
        assert_eq!(attempts.count(&of("ada", "here"), much_later), None);
    }

    #[test]
    fn without_redis_a_right_password_clears_the_account() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        for _ in 0..5 {
            attempts.count(&of("ada", "here"), now);
        }
        attempts.forget(&of("ada", "here"));
        assert_eq!(attempts.count(&of("ada", "here"), Instant::now()), None);
    }
}
