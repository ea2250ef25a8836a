//! The local server's settings. What the environment does not set is filled in; everything else is as deployed.

use std::{io, path::PathBuf, str::FromStr};

use settings::{Config, ConfigError};
use uuid::Uuid;

const PORT_DEFAULT: u16 = 3000;
const DATA_DIR_DEFAULT: &str = ".evently";
const ADMIN_EMAIL: &str = "admin@example.com";
/// Known to everybody: the server listens on the loopback address only.
const ADMIN_PASSWORD: &str = "evently-admin";
/// A request lives 8.5 s at most. A shorter grace would let the janitor undo confirms that are under way.
const CONFIRM_GRACE_SECONDS_MIN: u64 = 9;
const TEST_ONLY_MAX: u64 = 3_600;

/// Everything that a server reads from its environment, but what it logs. Who starts one takes these away first: whoever runs
/// a tool or the tests may have any of them for another program.
pub const SETTINGS: &[&str] = &[
    "ADMIN_EMAIL",
    "ADMIN_EMAIL_PASSWORD",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "BOOKINGS_TABLE",
    "CORS_ALLOW_ORIGINS",
    "DATA_DIR",
    "EVENTS_TABLE",
    "INVENTORY_TABLE",
    "JWT_SECRET",
    "JWT_SECRET_PREVIOUS",
    "LOCAL_CONFIRM_GRACE_SECONDS",
    "LOCAL_SEATS_PER_SHARD",
    "PORT",
    "RATE_LIMIT_AUTH_PER_MINUTE",
    "RATE_LIMIT_READS_PER_MINUTE",
    "RATE_LIMIT_WRITES_PER_MINUTE",
    "REDIS_CA_FILE",
    "REDIS_CLUSTER",
    "REDIS_URL",
    "RESERVATION_TTL_SECONDS",
    "UPSTASH_REDIS_PASSWORD",
    "UPSTASH_REDIS_URL",
    "USERS_TABLE",
];

/// Settings of whoever runs a tool, which would change what the servers do that it starts for itself.
pub const NOT_INHERITED: &[&str] = &[
    "ADMIN_EMAIL",
    "ADMIN_EMAIL_PASSWORD",
    "JWT_SECRET_PREVIOUS",
    "REDIS_CA_FILE",
    "REDIS_CLUSTER",
    "UPSTASH_REDIS_URL",
    "UPSTASH_REDIS_PASSWORD",
];

/// Where the local server runs, and what it uses instead of starting its own.
#[derive(Debug)]
pub struct Settings {
    /// `PORT`: where the API listens.
    pub port: u16,
    /// `DATA_DIR`: where data is kept between runs.
    pub data_dir: PathBuf,
    /// `AWS_ENDPOINT_URL_DYNAMODB`: a store to use instead of an embedded one.
    pub dynamodb_endpoint: Option<String>,
    /// `REDIS_URL` or `UPSTASH_REDIS_URL` is set: a Redis to use instead of starting one.
    pub has_redis: bool,
    /// The admin's sign-in: email address and password. The password is shown only if it is the default.
    pub admin: (String, Option<String>),
    jwt_secret: String,
    test_only: TestOnly,
}

