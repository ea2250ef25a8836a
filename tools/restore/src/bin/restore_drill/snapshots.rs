//! Tables as of a second: what point-in-time recovery is on AWS. A snapshot of the store's file is whole and of one instant,
//! whatever is written meanwhile; a table of it is then put beside the stack's under a name of its own.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::BillingMode;
use kit::Failure;
use local::embedded_store::{EmbeddedStore, Location};
use restore::Table;
use rusqlite::Connection;
use stores::dynamodb::client_for_endpoint;
use tempfile::TempDir;

use crate::stage::Stage;

/// The store writes in between.
const BUSY_FOR: Duration = Duration::from_secs(10);

/// A table as it was.
pub(crate) struct Snapshot {
    pub(crate) table: Table,
    /// What was answered before this is in it; what was asked for after `until` is not.
    pub(crate) from: Instant,
    pub(crate) until: Instant,
    folder: TempDir,
}

/// Takes one.
pub(crate) fn take(stage: &Stage, table: Table) -> Result<Snapshot, Failure> {
    let folder = tempfile::Builder::new().prefix("snapshot-").tempdir_in(stage.folder.path())?;
    let file = folder.path().join("dynamodb.sqlite");
    let from = Instant::now();
    let store = Connection::open(stage.file())?;
    store.busy_timeout(BUSY_FOR)?;
    store.execute("VACUUM INTO ?1", [file.to_string_lossy()])?;
    Ok(Snapshot { table, from, until: Instant::now(), folder })
}

impl Snapshot {
    /// Makes a table of it beside the stack's; tells its name.
    pub(crate) async fn restore_beside(&self, stage: &Stage) -> Result<String, Failure> {
        let file = self.folder.path().join("dynamodb.sqlite");
        let store = EmbeddedStore::start(Location::File(file), None).await?;
        let then = client_for_endpoint(store.endpoint());
        let name = stage.tables.name(self.table)?;
        let restored = format!("{name}-restored");
        let described = then.describe_table().table_name(name).send().await?.table.ok_or("no such table")?;
        let is_key = |attribute: &str| self.table.key().contains(&attribute);
        let attributes = described.attribute_definitions().iter();
        let attributes =
            attributes.filter(|definition| is_key(&definition.attribute_name)).cloned().collect();
        let create =
            stage.client().create_table().table_name(&restored).billing_mode(BillingMode::PayPerRequest);
        create
            .set_key_schema(described.key_schema.clone())
            .set_attribute_definitions(Some(attributes))
            .send()
            .await?;
        let mut items = then.scan().table_name(name).into_paginator().items().send();
        while let Some(item) = items.next().await {
            stage.client().put_item().table_name(&restored).set_item(Some(item?)).send().await?;
        }
        store.stop().await;
        Ok(restored)
    }
}
