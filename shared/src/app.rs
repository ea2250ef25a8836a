//! The one `App`: built once at cold start, shared by all requests.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    accounts::{Attempts, EndedTokens},
    catalogue::Catalogue,
    config::{Config, ConfigError},
    domain::error::Cause,
    http::{limit::Limits, token::Tokens},
    redis::Redis,
    store::{self, AskedTable, Store},
};

/// A function that waits for its stores at the start waits no longer: requests find out for themselves.
const OPENING_MAX: Duration = Duration::from_secs(2);

/// Everything that a request needs: settings, the two stores, the token keys.
#[derive(Debug)]
pub struct App {
    /// The settings.
    pub config: Config,
    /// DynamoDB, the truth.
    pub store: Store,
    /// Redis, the fast copy.
    pub redis: Redis,
    /// Signs and verifies access tokens and cursors.
    pub tokens: Tokens,
    /// What this process remembers of its clients.
    pub(crate) limits: Limits,
    /// What this process remembers of the catalogue.
    pub(crate) catalogue: Catalogue,
    /// Which tokens ended before their time, as far as this process knows.
    pub(crate) ended_tokens: EndedTokens,
    /// What this process remembers of wrong passwords while Redis is out of reach.
    pub(crate) attempts: Attempts,
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
    /// them.
    pub async fn from_env() -> Result<Arc<Self>, StartError> {
        let started = match Config::from_env() {
            Ok(config) => {
                let client = store::client_of_function(config.roots).await;
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
    pub fn new(config: Config, dynamodb: store::Client) -> Result<Arc<Self>, StartError> {
        Ok(Arc::new(Self {
            store: Store::new(dynamodb, config.tables.clone()),
            redis: Redis::new(&config.redis).map_err(StartError::Redis)?,
            limits: Limits::default(),
            catalogue: Catalogue::default(),
            ended_tokens: EndedTokens::default(),
            attempts: Attempts::default(),
            tokens: Tokens::new(&config.jwt_secret, config.jwt_secret_previous.as_ref()),
            config,
        }))
    }
}
