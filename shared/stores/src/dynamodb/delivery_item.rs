//! A delivery as an item: with its places in the table's indexes.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{Item, text, to_item};
use domain::{
    delivery::{Delivery, DeliveryStatus, recipient_of},
    error::Error,
    id::WebhookId,
};

/// Partitions that what is due is spread over. A constant of the stored data: others would not be looked at.
pub(super) const BUCKETS: u32 = 4;

/// What is due, of one kind of recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Mails, and what has yet to become mails.
    Mails,
    /// Messages to that endpoint.
    Endpoint(WebhookId),
}

impl Queue {
    pub(super) fn buckets(self) -> Vec<String> {
        match self {
            Self::Mails => (0..BUCKETS).map(|number| format!("due#{number}")).collect(),
            Self::Endpoint(id) => vec![format!("due#{}", recipient_of(id))],
        }
    }
}

fn bucket_of(delivery: &Delivery) -> String {
    match delivery.endpoint() {
        Some(_) => format!("due#{}", delivery.recipient),
        None => format!("due#{}", spread(delivery)),
    }
}

/// Ids end in random digits.
fn spread(delivery: &Delivery) -> u32 {
    delivery.recipient.bytes().fold(0, |sum, byte| sum + u32::from(byte)) % BUCKETS
}

pub(super) fn item_of(delivery: &Delivery) -> Result<Item, Error> {
    let mut item = to_item(delivery)?;
    if delivery.due_at.is_some() {
        item.insert("due_bucket".to_owned(), text(bucket_of(delivery)));
    }
    item.extend(listing_of(delivery));
    Ok(item)
}

/// Where a delivery stands in the index; nowhere what was asked for about nobody's account.
fn listing_of(delivery: &Delivery) -> Vec<(String, AttributeValue)> {
    let is_of_nobody = delivery.kind.is_of_account() && delivery.tries == 0;
    if delivery.status == DeliveryStatus::Dropped && is_of_nobody {
        return Vec::new();
    }
    let list = format!("{}#{}", list_of(delivery.status), spread(delivery));
    vec![("list".to_owned(), text(list)), ("listed".to_owned(), text(place_of(delivery)))]
}

pub(super) fn list_of(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Failed => "failed",
        DeliveryStatus::Dead => "dead",
        DeliveryStatus::Pending | DeliveryStatus::Delivered | DeliveryStatus::Dropped => "told",
    }
}

fn place_of(delivery: &Delivery) -> String {
    format!("{:013}.{}~{}", delivery.happened_at.as_millisecond(), delivery.message_id, delivery.recipient)
}
