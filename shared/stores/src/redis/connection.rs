//! One connection for all requests: plain or TLS, a single server or a cluster.
//!
//! By TLS a server is trusted if its certificate is from one of the public authorities, those of Mozilla, which are compiled
//! in. The system's are not read: to read and decode its some 140 is most of what a function would do before its first
//! request. A server with a certificate from somebody else's authority needs that authority in the settings; then no other
//! is trusted.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use redis::{
    Client, Cmd, IntoConnectionInfo, Pipeline, RedisError, RedisFuture, RedisResult, TlsCertificates, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
};

use settings::RedisConfig;

/// A script takes well under a millisecond: half a second means that the answer is lost, not that the script
/// did not run.
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(500);
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);
/// How long sent bytes may stay unacknowledged before the connection counts as lost.
#[cfg(target_os = "linux")]
const UNANSWERED_MAX: Duration = Duration::from_secs(2);
/// Commands that may wait to be written: more than one function instance ever has under way.
const PIPELINE_COMMANDS_MAX: usize = 2_048;
/// A caller that meets a lost connection hears of it at once and may try again.
const RECONNECT_RETRIES: usize = 1;

/// A cluster that did not answer once for so long is connected to anew: the client library may wait for ever for
/// something that it asked in the middle of a failover (seen under load, see redis-rs issue 1953).
const CLUSTER_SILENT_MAX: Duration = Duration::from_secs(3);

/// A shared connection that is made when it is first used, and made again when it is lost.
#[derive(Clone)]
pub(super) enum Connection {
    Single(ConnectionManager),
    Cluster(Arc<Cluster>),
}

impl Connection {
    pub(super) fn new(config: &RedisConfig) -> RedisResult<Self> {
        match config.cluster {
            true => Ok(Self::Cluster(Arc::new(Cluster::new(cluster_client(config)?)))),
            false => {
                let settings = ConnectionManagerConfig::new()
                    .set_connection_timeout(Some(CONNECT_TIMEOUT))
                    .set_response_timeout(Some(RESPONSE_TIMEOUT))
                    .set_pipeline_buffer_size(PIPELINE_COMMANDS_MAX)
                    .set_number_of_retries(RECONNECT_RETRIES);
                let client = single_client(config)?;
                Ok(Self::Single(ConnectionManager::new_lazy_with_config(client, settings)?))
            }
        }
    }
}

fn single_client(config: &RedisConfig) -> RedisResult<Client> {
    let address = config.url().into_connection_info()?.set_tcp_settings(tcp_settings());
    match &config.authorities {
        Some(authorities) => Client::build_with_tls(address, trusting(authorities)),
        None => Client::open(address),
    }
}

fn cluster_client(config: &RedisConfig) -> RedisResult<ClusterClient> {
    let builder = ClusterClientBuilder::new([config.url()])
        .connection_timeout(CONNECT_TIMEOUT)
        .response_timeout(RESPONSE_TIMEOUT)
        .tcp_settings(tcp_settings());
    match &config.authorities {
        Some(authorities) => builder.certs(trusting(authorities)).build(),
        None => builder.build(),
    }
}

/// Trust in these authorities, in PEM, and in no others.
fn trusting(authorities: &str) -> TlsCertificates {
    TlsCertificates { client_tls: None, root_cert: Some(authorities.as_bytes().to_vec()) }
}

/// A cluster, and the connection to it.
pub(super) struct Cluster {
    client: ClusterClient,
    connection: Mutex<ClusterConnection>,
    /// When it began to answer nothing.
    silent_since: Mutex<Option<Instant>>,
}

impl Cluster {
    fn new(client: ClusterClient) -> Self {
        let connection = Mutex::new(connect(&client));
        Self { client, connection, silent_since: Mutex::new(None) }
    }

    fn connection(&self) -> ClusterConnection {
        self.connection.lock().clone()
    }

    /// Takes notice of how a request ended.
    fn note(&self, error: Option<&RedisError>) {
        let is_silent = error.is_some_and(|error| error.is_timeout() || error.is_io_error());
        let mut silent_since = self.silent_since.lock();
        match *silent_since {
            _ if !is_silent => *silent_since = None,
            None => *silent_since = Some(Instant::now()),
            Some(since) if since.elapsed() > CLUSTER_SILENT_MAX => {
                tracing::warn!("the Redis Cluster answers nothing; connecting anew");
                *self.connection.lock() = connect(&self.client);
                *silent_since = Some(Instant::now());
            }
            Some(_) => {}
        }
    }
}

fn connect(client: &ClusterClient) -> ClusterConnection {
    client.get_pending_async_connection_with_config(Default::default())
}

/// A server that vanished without a word must not be waited for: the kernel would try for a quarter of an hour.
fn tcp_settings() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(UNANSWERED_MAX);
    settings
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Single(connection) => connection.req_packed_command(cmd),
            Self::Cluster(cluster) => Box::pin(async move {
                let answer = cluster.connection().req_packed_command(cmd).await;
                cluster.note(answer.as_ref().err());
                answer
            }),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(cluster) => Box::pin(async move {
                let answer = cluster.connection().req_packed_commands(pipeline, offset, count).await;
                cluster.note(answer.as_ref().err());
                answer
            }),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            // A cluster has one only.
            Self::Cluster(_) => 0,
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single(_) => "Connection::Single",
            Self::Cluster(_) => "Connection::Cluster",
        })
    }
}
