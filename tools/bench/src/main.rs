//! `make bench`: Evently's figures, each beside the limit that it should be read against, in one go.
//!
#![doc = include_str!("../README.md")]

mod ageing;
mod bare_redis;
mod bare_reserve;
mod cost;
mod figures;
mod functions;
mod instructions;
mod memory;
mod pairs;
mod rate;
mod redis_cpu;
mod runtime_api;
mod rush;
mod scale;
mod table;
mod trips;
mod world;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use figures::Figure;
use functions::Programs;
use kit::{
    Failure,
    ending::{exit_code, unless_broken_off},
    plot::Plot,
};
use load::server::serve_store;

const OUT: &str = "target/bench";

/// What was asked for.
#[derive(Debug, Parser)]
#[command(
    name = "bench",
    about = "Measures Evently's figures, each beside the limit that it should be read against"
)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    measured: Measured,
}

/// What it starts itself as.
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
enum Command {
    /// Serves the store on that port, so that the store's CPU is not its own
    #[command(hide = true)]
    Store {
        /// Where it listens
        port: u16,
    },
}

#[derive(Args, Debug)]
struct Measured {
    /// What to measure, instead of all
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Where `cargo lambda build --release` left the functions; otherwise they are beside this program
    #[arg(long, env = "FUNCTIONS", value_name = "FOLDER")]
    functions: Option<PathBuf>,
}

/// Everything that is measured, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Requests a second and CPU, against bare clients and a hello-world service
    Rush,
    /// Book and confirm, against the SDK alone
    Pairs,
    /// Cold starts, sizes and memory of the deployed programs
    Functions,
    /// What a start and a request take in Lambda, counted by valgrind
    Instructions,
    /// What the servers keep in memory after many sign-ins
    Memory,
    /// Round trips
    Trips,
    /// Capacity units, and dollars
    Cost,
    /// Redis' processor time of a booking, against a GET
    Redis,
    /// How times grow with the number of events
    Events,
    /// How times grow with the shards of an event
    Shards,
    /// How the embedded store slows down with use
    Ageing,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    exit_code(run().await.map(|()| true), "\nThe bench failed")
}

async fn run() -> Result<(), Failure> {
    let arguments: Arguments = kit::settings::read()?;
    match arguments.command {
        Some(Command::Store { port }) => serve_store(port).await,
        None => unless_broken_off(bench(&arguments.measured)).await,
    }
}

/// Measures these parts, or all.
async fn bench(Measured { parts, functions }: &Measured) -> Result<(), Failure> {
    let programs = Programs(functions.clone());
    let (mut figures, mut plots, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    let all = Part::value_variants();
    for (number, part) in (1..).zip(all) {
        if !parts.is_empty() && !parts.contains(part) {
            continue;
        }
        let (name, started) = (part.name(), Instant::now());
        eprint!("{number} of {}: {name} … ", all.len());
        if *part == Part::Instructions && parts.is_empty() && !instructions::can_be_counted().await {
            eprintln!("left out: valgrind is not installed");
            continue;
        }
        // One that fails is told at the end, so that the others were not measured in vain.
        match measure(*part, &programs).await {
            Ok((measured, plot)) => {
                figures.extend(measured);
                plots.extend(plot.map(|plot| (name.clone(), plot)));
            }
            Err(error) => failures.push(format!("{name}: {error}")),
        }
        eprintln!("{} s", started.elapsed().as_secs());
    }
    println!("\n{}", table::markdown(&figures));
    table::write_all(Path::new(OUT), &figures, &plots)?;
    println!("Written to {OUT}: bench.md, bench.json, and the plots.");
    failures.extend(figures.iter().filter_map(Figure::failure));
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ").into()) }
}

async fn measure(part: Part, programs: &Programs) -> Result<(Vec<Figure>, Option<Plot>), Failure> {
    let with_plot = |(figures, plot)| (figures, Some(plot));
    match part {
        Part::Rush => Ok((rush::figures().await?, None)),
        Part::Pairs => Ok((pairs::figures().await?, None)),
        Part::Functions => Ok((functions::figures(programs).await?, None)),
        Part::Instructions => Ok((instructions::figures(programs).await?, None)),
        Part::Memory => Ok((memory::figures().await?, None)),
        Part::Trips => Ok((trips::figures().await?, None)),
        Part::Cost => Ok((cost::figures().await?, None)),
        Part::Redis => Ok((redis_cpu::figures().await?, None)),
        Part::Events => scale::by_events().await.map(with_plot),
        Part::Shards => scale::by_shards().await.map(with_plot),
        Part::Ageing => Ok((ageing::figures().await?, None)),
    }
}

impl Part {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
