//! The Lambda function `reservations`.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::run(reservations::routes()).await
}
