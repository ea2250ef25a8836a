//! The Lambda function `events`.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::run(events::routes()).await
}
