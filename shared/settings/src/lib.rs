//! The settings. The environment is read here and nowhere else, and so is the file that it names; a missing or malformed
//! setting stops the start with a message that names it.

pub mod mail;
mod redis_url;
pub mod table;

use secrecy::{ExposeSecret, SecretString};

use crate::redis_url::{are_authorities, is_redis_url, is_tls_url, with_password};
use domain::{
    email::Email,
    endpoint_url::Addresses,
    inventory,
    reservation::{HOLD_TTL_SECONDS_MAX, UNBOUGHT_TTLS_MAX},
};

/// HS256 wants a key at least as long as its output (RFC 7518, section 3.2).
pub const JWT_SECRET_BYTES_MIN: usize = 32;
const HOLD_TTL_SECONDS_DEFAULT: u64 = 600;
/// Redis keeps the time of each request of the last minute.
const RATE_LIMIT_MAX: u64 = 10_000;
/// Longer than any request can live: the functions' timeout (10 s) plus the SDK's last attempt.
pub const CONFIRM_GRACE_MS: u64 = 30_000;
/// A household or a small office never needs as many; whoever makes accounts by the thousand does.
const NETWORK_REGISTRATIONS_PER_HOUR_DEFAULT: u64 = 60;
const REDIS_CLUSTER_DEFAULT: bool = false;
const REQUIRE_VERIFIED_EMAIL_DEFAULT: bool = false;

/// What a function needs to know of its surroundings.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names of the DynamoDB tables.
    pub tables: Tables,
    /// By which roots DynamoDB's certificate is trusted.
    pub roots: Roots,
    /// Where Redis is.
    pub redis: RedisConfig,
    /// `JWT_SECRET`: signs access tokens and cursors.
    pub jwt_secret: SecretString,
    /// `JWT_SECRET_PREVIOUS`: still accepted for verifying, so that the secret can be rotated.
    pub jwt_secret_previous: Option<SecretString>,
    /// `ADMIN_EMAIL` and `ADMIN_EMAIL_PASSWORD`: this account signs in as admin. Functions that only have to know whose tokens
    /// are an admin's have the address alone.
    pub admin: Option<AdminAccount>,
    /// `RESERVATION_TTL_SECONDS`: how long a hold lives.
    pub hold_ttl_ms: u64,
    /// For how many lives of a hold a user may hold seats of an event without buying them; only tests change it, 0 for
    /// any time.
    pub unbought_ttls_max: u64,
    /// `REQUIRE_VERIFIED_EMAIL`: whether only those book who proved to get mail at their address.
    pub require_verified_email: bool,
    /// Whether people are told anything by mail; a function that asks for mails has a table to ask in where somebody sends them.
    pub sends_mail: bool,
    /// Where endpoints of webhooks may be: only the local server lets them be on its own machine.
    pub webhook_addresses: Addresses,
    /// How many requests a client may have.
    pub rate_limits: RateLimits,
    /// `NETWORK_PLACES_MAX`: places of one event that one network may have, 0 for any number; `None` for what follows from
    /// the event's capacity.
    pub network_places_max: Option<u32>,
    /// `CORS_ALLOW_ORIGINS`: web pages of these origins may call the API from a browser.
    pub cors_allow_origins: Vec<String>,
    /// How long a hold stays after its confirm began, before the janitor settles it. Must exceed the life of
    /// any request; only tests shorten it.
    pub confirm_grace_ms: u64,
    /// How many seats one inventory shard is meant for; only tests change it.
    pub seats_per_shard: u32,
}

/// Who is trusted to say that a server is who it says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Roots {
    /// Amazon's own authorities, which its services have their certificates from.
    Amazons,
    /// All that this system trusts.
    Systems,
}

/// Requests that a client may have in a minute, or registrations in an hour; 0 for any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// `RATE_LIMIT_WRITES_PER_MINUTE`.
    pub writes_per_minute: u64,
    /// `RATE_LIMIT_READS_PER_MINUTE`.
    pub reads_per_minute: u64,
    /// `RATE_LIMIT_AUTH_PER_MINUTE`: sign-ins and registrations, of an address.
    pub auth_per_minute: u64,
    /// `NETWORK_REGISTRATIONS_PER_HOUR`: accounts that are made from one network.
    pub registrations_per_hour: u64,
}

