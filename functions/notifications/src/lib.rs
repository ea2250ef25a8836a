//! Telling people what happened. One handler for both ways in which Lambda calls it: with records of a stream, and every minute
//! by the schedule, for what is due. Outside of Redis' network: it can reach mail servers, and can't move a seat.

use std::{sync::Arc, time::Duration};

use domain::error::Error;
use http_api::OuterApp;
use jiff::Timestamp;
use jobs::{Budget, Records};
use lambda_runtime::{LambdaEvent, service_fn};
use messages::Teller;
use serde_json::{Value, json};
use settings::{Config, mail::MailConfig};
use stores::dynamodb;

/// Of a batch of records nothing is sent after this time: what is left is written down, and goes with the next run.
const BATCH_TIME_MAX: Duration = Duration::from_secs(20);

/// Runs the function.
///
/// # Errors
/// When a setting is missing or malformed.
pub async fn run() -> Result<(), lambda_runtime::Error> {
    telemetry::init(telemetry::SHOWN)?;
    let config = Config::from_env()?;
    let mail = MailConfig::from_env()?;
    if mail.is_none() && config.tables.webhooks.is_none() {
        return Err(
            "neither setting MAIL_URL nor setting WEBHOOKS_TABLE is set: there is nobody to tell".into()
        );
    }
    let client = dynamodb::client_of_function(config.roots).await;
    let app = OuterApp::new(config, client);
    let addresses = app.config.webhook_addresses;
    let teller = Teller::open(app.store.clone(), Arc::clone(&app.tokens), mail, addresses).await?;
    let handle = |event: LambdaEvent<Value>| async {
        // Boxed, or the compiler gives up on how deep it all is.
        let answer = Box::pin(handle(&teller, event.payload)).await;
        telemetry::flush_metrics();
        Ok::<_, lambda_runtime::Error>(answer?)
    };
    lambda_runtime::run(service_fn(handle)).await
}

/// One invocation: with records of a stream it tells them, and answers which have to come again; without, it does what is due.
///
/// # Errors
/// When a store fails, so that what is due waits for the next minute.
pub async fn handle(teller: &Teller, event: Value) -> Result<Value, Error> {
    if event.get("Records").is_none() {
        let report = messages::run(teller, Timestamp::now()).await;
        teller.settle().await;
        return report.map(|report| json!(report));
    }
    let (records, budget) = (Records::read(event)?, Budget::of(BATCH_TIME_MAX));
    let answer = records
        .each(teller.store(), async |change, at| teller.tell_change(&change, at, budget).await.map(|_| ()));
    let answer = answer.await;
    // Lambda freezes what is not waited for.
    teller.settle().await;
    Ok(answer)
}
