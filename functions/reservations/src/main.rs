//! The Lambda function `reservations`.

use shared::store::AskedTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::run(reservations::routes(), AskedTable::Events).await
}
