//! Endpoints of webhooks, in a table of their own, without a stream. Key: `part`, `id`. What admins see is in one part, the secrets
//! are in another: who may write a secret need not be able to read any. A third counts the endpoints. Of one that was removed its id
//! stays with `forget_at`, by which the table's `TimeToLive` goes: what waited for it is looked for by that.

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, Delete, Put, TransactWriteItem, Update},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    Item, Store, failed, number, readable, text, to_item,
    transaction::{Transacted, condition_failed},
    was_written,
};
use domain::{
    error::Error,
    id::WebhookId,
    webhook::{DisabledBecause, ENDPOINTS_MAX, Endpoint, EndpointStatus, Secret, Secrets},
};

const ENDPOINTS: &str = "endpoints";
const SECRETS: &str = "secrets";
const COUNT: &str = "count";
/// By then nothing waits for an endpoint that was removed.
const REMOVED_KNOWN_FOR: SignedDuration = SignedDuration::from_hours(48);
/// An endpoint that was not removed.
const IS_ENDPOINT: &str = "attribute_exists(#url)";

fn is_there(id: WebhookId, part: &str) -> [(String, AttributeValue); 2] {
    [("part".to_owned(), text(part)), ("id".to_owned(), text(id))]
}

/// Until when it is known that there was an endpoint, which is removed.
fn removed_until(item: &Item) -> Option<i64> {
    item.get("forget_at")?.as_n().ok()?.parse().ok()
}

fn is_removed(item: &Item) -> bool {
    removed_until(item).is_some()
}

/// The endpoints, and those that were removed lately.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// In the order in which they were made.
    pub kept: Vec<Endpoint>,
    /// For these something may wait that nobody needs any more.
    pub removed: Vec<WebhookId>,
}

fn internal(error: aws_sdk_dynamodb::error::BuildError) -> Error {
    Error::Internal(Box::new(error))
}

impl Store {
    /// Whether there may be endpoints.
    pub fn has_webhooks(&self) -> bool {
        self.tables.webhooks.is_some()
    }

    fn webhooks_table(&self) -> Result<&str, Error> {
        self.tables.webhooks.as_deref().ok_or(Error::NoWebhooks)
    }

    fn update_webhook(&self, part: &str, id: WebhookId) -> Result<UpdateItemFluentBuilder, Error> {
        let update = self.client.update_item().table_name(self.webhooks_table()?);
        Ok(update.set_key(Some(Item::from(is_there(id, part)))))
    }

    /// All endpoints, in the order in which they were made, read with strong consistency.
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, Error> {
        self.all_endpoints(Timestamp::now()).await.map(|all| all.kept)
    }

    /// All endpoints, and those that were removed lately.
    pub async fn all_endpoints(&self, now: Timestamp) -> Result<Endpoints, Error> {
        let (removed, kept): (Vec<_>, Vec<_>) =
            self.webhooks_of(ENDPOINTS).await?.into_iter().partition(is_removed);
        let removed = removed.into_iter().filter(|item| removed_until(item) > Some(now.as_second()));
        Ok(Endpoints {
            kept: kept.into_iter().filter_map(readable).collect(),
            removed: removed.filter_map(|item| item.get("id")?.as_s().ok()?.parse().ok()).collect(),
        })
    }

    /// The secrets of all endpoints.
    pub async fn endpoint_secrets(&self) -> Result<Vec<(WebhookId, Secrets)>, Error> {
        let secrets = self.webhooks_of(SECRETS).await?.into_iter().filter_map(|item| {
            let id = item.get("id")?.as_s().ok()?.parse().ok()?;
            Some((id, readable(item)?))
        });
        Ok(secrets.collect())
    }

    /// There are 20 at most, and those that were removed within days: one page.
    async fn webhooks_of(&self, part: &str) -> Result<Vec<Item>, Error> {
        let found = self
            .client
            .query()
            .table_name(self.webhooks_table()?)
            .key_condition_expression("part = :part")
            .expression_attribute_values(":part", text(part))
            .consistent_read(true)
            .send()
            .await
            .map_err(failed)?;
        Ok(found.items.unwrap_or_default())
    }

    /// An endpoint.
    pub async fn endpoint(&self, id: WebhookId) -> Result<Option<Endpoint>, Error> {
        let found = self
            .client
            .get_item()
            .table_name(self.webhooks_table()?)
            .set_key(Some(Item::from(is_there(id, ENDPOINTS))))
            .consistent_read(true)
            .send()
            .await
            .map_err(failed)?;
        Ok(found.item.filter(|item| !is_removed(item)).and_then(readable))
    }

    /// Adds an endpoint, unless there are as many as there may be. Answers whether it is added.
    pub async fn add_endpoint(&self, endpoint: &Endpoint, secret: &Secret) -> Result<bool, Error> {
        let table = self.webhooks_table()?;
        let put = |part: &str, mut item: Item| {
            item.extend(is_there(endpoint.id, part));
            let put = Put::builder().table_name(table).set_item(Some(item)).build();
            put.map(|put| TransactWriteItem::builder().put(put).build()).map_err(internal)
        };
        let secrets = Secrets { secret: secret.clone(), previous: None, previous_until: None };
        let items = vec![
            self.count_endpoint(1, "attribute_not_exists(endpoints) OR endpoints < :most", ENDPOINTS_MAX)?,
            put(ENDPOINTS, to_item(endpoint)?)?,
            put(SECRETS, to_item(&secrets)?)?,
        ];
        Ok(matches!(self.transact(items).await?, Transacted::Committed))
    }

