//! A job of an inner function as a Lambda that a schedule invokes.

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;
use stores::dynamodb::AskedTable;

use crate::App;

/// Runs `job` whenever the schedule says so. What it answers stands in the log; what it fails with is an error of the
/// function, which is invoked again.
pub async fn run_job<T, E>(job: impl AsyncFn(&App, Timestamp) -> Result<T, E>) -> Result<(), Error>
where
    T: Serialize,
    Error: From<E>,
{
    telemetry::init(telemetry::SHOWN)?;
    let app = App::from_env(|_| Ok(())).await?;
    app.open_connections(AskedTable::Events).await;
    let handle = |_: LambdaEvent<Value>| async {
        let done = job(&app, Timestamp::now()).await;
        telemetry::flush_metrics();
        Ok::<_, Error>(done?)
    };
    lambda_runtime::run(service_fn(handle)).await
}