impl RateLimits {
    /// Where they are not set.
    const DEFAULT: Self = Self {
        writes_per_minute: 10,
        reads_per_minute: 120,
        auth_per_minute: 10,
        registrations_per_hour: NETWORK_REGISTRATIONS_PER_HOUR_DEFAULT,
    };
}

/// Names of the DynamoDB tables.
#[derive(Clone, Debug)]
pub struct Tables {
    /// `USERS_TABLE`.
    pub users: String,
    /// `EVENTS_TABLE`.
    pub events: String,
    /// `INVENTORY_TABLE`.
    pub inventory: String,
    /// `BOOKINGS_TABLE`.
    pub bookings: String,
    /// `AUDIT_TABLE`: only what admins use needs it. A container of before has none; then nothing is audited.
    pub audit: Option<String>,
    /// `DELIVERIES_TABLE`: only what tells people, or is asked to, needs it.
    pub deliveries: Option<String>,
    /// `WEBHOOKS_TABLE`: only what tells endpoints, and what admins use, needs it.
    pub webhooks: Option<String>,
}

/// Where Redis is.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// `REDIS_URL`, or `UPSTASH_REDIS_URL` with `UPSTASH_REDIS_PASSWORD`; it may carry a password.
    pub url: SecretString,
    /// `REDIS_CLUSTER`: whether to speak cluster mode.
    pub cluster: bool,
    /// What is in the file that `REDIS_CA_FILE` names: certificates, in PEM, of the authorities that Redis is trusted by.
    /// `None` for the public ones. Only with a URL that means TLS.
    pub authorities: Option<String>,
    /// Put before every key, so that several services, or tests, can share a server.
    pub key_prefix: String,
}

/// The admin of the settings.
#[derive(Clone, Debug)]
pub struct AdminAccount {
    /// `ADMIN_EMAIL`.
    pub email: Email,
    /// `ADMIN_EMAIL_PASSWORD`; only where people sign in.
    pub password: Option<SecretString>,
}

/// A setting is missing or malformed.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name} {problem}")]
pub struct ConfigError {
    name: &'static str,
    problem: String,
}

impl ConfigError {
    /// The setting of that name has that problem, told behind its name.
    pub fn new(name: &'static str, problem: impl Into<String>) -> Self {
        Self { name, problem: problem.into() }
    }
}

