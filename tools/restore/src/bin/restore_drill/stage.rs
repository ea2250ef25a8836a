//! Everything that a drill needs: the stores, two servers on them, the events, and an admin who goes on working.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use domain::{audit::Actor, event::EventDetails, id::EventId, id::UserId, user::Role};
use http_api::App;
use jiff::{SignedDuration, Timestamp};
use kit::{
    Failure,
    process::{Process, free_port},
    wait,
};
use local::{
    beside,
    embedded_store::{EmbeddedStore, Location},
    redis_server::{RedisOptions, RedisServer},
    stack::table_name,
    tables,
};
use parking_lot::Mutex;
use reqwest::StatusCode;
use restore::{Table, Tables};
use serde_json::json;
use settings::Config;
use stores::dynamodb::{self, Client};
use tempfile::TempDir;

const SERVERS: usize = 2;
const READY_WITHIN: Duration = Duration::from_secs(30);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(50);
/// Seats of the events that are there from the beginning, of those that come later, and what is added to one.
const CAPACITIES: [u32; 3] = [60, 180, 300];
const LATE_CAPACITY: u32 = 60;
const RAISE: u32 = 30;
/// Few, so that events have some tens of shards, and parties meet their ends.
const SEATS_PER_SHARD: u32 = 8;
pub(crate) const MAX_PER_USER: u32 = 8;
/// Holds whose buyers are gone run out soon; the least that a server can be told.
const HOLD_TTL_SECONDS: &str = "5";
const GRACE_SECONDS: u64 = 9;
/// Of our own janitor, which runs while nobody sells.
pub(crate) const GRACE_MS: u64 = 1_000;
const JWT_SECRET: &str = "known to the servers of the drill and to nobody else";

/// The service and its stores.
pub(crate) struct Stage {
    pub(crate) app: Arc<App>,
    pub(crate) tables: Tables,
    pub(crate) endpoint: String,
    /// Where the servers listen, whether they run or not.
    pub(crate) urls: Vec<String>,
    /// What people buy.
    pub(crate) on_sale: Arc<Mutex<Vec<EventId>>>,
    pub(crate) http: reqwest::Client,
    pub(crate) folder: TempDir,
    /// Who registered, and when that was answered.
    pub(crate) accounts: Vec<(String, Instant)>,
    admin: Actor,
    ports: Vec<u16>,
    servers: Vec<Process>,
    redis: RedisServer,
    store: EmbeddedStore,
}

