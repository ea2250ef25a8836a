//! What guards accounts beside the passwords themselves: how fast passwords may be tried, and which tokens end before
//! their time.

mod attempts;
mod ended_tokens;
mod erasure;
pub mod mailed_tokens;
mod moves;
mod passwords;
pub mod sessions;
pub mod tokens;

use std::sync::Arc;

use self::{attempts::Attempts, tokens::Tokens};
pub use self::{
    attempts::{Attempt, Origin, try_password, try_password_in_turn},
    ended_tokens::EndedTokens,
    erasure::{erase, were_tokens_ended},
    moves::{move_account, take_back},
    passwords::{change_password, end_tokens_again},
};
use stores::{dynamodb::Store, redis::Redis};

/// What signing in, changing a password and erasing an account need.
#[derive(Debug)]
pub struct Accounts {
    store: Store,
    redis: Redis,
    tokens: Arc<Tokens>,
    ended_tokens: Arc<EndedTokens>,
    attempts: Attempts,
}

impl Accounts {
    /// The accounts over these stores.
    pub fn new(store: Store, redis: Redis, tokens: Arc<Tokens>, ended_tokens: Arc<EndedTokens>) -> Self {
        Self { store, redis, tokens, ended_tokens, attempts: Attempts::default() }
    }
}