/// What is part of the program as deployed, and can be changed here so that tests see in seconds what takes
/// minutes, and with few seats what takes thousands.
#[derive(Debug)]
struct TestOnly {
    /// `LOCAL_CONFIRM_GRACE_SECONDS`: [`Config::confirm_grace_ms`], in seconds, at least 9.
    confirm_grace_seconds: Option<u64>,
    /// `LOCAL_SEATS_PER_SHARD`: [`Config::seats_per_shard`].
    seats_per_shard: Option<u32>,
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// `PORT` is no port.
    #[error("setting PORT must be a number from 1 to 65535")]
    Port,
    /// A test-only setting is no number, or too low or too high.
    #[error("setting {name} must be a whole number from {min} to {MAX}", MAX = TEST_ONLY_MAX)]
    TestOnly {
        /// The setting.
        name: &'static str,
        /// The lowest value it may have.
        min: u64,
    },
    /// The folder for data can't be used.
    #[error("setting DATA_DIR: {} can't be used: {cause}", folder.display())]
    DataDir {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

impl Settings {
    /// Reads the settings from the environment, and makes the folder for data.
    ///
    /// # Errors
    /// When a setting is malformed, or the folder can't be used.
    pub fn from_env() -> Result<Self, SettingsError> {
        let port = match env("PORT") {
            None => PORT_DEFAULT,
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or(SettingsError::Port)?,
        };
        // A name of a folder need not be text.
        let data_dir = std::env::var_os("DATA_DIR").filter(|folder| !folder.is_empty());
        let data_dir = data_dir.map_or_else(|| PathBuf::from(DATA_DIR_DEFAULT), PathBuf::from);
        let jwt_secret = kept_secret(&data_dir)
            .map_err(|cause| SettingsError::DataDir { folder: data_dir.clone(), cause })?;
        let admin = match env("ADMIN_EMAIL") {
            Some(email) => (email, None),
            None => (ADMIN_EMAIL.to_owned(), Some(ADMIN_PASSWORD.to_owned())),
        };
        Ok(Self {
            port,
            data_dir,
            dynamodb_endpoint: env("AWS_ENDPOINT_URL_DYNAMODB"),
            has_redis: env("REDIS_URL").or_else(|| env("UPSTASH_REDIS_URL")).is_some(),
            admin,
            jwt_secret,
            test_only: TestOnly::from_env()?,
        })
    }

    /// The service's settings, with what the environment does not set filled in.
    ///
    /// # Errors
    /// When a setting is malformed.
    pub fn config(&self, redis_url: Option<&str>) -> Result<Config, ConfigError> {
        // With its own admin, the environment must bring the password, too.
        let own_admin = env("ADMIN_EMAIL").or_else(|| env("ADMIN_EMAIL_PASSWORD")).is_some();
        let mut config = Config::from_lookup(|name| {
            env(name).or_else(|| match name {
                "USERS_TABLE" => Some("evently-users".to_owned()),
                "EVENTS_TABLE" => Some("evently-events".to_owned()),
                "INVENTORY_TABLE" => Some("evently-inventory".to_owned()),
                "BOOKINGS_TABLE" => Some("evently-bookings".to_owned()),
                "REDIS_URL" => redis_url.map(str::to_owned),
                "JWT_SECRET" => Some(self.jwt_secret.clone()),
                "ADMIN_EMAIL" if !own_admin => Some(ADMIN_EMAIL.to_owned()),
                "ADMIN_EMAIL_PASSWORD" if !own_admin => Some(ADMIN_PASSWORD.to_owned()),
                _ => None,
            })
        })?;
        self.test_only.apply(&mut config);
        Ok(config)
    }
}

impl TestOnly {
    fn from_env() -> Result<Self, SettingsError> {
        Ok(Self {
            confirm_grace_seconds: at_least("LOCAL_CONFIRM_GRACE_SECONDS", CONFIRM_GRACE_SECONDS_MIN)?,
            seats_per_shard: at_least("LOCAL_SEATS_PER_SHARD", 1)?,
        })
    }

    fn apply(&self, config: &mut Config) {
        if let Some(seconds) = self.confirm_grace_seconds {
            config.confirm_grace_ms = seconds * 1_000;
        }
        if let Some(seats) = self.seats_per_shard {
            config.seats_per_shard = seats;
        }
    }
}

fn at_least<T: FromStr + Into<u64> + Copy>(name: &'static str, min: u64) -> Result<Option<T>, SettingsError> {
    let Some(value) = env(name) else { return Ok(None) };
    let parsed = value.parse::<T>().ok().filter(|value| (min..=TEST_ONLY_MAX).contains(&(*value).into()));
    parsed.map(Some).ok_or(SettingsError::TestOnly { name, min })
}

/// A setting; an empty value is the same as none.
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The secret that signs tokens, kept with the data so that tokens outlive a restart.
fn kept_secret(data_dir: &std::path::Path) -> io::Result<String> {
    std::fs::create_dir_all(data_dir)?;
    let file = data_dir.join("jwt-secret");
    match std::fs::read_to_string(&file) {
        Ok(secret) => Ok(secret),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
            std::fs::write(&file, &secret)?;
            Ok(secret)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn no_setting_of_the_service_is_missing_in_the_list_of_all() {
        let asked = RefCell::new(Vec::new());
        // With another Redis, other names are asked for.
        for missing in ["REDIS_URL", "UPSTASH_REDIS_URL"] {
            let config = Config::from_lookup(|name| {
                asked.borrow_mut().push(name);
                match name {
                    name if name == missing => None,
                    "REDIS_URL" => Some("redis://127.0.0.1".to_owned()),
                    "UPSTASH_REDIS_URL" => Some("rediss://127.0.0.1".to_owned()),
                    "UPSTASH_REDIS_PASSWORD" => Some("secret".to_owned()),
                    "JWT_SECRET" => Some("0123456789abcdef0123456789abcdef".to_owned()),
                    name if name.ends_with("_TABLE") => Some(name.to_owned()),
                    _ => None,
                }
            });
            config.unwrap_or_else(|error| panic!("{error}"));
        }
        for name in asked.into_inner() {
            // The AWS SDK's own.
            let is_aws = name.starts_with("AWS_") && name != "AWS_ENDPOINT_URL_DYNAMODB";
            assert!(is_aws || SETTINGS.contains(&name), "{name}");
        }
    }
}
