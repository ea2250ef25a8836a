//! The embedded store, as the AWS SDK meets it.

use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    Projection, ProjectionType, ScalarAttributeType, StreamSpecification, StreamViewType,
};
use jiff::{SignedDuration, Timestamp};
use local::embedded_store::{EmbeddedStore, Location};
use local::stream_log::{KEPT_FOR, StreamLog};
use local::tables::create_missing;
use rusqlite::{Connection, OptionalExtension, StatementStatus};
use stores::dynamodb::client_for_endpoint;

fn client(store: &EmbeddedStore) -> Client {
    client_for_endpoint(store.endpoint())
}

fn name_of(logical_id: &str) -> String {
    format!("test-{logical_id}")
}

async fn start(file: &Path) -> EmbeddedStore {
    EmbeddedStore::start(Location::File(file.to_owned()), None).await.unwrap()
}

async fn refusal(file: &Path) -> String {
    EmbeddedStore::start(Location::File(file.to_owned()), None).await.unwrap_err().to_string()
}

#[tokio::test]
async fn tables_are_made_once_and_can_be_used() {
    let store = EmbeddedStore::start(Location::Memory, None).await.unwrap();
    let client = client(&store);
    create_missing(&client, name_of).await.unwrap();
    create_missing(&client, name_of).await.unwrap();

    let mut names = client.list_tables().send().await.unwrap().table_names.unwrap();
    names.sort();
    let tables = ["Audit", "Bookings", "Deliveries", "Events", "Inventory", "Users", "Webhooks"];
    assert_eq!(names, tables.map(|table| format!("test-{table}Table")));

    let put = client.put_item().table_name("test-EventsTable").item("id", AttributeValue::S("e".into()));
    let put = put
        .item("listing", AttributeValue::S("open".into()))
        .item("starts_at", AttributeValue::N("7".into()));
    put.send().await.unwrap();
    let query = client.query().table_name("test-EventsTable").index_name("by_start");
    let query = query.key_condition_expression("listing = :open AND starts_at > :now");
    let query = query.expression_attribute_values(":open", AttributeValue::S("open".into()));
    let found =
        query.expression_attribute_values(":now", AttributeValue::N("6".into())).send().await.unwrap();
    assert_eq!(found.count, 1);
    store.stop().await;
}

#[tokio::test]
async fn a_table_with_other_keys_is_refused() {
    let store = EmbeddedStore::start(Location::Memory, None).await.unwrap();
    let client = client(&store);
    let attribute =
        AttributeDefinition::builder().attribute_name("old").attribute_type(ScalarAttributeType::S);
    let key = KeySchemaElement::builder().attribute_name("old").key_type(KeyType::Hash);
    let create =
        client.create_table().table_name("test-UsersTable").attribute_definitions(attribute.build().unwrap());
    let create = create.key_schema(key.build().unwrap());
    create.billing_mode(BillingMode::PayPerRequest).send().await.unwrap();

    let refusal = create_missing(&client, name_of).await.unwrap_err().to_string();
    let expected = "the table test-UsersTable, or an index of it, was made with other keys";
    assert!(refusal.starts_with(expected), "{refusal}");
}

/// The users table with these indexes, each by one attribute.
async fn users_table(client: &Client, indexes: &[(&str, &str)]) {
    let key = |name: &str| {
        KeySchemaElement::builder().attribute_name(name).key_type(KeyType::Hash).build().unwrap()
    };
    let mut create = client.create_table().table_name("test-UsersTable").key_schema(key("email"));
    let mut attributes = vec!["email"];
    for (index, attribute) in indexes {
        attributes.push(attribute);
        let projection = Projection::builder().projection_type(ProjectionType::KeysOnly).build();
        let index = GlobalSecondaryIndex::builder().index_name(*index).key_schema(key(attribute));
        create = create.global_secondary_indexes(index.projection(projection).build().unwrap());
    }
    for name in attributes {
        let attribute =
            AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S);
        create = create.attribute_definitions(attribute.build().unwrap());
    }
    create.billing_mode(BillingMode::PayPerRequest).send().await.unwrap();
}

