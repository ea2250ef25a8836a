//! A changed password, and the tokens that end with it.

use jiff::Timestamp;

use crate::{Accounts, ended_tokens::NOTE_LIFE};
use domain::{
    error::Error,
    id::UserId,
    user::{PasswordHash, User},
};

/// Gives the account another password, and ends the tokens that were got with older ones. Answers false if the password
/// was changed meanwhile.
pub async fn change_password(
    accounts: &Accounts,
    user: &User,
    hash: &PasswordHash,
    now: Timestamp,
) -> Result<bool, Error> {
    let is_changed = accounts.store.change_password(user, hash, now, now + NOTE_LIFE).await?;
    if is_changed {
        end_tokens(accounts, user.id, user.password_version + 1).await;
    }
    Ok(is_changed)
}

/// Ends a user's tokens in this process and in Redis. What fails is made up for by what DynamoDB has.
pub(crate) async fn end_tokens(accounts: &Accounts, user: UserId, version: u32) {
    accounts.ended_tokens.add(user, version);
    if let Err(error) = accounts.redis.end_tokens(user, version, NOTE_LIFE).await {
        tracing::warn!(user_id = %user, %error, "older tokens may be good for a minute elsewhere");
    }
}

/// Ends older tokens again if the password was changed so lately that there may be some: Redis may not have it.
pub async fn end_tokens_again(accounts: &Accounts, user: &User, now: Timestamp) {
    let since = user.password_changed_at.map(|changed_at| now.duration_since(changed_at).unsigned_abs());
    if since.is_some_and(|since| since < NOTE_LIFE) {
        end_tokens(accounts, user.id, user.password_version).await;
    }
}
