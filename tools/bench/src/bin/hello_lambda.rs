//! The least that a Lambda function can do: what the functions' own figures are read against.

use lambda_http::{Error, Request, run, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(|_: Request| async { Ok::<_, Error>("Hello, world") })).await
}