impl Config {
    /// Reads the settings from the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads the settings through `lookup`, which answers with the value of a variable. An empty value is the
    /// same as none.
    pub fn from_lookup(lookup: impl Fn(&'static str) -> Option<String>) -> Result<Self, ConfigError> {
        let settings = Settings(lookup);
        let hold_ttl_seconds = settings.number("RESERVATION_TTL_SECONDS", HOLD_TTL_SECONDS_DEFAULT)?;
        if !(1..=HOLD_TTL_SECONDS_MAX).contains(&hold_ttl_seconds) {
            return Err(error("RESERVATION_TTL_SECONDS", format!("must be 1 to {HOLD_TTL_SECONDS_MAX}")));
        }
        let (deliveries, webhooks) =
            (settings.optional("DELIVERIES_TABLE"), settings.optional("WEBHOOKS_TABLE"));
        if webhooks.is_some() && deliveries.is_none() {
            return Err(error("DELIVERIES_TABLE", "is not set, though WEBHOOKS_TABLE is"));
        }
        Ok(Self {
            // Webhooks have the table, too: then a sender says that there is mail.
            sends_mail: deliveries.is_some()
                && (webhooks.is_none() || settings.optional("MAIL_FROM").is_some()),
            webhook_addresses: Addresses::Public,
            tables: Tables {
                users: settings.required("USERS_TABLE")?,
                events: settings.required("EVENTS_TABLE")?,
                inventory: settings.required("INVENTORY_TABLE")?,
                bookings: settings.required("BOOKINGS_TABLE")?,
                audit: settings.optional("AUDIT_TABLE"),
                deliveries,
                webhooks,
            },
            roots: settings.roots(),
            redis: settings.redis()?,
            jwt_secret: settings.jwt_secret("JWT_SECRET")?.ok_or_else(|| missing("JWT_SECRET"))?,
            jwt_secret_previous: settings.jwt_secret("JWT_SECRET_PREVIOUS")?,
            admin: settings.admin()?,
            hold_ttl_ms: hold_ttl_seconds * 1_000,
            unbought_ttls_max: UNBOUGHT_TTLS_MAX,
            require_verified_email: settings
                .switch("REQUIRE_VERIFIED_EMAIL", REQUIRE_VERIFIED_EMAIL_DEFAULT)?,
            rate_limits: settings.rate_limits()?,
            network_places_max: settings.whole_or_none("NETWORK_PLACES_MAX")?,
            cors_allow_origins: settings.origins("CORS_ALLOW_ORIGINS")?,
            confirm_grace_ms: CONFIRM_GRACE_MS,
            seats_per_shard: inventory::SEATS_PER_SHARD,
        })
    }
}

struct Settings<L>(L);

impl<L: Fn(&'static str) -> Option<String>> Settings<L> {
    fn optional(&self, name: &'static str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.optional(name).ok_or_else(|| missing(name))
    }

    fn number(&self, name: &'static str, default: u64) -> Result<u64, ConfigError> {
        self.optional(name)
            .map_or(Ok(default), |value| value.parse().map_err(|_| error(name, "must be a whole number")))
    }

    fn whole_or_none(&self, name: &'static str) -> Result<Option<u32>, ConfigError> {
        let parsed =
            self.optional(name).map(|value| value.parse().map_err(|_| error(name, "must be a whole number")));
        parsed.transpose()
    }

    fn rate_limits(&self) -> Result<RateLimits, ConfigError> {
        let RateLimits { writes_per_minute, reads_per_minute, auth_per_minute, registrations_per_hour } =
            RateLimits::DEFAULT;
        Ok(RateLimits {
            writes_per_minute: self.rate_limit("RATE_LIMIT_WRITES_PER_MINUTE", writes_per_minute)?,
            reads_per_minute: self.rate_limit("RATE_LIMIT_READS_PER_MINUTE", reads_per_minute)?,
            auth_per_minute: self.rate_limit("RATE_LIMIT_AUTH_PER_MINUTE", auth_per_minute)?,
            registrations_per_hour: self
                .rate_limit("NETWORK_REGISTRATIONS_PER_HOUR", registrations_per_hour)?,
        })
    }

    fn rate_limit(&self, name: &'static str, default: u64) -> Result<u64, ConfigError> {
        let limit = self.number(name, default)?;
        if limit > RATE_LIMIT_MAX {
            return Err(error(name, format!("must be 0 to {RATE_LIMIT_MAX}")));
        }
        Ok(limit)
    }

    fn switch(&self, name: &'static str, default: bool) -> Result<bool, ConfigError> {
        match self.optional(name).as_deref() {
            None => Ok(default),
            Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(error(name, "must be true or false")),
        }
    }

    /// Origins (RFC 6454, section 6.2), with commas between them, as a browser sends them: it compares letter by letter.
    fn origins(&self, name: &'static str) -> Result<Vec<String>, ConfigError> {
        let value = self.optional(name).unwrap_or_default();
        let origins = value.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        origins
            .map(|origin| match is_origin(origin) {
                true => Ok(origin.to_owned()),
                false => Err(error(
                    name,
                    format!(
                        "must be origins like https://example.com, with commas between: {origin} is none"
                    ),
                )),
            })
            .collect()
    }

    fn jwt_secret(&self, name: &'static str) -> Result<Option<SecretString>, ConfigError> {
        match self.optional(name) {
            Some(secret) if secret.len() < JWT_SECRET_BYTES_MIN => {
                Err(error(name, format!("must have at least {JWT_SECRET_BYTES_MIN} bytes")))
            }
            secret => Ok(secret.map(SecretString::from)),
        }
    }

    fn admin(&self) -> Result<Option<AdminAccount>, ConfigError> {
        match (self.optional("ADMIN_EMAIL"), self.optional("ADMIN_EMAIL_PASSWORD")) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(error("ADMIN_EMAIL", "is not set, though ADMIN_EMAIL_PASSWORD is")),
            (Some(email), password) => Ok(Some(AdminAccount {
                email: Email::parse(&email).map_err(|problem| error("ADMIN_EMAIL", problem.to_string()))?,
                password: password.map(SecretString::from),
            })),
        }
    }

