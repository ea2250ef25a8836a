//! The server processes: the `local` program, several times, on the same stores, like instances of a Lambda function.
//! They can be killed at any moment, and never outlive us. One of them may be the program of the release before, as while a
//! deployment goes on.

use std::{
    fs::{File, OpenOptions},
    io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use local::settings::SETTINGS;
use tokio::{
    process::{Child, Command},
    sync::Mutex,
    time::{Instant, sleep},
};

use crate::{Failure, settings::Settings};

/// Ends the server when our end of its standard input closes, however we end; ends with the server.
const SUPERVISOR: &str = r#"
exec 3<&0
"$1" </dev/null 3<&- &
server=$!
( read -r _ <&3; kill -KILL "$server" ) 2>/dev/null &
reader=$!
wait "$server" 2>/dev/null
kill "$reader" 2>/dev/null
"#;
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
    process: Mutex<Option<Child>>,
}

impl Fleet {
    /// Starts all servers and returns when they answer. `environment` is what they have in common.
    pub(crate) async fn start(
        settings: &Settings,
        folder: &Path,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Self, Failure> {
        let program = std::env::current_exe()?.with_file_name("local");
        if !program.is_file() {
            return Err(
                format!("{} is missing: build it with `cargo build -p local`", program.display()).into()
            );
        }
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

    /// Where a server listens.
    pub(crate) fn url(&self, number: usize) -> String {
        format!("http://127.0.0.1:{}", self.servers[number].port)
    }

    /// Starts a server unless it runs.
    pub(crate) async fn run(&self, number: usize) -> io::Result<()> {
        let server = &self.servers[number];
        let mut process = server.process.lock().await;
        if let Some(running) = process.as_mut()
            && running.try_wait()?.is_none()
        {
            return Ok(());
        }
        let log: File = OpenOptions::new().create(true).append(true).open(server.folder.join("log"))?;
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISOR, "supervisor"]).arg(&server.program);
        for name in SETTINGS {
            command.env_remove(name);
        }
        command.env("PORT", server.port.to_string()).env("DATA_DIR", &server.folder);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        // Ctrl-C in a terminal is for us.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        *process = Some(command.spawn()?);
        Ok(())
    }

    /// Kills a server with SIGKILL; answers whether it ran until then.
    pub(crate) async fn kill(&self, number: usize) -> io::Result<bool> {
        let Some(mut process) = self.servers[number].process.lock().await.take() else { return Ok(false) };
        let ran = process.try_wait()?.is_none();
        drop(process.stdin.take());
        process.wait().await?;
        Ok(ran)
    }

    /// Returns when all servers answer; those that ended are started again.
    pub(crate) async fn all_ready(&self) -> Result<(), Failure> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let deadline = Instant::now() + READY_WITHIN;
        for number in 0..self.servers.len() {
            let health = format!("{}/health", self.url(number));
            while !http.get(&health).send().await.is_ok_and(|answer| answer.status().is_success()) {
                if Instant::now() > deadline {
                    let log = std::fs::read_to_string(self.servers[number].folder.join("log"))?;
                    let said = log.lines().next_back().unwrap_or("nothing");
                    return Err(format!("server {number} does not come up; it last said: {said}").into());
                }
                sleep(ASK_AGAIN_AFTER).await;
                self.run(number).await?;
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

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
