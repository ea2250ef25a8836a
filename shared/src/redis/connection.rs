//! One connection for all requests: plain or TLS, a single server or a cluster.

use std::{fmt, time::Duration};

use redis::{
    Client, Cmd, IntoConnectionInfo, Pipeline, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig},
    cluster::ClusterClientBuilder,
    cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
};

use crate::config::RedisConfig;

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

/// A shared connection that is made when it is first used, and made again when it is lost.
#[derive(Clone)]
pub(super) enum Connection {
    Single(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Connection {
    pub(super) fn new(config: &RedisConfig) -> RedisResult<Self> {
        if config.cluster {
            let client = ClusterClientBuilder::new([config.url()])
                .connection_timeout(CONNECT_TIMEOUT)
                .response_timeout(RESPONSE_TIMEOUT)
                .tcp_settings(tcp_settings())
                .build()?;
            Ok(Self::Cluster(client.get_pending_async_connection_with_config(Default::default())))
        } else {
            let settings = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(CONNECT_TIMEOUT))
                .set_response_timeout(Some(RESPONSE_TIMEOUT))
                .set_pipeline_buffer_size(PIPELINE_COMMANDS_MAX)
                .set_number_of_retries(RECONNECT_RETRIES);
            let address = config.url().into_connection_info()?.set_tcp_settings(tcp_settings());
            let client = Client::open(address)?;
            Ok(Self::Single(ConnectionManager::new_lazy_with_config(client, settings)?))
        }
    }
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
            Self::Cluster(connection) => connection.req_packed_command(cmd),
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
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Single(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
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
