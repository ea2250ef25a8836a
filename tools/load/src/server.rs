//! A whole Evently of its own, to be put under load: the `local` program as it is built for release, a Redis, and the
//! embedded store in memory, each a process of its own, so that each one's CPU can be told apart. None outlives us.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::Stdio,
    time::Duration,
};

use kit::{
    Failure,
    ending::Stop,
    http::{Call, Connection},
    process::{Process, free_port},
    wait,
};
use local::{
    beside,
    embedded_store::{EmbeddedStore, Location},
    redis_server::{RedisOptions, RedisServer},
};
use tempfile::TempDir;

/// Signs the buyers' tokens, and nobody else's: the server listens on the loopback address and is gone afterwards.
pub const JWT_SECRET: &str = "known to the load generator and to its server, and to nobody else";
const READY_WITHIN: Duration = Duration::from_secs(30);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Everything that runs.
#[derive(Debug)]
pub struct OwnServer {
    /// Where the API listens.
    pub address: SocketAddr,
    /// The stores.
    pub stores: OwnStores,
    service: Process,
    data: TempDir,
}

/// The stores, without a service.
#[derive(Debug)]
pub struct OwnStores {
    /// Where DynamoDB is.
    pub dynamodb: String,
    /// Where Redis is.
    pub redis: String,
    redis_server: RedisServer,
    store: Process,
}

impl OwnStores {
    /// Starts both. The calling program must understand the argument `store` ([`serve_store`]).
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start() -> Result<Self, Failure> {
        let redis_server = RedisServer::start(RedisOptions::default()).await?;
        let port = free_port()?;
        let mut command = Process::supervised(&std::env::current_exe()?);
        command.args(["store", &port.to_string()]).stderr(Stdio::null());
        let store = Process::start(command).await?;
        ready(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), "/", &store, "the store").await?;
        let redis = redis_server.url().to_owned();
        Ok(Self { dynamodb: format!("http://127.0.0.1:{port}"), redis, redis_server, store })
    }

    /// The process ids of the DynamoDB-compatible store and of Redis.
    pub fn pids(&self) -> [u32; 2] {
        [self.store.pid, self.redis_server.pid()]
    }
}

impl OwnServer {
    /// Starts stores and a service on them.
    ///
    /// # Errors
    /// When one does not start, or the service's program is not built.
    pub async fn start() -> Result<Self, Failure> {
        Self::on(OwnStores::start().await?, None, &[]).await
    }

    /// The same, which tells everybody by mail at once: into a folder.
    ///
    /// # Errors
    /// When one does not start, or the service's program is not built.
    pub async fn telling() -> Result<Self, Failure> {
        Self::on(OwnStores::start().await?, None, &[("MAIL_PER_SECOND", "0")]).await
    }

    /// Where its mails are.
    pub fn mail_folder(&self) -> PathBuf {
        self.data.path().join("mail")
    }

    /// Starts a service on these stores, or on others that stand `before` them (DynamoDB, Redis), with some settings
    /// changed.
    ///
    /// # Errors
    /// When it does not start, or its program is not built.
    pub async fn on(
        stores: OwnStores,
        before: Option<(&str, &str)>,
        settings: &[(&str, &str)],
    ) -> Result<Self, Failure> {
        let (dynamodb, redis) = before.unwrap_or((&stores.dynamodb, &stores.redis));
        let port = free_port()?;
        let data = tempfile::Builder::new().prefix("evently-load-").tempdir()?;
        let mut command = beside::command(port, data.path())?;
        command.env("AWS_ENDPOINT_URL_DYNAMODB", dynamodb).env("REDIS_URL", redis);
        command.env("JWT_SECRET", JWT_SECRET).env("RUST_LOG", "warn,dynoxide=error");
        for limit in ["WRITES", "READS", "AUTH"] {
            // A few connections stand for thousands of people.
            command.env(format!("RATE_LIMIT_{limit}_PER_MINUTE"), "0");
        }
        command.env("NETWORK_REGISTRATIONS_PER_HOUR", "0").env("NETWORK_PLACES_MAX", "0");
        command.envs(settings.iter().copied()).stderr(Stdio::null());
        let service = Process::start(command).await?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        ready(address, "/health", &service, "the service").await?;
        Ok(Self { address, stores, service, data })
    }

    /// The service's process id.
    pub fn pid(&self) -> u32 {
        self.service.pid
    }

    /// Whether the service ended before its time, and the last that it said.
    pub fn has_died(&self) -> Option<String> {
        self.service.has_ended().then(|| self.service.last_words())
    }
}

/// Serves the embedded store, in memory, on that port until the process is told to end.
///
/// # Errors
/// When the port can't be had.
pub async fn serve_store(port: u16) -> Result<(), Failure> {
    let mut stop = Stop::new()?;
    let store = EmbeddedStore::start(Location::Memory, Some(port)).await?;
    stop.told().await;
    store.stop().await;
    Ok(())
}

/// Returns when the process answers anything at all but a failure of its own.
async fn ready(address: SocketAddr, path: &str, process: &Process, who: &str) -> Result<(), Failure> {
    let said = |how| format!("{who} {how}; it last said: {}", process.last_words());
    let is_ready = wait::until(READY_WITHIN, ASK_AGAIN_AFTER, || async {
        match Connection::new(address).send(&Call::get(path)).await {
            Ok(answer) if answer.status < 500 => Ok(true),
            _ if process.has_ended() => Err(said("ended at once")),
            _ => Ok(false),
        }
    });
    if is_ready.await? { Ok(()) } else { Err(said("does not come up").into()) }
}
