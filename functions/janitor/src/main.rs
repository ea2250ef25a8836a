//! The Lambda function `janitor`, invoked by its schedule.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    http_api::run_job(janitor::run).await
}
