//! `make exercise`: runs the seeds, one after the other, and says what came of them.

use std::process::ExitCode;

use exercise::{Failure, Settings, Verdict};

/// Violations told with all that led to them; most of the others have the same cause.
const SHOWN_MAX: usize = 20;

#[tokio::main]
async fn main() -> ExitCode {
    // Broken off, all that was started ends with us.
    let done = tokio::select! {
        done = exercise() => done,
        _ = tokio::signal::ctrl_c() => Err("broken off".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Below the bar, if there is one.
            eprintln!("\nThe exercise failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all was well.
async fn exercise() -> Result<bool, Failure> {
    let settings = Settings::from_env()?;
    let mut all = Verdict::default();
    for seed in &settings.seeds {
        all.add(exercise::run(&settings, *seed).await?);
    }
    println!("\n{all}");
    for (seed, what) in all.violations.iter().take(SHOWN_MAX) {
        println!("Seed {seed}: {what}");
    }
    let mut bad_seeds: Vec<u64> = all.violations.iter().map(|(seed, _)| *seed).collect();
    bad_seeds.dedup();
    for seed in bad_seeds {
        println!(
            "Seed {seed} failed. The same day again: make exercise SEED={seed} MINUTES={}",
            settings.minutes
        );
    }
    let unreached = all.unreached();
    if !unreached.is_empty() {
        println!("Never reached: {}", unreached.join("; "));
    }
    Ok(all.violations.is_empty() && (unreached.is_empty() || !settings.is_default))
}
