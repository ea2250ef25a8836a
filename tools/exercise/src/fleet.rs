//! The server processes: the `local` program, several times, on the same stores, like instances of a Lambda function.
//! They can be killed at any moment, and never outlive us. One of them may be the program of the release before, as while a
//! deployment goes on.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use kit::{
    Failure,
    process::{Process, free_port},
    wait,
};
use local::beside;
use tokio::sync::Mutex;

use crate::settings::Settings;

/// Making sure of the tables, with a loaded machine.
const READY_WITHIN: Duration = Duration::from_secs(30);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// All servers.
#[derive(Debug)]
pub(crate) struct Fleet {
    environment: Vec<(&'static str, String)>,
    servers: Vec<Server>,
}

#[derive(Debug)]
struct Server {
    program: PathBuf,
    port: u16,
    folder: PathBuf,
    process: Mutex<Option<Process>>,
}

impl Fleet {
    /// Starts all servers and returns when they answer. `environment` is what they have in common.
    pub(crate) async fn start(
        settings: &Settings,
        folder: &Path,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Self, Failure> {
        let program = kit::process::program("local")?;
        let mut servers = Vec::new();
        for number in 0..settings.servers {
            let folder = folder.join(format!("server-{number}"));
            std::fs::create_dir_all(&folder)?;
            let before = settings.release_before.as_ref().filter(|_| number == 0);
            let program = before.unwrap_or(&program).clone();
            servers.push(Server { program, port: free_port()?, folder, process: Mutex::default() });
        }
        let fleet = Self { environment, servers };
        for number in 0..settings.servers {
            fleet.run(number).await?;
        }
        fleet.all_ready().await?;
        Ok(fleet)
    }

    pub(crate) fn len(&self) -> usize {
        self.servers.len()
    }

    /// Where a server keeps its files.
    pub(crate) fn folder(&self, number: usize) -> &Path {
        &self.servers[number].folder
    }

    /// Where a server listens.
    pub(crate) fn url(&self, number: usize) -> String {
        format!("http://127.0.0.1:{}", self.servers[number].port)
    }

    /// Starts a server unless it runs.
    pub(crate) async fn run(&self, number: usize) -> Result<(), Failure> {
        let server = &self.servers[number];
        let mut process = server.process.lock().await;
        if process.as_ref().is_some_and(|running| !running.has_ended()) {
            return Ok(());
        }
        let log = OpenOptions::new().create(true).append(true).open(server.folder.join("log"))?;
        let mut command = beside::command_of(&server.program, server.port, &server.folder);
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).stderr(Stdio::null());
        *process = Some(Process::start_logged(command, Some(log)).await?);
        Ok(())
    }

    /// Kills a server with SIGKILL; answers whether it ran until then.
    pub(crate) async fn kill(&self, number: usize) -> io::Result<bool> {
        let Some(process) = self.servers[number].process.lock().await.take() else { return Ok(false) };
        let ran = process.kill().is_ok();
        process.wait_ended().await;
        Ok(ran)
    }

    /// Returns when all servers answer; those that ended are started again.
    pub(crate) async fn all_ready(&self) -> Result<(), Failure> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        for number in 0..self.servers.len() {
            let health = format!("{}/health", self.url(number));
            let is_ready = wait::until(READY_WITHIN, ASK_AGAIN_AFTER, || async {
                self.run(number).await?;
                Ok::<_, Failure>(
                    http.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()),
                )
            });
            if !is_ready.await? {
                let log = std::fs::read_to_string(self.servers[number].folder.join("log"))?;
                let said = log.lines().next_back().unwrap_or("nothing");
                return Err(format!("server {number} does not come up; it last said: {said}").into());
            }
        }
        Ok(())
    }

    /// Kills all.
    pub(crate) async fn stop(&self) -> io::Result<()> {
        for number in 0..self.servers.len() {
            self.kill(number).await?;
        }
        Ok(())
    }
}
