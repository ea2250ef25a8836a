//! What to do: from the environment, so that `make load SCENARIO=hot RATE=500` works.

use std::{net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use crate::{Failure, scenario::Scenario};

const RATE_DEFAULT: u64 = 300;
const SECONDS_DEFAULT: u64 = 15;
const WARMUP_SECONDS_DEFAULT: u64 = 3;
const CONNECTIONS_DEFAULT: u64 = 50;
const SEATS_DEFAULT: u64 = 2_500;
const EVENTS_DEFAULT: u64 = 50;
/// In other people's servers each costs an Argon2 hash or two.
const ACCOUNTS_DEFAULT: u64 = 20;
const OUT_DEFAULT: &str = "target/load";

/// What to do.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `SCENARIO`: what people do.
    pub scenario: Scenario,
    /// `RATE`: people who come in a second, whether those before were served or not; 0 for as many as
    /// `CONNECTIONS` can do one after the other.
    pub rate: u64,
    /// `SECONDS`: for how long they come, after the warm-up.
    pub time: Duration,
    /// `WARMUP`: seconds before that, which do not count.
    pub warmup: Duration,
    /// `CONNECTIONS`: people who are served at the same time at most.
    pub connections: usize,
    /// `SEATS`: of the event that is sold.
    pub seats: u32,
    /// `EVENTS`: that are browsed.
    pub events: usize,
    /// `URL`: a service to use instead of one of our own.
    pub target: Option<Target>,
    /// `OUT`: the folder for the report.
    pub out: PathBuf,
}

/// Somebody else's service.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// `JWT_SECRET`: the secret that it verifies tokens with; without, accounts are registered.
    pub jwt_secret: Option<String>,
    /// `ACCOUNTS`: how many are registered.
    pub accounts: usize,
    /// `ADMIN_EMAIL` and `ADMIN_EMAIL_PASSWORD`, or those of `make run`.
    pub admin: (String, String),
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    /// When a setting is malformed or out of bounds; it is named.
    pub fn from_env() -> Result<Self, Failure> {
        let scenario = match env("SCENARIO") {
            None => Scenario::Hot,
            Some(name) => Scenario::named(&name)
                .ok_or_else(|| format!("SCENARIO must be one of {}: {name} is none", Scenario::names()))?,
        };
        let seconds = |name, bounds, default| whole(name, bounds, default).map(Duration::from_secs);
        Ok(Self {
            scenario,
            rate: whole("RATE", 0..=100_000, RATE_DEFAULT)?,
            time: seconds("SECONDS", 1..=600, SECONDS_DEFAULT)?,
            warmup: seconds("WARMUP", 0..=60, WARMUP_SECONDS_DEFAULT)?,
            connections: whole("CONNECTIONS", 1..=1_000, CONNECTIONS_DEFAULT)? as usize,
            seats: u32::try_from(whole("SEATS", 10..=1_000_000, SEATS_DEFAULT)?)?,
            events: whole("EVENTS", 1..=1_000, EVENTS_DEFAULT)? as usize,
            target: env("URL").map(|url| Target::from_env(&url)).transpose()?,
            out: PathBuf::from(env("OUT").unwrap_or_else(|| OUT_DEFAULT.to_owned())),
        })
    }
}

impl Target {
    fn from_env(url: &str) -> Result<Self, Failure> {
        let admin = match (env("ADMIN_EMAIL"), env("ADMIN_EMAIL_PASSWORD")) {
            (Some(email), Some(password)) => (email, password),
            _ => ("admin@example.com".to_owned(), "evently-admin".to_owned()),
        };
        Ok(Self {
            address: address_of(url)?,
            jwt_secret: env("JWT_SECRET"),
            accounts: whole("ACCOUNTS", 1..=1_000, ACCOUNTS_DEFAULT)? as usize,
            admin,
        })
    }
}

fn address_of(url: &str) -> Result<SocketAddr, Failure> {
    let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let authority = authority.map(|authority| authority.replace("localhost", "127.0.0.1"));
    let address: SocketAddr = authority
        .and_then(|authority| authority.parse().ok())
        .ok_or_else(|| format!("URL must be like http://127.0.0.1:3000: {url} is not"))?;
    if !address.ip().is_loopback() && env("ALLOW_REMOTE").as_deref() != Some("1") {
        return Err(
            format!("{address} is not on this machine: set ALLOW_REMOTE=1 if it is yours to load").into()
        );
    }
    Ok(address)
}

fn whole(name: &str, bounds: RangeInclusive<u64>, default: u64) -> Result<u64, Failure> {
    let Some(value) = env(name) else { return Ok(default) };
    match value.parse() {
        Ok(number) if bounds.contains(&number) => Ok(number),
        _ => Err(format!("{name} must be a whole number from {} to {}", bounds.start(), bounds.end()).into()),
    }
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
