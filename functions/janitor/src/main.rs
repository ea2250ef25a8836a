//! The Lambda function `janitor`, invoked by its schedule.

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use shared::{App, store::AskedTable, telemetry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init("info");
    let app = App::from_env().await?;
    app.open_connections(AskedTable::Events).await;
    let handle = |_: LambdaEvent<Value>| async {
        let report = janitor::run(&app, Timestamp::now()).await;
        telemetry::flush_metrics();
        Ok::<_, Error>(report?)
    };
    lambda_runtime::run(service_fn(handle)).await
}
