//! Every function in a container like Lambda's, by SAM: `sam local invoke` and `sam local start-api`, on Docker.

use std::{
    fs::File,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use kit::{Failure, wait};
use serde_json::Value;
use tokio::process::Command;

use crate::process::{self, Process};

/// What `provided.al2023` runs in. Where Docker does not have it, a stand-in is made of this machine's own C library.
const IMAGE: &str = "public.ecr.aws/lambda/provided:al2023-";
/// This machine's instruction set, as Lambda calls it.
pub const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
/// SAM starts a container for each function before the API answers, on a loaded machine.
const READY_WITHIN: Duration = Duration::from_secs(180);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(500);

/// SAM, and what it runs.
#[derive(Debug)]
pub struct Sam {
    /// The program.
    pub program: PathBuf,
    /// The folder that `sam build` wrote.
    pub built: PathBuf,
    /// A file with the functions' environment.
    pub environment: PathBuf,
}

/// Whether Docker answers; otherwise why not.
pub async fn is_there() -> Result<(), String> {
    let asked = process::output(Path::new("docker"), |command| {
        command.args(["version", "--format", "{{.Server.Version}}"]);
    });
    match asked.await {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(last_line(&output.stderr)),
        Err(error) => Err(error.to_string()),
    }
}

/// Makes the image that the functions run in, unless it is there. `tool` is the script that does it.
///
/// # Errors
/// When it can't be made.
pub async fn need_image(tool: &Path) -> Result<String, Failure> {
    let image = format!("{IMAGE}{ARCHITECTURE}");
    let asked = process::output(Path::new("docker"), |command| {
        command.args(["image", "inspect", "--format", "{{.Id}}", &image]);
    });
    if !asked.await?.status.success() {
        println!("Docker has no {image}: a stand-in is made of this machine's own C library.");
        let made = process::output(tool, |command| {
            command.arg(&image);
        })
        .await?;
        if !made.status.success() {
            return Err(format!("the image {image} can't be made: {}", last_line(&made.stderr)).into());
        }
    }
    Ok(image)
}

/// This machine's address, as containers see it.
///
/// # Errors
/// When Docker does not tell.
pub async fn host_address(image: &str) -> Result<IpAddr, Failure> {
    let read = "while read -r address name; do if [ \"$name\" = the-host ]; then echo \"$address\"; fi; done </etc/hosts";
    let asked = process::output(Path::new("docker"), |command| {
        command.args(["run", "--rm", "--add-host", "the-host:host-gateway", "--entrypoint", "sh", image]);
        command.args(["-c", read]);
    });
    let output = asked.await?;
    let told = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(told
        .parse()
        .map_err(|_| format!("Docker does not run containers here: {}", last_line(&output.stderr)))?)
}

impl Sam {
    /// What a function answers to the payload in a file, in a container of its own.
    ///
    /// # Errors
    /// When it does not answer with JSON.
    pub async fn invoke(&self, function: &str, payload: &Path) -> Result<Value, Failure> {
        let invoked = process::output(&self.program, |command| {
            command.args(["local", "invoke", &logical_id(function), "--event"]).arg(payload);
            self.set_up(command);
        });
        let output = invoked.await?;
        let answered = String::from_utf8_lossy(&output.stdout);
        match answered.lines().rev().find(|line| !line.trim().is_empty()).map(serde_json::from_str) {
            Some(Ok(value)) if output.status.success() => Ok(value),
            _ => {
                Err(format!("{function} gave no answer: {}", String::from_utf8_lossy(&output.stderr)).into())
            }
        }
    }

    /// Starts the API on that port, with a container for each function, and returns when it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start_api(&self, port: u16, log: &Path) -> Result<Process, Failure> {
        let mut api = Process::start(
            &self.program,
            |command| {
                command.args(["local", "start-api", "--warm-containers", "EAGER"]);
                command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
                self.set_up(command);
            },
            File::create(log)?,
        )?;
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(15)).build()?;
        let health = format!("http://127.0.0.1:{port}/health");
        let is_up = wait::until(READY_WITHIN, ASK_AGAIN_AFTER, || {
            let (ended, asked) = (api.ended(), http.get(&health).send());
            async move {
                match asked.await {
                    Ok(answer) if answer.status().is_success() => Ok(true),
                    _ if ended?.is_some() => Err(Failure::from("it ended")),
                    _ => Ok(false),
                }
            }
        });
        if is_up.await.is_ok_and(|is_up| is_up) {
            return Ok(api);
        }
        api.stop().await;
        let said = std::fs::read(log)?;
        Err(format!("sam local start-api does not come up: {}", last_line(&said)).into())
    }

    fn set_up(&self, command: &mut Command) {
        command.arg("--template").arg(self.built.join("template.yaml"));
        command.arg("--env-vars").arg(&self.environment);
        command.args(["--parameter-overrides", &format!("Architecture={ARCHITECTURE}")]);
        command.args(["--skip-pull-image", "--region", "eu-central-1"]);
        command.env("SAM_CLI_TELEMETRY", "0");
    }
}

/// Removes the containers that are left of the functions in that folder, should SAM have been ended before it could.
pub async fn remove_containers(built: &Path) {
    let Ok(folders) = built.read_dir() else { return };
    for folder in folders.flatten() {
        let listed = process::output(Path::new("docker"), |command| {
            let of_function = format!("volume={}", folder.path().display());
            command.args(["ps", "--all", "--quiet", "--filter", &of_function]);
        });
        let Ok(listed) = listed.await else { return };
        for container in String::from_utf8_lossy(&listed.stdout).split_whitespace() {
            let _ = process::output(Path::new("docker"), |command| {
                command.args(["rm", "--force", container]);
            })
            .await;
        }
    }
}

/// A function's name in the template.
pub(crate) fn logical_id(function: &str) -> String {
    let (first, rest) = function.split_at(1);
    format!("{}{rest}Function", first.to_uppercase())
}

fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
}
