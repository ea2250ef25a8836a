//! Makes the template's tables in a local store.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, DisplayErrorContext, SdkError};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, IndexStatus, KeySchemaElement, KeyType,
    Projection, ProjectionType, ScalarAttributeType, TableDescription, TableStatus,
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
        "the table {table} was made with other keys or indexes than template.yaml has now: \
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
/// logical id, and returns when all of them, with their indexes, can be used.
///
/// # Errors
/// When the store fails, or has a table of that name with other keys or indexes.
pub async fn create_missing(client: &Client, name_of: impl Fn(&str) -> String) -> Result<(), TablesError> {
    let template = Template::embedded()?;
    for definition in template.tables() {
        create(client, definition, &name_of(&definition.logical_id)).await?;
    }
    for definition in template.tables() {
        await_active(client, definition, &name_of(&definition.logical_id)).await?;
    }
    Ok(())
}

async fn create(client: &Client, definition: &TableDefinition, name: &str) -> Result<(), TablesError> {
    let refused = |cause| TablesError::Store { action: "create", table: name.to_owned(), cause };
    let invalid = |error: BuildError| refused(error.to_string());
    let attributes: Result<Vec<_>, _> = definition
        .attributes
        .iter()
        .map(|attribute| {
            AttributeDefinition::builder()
                .attribute_name(&attribute.name)
                .attribute_type(ScalarAttributeType::from(attribute.kind.as_str()))
                .build()
        })
        .collect();
    let indexes: Result<Vec<_>, _> = definition.indexes.iter().map(index).collect();
    let indexes = indexes.map_err(invalid)?;
    let outcome = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attributes.map_err(invalid)?))
        .set_key_schema(Some(key_schema(&definition.key).map_err(invalid)?))
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

async fn await_active(client: &Client, definition: &TableDefinition, name: &str) -> Result<(), TablesError> {
    let is_active = wait::until(ACTIVE_WITHIN, POLL_EVERY, || async {
        let answer = client.describe_table().table_name(name).send().await;
        let answer = answer.map_err(|error| TablesError::Store {
            action: "describe",
            table: name.to_owned(),
            cause: DisplayErrorContext(error).to_string(),
        })?;
        match answer.table() {
            Some(table) if !is_as_defined(table, definition) => {
                Err(TablesError::Different { table: name.to_owned() })
            }
            table => Ok(table.is_some_and(is_active)),
        }
    });
    if is_active.await? { Ok(()) } else { Err(TablesError::NotReady { table: name.to_owned() }) }
}

/// Data of an older template would otherwise fail much later, at the first query of a new index.
fn is_as_defined(table: &TableDescription, definition: &TableDefinition) -> bool {
    same_key(table.key_schema(), &definition.key)
        && table.global_secondary_indexes().len() == definition.indexes.len()
        && definition.indexes.iter().all(|wanted| {
            table.global_secondary_indexes().iter().any(|index| {
                index.index_name() == Some(&wanted.name) && same_key(index.key_schema(), &wanted.key)
            })
        })
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

fn index(definition: &IndexDefinition) -> Result<GlobalSecondaryIndex, BuildError> {
    let copied = &definition.projection.attributes;
    let projection = Projection::builder()
        .projection_type(ProjectionType::from(definition.projection.kind.as_str()))
        .set_non_key_attributes((!copied.is_empty()).then(|| copied.clone()));
    GlobalSecondaryIndex::builder()
        .index_name(&definition.name)
        .set_key_schema(Some(key_schema(&definition.key)?))
        .projection(projection.build())
        .build()
}
