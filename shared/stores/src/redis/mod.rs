//! Redis, the fast copy: free seats and holds. Any of it may be lost at any moment; then it is rebuilt from
//! DynamoDB.
//!
//! All keys stand in [`keys`]; each Lua script of `shared/stores/lua` has one typed function in [`scripts`], in the
//! order of a booking's life. The little that is not a script is here.

mod answer;
mod connection;
mod facts;
pub mod keys;
mod reports;
pub mod scripts;

use std::time::Duration;
use telemetry::CauseChain;

use futures::future::try_join_all;
use jiff::civil::Date;
use redis::{Cmd, ErrorKind, FromRedisValue};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use self::reports::ReportSeen;
use self::{connection::Connection, facts::event_now, keys::Keys};
use domain::{
    error::{Cause, Error, GaveUp, StoreName},
    event::EventNow,
    id::AreaKey,
    inventory::{ShardNumber, place_of_shard},
    page::PageKey,
    time::from_ms,
};
use settings::RedisConfig;

/// How long an idempotency key is remembered.
pub const IDEMPOTENCY_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// The client and the names of the keys.
#[derive(Clone, Debug)]
pub struct Redis {
    connection: Connection,
    keys: Keys,
}

/// What is read of a state: epoch, name, start in ms, venue, status.
type StateFacts =
    (Option<String>, Option<String>, Option<i64>, Option<String>, Option<String>, Option<String>);

/// What a cancel or a change of capacity must know of the state before it commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateSeen {
    /// Tells whether the state is still this one.
    pub epoch: String,
    /// The event; `None` if an older release made the state, which then does not say all of it.
    pub event: Option<EventNow>,
}

/// Where a pricing run stopped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricingCursor {
    /// The day, in UTC, for which the events before the place are priced.
    pub day: Date,
    /// The place in the list of events.
    pub start: PageKey,
}

/// Where an area's unsold seats are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsoldSeats {
    /// Seats that can be held.
    pub free: u32,
    /// Seats that are held, those among them whose confirm has begun.
    pub held: u32,
}

/// What Redis thinks of an area's inventory, all read at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InventorySeen {
    /// Tells whether the state is still this one.
    pub epoch: String,
    shards: Vec<ShardSeen>,
}

/// What Redis thinks of one shard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardSeen {
    /// Seats that can be held. Below zero only while Redis learns of data that it lost.
    pub free: i64,
    /// Seats that are held.
    pub held: i64,
    /// That part of them whose confirm has begun.
    pub confirming: i64,
    /// The commits that Redis knows of, in DynamoDB's `version` numbers.
    pub applied: u64,
}

impl InventorySeen {
    /// What Redis thinks of that shard; nothing of one that it does not know.
    pub fn shard(&self, shard: ShardNumber) -> ShardSeen {
        let (_, place) = place_of_shard(shard);
        self.shards.get(usize::from(place)).copied().unwrap_or_default()
    }

    /// All shards that Redis knows, in their order.
    pub fn shards(&self) -> &[ShardSeen] {
        &self.shards
    }
}

impl Redis {
    /// A client. Connects when it is first used, and again whenever the connection is lost.
    pub fn new(config: &RedisConfig) -> Result<Self, Cause> {
        Ok(Self { connection: Connection::new(config)?, keys: Keys::new(&config.key_prefix) })
    }

    /// Whether Redis answers.
    pub async fn is_reachable(&self) -> bool {
        self.ask::<String>(&redis::cmd("PING")).await.is_ok()
    }

    /// Free seats of each area, or of each event's first; `None` where the state is missing.
    pub async fn free_seats(&self, areas: &[impl Into<AreaKey> + Copy]) -> Result<Vec<Option<u32>>, Error> {
        let asked = areas.iter().map(|area| async move {
            let mut get = redis::cmd("HGET");
            get.arg(self.keys.state(*area)).arg("free");
            self.ask::<Option<i64>>(&get).await
        });
        let free = try_join_all(asked).await?;
        // Below zero for a moment only, while Redis learns of data that it lost.
        Ok(free.into_iter().map(|free| free.map(|free| u32::try_from(free).unwrap_or(0))).collect())
    }

    /// Where the unsold seats of each area are; `None` where the state is missing.
    pub async fn unsold_seats(&self, areas: &[AreaKey]) -> Result<Vec<Option<UnsoldSeats>>, Error> {
        let asked = areas.iter().map(|area| async move {
            let mut get = redis::cmd("HMGET");
            get.arg(self.keys.state(*area)).arg("free").arg("held");
            self.ask::<(Option<i64>, Option<i64>)>(&get).await
        });
        let seats = |count: i64| u32::try_from(count).unwrap_or(0);
        let found = try_join_all(asked).await?.into_iter().map(|(free, held)| {
            free.map(|free| UnsoldSeats { free: seats(free), held: seats(held.unwrap_or(0)) })
        });
        Ok(found.collect())
    }

