//! An account that changes its address, which is its key: the item goes under the new key, with all that it has, also of what this
//! release does not know. At the old key stays what [`super::tombstones`] say.

use std::fmt;

use aws_sdk_dynamodb::types::{
    AttributeValue, Put, TransactWriteItem,
    builders::{DeleteBuilder, PutBuilder},
};
use jiff::Timestamp;
use serde::Deserialize;

use super::{
    Item, Store, failed, from_item, number, text, to_item,
    tombstones::{IS_FREE_OR_WAS_OURS, WAS_OURS, delete, is_tombstone, tombstone},
    transaction::{Transacted, condition_failed},
    users::{address_check, built},
};
use domain::{
    delivery::Delivery,
    email::{Address, Email},
    error::Error,
    id::UserId,
    user::{EndedTokensNote, PreviousEmail, User, WantedEmail},
};

/// What an account may have or not, and may get at any time.
const OPTIONAL: [&str; 7] = [
    "name",
    "password_version",
    "password_changed_at",
    "previous_password_hash",
    "email_verified_at",
    "wanted_email",
    "previous_emails",
];

/// An account, with its item as it is kept.
#[derive(Clone)]
pub struct KeptUser {
    /// What this release knows of it.
    pub user: User,
    item: Item,
}

/// What came of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The account is there.
    Done,
    /// Somebody else has the address.
    Taken,
    /// The account is not as it was read.
    Changed,
}

/// The addresses of an account beside its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct OtherAddresses {
    /// Where it is to go.
    #[serde(default)]
    pub wanted_email: Option<WantedEmail>,
    /// Where it was.
    #[serde(default)]
    pub previous_emails: Vec<PreviousEmail>,
}

/// Without the item, which has what no log may tell.
impl fmt::Debug for KeptUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptUser").field("user", &self.user).finish_non_exhaustive()
    }
}

impl KeptUser {
    /// The same item with what is another thing in `after`. What this release does not know stays as it is.
    fn item_as(&self, after: &User) -> Result<Item, Error> {
        let (known, after) = (to_item(&self.user)?, to_item(after)?);
        let mut item = self.item.clone();
        for name in known.keys().filter(|name| !after.contains_key(*name)) {
            item.remove(name);
        }
        for (name, value) in after {
            if known.get(&name) != Some(&value) {
                item.insert(name, value);
            }
        }
        Ok(item)
    }

    /// A condition: nothing was changed since it was read.
    fn is_as_read(&self) -> Condition {
        let mut condition = Condition::default();
        for (number, (name, value)) in self.item.iter().enumerate() {
            let (of_name, of_value) = (format!("#a{number}"), format!(":a{number}"));
            condition.parts.push(format!("{of_name} = {of_value}"));
            condition.names.push((of_name, name.clone()));
            condition.values.push((of_value, value.clone()));
        }
        for (number, name) in OPTIONAL.iter().filter(|name| !self.item.contains_key(**name)).enumerate() {
            let of_name = format!("#b{number}");
            condition.parts.push(format!("attribute_not_exists({of_name})"));
            condition.names.push((of_name, (*name).to_owned()));
        }
        condition
    }
}

#[derive(Default)]
struct Condition {
    parts: Vec<String>,
    names: Vec<(String, String)>,
    values: Vec<(String, AttributeValue)>,
}

impl Condition {
    fn of_put(self, mut put: PutBuilder) -> PutBuilder {
        put = put.condition_expression(self.parts.join(" AND "));
        put = self.names.into_iter().fold(put, |put, (name, of)| put.expression_attribute_names(name, of));
        self.values.into_iter().fold(put, |put, (name, of)| put.expression_attribute_values(name, of))
    }

    fn of_delete(self, mut delete: DeleteBuilder) -> DeleteBuilder {
        delete = delete.condition_expression(self.parts.join(" AND "));
        delete = self
            .names
            .into_iter()
            .fold(delete, |delete, (name, of)| delete.expression_attribute_names(name, of));
        self.values
            .into_iter()
            .fold(delete, |delete, (name, of)| delete.expression_attribute_values(name, of))
    }
}

impl Store {
    /// The account of that id, with its item.
    pub async fn kept_user(&self, id: UserId) -> Result<Option<KeptUser>, Error> {
        for email in self.keys_of(id).await? {
            let Some(item) = self.user_item(&email).await? else { continue };
            let user: User = from_item(item.clone())?;
            if user.id == id && !is_tombstone(&item) {
                return Ok(Some(KeptUser { user, item }));
            }
        }
        Ok(None)
    }

