//! `make events`, `make sample-stores`, `make watch` and `make test-lambda`.

use std::{
    env,
    net::IpAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use lambda::{
    Failure, docker, samples,
    stores::{Stores, for_sam},
    trial::{self, Place, Tools},
};
use local::settings::NOT_INHERITED;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{sleep, timeout},
};

/// Where the environment of the sample stores is written, for SAM.
const ENVIRONMENT_FILE: &str = "target/sample-environment.json";
const SAM_ENDS_WITHIN: Duration = Duration::from_secs(3);
/// `cargo lambda watch` ends its functions first.
const COMMAND_ENDS_WITHIN: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["events"] => write_samples(),
        ["stores", command @ ..] => stores(command).await,
        ["test", place @ ("docker" | "emulator" | "any")] => test(place).await,
        _ => Err("use: lambda events | stores [command …] | test docker|emulator|any".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write_samples() -> Result<(), Failure> {
    let count = samples::write(Path::new("events"))?;
    println!("{count} files are in events/.");
    Ok(())
}

/// Runs the sample stores until Ctrl-C, or as long as a command that is started with their environment.
async fn stores(command: &[&str]) -> Result<(), Failure> {
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
            interrupted().await
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
async fn beside(program: &str, arguments: &[&str], stores: &Stores) -> Result<(), Failure> {
    let mut command = tokio::process::Command::new(program);
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    let mut child = command.args(arguments).envs(&stores.environment).kill_on_drop(true).spawn()?;
    tokio::select! {
        ended = child.wait() => {
            let ended = ended?;
            if ended.success() { Ok(()) } else { Err(format!("{program} ended with {ended}").into()) }
        }
        stopped = interrupted() => {
            // In a terminal it has heard of Ctrl-C itself.
            if let Some(id) = child.id() {
                let kill = format!("kill -INT {id} 2>/dev/null");
                let _ = tokio::process::Command::new("sh").args(["-c", &kill]).status().await;
            }
            let _ = timeout(COMMAND_ENDS_WITHIN, child.wait()).await;
            stopped
        }
    }
}

async fn interrupted() -> Result<(), Failure> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

async fn test(place: &str) -> Result<(), Failure> {
    let root = env::current_dir()?;
    let named = |name: &str| -> Result<PathBuf, Failure> {
        let file = PathBuf::from(env::var_os(name).ok_or(format!("{name} is not set"))?).canonicalize();
        Ok(file.map_err(|cause| format!("{name}: {cause}"))?)
    };
    let tools = Tools { sam: named("SAM")?, emulator: named("EMULATOR")?, root };
    let place = match (place, docker::is_there().await) {
        ("emulator", _) => Place::Emulator,
        (_, Ok(())) => Place::Docker,
        ("any", Err(why)) => {
            println!("Docker is not there ({why}).");
            Place::Emulator
        }
        (_, Err(why)) => return Err(format!("Docker is not there: {why}").into()),
    };
    // Broken off, all that was started ends with us.
    tokio::select! {
        done = trial::run(&tools, place) => done,
        stopped = interrupted() => {
            stopped?;
            if place == Place::Docker {
                // What SAM was about to start is there by then.
                sleep(SAM_ENDS_WITHIN).await;
                docker::remove_containers(&tools.root.join(".aws-sam/build")).await;
            }
            Err("broken off".into())
        }
    }
}
