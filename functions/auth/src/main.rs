//! The Lambda function `auth`.

use stores::dynamodb::AskedTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    http_api::run_checked(auth::routes(), AskedTable::Users, sign_in::check_settings).await
}
