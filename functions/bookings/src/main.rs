//! The Lambda function `bookings`.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::run(bookings::routes()).await
}
