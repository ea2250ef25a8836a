//! What every request passes, whichever ring its function is in: it verifies tokens, and counts requests.

use std::sync::Arc;

use accounts::{EndedTokens, tokens::Tokens};
use settings::Config;
use stores::{dynamodb::Store, redis::Redis};

use crate::limit::memory::Memory;

/// What the front of a function needs.
#[derive(Debug)]
pub struct Front {
    pub(crate) config: Arc<Config>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) ended_tokens: Arc<EndedTokens>,
    /// `None` outside the network that Redis is in: then each process counts by itself.
    pub(crate) redis: Option<Redis>,
    /// What this process remembers of its clients.
    pub(crate) clients: Memory,
}

impl Front {
    /// Signs and verifies tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    pub(crate) fn new(config: Arc<Config>, store: &Store, redis: Option<&Redis>) -> Arc<Self> {
        Arc::new(Self {
            tokens: Arc::new(Tokens::new(&config.jwt_secret, config.jwt_secret_previous.as_ref())),
            ended_tokens: Arc::new(EndedTokens::new(store.clone(), redis.cloned())),
            redis: redis.cloned(),
            clients: Memory::default(),
            config,
        })
    }
}
