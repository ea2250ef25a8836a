//! The Lambda function `bookings`.

use stores::dynamodb::AskedTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    http_api::run(bookings::routes(), AskedTable::Events).await
}
