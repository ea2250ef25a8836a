//! Processes that never outlive us.

use std::{
    io,
    path::Path,
    process::{ExitStatus, Output, Stdio},
    time::Duration,
};

use kit::Failure;
use tokio::{
    process::{Child, Command},
    time::timeout,
};

/// Ends the program, and all that it started, when our end of its standard input closes, however we end. First politely:
/// SAM removes its containers then.
const SUPERVISOR: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
(
	read -r _ <&3
	trap '' TERM
	kill -TERM -$$
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		kill -0 "$program" || break
		sleep 0.5
	done
	kill -KILL -$$
) 2>/dev/null &
exec 3<&-
trap '' TERM
wait "$program"
status=$?
kill -KILL $! 2>/dev/null
exit $status
"#;
/// What the supervisor needs to end everything.
const ENDED_WITHIN: Duration = Duration::from_secs(10);

/// A program that runs beside us. Dropping it ends it, too, without waiting for that.
#[derive(Debug)]
pub struct Process(Child);

/// The command that runs a program under the supervisor, in a process group of its own: Ctrl-C in a terminal is for us.
fn supervised(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", SUPERVISOR, "supervisor"]).arg(program);
    command.process_group(0).stdin(Stdio::piped());
    command
}

impl Process {
    /// Starts a program that writes to that file.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(
        program: &Path,
        set_up: impl FnOnce(&mut Command),
        log: std::fs::File,
    ) -> Result<Self, Failure> {
        let mut command = supervised(program);
        set_up(&mut command);
        command.stdout(log.try_clone()?).stderr(log);
        Ok(Self(command.spawn().map_err(|cause| not_started(program, &cause))?))
    }

    /// Whether it has ended by itself.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.0.try_wait()
    }

    /// Ends it and waits for that.
    pub async fn stop(mut self) {
        drop(self.0.stdin.take());
        let _ = timeout(ENDED_WITHIN, self.0.wait()).await;
    }
}

/// Runs a program to its end and answers with what it wrote.
///
/// # Errors
/// When it does not start.
pub async fn output(program: &Path, set_up: impl FnOnce(&mut Command)) -> Result<Output, Failure> {
    let mut command = supervised(program);
    set_up(&mut command);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|cause| not_started(program, &cause))?;
    // Our end must stay open until the program's end.
    let lifeline = child.stdin.take();
    let output = child.wait_with_output().await?;
    drop(lifeline);
    Ok(output)
}

fn not_started(program: &Path, cause: &io::Error) -> String {
    format!("{} could not be started: {cause}", program.display())
}
