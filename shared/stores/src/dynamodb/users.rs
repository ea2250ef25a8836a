//! Users. Key: `email`, in its normalised form, so that an address can be taken once only. Releases before normalised less, and
//! accounts of then keep their keys ([`Address`]). Index `by_id`: `id`, with the
//! address and the name and nothing else (see [`super::people`]).
//!
//! All that Evently keeps of a person is in their item here; everything else knows the id alone. Only an address that the account
//! left lately has an item of its own, a tombstone without anything else of the person ([`super::tombstones`]). The account says which
//! these are, so whoever removes the item and them has erased the person.
//!
//! Attributes: those of [`User`]. `wanted_email` is where the account is to move, `previous_emails` are the addresses that it left
//! and can be taken back to, each with its time; both are gone with the first sign-in after their time. Tombstones alone have
//! `moved_to_user`, `moved_until` and `forget_at`, by which the table's `TimeToLive` goes.

use aws_sdk_dynamodb::{
    operation::{put_item::PutItemError, update_item::UpdateItemError},
    types::{
        AttributeValue, ConditionCheck, Delete, Put, ReturnValue, TransactWriteItem, Update,
        builders::ConditionCheckBuilder,
    },
};
use futures::future::try_join_all;
use jiff::Timestamp;
use serde::Serialize;

use super::{
    Item, Store, failed, from_item, number, text, to_item,
    tombstones::{IS_FREE, is_tombstone},
    transaction::Transacted,
    was_written,
};
use domain::{
    delivery::Delivery,
    email::{Address, Email},
    error::Error,
    id::UserId,
    user::{EndedTokensNote, PasswordHash, User, WantedEmail},
};

/// Nobody has it; the second half, because the SDK may try again after a reply was lost, and must not meet itself.
const IS_FREE_OR_OURS: &str = "attribute_not_exists(email) OR moved_until <= :now OR id = :id";
/// The password is the one that was read, or already the new one: the SDK may try again.
const IS_UNCHANGED: &str = "id = :id AND (password_hash = :old OR password_hash = :new)";
/// The account is the one that was read, with the password that it had.
const IS_SAME: &str = "id = :id AND (attribute_not_exists(password_version) OR password_version = :version)";

impl Store {
    /// The account of an address.
    pub async fn user_by_email(&self, email: &Email) -> Result<Option<User>, Error> {
        let found = self.user_item(email).await?;
        found.filter(|item| !is_tombstone(item)).map(from_item).transpose()
    }

