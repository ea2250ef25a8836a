//! The Lambda function `pricing`, invoked by its schedule.

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use shared::{App, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("info");
    let app = App::from_env().await?;
    let handle = |_: LambdaEvent<Value>| async {
        let report = pricing::run(&app, Timestamp::now()).await;
        telemetry::flush_metrics();
        Ok::<_, Error>(report?.finished()?)
    };
    lambda_runtime::run(service_fn(handle)).await
}
