//! `make simulate`: runs all rushes, prints what came of them and draws the curves.

use std::{fs::OpenOptions, path::PathBuf, process::ExitCode};

use simulate::{BoxOffice, Curves, Failure, plot};

/// Any would do; another one gives slightly other numbers.
const SEED: u64 = 1;

// One thread, as the random numbers are one thread's.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let done = tokio::select! {
        done = simulate() => done,
        // Redis ends with us.
        _ = tokio::signal::ctrl_c() => Err("broken off".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The simulation failed: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn simulate() -> Result<(), Failure> {
    let file =
        std::env::args_os().nth(1).map(PathBuf::from).ok_or("say where to draw the curves: FILE.svg")?;
    // Better told now than in two minutes.
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(&file)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    let office = BoxOffice::open().await?;
    let curves = Curves::run(&office, SEED).await?;
    println!("{curves}");
    plot(&curves, &file)?;
    println!("The curves are drawn in {}", file.display());
    Ok(())
}
