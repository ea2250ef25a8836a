//! The stores that all tests share, each test with its own tables and keys in them.

use std::sync::{OnceLock, mpsc};

use local::{
    embedded_store::{EmbeddedStore, Location},
    redis_server::{RedisOptions, RedisServer},
};

pub(crate) struct SharedStores {
    pub(crate) dynamodb: String,
    pub(crate) redis: String,
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
                let dynamodb = EmbeddedStore::start(Location::Memory, None).await.unwrap();
                let redis = own_redis().await;
                let addresses =
                    SharedStores { dynamodb: dynamodb.endpoint().to_owned(), redis: redis.url().to_owned() };
                ready.send(addresses).unwrap();
                std::future::pending::<()>().await;
            });
        });
        started.recv().expect("the tests need a Redis server: see the message above")
    })
}

/// A Redis server that ends with its handle.
pub(crate) async fn own_redis() -> RedisServer {
    RedisServer::start(RedisOptions::default()).await.unwrap_or_else(|error| panic!("{error}"))
}
