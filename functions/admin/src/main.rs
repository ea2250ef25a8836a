//! The Lambda function `admin`.

use stores::dynamodb::AskedTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    http_api::run(admin::routes(), AskedTable::Events).await
}
