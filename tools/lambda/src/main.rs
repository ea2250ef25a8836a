//! `make events`, `make sample-stores`, `make watch` and `make test-lambda`.

use std::{
    env,
    ffi::OsString,
    net::IpAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Parser, ValueEnum};
use kit::{
    Failure,
    ending::{Stop, exit_code},
};
use lambda::{
    docker, samples,
    stores::{Stores, for_sam},
    trial::{self, Place, Tools},
};
use local::settings::NOT_INHERITED;
use tokio::time::{sleep, timeout};

/// Where the environment of the sample stores is written, for SAM.
const ENVIRONMENT_FILE: &str = "target/sample-environment.json";
const SAM_ENDS_WITHIN: Duration = Duration::from_secs(3);
/// `cargo lambda watch` ends its functions first.
const COMMAND_ENDS_WITHIN: Duration = Duration::from_secs(10);

/// What was asked for.
#[derive(Debug, Parser)]
#[command(
    name = "lambda",
    disable_help_subcommand = true,
    about = "Evently's functions as real Lambda processes, and the sample invocations for them"
)]
enum Arguments {
    /// Writes the sample invocations anew, into events/
    Events,
    /// Runs the stores that the samples speak of, until Ctrl-C or for as long as a command runs
    Stores {
        /// Is started with the environment that the functions need
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// Sends every sample to the functions that `sam build` made, and goes the journey through them
    Test(Trial),
}

#[derive(Args, Debug)]
struct Trial {
    /// Where the functions run
    #[arg(value_enum, default_value_t = On::Any)]
    on: On,
    /// SAM's program
    #[arg(long, env = "SAM", value_name = "FILE")]
    sam: PathBuf,
    /// AWS's runtime interface emulator, which SAM brings along
    #[arg(long, env = "EMULATOR", value_name = "FILE")]
    emulator: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum On {
    /// In containers, by SAM
    Docker,
    /// Under AWS's runtime interface emulator
    Emulator,
    /// In containers where there is Docker, and else under the emulator
    Any,
}

#[tokio::main]
async fn main() -> ExitCode {
    exit_code(run().await.map(|()| true), "This did not work")
}

async fn run() -> Result<(), Failure> {
    match kit::settings::read()? {
        Arguments::Events => write_samples(),
        Arguments::Stores { command } => stores(&command).await,
        Arguments::Test(trial) => test(trial).await,
    }
}

fn write_samples() -> Result<(), Failure> {
    let count = samples::write(Path::new("events"))?;
    println!("{count} files are in events/.");
    Ok(())
}

/// Runs the sample stores until Ctrl-C, or as long as a command that is started with their environment.
async fn stores(command: &[OsString]) -> Result<(), Failure> {
    let stores = Stores::start(host_for_containers().await).await?;
    let done = match command {
        [] => {
            std::fs::write(ENVIRONMENT_FILE, for_sam(&stores.environment))?;
            println!("The samples' stores run, with their world. After `sam build`, in another terminal:\n");
            println!("  sam local invoke AuthFunction --event events/auth/login.json \\");
            println!("    --env-vars {ENVIRONMENT_FILE} --skip-pull-image \\");
            println!("    --parameter-overrides Architecture={}\n", docker::ARCHITECTURE);
            println!("A sample that changes something gets its stated answer once: start these stores anew.");
            println!("Stop them: Ctrl-C");
            Stop::new()?.told().await;
            Ok(())
        }
        [program, arguments @ ..] => beside(program, arguments, &stores).await,
    };
    stores.stop().await;
    done
}

/// Containers can reach the stores where Docker runs them.
async fn host_for_containers() -> Option<IpAddr> {
    docker::is_there().await.ok()?;
    let image = docker::need_image(Path::new("tools/lambda/base-image")).await.ok()?;
    docker::host_address(&image).await.ok()
}

/// Runs a command beside the stores, and ends it when we are to end.
async fn beside(program: &OsString, arguments: &[OsString], stores: &Stores) -> Result<(), Failure> {
    let mut stop = Stop::new()?;
    let mut command = tokio::process::Command::new(program);
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    let mut child = command.args(arguments).envs(&stores.environment).kill_on_drop(true).spawn()?;
    tokio::select! {
        ended = child.wait() => {
            let ended = ended?;
            if ended.success() { Ok(()) } else { Err(format!("{} ended with {ended}", program.display()).into()) }
        }
        () = stop.told() => {
            // In a terminal it has heard of Ctrl-C itself.
            if let Some(id) = child.id() {
                kit::process::send("INT", id)?;
            }
            let _ = timeout(COMMAND_ENDS_WITHIN, child.wait()).await;
            Ok(())
        }
    }
}

async fn test(Trial { on, sam, emulator }: Trial) -> Result<(), Failure> {
    let whole = |file: PathBuf| file.canonicalize().map_err(|cause| format!("{}: {cause}", file.display()));
    let tools = Tools { sam: whole(sam)?, emulator: whole(emulator)?, root: env::current_dir()? };
    let place = match (on, docker::is_there().await) {
        (On::Emulator, _) => Place::Emulator,
        (_, Ok(())) => Place::Docker,
        (On::Any, Err(why)) => {
            println!("Docker is not there ({why}).");
            Place::Emulator
        }
        (On::Docker, Err(why)) => return Err(format!("Docker is not there: {why}").into()),
    };
    let mut stop = Stop::new()?;
    // Broken off, all that was started ends with us.
    tokio::select! {
        done = trial::run(&tools, place) => done,
        () = stop.told() => {
            if place == Place::Docker {
                // What SAM was about to start is there by then.
                sleep(SAM_ENDS_WITHIN).await;
                docker::remove_containers(&tools.root.join(".aws-sam/build")).await;
            }
            Err("broken off".into())
        }
    }
}
