//! The Lambda function `web`.

use stores::dynamodb::AskedTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    http_api::run_checked(web::routes(), AskedTable::Events, sign_in::check_settings).await
}
