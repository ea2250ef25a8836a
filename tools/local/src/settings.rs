//! The local server's settings. What the environment does not set is filled in; everything else is as deployed.

use std::{collections::BTreeSet, io, path::PathBuf};

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand};
use domain::{endpoint_url::Addresses, inventory::SEATS_PER_SHARD};
use kit::settings::whole;
use settings::{
    CONFIRM_GRACE_MS, Config, ConfigError, JWT_SECRET_BYTES_MIN,
    mail::{MailConfig, MailRoute},
    table,
};
use uuid::Uuid;

use crate::private;

const ADMIN_EMAIL: &str = "admin@example.com";
const DELIVERIES_TABLE: &str = "evently-deliveries";
const WEBHOOKS_TABLE: &str = "evently-webhooks";
/// Known to everybody: the server listens on the loopback address only.
const ADMIN_PASSWORD: &str = "evently-admin";
/// Pages that somebody develops on this machine, at whatever port.
const OWN_ORIGINS: &str = "http://localhost:*,http://127.0.0.1:*,http://[::1]:*";
/// A request lives 8.5 s at most. A shorter grace would let the janitor undo confirms that are under way.
const CONFIRM_GRACE_SECONDS_MIN: u64 = 9;
const TEST_ONLY_MAX: u64 = 3_600;

/// Settings of whoever runs a tool, which would change what the servers do that it starts for itself.
pub const NOT_INHERITED: &[&str] = &[
    "ADMIN_EMAIL",
    "ADMIN_EMAIL_PASSWORD",
    "JWT_SECRET_PREVIOUS",
    "MAIL_FROM",
    "MAIL_PER_SECOND",
    "MAIL_URL",
    "PUBLIC_URL",
    "REDIS_CA_FILE",
    "REDIS_CLUSTER",
    "REQUIRE_VERIFIED_EMAIL",
    "UPSTASH_REDIS_URL",
    "UPSTASH_REDIS_PASSWORD",
];

/// Everything that a server reads from its environment, but what it logs. Who starts one takes these away first: whoever runs
/// a tool or the tests may have any of them for another program.
pub fn names() -> BTreeSet<String> {
    let own = Arguments::command();
    let own = own.get_arguments().filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned));
    own.chain(table::rows().into_iter().flat_map(|row| row.names)).collect()
}

/// What people can say on the command line, and what it has from the environment otherwise.
#[derive(Debug, Parser)]
#[command(
    name = "local",
    disable_help_subcommand = true,
    about = "Evently in one process on this machine, with stores of its own",
    after_help = "All other settings of the service come from the environment, such as JWT_SECRET, ADMIN_EMAIL,\n\
                  RESERVATION_TTL_SECONDS and RATE_LIMIT_WRITES_PER_MINUTE: docs/settings.md tells of each."
)]
pub struct Arguments {
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where the API listens, on the loopback address
    #[arg(long, env = "PORT", default_value_t = 3000, value_parser = whole::<u16>(1..=65_535))]
    port: u16,
    /// Where data is kept between runs
    // A name of a folder need not be text.
    #[arg(long, env = "DATA_DIR", value_name = "FOLDER", default_value = ".evently")]
    data_dir: PathBuf,
    /// A DynamoDB to use instead of an embedded one
    #[arg(long, env = "AWS_ENDPOINT_URL_DYNAMODB", value_name = "URL")]
    dynamodb_url: Option<String>,
    /// A Redis to use instead of starting one
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true)]
    redis_url: Option<String>,
    /// Whether webhooks may go to this machine, by http:// too
    #[arg(long, env = "WEBHOOKS_ALLOW_LOOPBACK", value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    webhooks_allow_loopback: bool,
    #[command(flatten)]
    test_only: TestOnly,
}

/// What the program does instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Writes the OpenAPI document
    Openapi,
    /// Writes the table of each path's methods
    Allowed,
    /// Writes the table of all settings
    Settings,
    /// Writes the paths of all pages that people look at
    Pages,
}

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
    redis_url: Option<String>,
    jwt_secret: String,
    webhooks_allow_loopback: bool,
    test_only: TestOnly,
}

/// What is part of the program as deployed, and can be changed here so that tests see in seconds what takes
/// minutes, and with few seats what takes thousands.
#[derive(Debug, Args)]
#[command(next_help_heading = "For tests that can't wait")]
struct TestOnly {
    /// How long a confirm may take until it is taken for dead; shorter in tests that can't wait
    // `Config::confirm_grace_ms`
    #[arg(
        long = "confirm-grace-seconds",
        env = "LOCAL_CONFIRM_GRACE_SECONDS",
        value_name = "SECONDS",
        default_value_t = CONFIRM_GRACE_MS / 1_000,
        value_parser = whole::<u64>(CONFIRM_GRACE_SECONDS_MIN..=TEST_ONLY_MAX)
    )]
    confirm_grace_seconds: u64,
    /// How many seats an inventory shard is for; fewer in tests
    // `Config::seats_per_shard`
    #[arg(
        long = "seats-per-shard",
        env = "LOCAL_SEATS_PER_SHARD",
        value_name = "SEATS",
        default_value_t = SEATS_PER_SHARD,
        value_parser = whole::<u32>(1..=TEST_ONLY_MAX)
    )]
    seats_per_shard: u32,
}

