//! The stores that the functions work on while they run as Lambda processes: both on this machine, both gone afterwards,
//! with the samples' world in them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use http_api::App;
use kit::Failure;
use local::{
    embedded_store::{EmbeddedStore, Location},
    redis_server::{RedisOptions, RedisServer},
    stack::table_name,
    tables,
};
use serde_json::json;
use settings::Config;
use stores::dynamodb;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use crate::world::{self, ADMIN_EMAIL, ADMIN_PASSWORD, JWT_SECRET};

/// Environment variables of a function.
pub type Environment = BTreeMap<&'static str, String>;

/// Running stores. Dropping them stops them.
#[derive(Debug)]
pub struct Stores {
    /// The app over them, to look at them from here.
    pub app: Arc<App>,
    /// What the functions must be told to find them, and to know the samples' tokens.
    pub environment: Environment,
    dynamodb: EmbeddedStore,
    redis: RedisServer,
    _ways: JoinSet<()>,
}

impl Stores {
    /// Starts them and puts the samples' world in. They listen on the loopback address only; `host` is this machine's
    /// address on the network of containers, if functions in containers are to reach them.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start(host: Option<IpAddr>) -> Result<Self, Failure> {
        let dynamodb = EmbeddedStore::start(Location::Memory, None).await?;
        let redis = RedisServer::start(RedisOptions::default()).await?;
        let (dynamodb_port, redis_port) = (port_of(dynamodb.endpoint())?, port_of(redis.url())?);
        let mut ways = JoinSet::new();
        if let Some(host) = host {
            for port in [dynamodb_port, redis_port] {
                lead_to_loopback(host, port, &mut ways).await?;
            }
        }
        let host = host.unwrap_or(Ipv4Addr::LOCALHOST.into());
        let environment = environment(host, dynamodb_port, redis_port);
        let app = app(&environment)?;
        let names = app.config.tables.clone();
        let client = dynamodb::client_for_endpoint(dynamodb.endpoint());
        tables::create_missing(&client, |logical_id| table_name(&names, logical_id)).await?;
        world::make(&app).await?;
        Ok(Self { app, environment, dynamodb, redis, _ways: ways })
    }

    /// Stops them in order.
    pub async fn stop(self) {
        self.redis.stop().await;
        self.dynamodb.stop().await;
    }
}

/// The environment as `sam local` reads it (`--env-vars`): for all functions alike.
#[must_use]
pub fn for_sam(environment: &Environment) -> String {
    json!({ "Parameters": environment }).to_string()
}

fn environment(host: IpAddr, dynamodb: u16, redis: u16) -> Environment {
    [
        ("USERS_TABLE", "evently-users"),
        ("EVENTS_TABLE", "evently-events"),
        ("INVENTORY_TABLE", "evently-inventory"),
        ("BOOKINGS_TABLE", "evently-bookings"),
        ("AUDIT_TABLE", "evently-audit"),
        ("DELIVERIES_TABLE", "evently-deliveries"),
        ("WEBHOOKS_TABLE", "evently-webhooks"),
        ("MAIL_FROM", "tickets@evently.example"),
        // The one place where a function may write files.
        ("MAIL_URL", "file:/tmp/evently-mail"),
        ("MAIL_FROM", "Evently <tickets@evently.example>"),
        ("MAIL_PER_SECOND", "0"),
        ("PUBLIC_URL", "https://tickets.example.com"),
        ("JWT_SECRET", JWT_SECRET),
        ("ADMIN_EMAIL", ADMIN_EMAIL),
        ("ADMIN_EMAIL_PASSWORD", ADMIN_PASSWORD),
        // All samples come from the same few clients.
        ("RATE_LIMIT_WRITES_PER_MINUTE", "0"),
        ("RATE_LIMIT_READS_PER_MINUTE", "0"),
        ("RATE_LIMIT_AUTH_PER_MINUTE", "0"),
        ("NETWORK_REGISTRATIONS_PER_HOUR", "0"),
        ("NETWORK_PLACES_MAX", "0"),
        // The store wants a signature, and does not check it.
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into_iter()
    .chain([
        ("AWS_ENDPOINT_URL_DYNAMODB", format!("http://{host}:{dynamodb}")),
        ("REDIS_URL", format!("redis://{host}:{redis}")),
        // The template's own ElastiCache would be one.
        ("REDIS_CLUSTER", "false".to_owned()),
    ])
    .collect()
}

fn app(environment: &Environment) -> Result<Arc<App>, Failure> {
    let config = Config::from_lookup(|name| environment.get(name).cloned())?;
    let client = dynamodb::client_for_endpoint(&environment["AWS_ENDPOINT_URL_DYNAMODB"]);
    Ok(App::new(config, client)?)
}

fn port_of(url: &str) -> Result<u16, Failure> {
    Ok(url.rsplit(':').next().unwrap_or_default().parse()?)
}

/// Passes on to the loopback address what containers send to that port of this machine, so that the stores themselves
/// listen nowhere else.
async fn lead_to_loopback(host: IpAddr, port: u16, ways: &mut JoinSet<()>) -> Result<(), Failure> {
    let listener = TcpListener::bind((host, port)).await.map_err(|cause| {
        format!("containers can't be let through to the stores: {host}:{port} can't be listened on: {cause}")
    })?;
    ways.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut from, _)) = listener.accept().await {
            connections.spawn(async move {
                if let Ok(mut to) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                    // Either end may leave at any time.
                    let _ = copy_bidirectional(&mut from, &mut to).await;
                }
            });
            while connections.try_join_next().is_some() {}
        }
    });
    Ok(())
}
