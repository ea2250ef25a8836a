//! The Lambda function `events`.

use stores::dynamodb::AskedTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    http_api::run(events::routes(), AskedTable::Events).await
}
