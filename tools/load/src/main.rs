//! `make load`: puts a service under load, says how it fared, and whether every seat is where it should be.

use std::process::ExitCode;

use load::{Failure, Settings, server::serve_store};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => tokio::select! {
            done = load() => done,
            // Broken off, all that was started ends with us.
            _ = tokio::signal::ctrl_c() => Err("broken off".into()),
        },
        // What the generator starts itself as, so that the store's CPU is not its own.
        ["store", port] => serve_store(port).await.map(|()| true),
        _ => Err("all settings come from the environment: see make load".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Below the bar, if there is one.
            eprintln!("\nThe load failed: {error}.");
            ExitCode::FAILURE
        }
    }
}

/// Whether every seat is where it should be.
async fn load() -> Result<bool, Failure> {
    let settings = Settings::from_env()?;
    let report = load::run(&settings).await?;
    println!("\n{report}");
    for file in report.write(&settings.out)? {
        println!("Written: {}", file.display());
    }
    Ok(report.check.violations.is_empty())
}
