//! The Lambda function `auth`.

use shared::store::AskedTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::run(auth::routes(), AskedTable::Users).await
}
