//! The Lambda function `admin`.

use shared::store::AskedTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::run(admin::routes(), AskedTable::Events).await
}
