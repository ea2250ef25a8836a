//! The Lambda function `auth`.

use stores::dynamodb::AskedTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    http_api::run(auth::routes(), AskedTable::Users).await
}
