//! A whole Evently of its own, to be put under load: the `local` program as it is built for release, a Redis, and the
//! embedded store in memory, each a process of its own, so that each one's CPU can be told apart. None outlives us.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use local::{
    embedded_store::{EmbeddedStore, Location},
    process::Process,
    redis_server::{RedisOptions, RedisServer},
    settings::SETTINGS,
};
use tempfile::TempDir;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep},
};

use crate::{
    Failure,
    http::{Call, Connection},
};

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
    _data: TempDir,
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
        let mut command = Process::supervised(&program("local")?);
        for name in SETTINGS {
            command.env_remove(name);
        }
        command.env("PORT", port.to_string()).env("DATA_DIR", data.path());
        command.env("AWS_ENDPOINT_URL_DYNAMODB", dynamodb).env("REDIS_URL", redis);
        command.env("JWT_SECRET", JWT_SECRET).env("RUST_LOG", "warn,dynoxide=error");
        for limit in ["WRITES", "READS", "AUTH"] {
            // A few connections stand for thousands of people.
            command.env(format!("RATE_LIMIT_{limit}_PER_MINUTE"), "0");
        }
        command.envs(settings.iter().copied()).stderr(Stdio::null());
        let service = Process::start(command).await?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        ready(address, "/health", &service, "the service").await?;
        Ok(Self { address, stores, service, _data: data })
    }

    /// The service's process id.
    pub fn pid(&self) -> u32 {
        self.service.pid
    }

    /// Whether the service ended before its time, and the last that it said.
    pub fn has_died(&self) -> Option<String> {
        self.service.has_ended().then(|| last_words(&self.service))
    }
}

/// Serves the embedded store, in memory, on that port until the process is told to end.
///
/// # Errors
/// When the port can't be had.
pub async fn serve_store(port: &str) -> Result<(), Failure> {
    let mut told_to_end = signal(SignalKind::terminate())?;
    let store = EmbeddedStore::start(Location::Memory, Some(port.parse()?)).await?;
    told_to_end.recv().await;
    store.stop().await;
    Ok(())
}

/// A program of this workspace, as it was built beside ours.
///
/// # Errors
/// When it was not built.
pub fn program(name: &str) -> Result<PathBuf, Failure> {
    let ours = std::env::current_exe()?;
    let program = ours.parent().unwrap_or(Path::new(".")).join(name);
    if program.is_file() { Ok(program) } else { Err(format!("{} is not built", program.display()).into()) }
}

/// A port that was free a moment ago.
///
/// # Errors
/// When the system has none.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Returns when the process answers anything at all but a failure of its own.
async fn ready(address: SocketAddr, path: &str, process: &Process, who: &str) -> Result<(), Failure> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        let answer = Connection::new(address).send(&Call::get(path)).await;
        match answer {
            Ok(answer) if answer.status < 500 => return Ok(()),
            _ if process.has_ended() => {
                return Err(format!("{who} ended at once; it last said: {}", last_words(process)).into());
            }
            _ if Instant::now() > deadline => {
                return Err(format!("{who} does not come up; it last said: {}", last_words(process)).into());
            }
            _ => sleep(ASK_AGAIN_AFTER).await,
        }
    }
}

fn last_words(process: &Process) -> String {
    process.log().pop().unwrap_or_else(|| "nothing".to_owned())
}