/// The folder for data can't be used.
#[derive(Debug, thiserror::Error)]
#[error("setting DATA_DIR: {} can't be used: {cause}", folder.display())]
pub struct DataDirError {
    folder: PathBuf,
    #[source]
    cause: io::Error,
}

impl Settings {
    /// Makes the folder for data.
    ///
    /// # Errors
    /// When the folder can't be used.
    pub fn of(arguments: Arguments) -> Result<Self, DataDirError> {
        let Arguments { port, data_dir, dynamodb_url, redis_url, webhooks_allow_loopback, test_only, .. } =
            arguments;
        let jwt_secret =
            kept_secret(&data_dir).map_err(|cause| DataDirError { folder: data_dir.clone(), cause })?;
        let admin = match env("ADMIN_EMAIL") {
            Some(email) => (email, None),
            None => (ADMIN_EMAIL.to_owned(), Some(ADMIN_PASSWORD.to_owned())),
        };
        Ok(Self {
            port,
            data_dir,
            dynamodb_endpoint: dynamodb_url,
            has_redis: redis_url.is_some() || env("UPSTASH_REDIS_URL").is_some(),
            admin,
            redis_url,
            jwt_secret,
            webhooks_allow_loopback,
            test_only,
        })
    }

    /// The service's settings, with what was not set filled in; `own_redis` is what was started because no other was named.
    ///
    /// # Errors
    /// When a setting is malformed.
    pub fn config(&self, own_redis: Option<&str>) -> Result<Config, ConfigError> {
        // With its own admin, the environment must bring the password, too.
        let own_admin = env("ADMIN_EMAIL").or_else(|| env("ADMIN_EMAIL_PASSWORD")).is_some();
        let mut config = Config::from_lookup(|name| {
            let said = if name == "REDIS_URL" { self.redis_url.clone() } else { env(name) };
            said.or_else(|| match name {
                "DELIVERIES_TABLE" => Some(DELIVERIES_TABLE.to_owned()),
                "WEBHOOKS_TABLE" => Some(WEBHOOKS_TABLE.to_owned()),
                "USERS_TABLE" => Some("evently-users".to_owned()),
                "EVENTS_TABLE" => Some("evently-events".to_owned()),
                "INVENTORY_TABLE" => Some("evently-inventory".to_owned()),
                "BOOKINGS_TABLE" => Some("evently-bookings".to_owned()),
                "AUDIT_TABLE" => Some("evently-audit".to_owned()),
                "REDIS_URL" => own_redis.map(str::to_owned),
                "JWT_SECRET" => Some(self.jwt_secret.clone()),
                "CORS_ALLOW_ORIGINS" => Some(OWN_ORIGINS.to_owned()),
                "ADMIN_EMAIL" if !own_admin => Some(ADMIN_EMAIL.to_owned()),
                "ADMIN_EMAIL_PASSWORD" if !own_admin => Some(ADMIN_PASSWORD.to_owned()),
                _ => None,
            })
        })?;
        // Into files, unless a setting says how.
        config.sends_mail = true;
        sign_in::check_settings(&config)?;
        config.confirm_grace_ms = self.test_only.confirm_grace_seconds * 1_000;
        config.seats_per_shard = self.test_only.seats_per_shard;
        if self.webhooks_allow_loopback {
            config.webhook_addresses = Addresses::AlsoLoopback;
        }
        Ok(config)
    }
}

impl Settings {
    /// The settings of mail, with what was not set filled in: mails are files in the data folder.
    ///
    /// # Errors
    /// When a setting is malformed.
    pub fn mail(&self) -> Result<MailConfig, ConfigError> {
        let config = MailConfig::from_lookup(|name| {
            env(name).or_else(|| match name {
                "MAIL_URL" => Some(format!("file:{}", self.data_dir.join("mail").display())),
                "MAIL_FROM" => Some("Evently <tickets@evently.example>".to_owned()),
                "PUBLIC_URL" => Some(format!("http://127.0.0.1:{}", self.port)),
                "DELIVERIES_TABLE" => Some(DELIVERIES_TABLE.to_owned()),
                _ => None,
            })
        })?;
        config.ok_or_else(|| ConfigError::new("MAIL_URL", "is not set"))
    }

    /// Where mails are, if they are files.
    pub fn mail_folder(&self) -> Option<PathBuf> {
        match self.mail().ok()?.route {
            MailRoute::Folder(folder) => Some(folder),
            MailRoute::Smtp(_) | MailRoute::Ses => None,
        }
    }
}

/// A setting; an empty value is the same as none.
fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The secret that signs tokens, kept with the data so that tokens outlive a restart.
fn kept_secret(data_dir: &std::path::Path) -> io::Result<String> {
    private::folder(data_dir)?;
    let file = data_dir.join("jwt-secret");
    match private::read(&file) {
        Ok(secret) if secret.len() < JWT_SECRET_BYTES_MIN => {
            let told = format!(
                "{} has no secret of at least {JWT_SECRET_BYTES_MIN} bytes; delete it, and sign in again",
                file.display()
            );
            Err(io::Error::new(io::ErrorKind::InvalidData, told))
        }
        Ok(secret) => Ok(secret),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
            private::write_new(&file, &secret)?;
            Ok(secret)
        }
        Err(error) => Err(error),
    }
}
