//! The Lambda function `events`.

use shared::store::AskedTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::run(events::routes(), AskedTable::Events).await
}