    /// The epoch of an area's state and what else must be seen beside it; `None` if the state is missing.
    pub async fn state_seen(&self, area: impl Into<AreaKey>) -> Result<Option<StateSeen>, Error> {
        let mut get = redis::cmd("HMGET");
        get.arg(self.keys.state(area)).arg(&[
            "epoch",
            "name",
            "starts_at",
            "venue",
            "status",
            "cancel_until",
        ]);
        let (epoch, name, starts_at, venue, status, cancel_until): StateFacts = self.ask(&get).await?;
        Ok(epoch.map(|epoch| {
            let name_and_start = name.zip(starts_at);
            let event = name_and_start.and_then(|(name, starts_at)| {
                event_now(name, from_ms(starts_at), venue, status, cancel_until)
            });
            StateSeen { epoch, event }
        }))
    }

    /// Where a job of the janitor stopped, if it did not come to the end.
    pub async fn janitor_cursor(&self, job: &str) -> Result<Option<PageKey>, Error> {
        self.kept(self.keys.janitor_cursor(job)).await
    }

    /// Keeps where a job of the janitor stopped.
    pub async fn set_janitor_cursor(&self, job: &str, cursor: Option<PageKey>) -> Result<(), Error> {
        self.keep_cursor(self.keys.janitor_cursor(job), cursor).await
    }

    /// Where the last pricing run stopped, if it did not come to the end.
    pub async fn pricing_cursor(&self) -> Result<Option<PricingCursor>, Error> {
        self.kept(self.keys.pricing_cursor()).await
    }

    /// Keeps where a pricing run stopped.
    pub async fn set_pricing_cursor(&self, cursor: Option<PricingCursor>) -> Result<(), Error> {
        self.keep_cursor(self.keys.pricing_cursor(), cursor).await
    }

    async fn kept<T: DeserializeOwned>(&self, key: String) -> Result<Option<T>, Error> {
        let mut get = redis::cmd("GET");
        get.arg(key);
        let kept: Option<String> = self.ask(&get).await?;
        // What can't be read, perhaps from another version, means a start from the beginning.
        Ok(kept.and_then(|kept| serde_json::from_str(&kept).ok()))
    }

    async fn keep_cursor<T: Serialize>(&self, key: String, value: Option<T>) -> Result<(), Error> {
        let mut keep = redis::cmd(if value.is_some() { "SET" } else { "DEL" });
        keep.arg(key);
        if let Some(value) = value {
            keep.arg(serde_json::to_string(&value).map_err(|error| Error::Internal(Box::new(error)))?);
        }
        self.ask::<redis::Value>(&keep).await.map(|_| ())
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Error> {
        command.query_async(&mut self.connection.clone()).await.map_err(failed)
    }
}

/// What `lib/state.lua` says of a state that a later release made.
const UNKNOWN_FORMAT: &str = "FORMAT";

/// What Redis says while it can't serve: it starts, is being replaced, or has no room; and, of a script, right after that.
/// (Redis, "Error replies"; Valkey has the same.)
const OUT_OF_SERVICE: &[&str] = &[
    "LOADING",
    "BUSY",
    "TRYAGAIN",
    "CLUSTERDOWN",
    "MASTERDOWN",
    "READONLY",
    "MOVED",
    "ASK",
    "NOREPLICAS",
    "MISCONF",
    "OOM",
    "NOSCRIPT",
    "UNBLOCKED",
];

/// Redis is out of reach, or did not answer in time: a script may have run all the same. All else is a defect of ours: a
/// mistake in a script, a key of another type, a wrong password.
fn failed(error: redis::RedisError) -> Error {
    if error.code() == Some(UNKNOWN_FORMAT) {
        return Error::GaveUp(GaveUp::UnknownFormat);
    }
    let is_out_of_reach = match error.code() {
        Some(code) => OUT_OF_SERVICE.contains(&code),
        None => {
            matches!(error.kind(), ErrorKind::Io | ErrorKind::ClusterConnectionNotFound | ErrorKind::Client)
        }
    };
    if is_out_of_reach {
        return Error::OutOfReach { store: StoreName::Redis, source: Box::new(error) };
    }
    tracing::error!(defect = true, cause = %CauseChain(&error), "Redis refuses what is asked of it");
    Error::Internal(Box::new(error))
}
