//! A DynamoDB-compatible store inside this process, reached through HTTP on a loopback port like the
//! real one, so that the AWS SDK and all code above it are the deployed ones.
//!
//! It runs on a thread and a runtime of its own: SQLite works on the thread that calls it, and would
//! otherwise hold up the requests that wait for it. Requests need a signature with any credentials; none
//! are checked. It does not delete items whose time to live is over.
//!
//! It gets slower for up to ten minutes of sales: with each transaction it looks through the tokens of all that it did in
//! that time (`evict_expired` in its `lib.rs`, within a window that can't be set).

use std::fs::File;
use std::io::{self, Read};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use dynoxide::Database;
use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::dir_lock::{DirLock, LockError};
use crate::stream_log::StreamLog;

/// How long requests under way may take to finish when the store stops.
const STOP_GRACE: Duration = Duration::from_secs(3);

/// Where the store keeps its items.
#[derive(Debug, Clone)]
pub enum Location {
    /// In this file, which is made if it is not there. The folder must be this store's own.
    File(PathBuf),
    /// Nowhere: they are gone when the store stops.
    Memory,
}

/// The running store. Dropping it stops it as [`EmbeddedStore::stop`] does.
#[derive(Debug)]
pub struct EmbeddedStore {
    endpoint: String,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Why the store could not start.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be used, or somebody else uses it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file is something else.
    #[error("{} is not a database: move it away and start again", .0.display())]
    NotADatabase(PathBuf),
    /// The file is damaged, or another program has locked it.
    #[error(
        "the store cannot open {}: {cause}. If it is damaged, move it away and start again",
        file.display()
    )]
    File {
        /// The database file.
        file: PathBuf,
        /// What the store said.
        cause: String,
    },
    /// There is no such port to listen on, or no thread to run on.
    #[error("the store cannot listen on 127.0.0.1:{port}: {cause}")]
    Listen {
        /// The port asked for; 0 for any.
        port: u16,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

impl EmbeddedStore {
    /// Starts the store on a loopback port, one that the system chooses unless one is given, and returns
    /// when it accepts requests.
    ///
    /// # Errors
    /// When the file cannot be opened or the port cannot be had.
    pub async fn start(location: Location, port: Option<u16>) -> Result<Self, StoreError> {
        let port = port.unwrap_or(0);
        let (started, outcome) = oneshot::channel();
        let (shutdown, stop_signal) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("embedded-store".to_owned())
            .spawn(move || run(&location, port, started, stop_signal))
            .map_err(|cause| StoreError::Listen { port, cause })?;
        let bound_port = outcome.await.unwrap_or_else(|_| {
            let cause = io::Error::other("its thread ended at once");
            Err(StoreError::Listen { port, cause })
        })?;
        Ok(Self {
            endpoint: format!("http://127.0.0.1:{bound_port}"),
            shutdown: Some(shutdown),
            thread: Some(thread),
        })
    }

    /// The address to give the SDK as its endpoint, such as `http://127.0.0.1:41234`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Stops accepting, lets requests under way finish for a moment, closes the file and returns.
    pub async fn stop(self) {
        // Joining blocks, and requests that are still to finish may need this thread.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        // Dropping the sender is the signal.
        self.shutdown = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the embedded store's thread panicked");
        }
    }
}

/// The store's thread, from opening the file to closing it.
fn run(
    location: &Location,
    port: u16,
    started: oneshot::Sender<Result<u16, StoreError>>,
    stop_signal: oneshot::Receiver<()>,
) {
    match Opened::open(location, port) {
        Ok(opened) => {
            if started.send(Ok(opened.port)).is_ok() {
                opened.serve(stop_signal);
            }
        }
        // Nobody is left to tell only if the caller gave up waiting.
        Err(error) => drop(started.send(Err(error))),
    }
}

