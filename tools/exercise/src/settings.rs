//! How to exercise: from the command line, or from the environment, so that `make exercise SEEDS=10` works.

use std::{path::PathBuf, time::Duration};

use clap::Parser;
use kit::settings::whole;

const SEEDS_DEFAULT: u64 = 2;
const MINUTES_DEFAULT: f64 = 1.0;
const MINUTES_MAX: f64 = 60.0;
const BUYERS_DEFAULT: usize = 24;
const SERVERS_DEFAULT: usize = 3;

/// What to run.
#[derive(Clone, Debug, Parser)]
#[command(name = "exercise", about = "Sells under faults and crashes, and looks for every seat")]
pub struct Settings {
    /// This seed alone, instead of the first ones
    #[arg(long, env = "SEED", value_parser = whole::<u64>(0..=u64::MAX))]
    pub seed: Option<u64>,
    /// How many seeds, one after the other
    #[arg(long, env = "SEEDS", default_value_t = SEEDS_DEFAULT, value_parser = whole::<u64>(1..=1_000))]
    pub seeds: u64,
    /// How long faults and buyers go on, for each seed
    #[arg(long, env = "MINUTES", default_value_t = MINUTES_DEFAULT, value_parser = minutes)]
    pub minutes: f64,
    /// People who buy at the same time
    #[arg(long, env = "BUYERS", default_value_t = BUYERS_DEFAULT, value_parser = whole::<usize>(1..=500))]
    pub buyers: usize,
    /// Processes that serve them
    #[arg(long, env = "SERVERS", default_value_t = SERVERS_DEFAULT, value_parser = whole::<usize>(1..=16))]
    pub servers: usize,
    /// The server of the release before, to run in the place of one of ours; `make exercise BEFORE=1` builds it
    #[arg(long, env = "RELEASE_BEFORE", value_parser = program)]
    pub release_before: Option<PathBuf>,
}

impl Settings {
    /// The seeds to run.
    #[must_use]
    pub fn all_seeds(&self) -> Vec<u64> {
        self.seed.map_or_else(|| (1..=self.seeds).collect(), |seed| vec![seed])
    }

    /// How long faults and buyers go on, for each seed.
    #[must_use]
    pub fn day(&self) -> Duration {
        Duration::from_secs_f64(self.minutes * 60.0)
    }

    /// Whether it is the usual exercise: then every fault must have been reached.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        (self.seed, self.seeds, self.buyers, self.servers)
            == (None, SEEDS_DEFAULT, BUYERS_DEFAULT, SERVERS_DEFAULT)
            && self.minutes == MINUTES_DEFAULT
    }
}

fn program(text: &str) -> Result<PathBuf, String> {
    let program = PathBuf::from(text);
    if program.is_file() { Ok(program) } else { Err(format!("is no program: {text}")) }
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes| (0.1..=MINUTES_MAX).contains(minutes));
    minutes.ok_or_else(|| format!("must be 0.1 to {MINUTES_MAX}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Settings, String> {
        kit::settings::read_from(["exercise"].iter().chain(arguments))
    }

    #[test]
    fn one_seed_or_the_first_ones() {
        assert_eq!(read(&["--seed", "7"]).unwrap().all_seeds(), [7]);
        assert_eq!(read(&["--seeds", "3"]).unwrap().all_seeds(), [1, 2, 3]);
        assert!(read(&["--seeds", "2", "--minutes", "1"]).unwrap().is_usual());
        assert!(!read(&["--minutes", "0.5"]).unwrap().is_usual());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (argument, name) in
            [("--seed=-1", "SEED"), ("--minutes=NaN", "MINUTES"), ("--servers=17", "SERVERS")]
        {
            let said = read(&[argument]).unwrap_err();
            assert!(said.starts_with(&format!("setting {name} must be ")), "{said}");
        }
    }
}
