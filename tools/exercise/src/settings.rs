//! How to exercise: from the environment, so that `make exercise SEEDS=10` works.

use std::{path::PathBuf, time::Duration};

use crate::Failure;

const SEEDS_DEFAULT: u64 = 2;
const MINUTES_DEFAULT: f64 = 1.0;
const MINUTES_MAX: f64 = 60.0;
const BUYERS_DEFAULT: u64 = 24;
const SERVERS_DEFAULT: u64 = 3;

/// What to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `SEED`: this one alone; or the first `SEEDS` ones.
    pub seeds: Vec<u64>,
    /// `MINUTES`: how long faults and buyers go on, for each seed.
    pub minutes: f64,
    /// `BUYERS`: people who buy at the same time.
    pub buyers: usize,
    /// `SERVERS`: processes that serve them.
    pub servers: usize,
    /// `RELEASE_BEFORE`: the server of the release before, to run in the place of one of ours. `make exercise BEFORE=1` builds
    /// it.
    pub release_before: Option<PathBuf>,
    /// Nothing was set: then every fault must have been reached.
    pub is_default: bool,
}

impl Settings {
    /// How long faults and buyers go on, for each seed.
    #[must_use]
    pub fn day(&self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }

    /// Reads the environment.
    ///
    /// # Errors
    /// When one is malformed or out of bounds; it is named.
    pub fn from_env() -> Result<Self, Failure> {
        let seeds = match whole("SEED", 0..=u64::MAX)? {
            Some(seed) => vec![seed],
            None => (1..=whole("SEEDS", 1..=1_000)?.unwrap_or(SEEDS_DEFAULT)).collect(),
        };
        let minutes = match env("MINUTES") {
            None => MINUTES_DEFAULT,
            Some(minutes) => minutes
                .parse()
                .ok()
                .filter(|minutes| (0.1..=MINUTES_MAX).contains(minutes))
                .ok_or(format!("MINUTES must be 0.1 to {MINUTES_MAX}"))?,
        };
        let buyers = whole("BUYERS", 1..=500)?.unwrap_or(BUYERS_DEFAULT) as usize;
        let servers = whole("SERVERS", 1..=16)?.unwrap_or(SERVERS_DEFAULT) as usize;
        let release_before = env("RELEASE_BEFORE").map(PathBuf::from);
        if let Some(program) = release_before.as_ref().filter(|program| !program.is_file()) {
            return Err(format!("RELEASE_BEFORE is no program: {}", program.display()).into());
        }
        if release_before.is_some() && servers < 2 {
            return Err("the release before runs beside this one: SERVERS must be 2 or more".into());
        }
        let is_default =
            ["SEED", "SEEDS", "MINUTES", "BUYERS", "SERVERS"].iter().all(|name| env(name).is_none());
        Ok(Self { seeds, minutes, buyers, servers, release_before, is_default })
    }
}

fn whole(name: &str, bounds: std::ops::RangeInclusive<u64>) -> Result<Option<u64>, Failure> {
    let Some(value) = env(name) else { return Ok(None) };
    match value.parse() {
        Ok(number) if bounds.contains(&number) => Ok(Some(number)),
        _ => Err(format!("{name} must be a whole number from {} to {}", bounds.start(), bounds.end()).into()),
    }
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
