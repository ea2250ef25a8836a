//! Makes the template's tables in a local store, and adds indexes that came later to tables that are there.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, DisplayErrorContext, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CreateGlobalSecondaryIndexAction, GlobalSecondaryIndex,
    GlobalSecondaryIndexUpdate, IndexStatus, KeySchemaElement, KeyType, Projection, ProjectionType,
    ScalarAttributeType, StreamSpecification, StreamViewType, TableDescription, TableStatus,
};
use kit::wait;
use server::template::{IndexDefinition, KeyPart, TableDefinition, Template, TemplateError};

/// Local stores need milliseconds for a table, DynamoDB itself some ten seconds.
const ACTIVE_WITHIN: Duration = Duration::from_secs(120);
const POLL_EVERY: Duration = Duration::from_millis(50);

/// Why the tables are not there.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// The template does not say what the tables are.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The store refused, or did not answer.
    #[error("the store did not {action} the table {table}: {cause}")]
    Store {
        /// What it was asked to do.
        action: &'static str,
        /// The table's name in the store.
        table: String,
        /// What it answered.
        cause: String,
    },
    /// A table of that name is there, but not the template's.
    #[error(
        "the table {table}, or an index of it, was made with other keys than template.yaml has now: \
         remove the local data (`make clean-data`) and start again"
    )]
    Different {
        /// The table's name in the store.
        table: String,
    },
    /// It was made, but stayed unusable.
    #[error("the table {table} was not ready within {} s", ACTIVE_WITHIN.as_secs())]
    NotReady {
        /// The table's name in the store.
        table: String,
    },
}

/// Makes each of the template's tables that is not there yet, under the name that `name_of` gives for its
/// logical id, and each index that a table of an earlier release lacks, and returns when all of them can be used. The store
/// fills a new index from the items that are there; they stay as they are.
///
/// # Errors
/// When the store fails, or has a table of that name with other keys, or one of its indexes has.
pub async fn create_missing(client: &Client, name_of: impl Fn(&str) -> String) -> Result<(), TablesError> {
    let template = Template::embedded()?;
    for definition in template.tables() {
        create(client, definition, &name_of(&definition.logical_id)).await?;
    }
    for definition in template.tables() {
        await_as_defined(client, definition, &name_of(&definition.logical_id)).await?;
    }
    Ok(())
}

async fn create(client: &Client, definition: &TableDefinition, name: &str) -> Result<(), TablesError> {
    let refused = |cause| TablesError::Store { action: "create", table: name.to_owned(), cause };
    let invalid = |error: BuildError| refused(error.to_string());
    let indexes: Result<Vec<_>, _> = definition.indexes.iter().map(index).collect();
    let indexes = indexes.map_err(invalid)?;
    let outcome = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes(definition, |_| true).map_err(invalid)?))
        .set_key_schema(Some(key_schema(&definition.key).map_err(invalid)?))
        .set_stream_specification(stream(definition).map_err(invalid)?)
        // DynamoDB refuses an empty list.
        .set_global_secondary_indexes((!indexes.is_empty()).then_some(indexes))
        .send()
        .await;
    match outcome {
        Ok(_) => Ok(()),
        Err(SdkError::ServiceError(refusal)) if refusal.err().is_resource_in_use_exception() => Ok(()),
        Err(error) => Err(refused(DisplayErrorContext(error).to_string())),
    }
}

/// Waits until the table can be used, with all its indexes; those that are missing are added on the way.
async fn await_as_defined(
    client: &Client,
    definition: &TableDefinition,
    name: &str,
) -> Result<(), TablesError> {
    let is_ready = wait::until(ACTIVE_WITHIN, POLL_EVERY, || async {
        let answer = client.describe_table().table_name(name).send().await;
        let answer = answer.map_err(|error| TablesError::Store {
            action: "describe",
            table: name.to_owned(),
            cause: DisplayErrorContext(error).to_string(),
        })?;
        match answer.table() {
            Some(table) if !may_become(table, definition) => {
                Err(TablesError::Different { table: name.to_owned() })
            }
            // DynamoDB adds one index at a time.
            Some(table) if is_active(table) => match missing_index(table, definition) {
                Some(index) => add_index(client, definition, index, name).await.map(|()| false),
                None if lacks_stream(table, definition) => {
                    add_stream(client, definition, name).await.map(|()| false)
                }
                None => Ok(true),
            },
            _ => Ok(false),
        }
    });
    if is_ready.await? { Ok(()) } else { Err(TablesError::NotReady { table: name.to_owned() }) }
}

/// Whether the table has the template's key, and the template's indexes theirs, as far as they are there. Others would fail much
/// later, at the first query. An index that the template does not have is of a later release, which runs beside this one.
fn may_become(table: &TableDescription, definition: &TableDefinition) -> bool {
    same_key(table.key_schema(), &definition.key)
        && table.global_secondary_indexes().iter().all(|index| {
            let wanted = definition.indexes.iter().find(|wanted| index.index_name() == Some(&wanted.name));
            wanted.is_none_or(|wanted| same_key(index.key_schema(), &wanted.key))
        })
}

