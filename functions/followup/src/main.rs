//! The Lambda function `followup`, invoked by the bookings' stream.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    followup::run().await
}
