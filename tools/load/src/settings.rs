//! What to do: from the command line, or from the environment, so that `make load SCENARIO=hot RATE=500` works.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, builder::FalseyValueParser};
use kit::settings::{seconds, whole};

use crate::scenario::Scenario;

/// What was asked for.
#[derive(Debug, Parser)]
#[command(
    name = "load",
    about = "Puts a service under load, says how it fared, and whether every seat is where it should be"
)]
pub struct Arguments {
    /// What the generator starts itself as.
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    service: Service,
}

/// What the generator starts itself as.
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub enum Command {
    /// Serves the store on that port, so that the store's CPU is not the generator's
    #[command(hide = true)]
    Store {
        /// Where it listens
        port: u16,
    },
}

/// What to do.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// What people do
    #[arg(long, env = "SCENARIO", value_enum, default_value_t = Scenario::Hot)]
    pub scenario: Scenario,
    /// People who come in a second, whether those before were served or not; 0 for as many as the connections can do one
    /// after the other
    #[arg(long, env = "RATE", value_name = "PEOPLE", default_value_t = 300,
        value_parser = whole::<u64>(0..=100_000))]
    pub rate: u64,
    /// For how long they come, after the warm-up
    #[arg(long = "seconds", env = "SECONDS", value_name = "SECONDS", default_value = "15",
        value_parser = seconds(1..=600))]
    pub time: Duration,
    /// Seconds before that, which do not count
    #[arg(long, env = "WARMUP", value_name = "SECONDS", default_value = "3", value_parser = seconds(0..=60))]
    pub warmup: Duration,
    /// People who are served at the same time at most
    #[arg(long, env = "CONNECTIONS", value_name = "PEOPLE", default_value_t = 50,
        value_parser = whole::<usize>(1..=1_000))]
    pub connections: usize,
    /// Seats of the event that is sold
    #[arg(long, env = "SEATS", default_value_t = 2_500, value_parser = whole::<u32>(10..=1_000_000))]
    pub seats: u32,
    /// Events that are browsed
    #[arg(long, env = "EVENTS", default_value_t = 50, value_parser = whole::<usize>(1..=1_000))]
    pub events: usize,
    /// Buyers have accounts, and the mail of each booking is looked for: only with a service of its own, and hot
    #[arg(long, env = "MAILS", value_parser = FalseyValueParser::new())]
    pub mails: bool,
    /// The folder for the report
    #[arg(long, env = "OUT", value_name = "FOLDER", default_value = "target/load")]
    pub out: PathBuf,
    /// A service to use instead of one of our own.
    #[arg(skip)]
    pub target: Option<Target>,
}

/// Somebody else's service.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// The secret that it verifies tokens with; without, accounts are registered.
    pub jwt_secret: Option<String>,
    /// How many are registered.
    pub accounts: usize,
    /// The admin's sign-in: email address and password.
    pub admin: (String, String),
}

#[derive(Args, Debug)]
#[command(next_help_heading = "A service that runs already, instead of one of its own")]
struct Service {
    /// Where it listens, such as http://127.0.0.1:3000
    #[arg(long, env = "URL", value_parser = address_of)]
    url: Option<SocketAddr>,
    /// It may be on another machine
    #[arg(long, env = "ALLOW_REMOTE", value_parser = FalseyValueParser::new())]
    allow_remote: bool,
    /// What it verifies tokens with; without, accounts are registered
    #[arg(long, env = "JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    jwt_secret: Option<String>,
    /// How many accounts are registered
    // In other people's servers each costs an Argon2 hash or two.
    #[arg(long, env = "ACCOUNTS", default_value_t = 20, value_parser = whole::<usize>(1..=1_000))]
    accounts: usize,
    /// Who signs in as its admin, instead of the one of `make run`
    #[arg(long, env = "ADMIN_EMAIL", value_name = "EMAIL", requires = "admin_password")]
    admin_email: Option<String>,
    /// The admin's password
    #[arg(
        long,
        env = "ADMIN_EMAIL_PASSWORD",
        value_name = "PASSWORD",
        hide_env_values = true,
        requires = "admin_email"
    )]
    admin_password: Option<String>,
}

impl Settings {
    /// What was asked for.
    ///
    /// # Errors
    /// When the service is on another machine, and nobody said that it may be.
    pub fn of(arguments: Arguments) -> Result<Self, String> {
        let target = arguments.service.target()?;
        if arguments.settings.mails && (target.is_some() || arguments.settings.scenario != Scenario::Hot) {
            return Err("MAILS goes with a service of its own, and with SCENARIO=hot".to_owned());
        }
        Ok(Self { target, ..arguments.settings })
    }
}

impl Service {
    fn target(self) -> Result<Option<Target>, String> {
        let Some(address) = self.url else { return Ok(None) };
        if !address.ip().is_loopback() && !self.allow_remote {
            return Err(format!(
                "{address} is not on this machine: set ALLOW_REMOTE=1 if it is yours to load"
            ));
        }
        let admin = match (self.admin_email, self.admin_password) {
            (Some(email), Some(password)) => (email, password),
            _ => ("admin@example.com".to_owned(), "evently-admin".to_owned()),
        };
        Ok(Some(Target { address, jwt_secret: self.jwt_secret, accounts: self.accounts, admin }))
    }
}

fn address_of(url: &str) -> Result<SocketAddr, &'static str> {
    let authority = url.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let authority = authority.map(|authority| authority.replace("localhost", "127.0.0.1"));
    authority.and_then(|authority| authority.parse().ok()).ok_or("must be like http://127.0.0.1:3000")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Settings, String> {
        kit::settings::read_from(["load"].iter().chain(arguments)).and_then(Settings::of)
    }

    #[test]
    fn a_service_of_another_machine_is_put_under_load_only_if_it_may_be() {
        let there = read(&["--url", "http://localhost:3000/"]).unwrap().target.unwrap();
        assert_eq!((there.address.to_string().as_str(), there.accounts), ("127.0.0.1:3000", 20));
        let refused = read(&["--url", "http://192.0.2.1:80"]).unwrap_err();
        assert!(refused.contains("ALLOW_REMOTE=1"), "{refused}");
        assert!(read(&["--url", "http://192.0.2.1:80", "--allow-remote"]).is_ok());
        assert!(read(&["--mails"]).unwrap().mails);
        for other in [["--url", "http://localhost:3000"], ["--scenario", "mixed"]] {
            let refused = read(&["--mails", other[0], other[1]]).unwrap_err();
            assert!(refused.contains("MAILS"), "{refused}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (arguments, name) in [
            (
                ["--scenario", "cold"],
                "setting SCENARIO must be one of browse, hot, hall, seats, soldout, mixed",
            ),
            (["--rate", "many"], "setting RATE must be a whole number from 0 to 100000"),
            (["--url", "3000"], "setting URL must be like http://127.0.0.1:3000"),
            (["--admin-email", "a@example.com"], "--admin-password"),
        ] {
            let said = read(&arguments).unwrap_err();
            assert!(said.contains(name), "{said}");
        }
    }
}
