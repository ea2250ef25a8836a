//! What DynamoDB charges for: the capacity units that each call consumed, as the store itself tells
//! (`ReturnConsumedCapacity`). The service does not ask for it; this asks in its place.

use std::{collections::BTreeMap, sync::Arc};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut},
    },
    error::BoxError,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use parking_lot::Mutex;
use serde_json::Value;
use stores::dynamodb;

const READS: &[&str] = &["GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"];

/// Capacity units, as they are charged on demand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Units {
    /// Write request units.
    pub writes: f64,
    /// Read request units.
    pub reads: f64,
}

/// Counts the units that a client's calls consume.
#[derive(Clone, Debug, Default)]
pub struct Consumed(Arc<Mutex<BTreeMap<String, Units>>>);

impl Consumed {
    /// The same client, counted.
    pub fn counted(&self, client: &dynamodb::Client) -> dynamodb::Client {
        dynamodb::Client::from_conf(client.config().to_builder().interceptor(self.clone()).build())
    }

    /// What was consumed since the last look.
    pub fn take(&self) -> Units {
        self.take_by_table().into_values().fold(Units::default(), |sum, units| Units {
            writes: sum.writes + units.writes,
            reads: sum.reads + units.reads,
        })
    }

    /// The same, by table. What a table's indexes consume is within its own.
    pub fn take_by_table(&self) -> BTreeMap<String, Units> {
        std::mem::take(&mut self.0.lock())
    }
}

impl Intercept for Consumed {
    fn name(&self) -> &'static str {
        "counts consumed capacity"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        // Making and describing tables is free.
        if request.headers().get("x-amz-target").is_none_or(|target| target.ends_with("Table")) {
            return Ok(());
        }
        let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default())?;
        body["ReturnConsumedCapacity"] = "TOTAL".into();
        let body = body.to_string();
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = body.into();
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_read = config.load::<Metadata>().is_some_and(|metadata| READS.contains(&metadata.name()));
        let answer: Value = serde_json::from_slice(context.response().body().bytes().unwrap_or_default())?;
        // Of one table an object, of several a list.
        let told = &answer["ConsumedCapacity"];
        let tables = told.as_array().map_or(std::slice::from_ref(told), Vec::as_slice);
        let mut counted = self.0.lock();
        for (table, units) in
            tables.iter().filter_map(|table| Some((table, table["CapacityUnits"].as_f64()?)))
        {
            let counted =
                counted.entry(table["TableName"].as_str().unwrap_or_default().to_owned()).or_default();
            if is_read {
                counted.reads += units;
            } else {
                counted.writes += units;
            }
        }
        Ok(())
    }
}
