//! The Lambda function `reservations`.

use stores::dynamodb::AskedTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    http_api::run(reservations::routes(), AskedTable::Events).await
}