    fn count_endpoint(&self, by: i32, condition: &str, most: u32) -> Result<TransactWriteItem, Error> {
        Update::builder()
            .table_name(self.webhooks_table()?)
            .key("part", text(COUNT))
            .key("id", text(COUNT))
            .update_expression("ADD endpoints :by")
            .condition_expression(condition)
            .expression_attribute_values(":by", number(by))
            .expression_attribute_values(":most", number(most))
            .build()
            .map(|update| TransactWriteItem::builder().update(update).build())
            .map_err(internal)
    }

    /// Removes an endpoint and its secrets: what waits for it is dropped by the next run. Answers whether there was one.
    pub async fn remove_endpoint(&self, id: WebhookId, now: Timestamp) -> Result<bool, Error> {
        let table = self.webhooks_table()?;
        let mut removed = Item::from(is_there(id, ENDPOINTS));
        removed.insert("forget_at".to_owned(), number((now + REMOVED_KNOWN_FOR).as_second()));
        let endpoint = Put::builder()
            .table_name(table)
            .set_item(Some(removed))
            .condition_expression(IS_ENDPOINT)
            .expression_attribute_names("#url", "url")
            .build()
            .map_err(internal)?;
        let secrets = Delete::builder()
            .table_name(table)
            .set_key(Some(Item::from(is_there(id, SECRETS))))
            .condition_expression("attribute_exists(id)")
            .build()
            .map_err(internal)?;
        let items = vec![
            TransactWriteItem::builder().put(endpoint).build(),
            TransactWriteItem::builder().delete(secrets).build(),
            self.count_endpoint(-1, "endpoints <= :most", ENDPOINTS_MAX)?,
        ];
        match self.transact(items).await? {
            Transacted::Committed => Ok(true),
            Transacted::Refused(reasons) if reasons.first().is_some_and(condition_failed) => Ok(false),
            Transacted::Refused(_) => {
                Err(Error::Internal("an endpoint has no secrets, or was never counted".into()))
            }
        }
    }

    /// Changes what an admin may change of an endpoint. What made it fail is over with that. Answers whether there is one.
    pub async fn change_endpoint(&self, endpoint: &Endpoint) -> Result<bool, Error> {
        let types = endpoint.types.iter().map(text).collect();
        let update = self
            .update_webhook(ENDPOINTS, endpoint.id)?
            .condition_expression(IS_ENDPOINT)
            .expression_attribute_names("#url", "url")
            .expression_attribute_names("#types", "types")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":url", text(&endpoint.url))
            .expression_attribute_values(":types", AttributeValue::L(types))
            .expression_attribute_values(":status", text(endpoint.status.as_str()));
        let set = "SET #url = :url, #types = :types, #status = :status";
        let update = match &endpoint.description {
            Some(description) => update
                .update_expression(format!(
                    "{set}, description = :description REMOVE disabled_because, failing_since"
                ))
                .expression_attribute_values(":description", text(description)),
            None => {
                update.update_expression(format!("{set} REMOVE description, disabled_because, failing_since"))
            }
        };
        was_written(update.send().await)
    }

    /// Gives an endpoint another secret; the one before signs, too, until then. Answers whether there is such an endpoint.
    pub async fn change_secret(
        &self,
        id: WebhookId,
        secret: &Secret,
        previous_until: Timestamp,
    ) -> Result<bool, Error> {
        let updated = self
            .update_webhook(SECRETS, id)?
            // The SDK may try again after a reply was lost: then the new one must not become the one before.
            .update_expression("SET previous = secret, secret = :new, previous_until = :until")
            .condition_expression("attribute_exists(id) AND secret <> :new")
            .expression_attribute_values(":new", text(secret.reveal()))
            .expression_attribute_values(":until", number(previous_until.as_millisecond()))
            .send()
            .await;
        if was_written(updated)? {
            return Ok(true);
        }
        // Nobody else makes the same.
        self.endpoint(id).await.map(|endpoint| endpoint.is_some())
    }

    /// Notes since when an endpoint fails, unless it is known to.
    pub async fn endpoint_fails(&self, id: WebhookId, since: Timestamp) -> Result<(), Error> {
        let updated = self
            .update_webhook(ENDPOINTS, id)?
            .update_expression("SET failing_since = :since")
            .condition_expression(format!("{IS_ENDPOINT} AND attribute_not_exists(failing_since)"))
            .expression_attribute_names("#url", "url")
            .expression_attribute_values(":since", number(since.as_millisecond()))
            .send()
            .await;
        was_written(updated).map(|_| ())
    }

    /// Notes that an endpoint fails no more.
    pub async fn endpoint_works(&self, id: WebhookId) -> Result<(), Error> {
        let updated = self
            .update_webhook(ENDPOINTS, id)?
            .update_expression("REMOVE failing_since")
            .condition_expression(IS_ENDPOINT)
            .expression_attribute_names("#url", "url")
            .send()
            .await;
        was_written(updated).map(|_| ())
    }

    /// Disables an endpoint that is as it was seen: no admin has changed its address since, or enabled it anew. Answers whether this
    /// did it.
    pub async fn disable_endpoint(&self, seen: &Endpoint, because: DisabledBecause) -> Result<bool, Error> {
        let because = match because {
            DisabledBecause::Gone => "gone",
            DisabledBecause::Failing => "failing",
        };
        let updated = self
            .update_webhook(ENDPOINTS, seen.id)?
            .update_expression("SET #status = :disabled, disabled_because = :because")
            .condition_expression("#status = :enabled AND #url = :url")
            .expression_attribute_names("#status", "status")
            .expression_attribute_names("#url", "url")
            .expression_attribute_values(":disabled", text(EndpointStatus::Disabled.as_str()))
            .expression_attribute_values(":enabled", text(EndpointStatus::Enabled.as_str()))
            .expression_attribute_values(":because", text(because))
            .expression_attribute_values(":url", text(&seen.url))
            .send()
            .await;
        was_written(updated)
    }
}
