//! `make exercise`: runs the seeds, one after the other, and says what came of them.

use std::process::ExitCode;

use exercise::{Settings, Verdict};
use kit::{
    Failure,
    ending::{exit_code, unless_broken_off},
};

/// Violations told with all that led to them; most of the others have the same cause.
const SHOWN_MAX: usize = 20;

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(unless_broken_off(exercise()).await, "\nThe exercise failed")
}

/// Whether all was well.
async fn exercise() -> Result<bool, Failure> {
    let settings: Settings = kit::settings::read()?;
    let mut all = Verdict::default();
    for seed in settings.all_seeds() {
        all.add(exercise::run(&settings, seed).await?);
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
    Ok(all.violations.is_empty() && (unreached.is_empty() || !settings.is_usual()))
}
