//! A Redis-compatible server beside this process, for the local run and the tests.
//!
//! It listens on the loopback address only, and never outlives us, however we end.

mod binary;

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use kit::{
    process::{Process, free_port},
    wait,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::dir_lock::{DirLock, LockError};

/// Long, because the server reads its whole append-only file first.
const READY_WITHIN: Duration = Duration::from_secs(60);
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(20);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// A clean stop writes what is still in memory to disk.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// After a kill -9 of an earlier run, its server may need this long to end and let go of the folder.
const LOCK_WITHIN: Duration = Duration::from_secs(6);
/// Another process may take a free port before the server does.
const PORTS_TRIED: usize = 5;

/// How to run the server.
#[derive(Debug, Clone, Default)]
pub struct RedisOptions {
    /// The folder, of its own, where the data outlives the server; without one nothing is kept.
    pub data: Option<PathBuf>,
    /// The port to listen on; without one, any that is free.
    pub port: Option<u16>,
    /// More of the server's own arguments, such as `--maxmemory 4mb`.
    pub arguments: Vec<String>,
}

/// A running server. Dropping it ends the server and waits for that; [`RedisServer::stop`] is kinder.
#[derive(Debug)]
pub struct RedisServer {
    binary: PathBuf,
    options: RedisOptions,
    port: u16,
    url: String,
    process: Process,
    /// After the process, so that it is let go last.
    lock: Option<DirLock>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// This machine has none.
    #[error("no redis-server or valkey-server was found: run `make redis`, or install redis-server")]
    NoServer,
    /// This machine has some, but none that can be used.
    #[error("{0}, and no other server was found: run `make redis`, or install redis-server")]
    NoOtherServer(String),
    /// `REDIS_SERVER` leads nowhere, or to something else.
    #[error("{0}")]
    NamedInVain(String),
    /// There is no shell to look for it with.
    #[error("sh could not be started: {0}")]
    NoShell(#[source] io::Error),
    /// The data folder cannot be used, or somebody else uses it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The system did not start the process.
    #[error("{} could not be started: {cause}", server.display())]
    Spawn {
        /// The program.
        server: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// It ended instead of serving.
    #[error("{} {how}; it last said: {said}", server.display())]
    Ended {
        /// The program.
        server: PathBuf,
        /// The way it ended, as in `ended with exit code 1`.
        how: String,
        /// The last line of its log.
        said: String,
    },
    /// It runs, but does not answer.
    #[error("{} did not answer on port {port} within {} s", server.display(), READY_WITHIN.as_secs())]
    Silent {
        /// The program.
        server: PathBuf,
        /// The port it was told to listen on.
        port: u16,
    },
}

impl RedisServer {
    /// Starts a server and returns when it answers.
    ///
    /// # Errors
    /// When no server is found, the folder is in use, or the server ends or stays silent.
    pub async fn start(options: RedisOptions) -> Result<Self, RedisError> {
        let binary = binary::find()?;
        let lock = match &options.data {
            Some(folder) => Some(lock(folder).await?),
            None => None,
        };
        let mut tries_left = if options.port.is_some() { 1 } else { PORTS_TRIED };
        loop {
            tries_left -= 1;
            let port = match options.port {
                Some(port) => port,
                None => free_port().map_err(|cause| RedisError::Spawn { server: binary.clone(), cause })?,
            };
            match launch(&binary, &options, port, lock.as_ref()).await {
                Ok(process) => {
                    let url = format!("redis://127.0.0.1:{port}");
                    return Ok(Self { binary, options, port, url, process, lock });
                }
                Err(RedisError::Ended { said, .. }) if tries_left > 0 && said.contains("listening") => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it answers, such as `redis://127.0.0.1:41235`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The program that runs.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.binary
    }

    /// The id of the server's own process; another one after a restart.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid
    }

    /// Kills the server as a crash would, without a chance to write anything.
    ///
    /// # Errors
    /// When it has already ended.
    pub fn kill(&self) -> io::Result<()> {
        self.process.kill()
    }

    /// Returns when the server has ended, with the way it did, as in `killed by signal 9`.
    pub async fn wait_dead(&self) -> String {
        self.process.wait_ended().await
    }

    /// Starts the server again, on the same port and data. One that still runs is ended first.
    ///
    /// # Errors
    /// When the new one ends or stays silent.
    pub async fn restart(&mut self) -> Result<(), RedisError> {
        self.process.let_go();
        self.process.wait_ended().await;
        self.process = launch(&self.binary, &self.options, self.port, self.lock.as_ref()).await?;
        Ok(())
    }

    /// Asks the server to write what it has to keep and to end, and waits for that.
    pub async fn stop(mut self) {
        let asked = async {
            let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
            connection.write_all(b"SHUTDOWN\r\n").await?;
            // The connection must stay open: the server drops what a closed one still had to say.
            self.process.wait_ended().await;
            io::Result::Ok(())
        };
        if !matches!(timeout(STOP_WITHIN, asked).await, Ok(Ok(()))) {
            self.process.let_go();
            self.process.wait_ended().await;
        }
    }
}

async fn lock(folder: &Path) -> Result<DirLock, RedisError> {
    let deadline = Instant::now() + LOCK_WITHIN;
    loop {
        match DirLock::take(folder, "redis.lock") {
            Err(LockError::Held(_)) if Instant::now() < deadline => sleep(ASK_AGAIN_AFTER).await,
            outcome => return Ok(outcome?),
        }
    }
}

async fn launch(
    binary: &Path,
    options: &RedisOptions,
    port: u16,
    lock: Option<&DirLock>,
) -> Result<Process, RedisError> {
    let spawn = |cause| RedisError::Spawn { server: binary.to_owned(), cause };
    let port_text = port.to_string();
    let mut command = Process::supervised(binary);
    command.args(["--bind", "127.0.0.1", "--port", &port_text, "--logfile", "", "--save", ""]);
    match &options.data {
        Some(folder) => {
            command.args(["--appendonly", "yes", "--appendfsync", "everysec"]).current_dir(folder);
        }
        None => {
            command.args(["--appendonly", "no"]).current_dir(std::env::temp_dir());
        }
    }
    command.args(&options.arguments);
    command.stderr(match lock {
        Some(lock) => Stdio::from(lock.share().map_err(spawn)?),
        None => Stdio::null(),
    });
    let process = Process::start(command).await.map_err(spawn)?;

    let is_ready = wait::until(READY_WITHIN, ASK_AGAIN_AFTER, || async {
        match answers(port, process.pid).await {
            false if process.has_ended() => Err(RedisError::Ended {
                server: binary.to_owned(),
                how: process.wait_ended().await,
                said: process.last_words(),
            }),
            answered => Ok(answered),
        }
    });
    match is_ready.await? {
        true => Ok(process),
        false => Err(RedisError::Silent { server: binary.to_owned(), port }),
    }
}

/// Whether the server of that process id serves on the port: another one may have been there first.
async fn answers(port: u16, pid: u32) -> bool {
    let asked = async {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        connection.write_all(b"PING\r\nINFO server\r\nQUIT\r\n").await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        io::Result::Ok(answer)
    };
    let ours = format!("\r\nprocess_id:{pid}\r\n");
    matches!(timeout(ANSWER_WITHIN, asked).await, Ok(Ok(answer)) if answer.starts_with("+PONG") && answer.contains(&ours))
}