    /// The addresses of the account that has this one beside it, and nothing else of it; `None` if it does not have this one.
    pub async fn other_addresses(&self, email: &Email, id: UserId) -> Result<Option<OtherAddresses>, Error> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.users)
            .key("email", text(email))
            .projection_expression("id, previous_emails, wanted_email")
            .consistent_read(true)
            .send()
            .await
            .map_err(failed)?;
        let theirs = found.item.filter(|item| item.get("id") == Some(&text(id)));
        theirs.map(from_item).transpose()
    }

    /// Notes where the account wants to go, and what is told of that, together. Of what it wanted before, nothing is left. Answers
    /// false if the password was changed meanwhile.
    pub async fn want_email(
        &self,
        user: &User,
        wanted: &WantedEmail,
        told: &Delivery,
    ) -> Result<bool, Error> {
        let items = vec![self.set_wanted_email(user, wanted)?, self.also_deliver(told)?];
        Ok(matches!(self.transact(items).await?, Transacted::Committed))
    }

    /// Moves the account to another key, and ends its tokens; `tokens_end_at` is when the last of these has expired. Whoever has the
    /// old address is told so in the same transaction.
    pub async fn move_user(
        &self,
        kept: &KeptUser,
        moved: &User,
        told: &Delivery,
        now: Timestamp,
        tokens_end_at: Timestamp,
    ) -> Result<Moved, Error> {
        let left = moved.previous_emails.last();
        let left = left.ok_or_else(|| Error::Internal("an account that left nothing".into()))?;
        let free = self.put_user(kept.item_as(moved)?);
        let free = free.condition_expression(IS_FREE_OR_WAS_OURS);
        let free = free.expression_attribute_values(":now", number(now.as_millisecond()));
        let mut items = vec![put(free.expression_attribute_values(":user", text(moved.id)))?];
        // As far as they can be told from the address as it is kept.
        let address = Address::of_account(moved.email.as_str()).ok();
        for key in address.iter().flat_map(Address::former).filter(|key| **key != kept.user.email) {
            let check = address_check(&self.tables.users, key).condition_expression(IS_FREE_OR_WAS_OURS);
            let check = check.expression_attribute_values(":now", number(now.as_millisecond()));
            items.push(built(check.expression_attribute_values(":user", text(moved.id)))?);
        }
        let about_address = items.len();
        let old = self.put_user(tombstone(left, moved.id, now)?);
        items.push(put(kept.is_as_read().of_put(old))?);
        items.push(self.note_ended_tokens(&note(moved, tokens_end_at))?);
        items.push(self.also_deliver(told)?);
        Ok(match self.transact(items).await? {
            Transacted::Committed => Moved::Done,
            Transacted::Refused(reasons) if reasons.iter().take(about_address).any(condition_failed) => {
                Moved::Taken
            }
            Transacted::Refused(_) => Moved::Changed,
        })
    }

    /// Takes the account back to a key that it left, and ends its tokens. What it left later is free, and so is the key that it has.
    pub async fn take_user_back(
        &self,
        kept: &KeptUser,
        back: &User,
        told: &Delivery,
        tokens_end_at: Timestamp,
    ) -> Result<Moved, Error> {
        let later = kept.user.previous_emails.iter().skip(back.previous_emails.len() + 1);
        let later = later.map(|left| &left.email).filter(|email| **email != kept.user.email);
        let ours = self.put_user(kept.item_as(back)?);
        let ours = ours.condition_expression(format!("attribute_not_exists(email) OR {WAS_OURS}"));
        let mut items = vec![put(ours.expression_attribute_values(":user", text(back.id)))?];
        items.push(delete(kept.is_as_read().of_delete(self.delete_key(&kept.user.email)))?);
        items.extend(self.delete_tombstones(back.id, later).await?);
        items.push(self.note_ended_tokens(&note(back, tokens_end_at))?);
        items.push(self.also_deliver(told)?);
        Ok(match self.transact(items).await? {
            Transacted::Committed => Moved::Done,
            Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => Moved::Taken,
            Transacted::Refused(_) => Moved::Changed,
        })
    }

    fn put_user(&self, item: Item) -> PutBuilder {
        Put::builder().table_name(&self.tables.users).set_item(Some(item))
    }
}

fn note(user: &User, tokens_end_at: Timestamp) -> EndedTokensNote {
    EndedTokensNote { user: user.id, good_from: user.password_version, forget_at: tokens_end_at.as_second() }
}

fn put(put: PutBuilder) -> Result<TransactWriteItem, Error> {
    let put = put.build().map_err(|error| Error::Internal(Box::new(error)))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> KeptUser {
        let user: User = serde_json::from_value(serde_json::json!({
            "email": "ada@example.com", "id": UserId::new(), "name": "Ada", "role": "user", "password_hash": "$h$",
            "wanted_email": { "email": "ada@example.org", "at": 0 }, "created_at": 0,
        }))
        .unwrap();
        let mut item = to_item(&user).unwrap();
        item.insert("of_a_later_release".to_owned(), text("a word"));
        KeptUser { user, item }
    }

    #[test]
    fn what_a_later_release_added_moves_along() {
        let (kept, now) = (kept(), Timestamp::UNIX_EPOCH);
        let moved = kept.user.moved_to(&Email::parse("ada@example.org").unwrap(), now);
        let item = kept.item_as(&moved).unwrap();
        assert_eq!(item["of_a_later_release"], text("a word"));
        assert_eq!((&item["email"], &item["id"]), (&text("ada@example.org"), &kept.item["id"]));
        assert!(!item.contains_key("wanted_email") && item.contains_key("previous_emails"));
        assert_eq!(from_item::<User>(item).unwrap().previous_emails, moved.previous_emails);
    }

    #[test]
    fn the_condition_has_all_that_was_read_and_that_nothing_came_to_it() {
        let kept = kept();
        let condition = kept.is_as_read();
        assert_eq!(condition.values.len(), kept.item.len());
        assert_eq!(condition.names.len(), condition.parts.len());
        let absent = condition.parts.iter().filter(|part| part.starts_with("attribute_not_exists")).count();
        assert_eq!(absent, 3, "{:?}", condition.parts);
    }
}
