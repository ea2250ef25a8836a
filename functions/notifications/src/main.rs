//! The Lambda function `notifications`, invoked by the streams of the tables and by its schedule.

use lambda_runtime::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    notifications::run().await
}
