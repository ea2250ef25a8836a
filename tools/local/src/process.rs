//! One run of a server's process, under the supervisor that keeps it from outliving us.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

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

#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<VecDeque<String>>>);

impl Process {
    /// Starts `server`, a command whose standard error, if any, is a lock to hold while it runs.
    ///
    /// # Errors
    /// When the system does not start the process.
    pub async fn start(mut server: Command) -> io::Result<Self> {
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
            follow(output, &written, pid_known);
            // The output's end is the server's. What is left to do is to collect the supervisor.
            has_ended.send_replace(Some(how_it_ended(child)));
        })?;
        let pid = pid.await.map_err(|_| io::Error::other("the server's process did not start"))?;
        Ok(Self { pid, lifeline, ended, log })
    }

    /// The command that runs `server` with these arguments under the supervisor.
    pub fn supervised(server: &std::path::Path) -> Command {
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

    /// The last lines that the server printed, oldest first.
    pub fn log(&self) -> Vec<String> {
        self.log.lines().iter().cloned().collect()
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

impl Log {
    fn lines(&self) -> std::sync::MutexGuard<'_, VecDeque<String>> {
        // A list of lines is whole at any time, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is a process of that id.
pub fn lives(pid: u32) -> bool {
    send("0", pid).unwrap_or(false)
}

/// Sends a process a signal; answers whether it is there to get it.
fn send(signal: &str, pid: u32) -> io::Result<bool> {
    // `kill` is built into every shell, but not every machine has it as a program.
    let kill = ["-c", "kill -\"$1\" \"$2\" 2>/dev/null", "sh", signal, &pid.to_string()];
    Ok(Command::new("sh").args(kill).status()?.success())
}

/// Reads all that the server prints, so that it never has to wait for a reader.
fn follow(output: ChildStdout, log: &Log, pid_known: oneshot::Sender<u32>) {
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
                let mut lines = log.lines();
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
