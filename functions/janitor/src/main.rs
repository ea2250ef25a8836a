//! The Lambda function `janitor`, invoked by its schedule.

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use shared::{App, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init("info");
    let app = App::from_env().await?;
    let handle =
        |_: LambdaEvent<Value>| async { Ok::<_, Error>(janitor::run(&app, Timestamp::now()).await?) };
    lambda_runtime::run(service_fn(handle)).await
}
