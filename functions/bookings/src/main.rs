//! The Lambda function `bookings`.

use shared::store::AskedTable;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::run(bookings::routes(), AskedTable::Events).await
}
