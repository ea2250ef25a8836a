//! The Lambda function `admin`.

#[tokio::main]
async fn main() -> Result<(), lambda_http::Error> {
    shared::http::run(admin::routes()).await
}
