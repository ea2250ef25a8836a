//! The Lambda function `pricing`, invoked by its schedule.

use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    http_api::run_job(async |app, now| Ok::<_, Error>(pricing::run(app, now).await?.finished()?)).await
}
