//! An account that moves to another address, or is taken back, and its tokens, which say the old one and end.

use jiff::Timestamp;

use crate::{Accounts, ended_tokens::NOTE_LIFE, passwords::end_tokens};
use domain::{delivery::Delivery, error::Error, user::User};
use stores::dynamodb::{KeptUser, Moved};

/// Moves the account, which becomes `moved`; whoever has the address that it leaves is told.
pub async fn move_account(
    accounts: &Accounts,
    kept: &KeptUser,
    moved: &User,
    told: &Delivery,
    now: Timestamp,
) -> Result<Moved, Error> {
    let done = accounts.store.move_user(kept, moved, told, now, now + NOTE_LIFE).await?;
    Ok(ended(accounts, moved, done).await)
}

/// Takes the account back to an address that it left; whoever has the address is told how to set a password.
pub async fn take_back(
    accounts: &Accounts,
    kept: &KeptUser,
    back: &User,
    told: &Delivery,
    now: Timestamp,
) -> Result<Moved, Error> {
    let done = accounts.store.take_user_back(kept, back, told, now + NOTE_LIFE).await?;
    Ok(ended(accounts, back, done).await)
}

async fn ended(accounts: &Accounts, user: &User, done: Moved) -> Moved {
    if done == Moved::Done {
        end_tokens(accounts, user.id, user.password_version).await;
    }
    done
}
