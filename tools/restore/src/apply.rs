//! Writes what a plan says. Shards and events are written only as they were read: if one has changed, somebody sells.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::update_item::builders::UpdateItemFluentBuilder,
};
use domain::{event::Event, id::EventId, inventory::InventoryShard};
use futures::{StreamExt, TryStreamExt, stream};
use kit::Failure;
use stores::dynamodb::{
    Item,
    whole_tables::{
        attributes_of, day_item, event_item, note_id, price_item, sets_of, shard_id, user_seats_id,
    },
};

use crate::{
    plan::Change,
    tables::{Tables, number, text},
};

/// Writes under way at once: a million users' seats in some minutes, and no more connections than a laptop has.
const WRITES_AT_ONCE: usize = 32;

/// Writes the changes, those of one step before those of the next. Answers how many were written.
///
/// # Errors
/// When a table can't be written, or an item is not as it was read. Plan again, and apply that.
pub async fn apply(tables: &Tables, changes: &[Change]) -> Result<usize, Failure> {
    for step in changes.chunk_by(|one, next| one.step() == next.step()) {
        let mut written =
            stream::iter(step).map(|change| write(tables, change)).buffer_unordered(WRITES_AT_ONCE);
        while written.try_next().await?.is_some() {}
    }
    Ok(changes.len())
}

async fn write(tables: &Tables, change: &Change) -> Result<(), Failure> {
    let (inventory, events) = (&tables.names.inventory, &tables.names.events);
    match change {
        Change::DeleteNote(event) => delete(tables, events, "id", &note_id(*event)).await,
        Change::Shard { event, seen, shard, forget } => {
            write_shard(tables, *event, *seen, shard, forget).await
        }
        Change::Price(event, price) => put(tables, events, price_item(*event, price)?).await,
        Change::Event { seen, event } => write_event(tables, *seen, event).await,
        Change::UserSeats(event, user, seats) => {
            let key = user_seats_id(*event, *user);
            put(tables, inventory, [("shard_id".into(), text(key)), ("seats".into(), number(seats))].into())
                .await
        }
        Change::Day(key, counters) if counters.is_empty() => delete(tables, inventory, "shard_id", key).await,
        Change::Day(key, counters) => put(tables, inventory, day_item(key, counters)).await,
    }
}

async fn put(tables: &Tables, table: &str, item: Item) -> Result<(), Failure> {
    tables.client.put_item().table_name(table).set_item(Some(item)).send().await?;
    Ok(())
}

async fn delete(tables: &Tables, table: &str, key: &str, value: &str) -> Result<(), Failure> {
    tables.client.delete_item().table_name(table).key(key, text(value)).send().await?;
    Ok(())
}

async fn write_shard(
    tables: &Tables,
    event: EventId,
    seen: Option<u64>,
    shard: &InventoryShard,
    forget: &[String],
) -> Result<(), Failure> {
    let key = shard_id(event, shard.shard);
    let mut update =
        tables.client.update_item().table_name(&tables.names.inventory).key("shard_id", text(&key));
    let mut set = Vec::new();
    let kept = serde_dynamo::to_item::<_, Item>(shard)?.into_iter().chain(attributes_of(&shard.by_rate));
    for (place, (name, value)) in (0..).zip(kept) {
        // Those that are moved with the hours are not seats'.
        if name == "hours_moved" {
            continue;
        }
        set.push(format!("#n{place} = :n{place}"));
        update = update
            .expression_attribute_names(format!("#n{place}"), name)
            .expression_attribute_values(format!(":n{place}"), value);
    }
    let mut remove = forget.to_vec();
    for (name, value) in sets_of(&shard.taken, &shard.out_of_sale) {
        match value {
            Some(value) => {
                set.push(format!("{name} = :{name}"));
                update = update.expression_attribute_values(format!(":{name}"), value);
            }
            None => remove.push(name.to_owned()),
        }
    }
    set.push("hours_moved = if_not_exists(hours_moved, :zero) + :moved".to_owned());
    let remove = if remove.is_empty() { String::new() } else { format!(" REMOVE {}", remove.join(", ")) };
    let update = update
        .update_expression(format!("SET {}{remove}", set.join(", ")))
        .expression_attribute_values(":zero", number(0))
        .expression_attribute_values(":moved", number(u8::from(!forget.is_empty())));
    as_it_was(update, "shard_id", seen, &key).await
}

async fn write_event(tables: &Tables, seen: Option<u64>, event: &Event) -> Result<(), Failure> {
    let key = event.id.to_string();
    let mut update = tables.client.update_item().table_name(&tables.names.events).key("id", text(&key));
    let mut set = Vec::new();
    for (place, (name, value)) in (0..).zip(event_item(event)?) {
        if name != "id" {
            set.push(format!("#n{place} = :n{place}"));
            update = update
                .expression_attribute_names(format!("#n{place}"), name)
                .expression_attribute_values(format!(":n{place}"), value);
        }
    }
    as_it_was(update.update_expression(format!("SET {}", set.join(", "))), "id", seen, &key).await
}

/// Updates an item if it still has the version that was seen, or is still not there.
async fn as_it_was(
    update: UpdateItemFluentBuilder,
    key: &str,
    seen: Option<u64>,
    what: &str,
) -> Result<(), Failure> {
    let update = match seen {
        Some(version) => update
            .condition_expression("version = :seen")
            .expression_attribute_values(":seen", number(version)),
        None => update.condition_expression(format!("attribute_not_exists({key})")),
    };
    match update.send().await {
        Ok(_) => Ok(()),
        Err(error) if is_condition(&error) => {
            Err(format!("{what} has changed since it was read: stop the sales, and run this again").into())
        }
        Err(error) => Err(error.into()),
    }
}

fn is_condition<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> bool {
    error.code() == Some("ConditionalCheckFailedException")
}
