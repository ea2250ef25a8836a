//! `make simulate`: runs all rushes, prints what came of them and draws the curves.

use std::{fs::OpenOptions, path::PathBuf, process::ExitCode};

use clap::Parser;
use kit::{
    Failure,
    ending::{exit_code, unless_broken_off},
};
use simulate::{BoxOffice, Curves, plot};

/// What was asked for.
#[derive(Debug, Parser)]
#[command(name = "simulate", about = "Rushes for one event against DynamoDB's limits, in virtual time")]
struct Arguments {
    /// Where to draw the curves, an SVG
    file: PathBuf,
    /// What all random choices follow from; another one gives slightly other numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

// One thread, as the random numbers are one thread's.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(unless_broken_off(simulate()).await.map(|()| true), "The simulation failed")
}

async fn simulate() -> Result<(), Failure> {
    let Arguments { file, seed } = kit::settings::read()?;
    // Better told now than in two minutes.
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(&file)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    let office = BoxOffice::open().await?;
    let curves = Curves::run(&office, seed).await?;
    println!("{curves}");
    plot(&curves, &file)?;
    println!("The curves are drawn in {}", file.display());
    Ok(())
}
