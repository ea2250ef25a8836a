//! The one `App` of a function: built once at cold start, shared by all requests. There are two, one for each ring, and what
//! is not in a function's `App`, that function can't use:
//!
//! - *Inner* functions run inside the network of Redis and decide about seats: [`App`].
//! - *Outer* functions run outside it, can reach the Internet, and know DynamoDB only: [`OuterApp`].
//!
//! `template.yaml` gives inner functions a `VpcConfig`; a test holds the two together.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use accounts::{Accounts, EndedTokens, tokens::Tokens};
use booking::Protocol;
use catalogue::Catalogue;
use domain::error::Cause;
use settings::{Config, ConfigError};
use stores::{
    dynamodb::{self, AskedTable, Store},
    redis::Redis,
};

use crate::front::Front;

/// A function that waits for its stores at the start waits no longer: requests find out for themselves.
const OPENING_MAX: Duration = Duration::from_secs(2);

/// What both rings have in common.
pub trait Ring: Send + Sync + 'static {
    /// What every request passes first.
    fn front(&self) -> &Arc<Front>;
}

/// All that an inner function may use.
#[derive(Debug)]
pub struct App {
    /// The settings.
    pub config: Arc<Config>,
    /// DynamoDB, the truth.
    pub store: Store,
    /// Redis, the fast copy.
    pub redis: Redis,
    /// Signs and verifies access tokens and cursors.
    pub tokens: Arc<Tokens>,
    /// Which tokens ended before their time, as far as this process knows.
    pub ended_tokens: Arc<EndedTokens>,
    /// Signing in, changing a password, erasing an account.
    pub accounts: Accounts,
    /// What people browse.
    pub catalogue: Arc<Catalogue>,
    /// How seats move.
    pub protocol: Protocol,
    front: Arc<Front>,
}

/// All that an outer function may use. No seat moves here.
#[derive(Debug)]
pub struct OuterApp {
    /// The settings.
    pub config: Arc<Config>,
    /// DynamoDB, the truth.
    pub store: Store,
    /// Signs and verifies access tokens and cursors.
    pub tokens: Arc<Tokens>,
    front: Arc<Front>,
}

/// Why a function can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is missing or malformed.
    #[error("setting {0}")]
    Config(#[from] ConfigError),
    /// The Redis client refused its settings.
    #[error("setting REDIS_URL can't be used: {0}")]
    Redis(#[source] Cause),
}

impl App {
    /// Builds the app of a Lambda function: settings from the environment, credentials as the AWS SDK finds
    /// them. The settings must pass the `check`, too.
    pub async fn from_env(check: fn(&Config) -> Result<(), ConfigError>) -> Result<Arc<Self>, StartError> {
        let started = match Config::from_env().and_then(|config| check(&config).map(|()| config)) {
            Ok(config) => {
                let client = dynamodb::client_of_function(config.roots).await;
                Self::new(config, client)
            }
            Err(error) => Err(error.into()),
        };
        started.inspect_err(|error| tracing::error!("can't start: {error}"))
    }

    /// Opens the connections to both stores at the same time, so that the first request does not wait for names, TCP and
    /// TLS. A store that does not answer is left to the requests.
    pub async fn open_connections(&self, table: AskedTable) {
        let started = Instant::now();
        let opening = async { tokio::join!(self.store.is_reachable(table), self.redis.is_reachable()) };
        let (dynamodb, redis) = tokio::time::timeout(OPENING_MAX, opening).await.unwrap_or_default();
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if dynamodb && redis {
            tracing::info!(ms, "connected");
        } else {
            tracing::warn!(ms, dynamodb, redis, "a store did not answer at the start");
        }
    }

    /// Builds the app from settings and a DynamoDB client. Connects to nothing yet.
    pub fn new(config: impl Into<Arc<Config>>, dynamodb: dynamodb::Client) -> Result<Arc<Self>, StartError> {
        let config = config.into();
        let store = Store::new(dynamodb, config.tables.clone());
        let redis = Redis::new(&config.redis).map_err(StartError::Redis)?;
        let front = Front::new(Arc::clone(&config), &store, Some(&redis));
        let tokens = Arc::clone(&front.tokens);
        let ended_tokens = Arc::clone(&front.ended_tokens);
        let catalogue = Arc::new(Catalogue::new(store.clone(), redis.clone()));
        Ok(Arc::new(Self {
            accounts: Accounts::new(
                store.clone(),
                redis.clone(),
                Arc::clone(&tokens),
                Arc::clone(&ended_tokens),
            ),
            ended_tokens,
            protocol: Protocol::new(&config, store.clone(), redis.clone(), Arc::clone(&catalogue)),
            config,
            store,
            redis,
            tokens,
            catalogue,
            front,
        }))
    }
}

impl Ring for App {
    fn front(&self) -> &Arc<Front> {
        &self.front
    }
}

impl OuterApp {
    /// Builds the app from settings and a DynamoDB client. Connects to nothing yet.
    pub fn new(config: impl Into<Arc<Config>>, dynamodb: dynamodb::Client) -> Arc<Self> {
        let config = config.into();
        let store = Store::new(dynamodb, config.tables.clone());
        let front = Front::new(Arc::clone(&config), &store, None);
        Arc::new(Self { tokens: Arc::clone(&front.tokens), config, store, front })
    }
}

impl Ring for OuterApp {
    fn front(&self) -> &Arc<Front> {
        &self.front
    }
}
