//! The Lambda function `auth`.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::run(auth::routes()).await
}
