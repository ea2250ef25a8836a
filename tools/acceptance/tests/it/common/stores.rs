//! The stores that all tests share, each test with its own tables and keys in them.

use std::sync::{OnceLock, mpsc};

use super::cluster::Cluster;
use local::{
    embedded_store::{EmbeddedStore, Location},
    redis_server::{RedisOptions, RedisServer},
};

pub(crate) struct SharedStores {
    pub(crate) dynamodb: String,
    pub(crate) redis: String,
    /// Whether that is a cluster (`make test-redis-cluster`).
    pub(crate) redis_is_cluster: bool,
}

/// Starts the stores with the first test that asks, on a thread that lives as long as the test program: the
/// runtime of a test ends with it.
pub(crate) fn shared() -> &'static SharedStores {
    static STORES: OnceLock<SharedStores> = OnceLock::new();
    STORES.get_or_init(|| {
        let (ready, started) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (_embedded, dynamodb) = dynamodb().await;
                let redis_is_cluster = std::env::var_os("TEST_REDIS_CLUSTER").is_some();
                let (cluster, single) = match redis_is_cluster {
                    true => (Some(Cluster::start().await), None),
                    false => (None, Some(own_redis().await)),
                };
                let redis = cluster.as_ref().map(Cluster::url).or(single.as_ref().map(RedisServer::url));
                let redis = redis.unwrap().to_owned();
                ready.send(SharedStores { dynamodb, redis, redis_is_cluster }).unwrap();
                std::future::pending::<()>().await;
            });
        });
        started.recv().expect("the tests need a Redis server: see the message above")
    })
}

/// The embedded store, unless TEST_DYNAMODB names another one (`make test-dynamodb-local`).
async fn dynamodb() -> (Option<EmbeddedStore>, String) {
    if let Ok(other) = std::env::var("TEST_DYNAMODB") {
        return (None, other);
    }
    let embedded = EmbeddedStore::start(Location::Memory, None).await.unwrap();
    let endpoint = embedded.endpoint().to_owned();
    (Some(embedded), endpoint)
}

/// A Redis server that ends with its handle.
pub(crate) async fn own_redis() -> RedisServer {
    RedisServer::start(RedisOptions::default()).await.unwrap_or_else(|error| panic!("{error}"))
}
