//! `make load`: puts a service under load, says how it fared, and whether every seat is where it should be.

use std::process::ExitCode;

use kit::{
    Failure,
    ending::{exit_code, unless_broken_off},
};
use load::{
    Settings,
    server::serve_store,
    settings::{Arguments, Command},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run().await, "\nThe load failed")
}

async fn run() -> Result<bool, Failure> {
    let arguments: Arguments = kit::settings::read()?;
    match arguments.command {
        Some(Command::Store { port }) => serve_store(port).await.map(|()| true),
        None => unless_broken_off(load(Settings::of(arguments)?)).await,
    }
}

/// Whether every seat is where it should be.
async fn load(settings: Settings) -> Result<bool, Failure> {
    let report = load::run(&settings).await?;
    println!("\n{report}");
    for file in report.write(&settings.out)? {
        println!("Written: {}", file.display());
    }
    Ok(report.check.violations.is_empty())
}