    /// What is under a key: an account, or what one left there.
    pub(super) async fn user_item(&self, email: &Email) -> Result<Option<Item>, Error> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.users)
            .key("email", text(email))
            .consistent_read(true)
            .send()
            .await
            .map_err(failed)?;
        Ok(found.item)
    }

    /// The account of an address, whichever of its keys it has. All are asked for at once, so that it takes as long whether
    /// there is one or not.
    pub async fn account_of(&self, address: &Address) -> Result<Option<User>, Error> {
        let found = try_join_all(address.keys.iter().map(|key| self.user_by_email(key))).await?;
        Ok(found.into_iter().flatten().next())
    }

    /// Adds an account, and what it is told first; `EmailTaken` if its address has one, also under a key of before.
    pub async fn register_user(
        &self,
        user: &User,
        address: &Address,
        told: Option<&Delivery>,
    ) -> Result<(), Error> {
        let former = address.former().map(|key| self.no_user_at(key, user.created_at));
        let told = told.map(|delivery| self.also_deliver(delivery));
        let beside = former.chain(told).collect::<Result<Vec<_>, _>>()?;
        if beside.is_empty() {
            return self.create_user(user).await;
        }
        let put = Put::builder()
            .table_name(&self.tables.users)
            .set_item(Some(to_item(user)?))
            .condition_expression(IS_FREE_OR_OURS)
            .expression_attribute_values(":id", text(user.id))
            .expression_attribute_values(":now", number(user.created_at.as_millisecond()))
            .build()
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let put = TransactWriteItem::builder().put(put).build();
        match self.transact([vec![put], beside].concat()).await? {
            Transacted::Committed => Ok(()),
            Transacted::Refused(_) => Err(Error::EmailTaken),
        }
    }

    fn no_user_at(&self, key: &Email, now: Timestamp) -> Result<TransactWriteItem, Error> {
        let check = address_check(&self.tables.users, key).condition_expression(IS_FREE);
        built(check.expression_attribute_values(":now", number(now.as_millisecond())))
    }

    /// Adds an account; `EmailTaken` if its key has one.
    pub async fn create_user(&self, user: &User) -> Result<(), Error> {
        self.client
            .put_item()
            .table_name(&self.tables.users)
            .set_item(Some(to_item(user)?))
            .condition_expression(IS_FREE_OR_OURS)
            .expression_attribute_values(":id", text(user.id))
            .expression_attribute_values(":now", number(user.created_at.as_millisecond()))
            .send()
            .await
            .map_err(|error| match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Error::EmailTaken,
                _ => failed(error),
            })?;
        Ok(())
    }

    /// Replaces the hash of the same password by a stronger one. Answers false if the password was changed meanwhile.
    pub async fn strengthen_password(&self, user: &User, hash: &PasswordHash) -> Result<bool, Error> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.tables.users)
            .key("email", text(&user.email))
            .update_expression("SET password_hash = :new")
            .condition_expression(IS_UNCHANGED)
            .expression_attribute_values(":id", text(user.id))
            .expression_attribute_values(":old", text(old_hash(user)))
            .expression_attribute_values(":new", text(hash.as_str()))
            .send()
            .await;
        was_written(updated)
    }

    /// Gives the account another password, and the next version of it, which ends the tokens of before; `forget_at` is when
    /// the last of these has expired. The note of that is part of the transaction. Answers false if the password was
    /// changed meanwhile.
    pub async fn change_password(
        &self,
        user: &User,
        hash: &PasswordHash,
        now: Timestamp,
        forget_at: Timestamp,
    ) -> Result<bool, Error> {
        let version = user.password_version + 1;
        let note = EndedTokensNote { user: user.id, good_from: version, forget_at: forget_at.as_second() };
        let items = vec![self.replace_password(user, hash, version, now)?, self.note_ended_tokens(&note)?];
        match self.transact(items).await? {
            Transacted::Committed => Ok(true),
            Transacted::Refused(_) => Ok(false),
        }
    }

    fn replace_password(
        &self,
        user: &User,
        hash: &PasswordHash,
        version: u32,
        now: Timestamp,
    ) -> Result<TransactWriteItem, Error> {
        Update::builder()
            .table_name(&self.tables.users)
            .key("email", text(&user.email))
            .update_expression(
                "SET password_hash = :new, password_version = :version, password_changed_at = :now, \
                 previous_password_hash = :old",
            )
            .condition_expression(IS_UNCHANGED)
            .expression_attribute_values(":id", text(user.id))
            .expression_attribute_values(":old", text(old_hash(user)))
            .expression_attribute_values(":new", text(hash.as_str()))
            .expression_attribute_values(":version", number(version))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .build()
            .map(|update| TransactWriteItem::builder().update(update).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }

    /// Forgets the password before, which counts no more. A password that was changed meanwhile keeps its own.
    pub async fn forget_password_before(&self, user: &User) -> Result<(), Error> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.tables.users)
            .key("email", text(&user.email))
            .update_expression("REMOVE previous_password_hash")
            .condition_expression("id = :id AND password_version = :version")
            .expression_attribute_values(":id", text(user.id))
            .expression_attribute_values(":version", number(user.password_version))
            .send()
            .await;
        was_written(updated).map(|_| ())
    }

    /// Forgets addresses whose time is over. What was changed meanwhile stays.
    pub async fn forget_addresses(&self, user: &User, now: Timestamp) -> Result<(), Error> {
        let left: Vec<_> = user.previous_emails.iter().filter(|left| !left.is_over(now)).cloned().collect();
        let over = user.wanted_email.as_ref().filter(|wanted| wanted.is_over(now));
        let mut update = self
            .client
            .update_item()
            .table_name(&self.tables.users)
            .key("email", text(&user.email))
            .expression_attribute_values(":id", text(user.id))
            .expression_attribute_values(":version", number(user.password_version));
        let (mut condition, mut set, mut remove) = (IS_SAME.to_owned(), "", Vec::new());
        if let Some(over) = over {
            condition.push_str(" AND wanted_email = :wanted");
            update = update.expression_attribute_values(":wanted", attribute(over)?);
            remove.push("wanted_email");
        }
        if left.len() < user.previous_emails.len() {
            condition.push_str(" AND previous_emails = :seen");
            update = update.expression_attribute_values(":seen", attribute(&user.previous_emails)?);
            if left.is_empty() {
                remove.push("previous_emails");
            } else {
                set = "SET previous_emails = :left ";
                update = update.expression_attribute_values(":left", attribute(&left)?);
            }
        }
        let removed = if remove.is_empty() { String::new() } else { format!("REMOVE {}", remove.join(", ")) };
        let update = update.update_expression(format!("{set}{removed}")).condition_expression(condition);
        was_written(update.send().await).map(|_| ())
    }

    /// The part of a transaction that says where the account wants to go.
    pub(super) fn set_wanted_email(
        &self,
        user: &User,
        wanted: &WantedEmail,
    ) -> Result<TransactWriteItem, Error> {
        Update::builder()
            .table_name(&self.tables.users)
            .key("email", text(&user.email))
            .update_expression("SET wanted_email = :wanted")
            .condition_expression(IS_SAME)
            .expression_attribute_values(":id", text(user.id))
            .expression_attribute_values(":version", number(user.password_version))
            .expression_attribute_values(":wanted", attribute(wanted)?)
            .build()
            .map(|update| TransactWriteItem::builder().update(update).build())
            .map_err(|error| Error::Internal(Box::new(error)))
    }

    /// Gives the account another name, or none; answers with the account as it is then. `None` if the address has no account
    /// of that id.
    pub async fn rename_user(
        &self,
        email: &Email,
        id: UserId,
        name: Option<&str>,
    ) -> Result<Option<User>, Error> {
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.users)
            .key("email", text(email))
            .condition_expression("id = :id")
            .expression_attribute_names("#name", "name")
            .expression_attribute_values(":id", text(id))
            .return_values(ReturnValue::AllNew);
        let update = match name {
            Some(name) => {
                update.update_expression("SET #name = :name").expression_attribute_values(":name", text(name))
            }
            None => update.update_expression("REMOVE #name"),
        };
        match update.send().await {
            Ok(updated) => updated.attributes.map(from_item).transpose(),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(failed(error)),
            },
        }
    }

    /// Notes that the account's owner gets mail at its address. Answers false if that was known, the address has no account of that
    /// id, or another password since.
    pub async fn verify_email(
        &self,
        email: &Email,
        id: UserId,
        password_version: u32,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let updated = self
            .client
            .update_item()
            .table_name(&self.tables.users)
            .key("email", text(email))
            .update_expression("SET email_verified_at = :now")
            // The SDK may try again after a reply was lost.
            .condition_expression(format!(
                "{IS_SAME} AND (attribute_not_exists(email_verified_at) OR email_verified_at = :now)"
            ))
            .expression_attribute_values(":id", text(id))
            .expression_attribute_values(":version", number(password_version))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .send()
            .await;
        was_written(updated)
    }

    /// Whether the account of that address and id has proved to get mail there. Nothing else of it is read.
    pub async fn is_email_verified(&self, email: &Email, id: UserId) -> Result<bool, Error> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.users)
            .key("email", text(email))
            .projection_expression("id, email_verified_at")
            .consistent_read(true)
            .send()
            .await
            .map_err(failed)?;
        let is_theirs = |item: &Item| item.get("id").is_some_and(|found| found == &text(id));
        Ok(found.item.is_some_and(|item| is_theirs(&item) && item.contains_key("email_verified_at")))
    }

    /// Removes the account and what it left at other addresses, which erases the person, and ends all its tokens by a note in the same transaction; `forget_at` is
    /// when the last of these has expired. Answers false if the account is gone, or its password was changed meanwhile.
    pub async fn erase_user(&self, user: &User, forget_at: Timestamp) -> Result<bool, Error> {
        let good_from = user.password_version + 1;
        let note = EndedTokensNote { user: user.id, good_from, forget_at: forget_at.as_second() };
        let delete = Delete::builder()
            .table_name(&self.tables.users)
            .key("email", text(&user.email))
            .condition_expression(IS_SAME)
            .expression_attribute_values(":id", text(user.id))
            .expression_attribute_values(":version", number(user.password_version))
            .build()
            .map_err(|error| Error::Internal(Box::new(error)))?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        let mut items = vec![delete, self.note_ended_tokens(&note)?];
        let left = user.previous_emails.iter().map(|left| &left.email);
        items.extend(self.delete_tombstones(user.id, left).await?);
        match self.transact(items).await? {
            Transacted::Committed => Ok(true),
            Transacted::Refused(_) => Ok(false),
        }
    }
}

fn attribute(value: &impl Serialize) -> Result<AttributeValue, Error> {
    serde_dynamo::to_attribute_value(value).map_err(|error| Error::Internal(Box::new(error)))
}

/// A check of what is under a key, as a part of a transaction.
pub(super) fn address_check(table: &str, key: &Email) -> ConditionCheckBuilder {
    ConditionCheck::builder().table_name(table).key("email", text(key))
}

/// The same, built.
pub(super) fn built(check: ConditionCheckBuilder) -> Result<TransactWriteItem, Error> {
    let check = check.build().map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(TransactWriteItem::builder().condition_check(check).build())
}

/// The account's hash; an empty text, which none is, for an account without.
fn old_hash(user: &User) -> &str {
    user.password_hash.as_ref().map_or("", PasswordHash::as_str)
}
