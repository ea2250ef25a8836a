//! An erased account, and its tokens, which all end with it.

use jiff::Timestamp;

use crate::{Accounts, ended_tokens::NOTE_LIFE, passwords::end_tokens};
use domain::{error::Error, id::UserId, user::User};

/// Erases the account, and ends its tokens. True also if somebody else just did; false if its password, or
/// its address, was changed meanwhile.
pub async fn erase(accounts: &Accounts, user: &User, now: Timestamp) -> Result<bool, Error> {
    if !accounts.store.erase_user(user, now + NOTE_LIFE).await? {
        // It may also have moved elsewhere just now, which takes the password as well.
        if accounts.store.is_or_was_at(&user.email, user.id).await? {
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