#[tokio::test]
async fn an_index_of_a_later_release_stays_and_one_with_another_key_is_refused() {
    let store = EmbeddedStore::start(Location::Memory, None).await.unwrap();
    let later = client(&store);
    users_table(&later, &[("by_id", "id"), ("by_colour", "colour")]).await;
    create_missing(&later, name_of).await.unwrap();
    let table = later.describe_table().table_name("test-UsersTable").send().await.unwrap().table.unwrap();
    assert_eq!(table.global_secondary_indexes().len(), 2);

    let store = EmbeddedStore::start(Location::Memory, None).await.unwrap();
    let other = client(&store);
    users_table(&other, &[("by_id", "colour")]).await;
    let refusal = create_missing(&other, name_of).await.unwrap_err().to_string();
    assert!(refusal.contains("was made with other keys"), "{refusal}");
}

/// The users table as it was before people could be found by id, with one of them in it.
async fn users_of_before(client: &Client) {
    users_table(client, &[]).await;
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let put = client.put_item().table_name("test-UsersTable").item("email", text("ada@example.com"));
    let put = put.item("id", text("ada")).item("name", text("Ada")).item("password_hash", text("secret"));
    put.send().await.unwrap();
}

#[tokio::test]
async fn a_table_of_an_earlier_release_gets_the_index_that_it_lacks_and_keeps_its_items() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = start(&file).await;
    users_of_before(&client(&store)).await;
    store.stop().await;

    let store = start(&file).await;
    let client = client(&store);
    for _ in 0..2 {
        create_missing(&client, name_of).await.unwrap();
    }
    let query = client.query().table_name("test-UsersTable").index_name("by_id");
    let query = query.key_condition_expression("id = :id");
    let query = query.expression_attribute_values(":id", AttributeValue::S("ada".into()));
    let found = query.send().await.unwrap().items.unwrap();
    assert_eq!(found.len(), 1);
    let mut shown: Vec<_> = found[0].keys().map(String::as_str).collect();
    shown.sort_unstable();
    assert_eq!(shown, ["email", "id", "name"], "no hash of a password");
    let key = AttributeValue::S("ada@example.com".into());
    let whole = client.get_item().table_name("test-UsersTable").key("email", key).send().await.unwrap();
    assert_eq!(whole.item.unwrap().len(), 4, "the item is as it was");
}

#[tokio::test]
async fn items_survive_a_stop_and_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made/for it/store.db");

    let store = start(&file).await;
    let first = client(&store);
    create_missing(&first, name_of).await.unwrap();
    let put = first.put_item().table_name("test-UsersTable").item("email", AttributeValue::S("a@b.c".into()));
    put.send().await.unwrap();
    let first_endpoint = store.endpoint().to_owned();
    store.stop().await;
    assert!(reqwest::get(&first_endpoint).await.is_err(), "still listening");

    let store = start(&file).await;
    let again = client(&store);
    create_missing(&again, name_of).await.unwrap();
    let get = again.get_item().table_name("test-UsersTable").key("email", AttributeValue::S("a@b.c".into()));
    assert!(get.send().await.unwrap().item.is_some());
}

#[tokio::test]
async fn two_stores_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = start(&file).await;
    let refusal_text = refusal(&file).await;
    assert!(refusal_text.starts_with("another process is using the data in "), "{refusal_text}");
    store.stop().await;
    start(&file).await.stop().await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_alone_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    std::fs::write(&file, "certainly not a database ".repeat(100)).unwrap();
    let refusal = refusal(&file).await;
    let expected = format!("{} is not a database: move it away and start again", file.display());
    assert_eq!(refusal, expected);
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("certainly"));
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    start(&file).await.stop().await;
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[100..4096].fill(0xA5);
    std::fs::write(&file, bytes).unwrap();
    let refusal = refusal(&file).await;
    assert!(refusal.starts_with("the store cannot open "), "{refusal}");
    assert!(refusal.contains("malformed. If it is damaged, move it away"), "{refusal}");
}

