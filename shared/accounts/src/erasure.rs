//! An erased account, and its tokens, which all end with it.

use jiff::Timestamp;

use crate::{Accounts, ended_tokens::NOTE_LIFE, passwords::end_tokens};
use domain::{error::Error, id::UserId, user::User};

/// Erases the account, and ends its tokens. True also if somebody else just did; false if its password was changed meanwhile.
pub async fn erase(accounts: &Accounts, user: &User, now: Timestamp) -> Result<bool, Error> {
    if !accounts.store.erase_user(user, now + NOTE_LIFE).await? {
        let now_there = accounts.store.user_by_email(&user.email).await?;
        if now_there.is_some_and(|now_there| now_there.id == user.id) {
            return Ok(false);
        }
    }
    end_tokens(accounts, user.id, user.password_version + 1).await;
    Ok(true)
}

/// Whether tokens of the user ended early, by what DynamoDB has: a process may not have heard of it yet. For a user without an
/// account it means that they were erased, within the life of a token.
pub async fn were_tokens_ended(accounts: &Accounts, user: UserId, now: Timestamp) -> Result<bool, Error> {
    Ok(accounts.store.ended_tokens(now).await?.iter().any(|note| note.user == user))
}