fn missing_index<'a>(
    table: &TableDescription,
    definition: &'a TableDefinition,
) -> Option<&'a IndexDefinition> {
    let actual = table.global_secondary_indexes();
    let mut wanted = definition.indexes.iter();
    wanted.find(|wanted| !actual.iter().any(|index| index.index_name() == Some(&wanted.name)))
}

async fn add_index(
    client: &Client,
    definition: &TableDefinition,
    index: &IndexDefinition,
    name: &str,
) -> Result<(), TablesError> {
    let refused = |cause| TablesError::Store { action: "add an index to", table: name.to_owned(), cause };
    let invalid = |error: BuildError| refused(error.to_string());
    let of_index = |attribute: &str| index.key.iter().any(|part| part.attribute == attribute);
    let create = CreateGlobalSecondaryIndexAction::builder()
        .index_name(&index.name)
        .set_key_schema(Some(key_schema(&index.key).map_err(invalid)?))
        .projection(projection(index))
        .build()
        .map_err(invalid)?;
    let outcome = client
        .update_table()
        .table_name(name)
        .set_attribute_definitions(Some(attributes(definition, of_index).map_err(invalid)?))
        .global_secondary_index_updates(GlobalSecondaryIndexUpdate::builder().create(create).build())
        .send()
        .await;
    match outcome {
        Ok(_) => Ok(()),
        // Another process is just changing the table: what comes of it is seen at the next look.
        Err(SdkError::ServiceError(refusal)) if refusal.err().is_resource_in_use_exception() => Ok(()),
        Err(error) => Err(refused(DisplayErrorContext(error).to_string())),
    }
}

/// A table of an earlier release has no stream.
fn lacks_stream(table: &TableDescription, definition: &TableDefinition) -> bool {
    let is_on = table.stream_specification().is_some_and(|stream| stream.stream_enabled());
    definition.stream.is_some() && !is_on
}

async fn add_stream(client: &Client, definition: &TableDefinition, name: &str) -> Result<(), TablesError> {
    let refused = |cause| TablesError::Store { action: "add a stream to", table: name.to_owned(), cause };
    let stream = stream(definition).map_err(|error| refused(error.to_string()))?;
    match client.update_table().table_name(name).set_stream_specification(stream).send().await {
        Ok(_) => Ok(()),
        // Another process is just changing the table: what comes of it is seen at the next look.
        Err(SdkError::ServiceError(refusal)) if refusal.err().is_resource_in_use_exception() => Ok(()),
        Err(error) => Err(refused(DisplayErrorContext(error).to_string())),
    }
}

fn stream(definition: &TableDefinition) -> Result<Option<StreamSpecification>, BuildError> {
    let kind = definition.stream.as_deref().map(StreamViewType::from);
    let enabled =
        kind.map(|kind| StreamSpecification::builder().stream_enabled(true).stream_view_type(kind).build());
    enabled.transpose()
}

fn same_key(actual: &[KeySchemaElement], wanted: &[KeyPart]) -> bool {
    let part = |element: &KeySchemaElement| (element.attribute_name().to_owned(), element.key_type().clone());
    let wanted = wanted.iter().map(|part| (part.attribute.clone(), KeyType::from(part.role.as_str())));
    actual.iter().map(part).eq(wanted)
}

fn is_active(table: &TableDescription) -> bool {
    table.table_status() == Some(&TableStatus::Active)
        && table
            .global_secondary_indexes()
            .iter()
            // Some local stores leave an index's status out.
            .all(|index| index.index_status().is_none_or(|status| *status == IndexStatus::Active))
}

fn key_schema(key: &[KeyPart]) -> Result<Vec<KeySchemaElement>, BuildError> {
    key.iter()
        .map(|part| {
            KeySchemaElement::builder()
                .attribute_name(&part.attribute)
                .key_type(KeyType::from(part.role.as_str()))
                .build()
        })
        .collect()
}

fn attributes(
    definition: &TableDefinition,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<AttributeDefinition>, BuildError> {
    let attributes = definition.attributes.iter().filter(|attribute| wanted(&attribute.name));
    attributes
        .map(|attribute| {
            AttributeDefinition::builder()
                .attribute_name(&attribute.name)
                .attribute_type(ScalarAttributeType::from(attribute.kind.as_str()))
                .build()
        })
        .collect()
}

fn index(definition: &IndexDefinition) -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name(&definition.name)
        .set_key_schema(Some(key_schema(&definition.key)?))
        .projection(projection(definition))
        .build()
}

fn projection(definition: &IndexDefinition) -> Projection {
    let copied = &definition.projection.attributes;
    Projection::builder()
        .projection_type(ProjectionType::from(definition.projection.kind.as_str()))
        .set_non_key_attributes((!copied.is_empty()).then(|| copied.clone()))
        .build()
}
