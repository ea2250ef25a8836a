//! The real stores: DynamoDB's embedded stand-in and a Redis server, both of this test alone.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use booking::Protocol;
use catalogue::Catalogue;
use domain::id::{AreaKey, ReservationId};

use local::{
    embedded_store::{EmbeddedStore, Location},
    redis_server::{RedisOptions, RedisServer},
    stack::table_name,
    tables,
};
use redis::aio::MultiplexedConnection;
use settings::Config;
use stores::{
    dynamodb::{self, Store},
    redis::{Redis, keys::Keys},
};

use crate::program::GRACE_MS;

/// The stores, through the program's own methods and, for Redis, behind its back.
pub(crate) struct Stores {
    pub(crate) store: Store,
    pub(crate) redis: Redis,
    /// The program's own way over both, where a step is all of what it does.
    pub(crate) protocol: Protocol,
    pub(crate) keys: Keys,
    raw: MultiplexedConnection,
    _embedded: EmbeddedStore,
    _server: RedisServer,
}

/// All keys of Redis, each with its time to live in ms and what it holds.
pub(crate) type Copied = Vec<(String, i64, Vec<u8>)>;

impl Stores {
    pub(crate) async fn start() -> Self {
        let embedded = EmbeddedStore::start(Location::Memory, None).await.unwrap();
        let server =
            RedisServer::start(RedisOptions::default()).await.unwrap_or_else(|error| panic!("{error}"));
        let config = config(server.url());
        let client = dynamodb::client_for_endpoint(embedded.endpoint());
        tables::create_missing(&client, |id| table_name(&config.tables, id)).await.unwrap();
        let raw =
            redis::Client::open(server.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
        let (store, redis) = (Store::new(client, config.tables.clone()), Redis::new(&config.redis).unwrap());
        let catalogue = Arc::new(Catalogue::new(store.clone(), redis.clone()));
        Self {
            protocol: Protocol::new(&config, store.clone(), redis.clone(), catalogue),
            store,
            redis,
            keys: Keys::new(&config.redis.key_prefix),
            raw,
            _embedded: embedded,
            _server: server,
        }
    }

    /// Asks Redis something behind the program's back.
    pub(crate) async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> T {
        command.query_async(&mut self.raw.clone()).await.unwrap()
    }

    /// Several questions in one round trip.
    pub(crate) async fn ask_all<T: redis::FromRedisValue>(&self, commands: &redis::Pipeline) -> T {
        commands.query_async(&mut self.raw.clone()).await.unwrap()
    }

    pub(crate) async fn empty_redis(&self) {
        self.ask::<()>(&redis::cmd("FLUSHDB")).await;
    }

    /// Redis loses the slot of an area.
    pub(crate) async fn lose(&self, area: AreaKey) {
        let keys: Vec<String> = self.ask(redis::cmd("KEYS").arg(format!("*{{{area}}}*"))).await;
        self.ask::<i64>(redis::cmd("DEL").arg(keys)).await;
    }

    /// A hold gets another deadline.
    pub(crate) async fn set_deadline(&self, id: ReservationId, deadline: i64) {
        let mut set = redis::cmd("ZADD");
        set.arg(self.keys.deadlines(id.area())).arg(deadline).arg(id.to_string());
        self.ask::<i64>(&set).await;
    }

    /// Since reconcile remembered a shard, a grace period has passed.
    pub(crate) async fn grace_passes(&self, area: impl Into<AreaKey>, shard: usize) {
        let (state, field) = (self.keys.state(area), format!("differs:{shard}"));
        let remembered: String = self.ask(redis::cmd("HGET").arg(&state).arg(&field)).await;
        let (difference, _) = remembered.split_once(" since ").unwrap();
        let long_ago = now_ms() - 2 * i64::try_from(GRACE_MS).unwrap();
        let aged = format!("{difference} since {long_ago}");
        self.ask::<i64>(redis::cmd("HSET").arg(&state).arg(&field).arg(aged)).await;
    }

    /// What a replica would have.
    pub(crate) async fn copy_redis(&self) -> Copied {
        let mut copied = Vec::new();
        for key in self.ask::<Vec<String>>(redis::cmd("KEYS").arg("*")).await {
            let mut both = redis::pipe();
            both.cmd("PTTL").arg(&key).cmd("DUMP").arg(&key);
            let (life, content): (i64, Vec<u8>) = self.ask_all(&both).await;
            copied.push((key, life.max(0), content));
        }
        copied
    }

    /// Redis falls back to what a replica had.
    pub(crate) async fn restore_redis(&self, copied: &Copied) {
        self.empty_redis().await;
        for (key, life, content) in copied {
            self.ask::<()>(redis::cmd("RESTORE").arg(key).arg(life).arg(content)).await;
        }
    }
}

pub(crate) fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

fn config(redis: &str) -> Config {
    Config::from_lookup(|setting| {
        let value = match setting {
            "USERS_TABLE" => "users",
            "EVENTS_TABLE" => "events",
            "INVENTORY_TABLE" => "inventory",
            "BOOKINGS_TABLE" => "bookings",
            "AUDIT_TABLE" => "audit",
            "REDIS_URL" => redis,
            "JWT_SECRET" => "a secret of at least thirty-two bytes",
            _ => return None,
        };
        Some(value.to_owned())
    })
    .unwrap()
}