#[tokio::test]
async fn a_taken_port_is_refused_by_number() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let refusal = EmbeddedStore::start(Location::Memory, Some(port)).await.unwrap_err().to_string();
    assert!(refusal.starts_with(&format!("the store cannot listen on 127.0.0.1:{port}: ")), "{refusal}");
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_client_that_never_finishes_its_request() {
    use std::io::Write;
    let store = EmbeddedStore::start(Location::Memory, None).await.unwrap();
    let mut client = std::net::TcpStream::connect(store.endpoint().trim_start_matches("http://")).unwrap();
    client.write_all(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab").unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(10), store.stop()).await.unwrap();
}

/// A table with a stream, in which so many items were written.
async fn streamed(client: &Client, items: usize) {
    create_missing(client, name_of).await.unwrap();
    let stream = StreamSpecification::builder().stream_enabled(true);
    let stream = stream.stream_view_type(StreamViewType::NewImage).build().unwrap();
    let update = client.update_table().table_name("test-UsersTable").stream_specification(stream);
    update.send().await.unwrap();
    for n in 0..items {
        let put = client.put_item().table_name("test-UsersTable");
        put.item("email", AttributeValue::S(format!("{n}@b.c"))).send().await.unwrap();
    }
}

fn records(file: &Connection) -> i64 {
    file.query_row("SELECT count(*) FROM _stream_records", [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_streams_records_are_found_by_an_index() {
    // As the store asks; see `next_stream_sequence_number` and `stream_records_with_event_ids` in its `storage.rs`.
    const LAST: &str = "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records \
                        WHERE table_name = ?1";
    const FROM: &str = "SELECT keys_json FROM _stream_records WHERE table_name = ?1 AND shard_id = 's' \
                        AND CAST(sequence_number AS INTEGER) > 9e18 \
                        ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT 10";
    const MANY_MORE: &str = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 50000) \
                             INSERT INTO _stream_records \
                             (table_name, event_name, keys_json, sequence_number, shard_id, created_at) \
                             SELECT 'test-UsersTable', 'INSERT', '{}', n, 's', 0 FROM numbers";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = start(&file).await;
    streamed(&client(&store), 3).await;
    let reader = Connection::open(&file).unwrap();
    assert_eq!(records(&reader), 3);
    reader.execute_batch(MANY_MORE).unwrap();
    let steps = |asked: &str| {
        let mut statement = reader.prepare(asked).unwrap();
        let _: Option<rusqlite::types::Value> =
            statement.query_row(["test-UsersTable"], |row| row.get(0)).optional().unwrap();
        statement.get_status(StatementStatus::VmStep)
    };
    for asked in [LAST, FROM] {
        assert!(steps(asked) < 100, "{} steps: {asked}", steps(asked));
    }
    reader.execute_batch("DROP INDEX stream_records_by_number").unwrap();
    for asked in [LAST, FROM] {
        assert!(steps(asked) > 50_000, "{} steps without it: {asked}", steps(asked));
    }
    // The next start makes it again.
    store.stop().await;
    let store = start(&file).await;
    assert!(steps(LAST) < 100);
    store.stop().await;
}

#[tokio::test]
async fn stream_records_go_after_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = start(&file).await;
    let writer = client(&store);
    streamed(&writer, 5).await;
    let now = Timestamp::now();
    let log = StreamLog::open(&file).unwrap();
    let reader = Connection::open(&file).unwrap();
    assert_eq!(log.trim(now + KEPT_FOR - SignedDuration::from_mins(1)).await.unwrap(), 0);
    assert_eq!(records(&reader), 5);
    reader.execute("UPDATE _stream_records SET created_at = created_at - 60 WHERE id <= 3", []).unwrap();
    assert_eq!(log.trim(now + KEPT_FOR - SignedDuration::from_secs(30)).await.unwrap(), 3);
    assert_eq!(records(&reader), 2);
    assert_eq!(log.trim(now + KEPT_FOR + SignedDuration::from_mins(1)).await.unwrap(), 2);
    // The store goes on.
    let put = writer.put_item().table_name("test-UsersTable");
    put.item("email", AttributeValue::S("later@b.c".into())).send().await.unwrap();
    assert_eq!(records(&reader), 1);
    store.stop().await;
}

#[tokio::test]
async fn a_start_trims_what_is_too_old() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = start(&file).await;
    streamed(&client(&store), 4).await;
    store.stop().await;
    let reader = Connection::open(&file).unwrap();
    reader.execute("UPDATE _stream_records SET created_at = created_at - 86500 WHERE id <= 3", []).unwrap();
    let store = start(&file).await;
    // It does so when it begins to serve.
    client(&store).list_tables().send().await.unwrap();
    assert_eq!(records(&reader), 1);
    store.stop().await;
}