/// All that can be refused, done: what is left is to serve.
struct Opened {
    port: u16,
    listener: TcpListener,
    runtime: Runtime,
    database: Database,
    /// Only a file has one: nobody leaves streams on in memory for long.
    stream_log: Option<StreamLog>,
    /// The last field, because fields are dropped in this order: the file is closed first.
    _lock: Option<DirLock>,
}

impl Opened {
    fn open(location: &Location, port: u16) -> Result<Self, StoreError> {
        let (lock, database, stream_log) = match location {
            Location::Memory => {
                let database = Database::memory().map_err(|error| unopened(Path::new("memory"), &error))?;
                (None, database, None)
            }
            Location::File(file) => {
                let (lock, database) = open_file(file)?;
                let stream_log = StreamLog::open(file).map_err(|error| unopened(file, &error))?;
                (Some(lock), database, Some(stream_log))
            }
        };
        let unheard = |cause| StoreError::Listen { port, cause };
        // One thread is enough: the store lets one request at a time use SQLite anyway.
        let runtime = Builder::new_current_thread().enable_all().build().map_err(unheard)?;
        let listener = runtime.block_on(async { listen(port) }).map_err(unheard)?;
        let port = listener.local_addr().map_err(unheard)?.port();
        Ok(Self { port, listener, runtime, database, stream_log, _lock: lock })
    }

    fn serve(self, stop_signal: oneshot::Receiver<()>) {
        let (stopping, stopped_accepting) = oneshot::channel();
        let serving = dynoxide::server::serve_with_shutdown(self.listener, self.database, async {
            // An error says that the sender was dropped, which is the signal.
            let _ = stop_signal.await;
            let _ = stopping.send(());
        });
        let grace_over = async {
            let _ = stopped_accepting.await;
            tokio::time::sleep(STOP_GRACE).await;
        };
        let trimming = async {
            match &self.stream_log {
                Some(stream_log) => stream_log.keep_trimmed().await,
                None => std::future::pending().await,
            }
        };
        // Connections that outstay the grace end with the runtime, which is dropped here.
        self.runtime.block_on(async {
            tokio::select! {
                served = serving => {
                    if let Err(cause) = served {
                        tracing::error!(%cause, "the embedded store stopped serving");
                    }
                }
                () = grace_over => {}
                () = trimming => {}
            }
        });
    }
}

/// Accepted connections inherit the option. Without it, an answer that is written in two pieces waits 40 ms for the client
/// to acknowledge the first.
fn listen(port: u16) -> io::Result<TcpListener> {
    const BACKLOG: u32 = 1_024;
    let socket = TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    // So that a store can be started again at once on the same port.
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::LOCALHOST, port).into())?;
    socket.listen(BACKLOG)
}

fn open_file(file: &Path) -> Result<(DirLock, Database), StoreError> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let lock = DirLock::take(folder.unwrap_or(Path::new(".")), "store.lock")?;
    let path = std::path::absolute(file).map_err(|error| unopened(file, &error))?;
    let path = path.to_str().ok_or_else(|| unopened(file, &"its name is not UTF-8"))?;
    if !may_be_database(file).map_err(|error| unopened(file, &error))? {
        return Err(StoreError::NotADatabase(file.to_owned()));
    }
    let database = Database::new(path).map_err(|error| unopened(file, &error))?;
    Ok((lock, database))
}

/// The store would call any other file an encrypted database, which leads astray.
fn may_be_database(file: &Path) -> io::Result<bool> {
    const SQLITE_HEADER: &[u8] = b"SQLite format 3\0";
    let mut beginning = Vec::new();
    match File::open(file) {
        Ok(opened) => opened.take(SQLITE_HEADER.len() as u64).read_to_end(&mut beginning)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    Ok(beginning.is_empty() || beginning == SQLITE_HEADER)
}

fn unopened(file: &Path, cause: &dyn std::fmt::Display) -> StoreError {
    StoreError::File { file: file.to_owned(), cause: cause.to_string().trim_end_matches('.').to_owned() }
}
