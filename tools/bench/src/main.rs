//! `make bench`: Evently's figures, each beside the limit that it should be read against, in one go.
//!
#![doc = include_str!("../README.md")]

mod bare_redis;
mod bare_reserve;
mod cost;
mod figures;
mod functions;
mod instructions;
mod pairs;
mod rate;
mod runtime_api;
mod rush;
mod scale;
mod table;
mod trips;
mod world;

use std::{path::Path, process::ExitCode, time::Instant};

use figures::Figure;
use load::{Failure, report::plot::Plot, server::serve_store};

const OUT: &str = "target/bench";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        // What it starts itself as, so that the store's CPU is not its own.
        ["store", port] => serve_store(port).await,
        _ => tokio::select! {
            done = bench(&words) => done,
            // Broken off, all that was started ends with us.
            _ = tokio::signal::ctrl_c() => Err("broken off".into()),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nThe bench failed: {error}.");
            ExitCode::FAILURE
        }
    }
}

/// Everything that is measured, in the order of the table.
const PARTS: [&str; 8] = ["rush", "pairs", "functions", "instructions", "trips", "cost", "events", "shards"];

/// Measures these parts, or all.
async fn bench(parts: &[&str]) -> Result<(), Failure> {
    if let Some(unknown) = parts.iter().find(|part| !PARTS.contains(part)) {
        return Err(format!("PARTS must be some of {}: {unknown} is none", PARTS.join(" ")).into());
    }
    let (mut figures, mut plots, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for (number, part) in (1..).zip(PARTS) {
        if !parts.is_empty() && !parts.contains(&part) {
            continue;
        }
        let started = Instant::now();
        eprint!("{number} of {}: {part} … ", PARTS.len());
        if part == "instructions" && parts.is_empty() && !instructions::can_be_counted().await {
            eprintln!("left out: valgrind is not installed");
            continue;
        }
        // One that fails is told at the end, so that the others were not measured in vain.
        match measure(part).await {
            Ok((measured, plot)) => {
                figures.extend(measured);
                plots.extend(plot.map(|plot| (part, plot)));
            }
            Err(error) => failures.push(format!("{part}: {error}")),
        }
        eprintln!("{} s", started.elapsed().as_secs());
    }
    println!("\n{}", table::markdown(&figures));
    table::write_all(Path::new(OUT), &figures, &plots)?;
    println!("Written to {OUT}: bench.md, bench.json, and the plots.");
    failures.extend(figures.iter().filter_map(Figure::failure));
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ").into()) }
}

async fn measure(part: &str) -> Result<(Vec<Figure>, Option<Plot>), Failure> {
    let with_plot = |(figures, plot)| (figures, Some(plot));
    match part {
        "rush" => Ok((rush::figures().await?, None)),
        "pairs" => Ok((pairs::figures().await?, None)),
        "functions" => Ok((functions::figures().await?, None)),
        "instructions" => Ok((instructions::figures().await?, None)),
        "trips" => Ok((trips::figures().await?, None)),
        "cost" => Ok((cost::figures().await?, None)),
        "events" => scale::by_events().await.map(with_plot),
        _ => scale::by_shards().await.map(with_plot),
    }
}
