//! `make events`, `make sample-stores`, `make watch` and `make test-lambda`.

use std::process::ExitCode;

use lambda::{Failure, samples};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let count = samples::write("events".as_ref())?;
    println!("{count}");
    Ok(())
}
