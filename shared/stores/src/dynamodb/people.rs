//! People by id. Bookings know no more of whoever they are of; the index `by_id` of the users table leads to the address and
//! the name.
//!
//! The index has no hashes of passwords: a function that may read it alone sees none. It lags behind the truth by a moment. So
//! somebody who just registered may not be found yet, and somebody who was just erased may be.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::{Store, failed, from_item, text};
use domain::{
    email::Email,
    error::Error,
    id::UserId,
    user::{Person, User},
};

/// People asked for at once: a page's in a few rounds, and no more connections than other lists take.
const QUERIES_AT_ONCE: usize = 16;

/// What the index tells of an account's key.
#[derive(Deserialize)]
struct AddressOfId {
    email: Email,
}

impl Store {
    /// The account of that id. The index says where it may be; the account itself is read with strong consistency.
    pub async fn user_by_id(&self, id: UserId) -> Result<Option<User>, Error> {
        for email in self.keys_of(id).await? {
            if let Some(user) = self.user_by_email(&email).await?.filter(|user| user.id == id) {
                return Ok(Some(user));
            }
        }
        Ok(None)
    }

    /// The keys that the index has for that id: more than one only while it follows a change of the address.
    pub(super) async fn keys_of(&self, id: UserId) -> Result<Vec<Email>, Error> {
        let found = self.by_id(id).send().await.map_err(failed)?;
        let keys = found.items.unwrap_or_default().into_iter().map(from_item);
        keys.map(|key| key.map(|AddressOfId { email }| email)).collect()
    }

    /// Who these are, as far as they have accounts. Each is asked for once.
    pub async fn people(
        &self,
        ids: impl IntoIterator<Item = UserId>,
    ) -> Result<HashMap<UserId, Person>, Error> {
        let ids: BTreeSet<UserId> = ids.into_iter().collect();
        let found = stream::iter(ids).map(|id| self.person(id)).buffer_unordered(QUERIES_AT_ONCE);
        found.try_filter_map(async |person| Ok(person.map(|person| (person.id, person)))).try_collect().await
    }

    async fn person(&self, id: UserId) -> Result<Option<Person>, Error> {
        let found = self.by_id(id).send().await.map_err(failed)?;
        found.items.unwrap_or_default().pop().map(from_item).transpose()
    }

    fn by_id(&self, id: UserId) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.tables.users)
            .index_name("by_id")
            .key_condition_expression("id = :id")
            .expression_attribute_values(":id", text(id))
    }
}
