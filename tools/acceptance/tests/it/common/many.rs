//! Thousands of events, quickly: past the API, 25 items a write.

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use domain::{
    event::{Event, EventDetails},
    id::EventId,
    inventory::{InventoryShard, new_shards},
};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use stores::dynamodb::{self, Client};

use super::{TestApp, details, shared_dynamodb};

type Item = HashMap<String, AttributeValue>;

/// What one `BatchWriteItem` takes.
const BATCH_ITEMS_MAX: usize = 25;
const BATCHES_AT_ONCE: usize = 4;

/// Makes so many events with their inventory, each changed by its index. Answers with their ids, by index.
pub(crate) async fn many_events(
    evently: &TestApp,
    count: usize,
    change: impl Fn(usize, &mut EventDetails),
) -> Vec<EventId> {
    let client = dynamodb::client_for_endpoint(shared_dynamodb());
    let tables = &evently.app.config.tables;
    let now = Timestamp::now();
    let (like_event, like_shard) = examples(evently, &client).await;

    let (mut ids, mut events, mut shards) = (Vec::with_capacity(count), Vec::new(), Vec::new());
    for index in 0..count {
        let mut details = details(now);
        change(index, &mut details);
        let inventory = new_shards(0, details.capacity, evently.app.config.seats_per_shard);
        // Ids of one millisecond may be the same.
        let created_at = now - SignedDuration::from_millis(i64::try_from(index).unwrap());
        let shards_count = u16::try_from(inventory.len()).unwrap();
        let event = Event::new(EventId::new(created_at), details, shards_count, created_at);
        ids.push(event.id);
        events.push(event_item(&like_event, &event));
        shards.extend(inventory.iter().map(|shard| shard_item(&like_shard, event.id, shard)));
    }
    let batches = (events.chunks(BATCH_ITEMS_MAX).map(|batch| (&tables.events, batch)))
        .chain(shards.chunks(BATCH_ITEMS_MAX).map(|batch| (&tables.inventory, batch)));
    stream::iter(batches)
        .for_each_concurrent(BATCHES_AT_ONCE, |(table, items)| write(&client, table, items))
        .await;

    // The items are as the store writes them.
    for id in ids.first().into_iter().chain(ids.last()) {
        let event = evently.app.store.event(*id).await.unwrap().unwrap();
        let inventory = evently.app.store.inventory(*id, &event.shards).await.unwrap();
        assert_eq!(inventory.iter().map(|shard| shard.capacity).sum::<u32>(), event.details.capacity);
    }
    ids
}

/// An event and a shard as the store writes them, of an event that is gone again.
async fn examples(evently: &TestApp, client: &Client) -> (Item, Item) {
    let now = Timestamp::now();
    let id = booking::create_event(&evently.app.protocol, details(now), None, now).await.unwrap().id;
    let tables = &evently.app.config.tables;
    let mut items =
        [(&tables.events, "id", id.to_string()), (&tables.inventory, "shard_id", format!("{id}#0"))]
            .map(|(table, name, key)| {
                client.delete_item().table_name(table).key(name, AttributeValue::S(key))
            })
            .map(|delete| delete.return_values(aws_sdk_dynamodb::types::ReturnValue::AllOld).send())
            .into_iter();
    let (event, shard) = (items.next().unwrap().await.unwrap(), items.next().unwrap().await.unwrap());
    (event.attributes.unwrap(), shard.attributes.unwrap())
}

fn event_item(like: &Item, event: &Event) -> Item {
    let mut item = like.clone();
    item.insert("name_lower".to_owned(), AttributeValue::S(event.details.name.to_lowercase()));
    item.extend(serde_dynamo::to_item::<_, Item>(event).unwrap());
    item
}

fn shard_item(like: &Item, event: EventId, shard: &InventoryShard) -> Item {
    let mut item = like.clone();
    item.extend(serde_dynamo::to_item::<_, Item>(shard).unwrap());
    item.insert("shard_id".to_owned(), AttributeValue::S(format!("{event}#{}", shard.shard)));
    item
}

async fn write(client: &Client, table: &str, items: &[Item]) {
    let puts = items.iter().map(|item| {
        let put = PutRequest::builder().set_item(Some(item.clone())).build().unwrap();
        WriteRequest::builder().put_request(put).build()
    });
    let written = client.batch_write_item().request_items(table, puts.collect()).send().await.unwrap();
    assert!(written.unprocessed_items.unwrap_or_default().is_empty(), "the store took only part of them");
}
