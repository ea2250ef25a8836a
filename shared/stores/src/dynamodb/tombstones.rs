//! What an account leaves at an address: a tombstone, for as long as the account can be taken back there, so that nobody else gets the
//! address meanwhile.
//!
//! It is an account to releases before: of an id that nobody has, without a password. So nobody signs in there, and the address is
//! taken. To this release it is one by `moved_to_user`, and no account. From `moved_until` on it is nothing; `forget_at` is the same
//! for DynamoDB, which deletes late.

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, builders::DeleteBuilder};
use futures::future::try_join_all;
use jiff::Timestamp;

use super::{Item, Store, number, text, to_item};
use domain::{
    email::Email,
    error::Error,
    id::UserId,
    user::{PreviousEmail, User},
};

const MOVED_TO_USER: &str = "moved_to_user";
/// There is nothing, or a tombstone whose time is over.
pub(super) const IS_FREE: &str = "attribute_not_exists(email) OR moved_until <= :now";
/// The same, or the account was there itself.
pub(super) const IS_FREE_OR_WAS_OURS: &str =
    "attribute_not_exists(email) OR moved_until <= :now OR moved_to_user = :user";
pub(super) const WAS_OURS: &str = "moved_to_user = :user";

/// Whether the item says only where an account went.
pub(super) fn is_tombstone(item: &Item) -> bool {
    item.contains_key(MOVED_TO_USER)
}

fn is_tombstone_of(item: &Item, user: UserId) -> bool {
    item.get(MOVED_TO_USER).is_some_and(|of| *of == text(user))
}

/// What stays at an address that the account of `user` left.
pub(super) fn tombstone(left: &PreviousEmail, user: UserId, now: Timestamp) -> Result<Item, Error> {
    let mut item = to_item(&User::new(left.email.clone(), now))?;
    item.insert(MOVED_TO_USER.to_owned(), text(user));
    item.insert("moved_until".to_owned(), number(left.until.as_millisecond()));
    item.insert("forget_at".to_owned(), number(left.until.as_second()));
    Ok(item)
}

impl Store {
    /// Whether the account is under that key, or was.
    pub async fn is_or_was_at(&self, email: &Email, id: UserId) -> Result<bool, Error> {
        let item = self.user_item(email).await?;
        Ok(item.is_some_and(|item| is_tombstone_of(&item, id) || item.get("id") == Some(&text(id))))
    }

    /// What deletes the tombstones that the account has under these keys. One whose time is over may be somebody else's by now.
    pub(super) async fn delete_tombstones(
        &self,
        user: UserId,
        keys: impl Iterator<Item = &Email>,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let keys: Vec<&Email> = keys.collect();
        let items = try_join_all(keys.iter().map(|key| self.user_item(key))).await?;
        let ours = keys
            .into_iter()
            .zip(items)
            .filter(|(_, item)| item.as_ref().is_some_and(|item| is_tombstone_of(item, user)));
        ours.map(|(key, _)| {
            let tombstone = self.delete_key(key).condition_expression(WAS_OURS);
            delete(tombstone.expression_attribute_values(":user", text(user)))
        })
        .collect()
    }

    pub(super) fn delete_key(&self, key: &Email) -> DeleteBuilder {
        Delete::builder().table_name(&self.tables.users).key("email", text(key))
    }
}

pub(super) fn delete(delete: DeleteBuilder) -> Result<TransactWriteItem, Error> {
    let delete = delete.build().map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

#[cfg(test)]
mod tests {
    use domain::user::Role;

    use super::*;
    use crate::dynamodb::from_item;

    #[test]
    fn a_tombstone_is_an_account_that_nobody_signs_in_to_for_releases_before() {
        let (user, now) = (UserId::new(), Timestamp::UNIX_EPOCH);
        let left = PreviousEmail::left(Email::parse("ada@example.com").unwrap(), now);
        let item = tombstone(&left, user, now).unwrap();
        assert!(is_tombstone(&item) && is_tombstone_of(&item, user));
        let read: User = from_item(item).unwrap();
        assert!(read.id != user && read.password_hash.is_none() && read.role == Role::User);
        let account = User::new(Email::parse("ada@example.com").unwrap(), now);
        assert!(!is_tombstone(&to_item(&account).unwrap()));
    }
}