impl Stage {
    pub(crate) async fn start() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new().prefix("evently-restore-drill-").tempdir()?;
        let store = EmbeddedStore::start(Location::File(file_of(folder.path())), None).await?;
        let redis = RedisServer::start(RedisOptions::default()).await?;
        let client = dynamodb::client_for_endpoint(store.endpoint());
        let app = App::new(config(redis.url())?, client.clone())?;
        let tables = Tables { client, names: app.config.tables.clone() };
        let ports = (0..SERVERS).map(|_| free_port()).collect::<Result<Vec<_>, _>>()?;
        let mut stage = Self {
            app,
            tables,
            endpoint: store.endpoint().to_owned(),
            urls: ports.iter().map(|port| format!("http://127.0.0.1:{port}")).collect(),
            on_sale: Arc::default(),
            http: reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build()?,
            folder,
            accounts: Vec::new(),
            admin: Actor { admin_id: UserId::new(), request_id: None },
            ports,
            servers: Vec::new(),
            redis,
            store,
        };
        stage.make_tables().await?;
        for capacity in CAPACITIES {
            stage.create_event(capacity).await?;
        }
        stage.start_servers().await?;
        Ok(stage)
    }

    pub(crate) fn client(&self) -> &Client {
        &self.tables.client
    }

    /// The file in which the store keeps all tables.
    pub(crate) fn file(&self) -> PathBuf {
        file_of(self.folder.path())
    }

    async fn make_tables(&self) -> Result<(), Failure> {
        Ok(tables::create_missing(self.client(), |id| table_name(&self.tables.names, id)).await?)
    }

    async fn create_event(&self, capacity: u32) -> Result<(), Failure> {
        let now = Timestamp::now();
        let starts_at = Timestamp::from_second(now.as_second())? + SignedDuration::from_hours(24 * 30);
        let details = EventDetails {
            max_per_user: MAX_PER_USER,
            ..kit::sample::event(format!("An event for {capacity}"), starts_at, capacity)
        };
        let event = booking::create_event(&self.app.protocol, details, Some(&self.admin), now).await?;
        self.on_sale.lock().push(event.id);
        Ok(())
    }

    /// Somebody registers, and an admin creates an event and raises another one's capacity, so that each table is of its
    /// second.
    pub(crate) async fn goes_on(&mut self) -> Result<(), Failure> {
        let email = format!("somebody-{}@example.com", self.accounts.len());
        match self.account("/register", &email).await? {
            StatusCode::CREATED => self.accounts.push((email, Instant::now())),
            status => return Err(format!("who registered was answered {status}").into()),
        }
        self.create_event(LATE_CAPACITY).await?;
        let raised = self.on_sale.lock()[fastrand::usize(..CAPACITIES.len())];
        let more = |event: &domain::event::Event| {
            Ok(EventDetails { capacity: event.details.capacity + RAISE, ..event.details.clone() })
        };
        let now = Timestamp::now();
        booking::replace_event(&self.app.protocol, raised, |_| true, more, Some(&self.admin), now).await?;
        Ok(())
    }

    /// Somebody registers, or signs in.
    pub(crate) async fn account(&self, path: &str, email: &str) -> Result<StatusCode, Failure> {
        let body = json!({ "email": email, "password": "known to nobody else" });
        let answer = self.http.post(format!("{}{path}", self.urls[0])).json(&body).send().await?;
        Ok(answer.status())
    }

    async fn start_servers(&mut self) -> Result<(), Failure> {
        for port in &self.ports {
            let data = self.folder.path().join(format!("server-{port}"));
            std::fs::create_dir_all(&data)?;
            let mut command = beside::command(*port, &data)?;
            command.env("AWS_ENDPOINT_URL_DYNAMODB", &self.endpoint).env("REDIS_URL", self.redis.url());
            command.env("LOCAL_SEATS_PER_SHARD", SEATS_PER_SHARD.to_string());
            command.env("LOCAL_CONFIRM_GRACE_SECONDS", GRACE_SECONDS.to_string());
            command.env("RUST_LOG", "warn,dynoxide=error").stderr(Stdio::null());
            for name in COMMON {
                command.env(name, common(name).unwrap_or_default());
            }
            self.servers.push(Process::start(command).await?);
        }
        for (url, server) in self.urls.iter().zip(&self.servers) {
            let health = format!("{url}/health");
            let is_ready = wait::until(READY_WITHIN, ASK_AGAIN_AFTER, || async {
                let answer = self.http.get(&health).send().await;
                Ok::<_, Failure>(answer.is_ok_and(|answer| answer.status().is_success()))
            });
            if !is_ready.await? {
                return Err(
                    format!("a server does not come up; it last said: {}", server.last_words()).into()
                );
            }
        }
        Ok(())
    }

    /// Sales stop in the middle of whatever goes on.
    pub(crate) async fn stop_sales(&mut self) -> Result<(), Failure> {
        for server in self.servers.drain(..) {
            server.kill()?;
            server.wait_ended().await;
        }
        Ok(())
    }

    /// All tables but the audit trail are gone.
    pub(crate) async fn lose_tables(&self) -> Result<(), Failure> {
        for table in [Table::Users, Table::Events, Table::Inventory, Table::Bookings] {
            self.client().delete_table().table_name(self.tables.name(table)?).send().await?;
        }
        self.make_tables().await
    }

    /// Redis is empty.
    pub(crate) async fn empty_redis(&mut self) -> Result<(), Failure> {
        let empty = RedisServer::start(RedisOptions::default()).await?;
        std::mem::replace(&mut self.redis, empty).stop().await;
        self.app = App::new(config(self.redis.url())?, self.client().clone())?;
        Ok(())
    }

    /// The servers run again, on what was restored.
    pub(crate) async fn sell_again(&mut self) -> Result<(), Failure> {
        self.start_servers().await
    }

    /// Seats of all events together.
    pub(crate) async fn capacity(&self) -> Result<u32, Failure> {
        let events = restore::Kept::read(&self.tables).await?.events;
        Ok(events.values().map(|event| event.details.capacity).sum())
    }

    /// Somebody new who is signed in.
    pub(crate) fn sign_in(app: &App) -> Result<(UserId, String), Failure> {
        let user = kit::sample::somebody(Role::User)?;
        Ok((user.id, app.tokens.issue_access(&user, Timestamp::now())?))
    }

    pub(crate) async fn end(self) {
        drop(self.servers);
        self.redis.stop().await;
        self.store.stop().await;
    }
}

fn file_of(folder: &Path) -> PathBuf {
    folder.join("dynamodb").join("dynamodb.sqlite")
}

const COMMON: [&str; 13] = [
    "USERS_TABLE",
    "EVENTS_TABLE",
    "INVENTORY_TABLE",
    "BOOKINGS_TABLE",
    "AUDIT_TABLE",
    "DELIVERIES_TABLE",
    "JWT_SECRET",
    "RESERVATION_TTL_SECONDS",
    "RATE_LIMIT_WRITES_PER_MINUTE",
    "RATE_LIMIT_READS_PER_MINUTE",
    "RATE_LIMIT_AUTH_PER_MINUTE",
    "NETWORK_REGISTRATIONS_PER_HOUR",
    "NETWORK_PLACES_MAX",
];

/// What is set for the servers and for our own app alike.
fn common(name: &str) -> Option<String> {
    let value = match name {
        "USERS_TABLE" => "drill-users",
        "EVENTS_TABLE" => "drill-events",
        "INVENTORY_TABLE" => "drill-inventory",
        "BOOKINGS_TABLE" => "drill-bookings",
        "AUDIT_TABLE" => "drill-audit",
        "DELIVERIES_TABLE" => "drill-deliveries",
        "JWT_SECRET" => JWT_SECRET,
        "RESERVATION_TTL_SECONDS" => HOLD_TTL_SECONDS,
        // A few people stand for thousands.
        name if COMMON.contains(&name) => "0",
        _ => return None,
    };
    Some(value.to_owned())
}

fn config(redis_url: &str) -> Result<Config, Failure> {
    let lookup = |name: &str| if name == "REDIS_URL" { Some(redis_url.to_owned()) } else { common(name) };
    let mut config = Config::from_lookup(lookup)?;
    config.seats_per_shard = SEATS_PER_SHARD;
    config.confirm_grace_ms = GRACE_MS;
    Ok(config)
}
