//! Programs that run beside us: where they are, and one run of each, under the supervisor that keeps it from outliving us.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::{oneshot, watch};

use crate::Failure;

/// The supervisor gives the server 5 s before it kills it.
const ENDED_WITHIN: Duration = Duration::from_secs(7);
const LOG_LINES_KEPT: usize = 50;

/// A running server, or one that has ended. Dropping it ends the server and waits for that.
#[derive(Debug)]
pub struct Process {
    /// The server's own process id.
    pub pid: u32,
    lifeline: Option<ChildStdin>,
    ended: watch::Receiver<Option<String>>,
    log: Log,
}

/// The last lines.
type Log = Arc<Mutex<VecDeque<String>>>;

impl Process {
    /// Starts `server`, a command whose standard error, if any, is a lock to hold while it runs.
    ///
    /// # Errors
    /// When the system does not start the process.
    pub async fn start(server: Command) -> io::Result<Self> {
        Self::start_logged(server, None).await
    }

    /// The same, and all that it prints is written to that file.
    ///
    /// # Errors
    /// When the system does not start the process.
    pub async fn start_logged(mut server: Command, file: Option<File>) -> io::Result<Self> {
        let mut child = server
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C in a terminal goes to a whole process group. The server is not in ours, so that it
            // still runs while we stop in order.
            .process_group(0)
            .spawn()?;
        let lifeline = child.stdin.take();
        let output = child.stdout.take().ok_or_else(|| io::Error::other("the server has no output"))?;
        let log = Log::default();
        let (pid_known, pid) = oneshot::channel();
        let (has_ended, ended) = watch::channel(None);
        let written = log.clone();
        thread::Builder::new().name("child-log".to_owned()).spawn(move || {
            follow(output, file, &written, pid_known);
            // The output's end is the server's. What is left to do is to collect the supervisor.
            has_ended.send_replace(Some(how_it_ended(child)));
        })?;
        let pid = pid.await.map_err(|_| io::Error::other("the server's process did not start"))?;
        Ok(Self { pid, lifeline, ended, log })
    }

    /// The command that runs `server` with these arguments under the supervisor.
    pub fn supervised(server: &Path) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", include_str!("supervisor.sh"), "supervisor"]).arg(server);
        command
    }

    /// Whether the server has ended.
    pub fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Waits for the server's end and says in which way it came.
    pub async fn wait_ended(&self) -> String {
        let mut ended = self.ended.clone();
        match ended.wait_for(Option::is_some).await {
            Ok(how) => how.clone().unwrap_or_default(),
            Err(_) => "nobody saw how".to_owned(),
        }
    }

    /// Sends the server itself SIGKILL.
    ///
    /// # Errors
    /// When it has already ended.
    pub fn kill(&self) -> io::Result<()> {
        if send("KILL", self.pid)? { Ok(()) } else { Err(io::Error::other("the server has already ended")) }
    }

    /// Lets the supervisor end the server.
    pub fn let_go(&mut self) {
        self.lifeline = None;
    }

    /// The last line that the server printed, for people.
    pub fn last_words(&self) -> String {
        self.log().pop().unwrap_or_else(|| "nothing".to_owned())
    }

    /// The last lines that the server printed, oldest first.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().iter().cloned().collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.let_go();
        let deadline = Instant::now() + ENDED_WITHIN;
        while !self.has_ended() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A program of this workspace, as it was built beside ours.
///
/// # Errors
/// When it was not built.
pub fn program(name: &str) -> Result<PathBuf, Failure> {
    let program = std::env::current_exe()?.with_file_name(name);
    match program.is_file() {
        true => Ok(program),
        false => {
            Err(format!("{} is missing: build it with `cargo build --bin {name}`", program.display()).into())
        }
    }
}

/// A port of the loopback address that was free a moment ago.
///
/// # Errors
/// When the system has none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Whether there is a process of that id.
pub fn lives(pid: u32) -> bool {
    send("0", pid).unwrap_or(false)
}

/// Sends a process a signal, such as `TERM`; answers whether it was there to get it.
///
/// # Errors
/// When there is no shell.
pub fn send(signal: &str, pid: u32) -> io::Result<bool> {
    // `kill` is built into every shell, but not every machine has it as a program.
    let kill = ["-c", "kill -\"$1\" \"$2\" 2>/dev/null", "sh", signal, &pid.to_string()];
    Ok(Command::new("sh").args(kill).status()?.success())
}

/// Reads all that the server prints, so that it never has to wait for a reader.
fn follow(output: ChildStdout, mut file: Option<File>, log: &Log, pid_known: oneshot::Sender<u32>) {
    let mut pid_known = Some(pid_known);
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while let Ok(1..) = output.read_until(b'\n', &mut line) {
        let text = String::from_utf8_lossy(&line).trim().to_owned();
        line.clear();
        match (pid_known.take(), text.parse()) {
            (Some(pid_known), Ok(pid)) => drop(pid_known.send(pid)),
            (_, _) if text.is_empty() => {}
            (_, _) => {
                tracing::debug!(target: "child", "{text}");
                if let Some(file) = &mut file {
                    // Where the disk is full, there is the end of the log.
                    let _ = writeln!(file, "{text}");
                }
                let mut lines = log.lock();
                if lines.len() == LOG_LINES_KEPT {
                    lines.pop_front();
                }
                lines.push_back(text);
            }
        }
    }
}

fn how_it_ended(mut supervisor: Child) -> String {
    match supervisor.wait().map(|status| status.code()) {
        Ok(Some(code)) if code > 128 => format!("killed by signal {}", code - 128),
        Ok(Some(code)) => format!("ended with exit code {code}"),
        Ok(None) => "ended together with its supervisor".to_owned(),
        Err(error) => format!("ended ({error})"),
    }
}