    /// Amazon's suffice, unless another endpoint with a certificate is set, or the region is in China, where others run it.
    /// The AWS SDK reads these variables itself, too.
    fn roots(&self) -> Roots {
        let is_other = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"]
            .into_iter()
            .any(|name| self.optional(name).is_some_and(|url| url.starts_with("https:")));
        let is_in_china = self.optional("AWS_REGION").is_some_and(|region| region.starts_with("cn-"));
        if is_other || is_in_china { Roots::Systems } else { Roots::Amazons }
    }

    fn redis(&self) -> Result<RedisConfig, ConfigError> {
        let (name, url) = match self.optional("REDIS_URL") {
            Some(url) => ("REDIS_URL", url),
            None => match self.optional("UPSTASH_REDIS_URL") {
                Some(url) => ("UPSTASH_REDIS_URL", self.with_upstash_password(url)?),
                None => return Err(missing("REDIS_URL")),
            },
        };
        if !is_redis_url(&url) {
            return Err(error(name, "must be a redis:// or rediss:// URL"));
        }
        let authorities = self.authorities("REDIS_CA_FILE")?;
        if authorities.is_some() && !is_tls_url(&url) {
            return Err(error("REDIS_CA_FILE", format!("is set, though {name} is no rediss:// URL")));
        }
        Ok(RedisConfig {
            url: url.into(),
            cluster: self.switch("REDIS_CLUSTER", REDIS_CLUSTER_DEFAULT)?,
            authorities,
            key_prefix: "evently:".to_owned(),
        })
    }

    /// The certificates in the file of that name.
    fn authorities(&self, name: &'static str) -> Result<Option<String>, ConfigError> {
        let Some(file) = self.optional(name) else { return Ok(None) };
        let bytes = std::fs::read(&file)
            .map_err(|cause| error(name, format!("names {file}, which can't be read: {cause}")))?;
        // All that counts in PEM is ASCII; what stands around it may be anything.
        let pem = String::from_utf8_lossy(&bytes).into_owned();
        match are_authorities(&pem) {
            true => Ok(Some(pem)),
            false => Err(error(name, format!("names {file}, which must be certificates in PEM"))),
        }
    }

    /// Upstash shows its URL and its password apart.
    fn with_upstash_password(&self, url: String) -> Result<String, ConfigError> {
        match self.optional("UPSTASH_REDIS_PASSWORD") {
            None => Ok(url),
            Some(password) => with_password(&url, &password)
                .ok_or_else(|| error("UPSTASH_REDIS_URL", "must be a redis:// or rediss:// URL")),
        }
    }
}

/// One's own machine may have any port, for what is developed there.
const ANY_PORT_OF_LOOPBACK: [&str; 3] = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];

fn is_origin(text: &str) -> bool {
    if ANY_PORT_OF_LOOPBACK.contains(&text) {
        return true;
    }
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".:-[]".contains(c);
    !host.is_empty() && host.chars().all(is_allowed)
}

fn missing(name: &'static str) -> ConfigError {
    error(name, "is not set")
}

fn error(name: &'static str, problem: impl Into<String>) -> ConfigError {
    ConfigError::new(name, problem)
}

impl RedisConfig {
    /// The URL, with its password: for the client only.
    pub fn url(&self) -> &str {
        self.url.expose_secret()
    }
}

#[cfg(test)]
mod tests;
