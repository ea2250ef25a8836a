//! What those who tell keep for each other, in the table of deliveries: how much went out this second, where they stand in a
//! stream, up to when they have looked, who of several does it, and how much goes to an address that nobody verified. Their keys are no message's.

use aws_sdk_dynamodb::{operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Item, Store, failed, from_item, number, text, to_item, was_written};
use domain::{error::Error, id::UserId, page::PageKey};

/// A second's count is of no use after it; the table's `TimeToLive` takes it away.
const COUNT_KEPT_S: i64 = 3_600;
const DAY_S: i64 = 24 * 3_600;

/// The look for what was not told: what happened from one time to another, event by event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// What happened later is looked at.
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub from: Timestamp,
    /// When this look began; none while the next one is not due.
    #[serde(default, with = "jiff::fmt::serde::timestamp::millisecond::optional")]
    pub began: Option<Timestamp>,
    /// At which event it goes on.
    #[serde(default)]
    pub place: Option<PageKey>,
}

fn place_key(stream: &str) -> String {
    format!("stream#{stream}")
}

impl Store {
    /// Takes one of the messages that may go out in this second, all processes together. Answers whether there was one left.
    pub async fn take_of_second(&self, now: Timestamp, per_second: u32) -> Result<bool, Error> {
        let second = now.as_second();
        let taken = self
            .count("rate", &second.to_string(), per_second, second + COUNT_KEPT_S)?
            .update_expression("ADD sent :one SET forget_at = :forget_at")
            .condition_expression("attribute_not_exists(sent) OR sent < :cap")
            .expression_attribute_values(":one", number(1));
        was_written(taken.send().await)
    }

    /// Takes one of the mails that may go to somebody today (by UTC) whose address nobody verified, for this message: a message
    /// that is tried again, because whoever tried it was killed, has its own still. Answers whether there was one left.
    pub async fn take_of_day(
        &self,
        user: UserId,
        message_id: &str,
        now: Timestamp,
        per_day: u32,
    ) -> Result<bool, Error> {
        let day = now.as_second().div_euclid(DAY_S);
        let taken = self
            .count(&format!("unverified#{user}"), &day.to_string(), per_day, (day + 2) * DAY_S)?
            .update_expression("ADD messages :messages SET forget_at = :forget_at")
            // A release of before counted them in `sent`, whatever they were.
            .condition_expression(
                "contains(messages, :message) OR (attribute_not_exists(messages) OR size(messages) < :cap) \
                 AND (attribute_not_exists(sent) OR sent < :cap)",
            )
            .expression_attribute_values(":message", text(message_id))
            .expression_attribute_values(":messages", AttributeValue::Ss(vec![message_id.to_owned()]));
        was_written(taken.send().await)
    }

    /// An update of what counts that so many go out in a time.
    fn count(
        &self,
        name: &str,
        time: &str,
        cap: u32,
        forget_at: i64,
    ) -> Result<UpdateItemFluentBuilder, Error> {
        let update = self.client.update_item().table_name(self.deliveries_table()?);
        Ok(update
            .key("message_id", text(name))
            .key("recipient", text(time))
            .expression_attribute_values(":cap", number(cap))
            .expression_attribute_values(":forget_at", number(forget_at)))
    }

    /// Where the look for what was not told is; `None` if nobody ever looked.
    pub async fn look(&self) -> Result<Option<Look>, Error> {
        self.kept_for_tellers("look", "place").await?.map(from_item).transpose()
    }

    /// Keeps where the look is.
    pub async fn keep_look(&self, look: &Look) -> Result<(), Error> {
        self.keep_for_tellers("look", "place", to_item(look)?).await
    }

    /// The sequence number of the last record of a stream's shard that was told; `None` if none was.
    pub async fn place_in_stream(&self, stream: &str, shard: &str) -> Result<Option<String>, Error> {
        let item = self.kept_for_tellers(&place_key(stream), shard).await?;
        Ok(item.and_then(|item| item.get("place")?.as_s().ok().cloned()))
    }

    /// Whether anybody ever told of this stream: then what is new in it began later.
    pub async fn is_stream_known(&self, stream: &str) -> Result<bool, Error> {
        let found = self
            .client
            .query()
            .table_name(self.deliveries_table()?)
            .key_condition_expression("message_id = :stream")
            .expression_attribute_values(":stream", text(place_key(stream)))
            .limit(1)
            .send()
            .await
            .map_err(failed)?;
        Ok(found.count > 0)
    }

    /// Notes the last record of a stream's shard that was told.
    pub async fn set_place_in_stream(&self, stream: &str, shard: &str, place: &str) -> Result<(), Error> {
        let item = Item::from([("place".to_owned(), text(place))]);
        self.keep_for_tellers(&place_key(stream), shard, item).await
    }

    /// Takes, or keeps, what only one of several may do, for some time. Answers whether it is this one's.
    pub async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        time: SignedDuration,
    ) -> Result<bool, Error> {
        let taken = self
            .client
            .update_item()
            .table_name(self.deliveries_table()?)
            .key("message_id", text("lease"))
            .key("recipient", text(name))
            .update_expression("SET holder = :me, held_until = :until")
            .condition_expression("attribute_not_exists(holder) OR holder = :me OR held_until < :now")
            .expression_attribute_values(":me", text(holder))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":until", number((now + time).as_millisecond()))
            .send()
            .await;
        was_written(taken)
    }

    /// Gives up what only one of several may do, so that the next one need not wait.
    pub async fn give_up_lease(&self, name: &str, holder: &str) -> Result<(), Error> {
        let given_up = self
            .client
            .update_item()
            .table_name(self.deliveries_table()?)
            .key("message_id", text("lease"))
            .key("recipient", text(name))
            .update_expression("SET held_until = :now")
            .condition_expression("holder = :me")
            .expression_attribute_values(":me", text(holder))
            .expression_attribute_values(":now", number(0))
            .send()
            .await;
        was_written(given_up).map(|_| ())
    }

    async fn kept_for_tellers(&self, name: &str, part: &str) -> Result<Option<Item>, Error> {
        let found = self
            .client
            .get_item()
            .table_name(self.deliveries_table()?)
            .key("message_id", text(name))
            .key("recipient", text(part))
            .consistent_read(true)
            .send()
            .await
            .map_err(failed)?;
        Ok(found.item)
    }

    async fn keep_for_tellers(&self, name: &str, part: &str, mut item: Item) -> Result<(), Error> {
        item.insert("message_id".to_owned(), text(name));
        item.insert("recipient".to_owned(), text(part));
        let put = self.client.put_item().table_name(self.deliveries_table()?).set_item(Some(item));
        put.send().await.map(|_| ()).map_err(failed)
    }
}
