//! A Redis Cluster on the loopback address: three primaries, and a replica of the first where one is asked for.

use std::{ops::RangeInclusive, time::Duration};

use local::redis_server::{RedisOptions, RedisServer};
use redis::FromRedisValue;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::tls::{self, Authority};

const SLOTS: [RangeInclusive<u16>; 3] = [0..=5460, 5461..=10922, 10923..=16383];
/// The bus of a node listens 10,000 above its port, which must be a port, too.
const PORTS: std::ops::Range<u16> = 20_000..30_000;
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A running cluster; it ends with this.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<RedisServer>,
    _folder: TempDir,
}

impl Cluster {
    /// Three primaries.
    pub(crate) async fn start() -> Self {
        Self::with_nodes(3).await
    }

    /// Three primaries; the fourth node is the first one's replica.
    pub(crate) async fn with_replica() -> Self {
        let cluster = Self::with_nodes(4).await;
        let first: String = cluster.ask(0, redis::cmd("CLUSTER").arg("MYID")).await;
        let deadline = Instant::now() + READY_WITHIN;
        // The replica must have heard of its primary before.
        while cluster.try_ask::<()>(3, redis::cmd("CLUSTER").arg("REPLICATE").arg(&first)).await.is_err() {
            assert!(Instant::now() < deadline, "no replica");
            sleep(Duration::from_millis(50)).await;
        }
        cluster.wait_for(0, "INFO", "state=online").await;
        cluster
    }

    async fn with_nodes(count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut nodes = Vec::new();
        while nodes.len() < count {
            let options = RedisOptions {
                // A cluster's nodes keep what they know of each other, so each has a folder.
                data: Some(folder.path().join(nodes.len().to_string())),
                port: Some(fastrand::u16(PORTS)),
                // As ElastiCache has it: nodes that are there serve their slots while others are not.
                arguments: [
                    ["--cluster-enabled", "yes"],
                    ["--cluster-node-timeout", "1000"],
                    ["--cluster-require-full-coverage", "no"],
                ]
                .concat()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            };
            // The port may be taken: another one then.
            if let Ok(node) = RedisServer::start(options).await {
                nodes.push(node);
            }
        }
        let cluster = Self { nodes, _folder: folder };
        for (node, slots) in SLOTS.iter().enumerate() {
            let add =
                redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(*slots.start()).arg(*slots.end()).clone();
            cluster.ask::<()>(node, &add).await;
        }
        for node in 1..count {
            let port = cluster.port(node);
            cluster.ask::<()>(0, redis::cmd("CLUSTER").arg("MEET").arg("127.0.0.1").arg(port)).await;
        }
        for node in 0..count {
            cluster.wait_for(node, "CLUSTER INFO", "cluster_state:ok").await;
            cluster.wait_for(node, "CLUSTER INFO", &format!("cluster_known_nodes:{count}")).await;
        }
        cluster
    }

    /// Puts TLS in front of every node, and lets them tell clients to come that way; answers with a port to start at.
    pub(crate) async fn by_tls(&self, authority: &Authority) -> u16 {
        let mut ports = Vec::new();
        for (node, server) in self.nodes.iter().enumerate() {
            let port = tls::in_front_of(server.url(), authority).await;
            let announce = redis::cmd("CONFIG").arg("SET").arg("cluster-announce-port").arg(port).clone();
            self.ask::<()>(node, &announce).await;
            ports.push(port);
        }
        for node in 0..self.nodes.len() {
            for port in &ports {
                self.wait_for(node, "CLUSTER NODES", &format!("127.0.0.1:{port}@")).await;
            }
        }
        ports[0]
    }

    /// Where a client starts.
    pub(crate) fn url(&self) -> &str {
        self.nodes.last().unwrap().url()
    }

    /// Waits until a node's answer to a command contains that.
    pub(crate) async fn wait_for(&self, node: usize, command: &str, expected: &str) {
        let deadline = Instant::now() + READY_WITHIN;
        let mut words = command.split(' ');
        let mut asked = redis::cmd(words.next().unwrap());
        for word in words {
            asked.arg(word);
        }
        loop {
            let said = self.try_ask::<String>(node, &asked).await.unwrap_or_default();
            if said.contains(expected) {
                return;
            }
            assert!(Instant::now() < deadline, "no {expected} in {said}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    fn port(&self, node: usize) -> u16 {
        self.nodes[node].url().rsplit(':').next().unwrap().parse().unwrap()
    }

    async fn ask<T: FromRedisValue>(&self, node: usize, command: &redis::Cmd) -> T {
        self.try_ask(node, command).await.unwrap()
    }

    async fn try_ask<T: FromRedisValue>(&self, node: usize, command: &redis::Cmd) -> redis::RedisResult<T> {
        let client = redis::Client::open(self.nodes[node].url())?;
        command.query_async(&mut client.get_multiplexed_async_connection().await?).await
    }
}
