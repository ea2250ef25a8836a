//! Counts what is asked of DynamoDB, where it is asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef},
    error::BoxError,
};
use serde_json::Value;
use stores::dynamodb;

/// What was asked of DynamoDB: by operation and table, each with its number of calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<BTreeMap<String, usize>>>);

impl Calls {
    /// The same client, counted.
    pub(crate) fn counted(&self, client: &dynamodb::Client) -> dynamodb::Client {
        dynamodb::Client::from_conf(client.config().to_builder().interceptor(self.clone()).build())
    }

    /// What was asked since the last look, like `GetItem events`.
    pub(crate) fn take(&self) -> BTreeMap<String, usize> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Intercept for Calls {
    fn name(&self) -> &'static str {
        "counts calls"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let operation =
            request.headers().get("x-amz-target").and_then(|target| target.split('.').next_back());
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default())?;
        let of_batch = body["RequestItems"].as_object().and_then(|tables| tables.keys().next());
        let table = body["TableName"].as_str().or(of_batch.map(String::as_str));
        // Each test has its own prefix.
        let table = table.and_then(|table| table.split('-').next_back()).unwrap_or("several");
        let asked = format!("{} {table}", operation.unwrap_or("?"));
        *self.0.lock().unwrap().entry(asked).or_default() += 1;
        Ok(())
    }
}
