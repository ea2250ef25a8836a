//! How a tool is broken off, and how it ends.

use std::{fmt::Display, io, process::ExitCode};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Failure;

/// What people and service managers end a process with: Ctrl-C and SIGTERM. From when it is made, neither ends us at once.
#[derive(Debug)]
pub struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the system does not let us.
    pub fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Returns when we are to end.
    pub async fn told(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Does the work, unless we are to end: then all that it started ends with it.
///
/// # Errors
/// When the work fails, or is broken off.
pub async fn unless_broken_off<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let mut stop = Stop::new()?;
    tokio::select! {
        done = work => done,
        () = stop.told() => Err("broken off".into()),
    }
}

/// What a tool ends with: whether all was well. A failure of its own is told as a sentence that begins with `failed`.
pub fn exit_code(done: Result<bool, impl Display>, failed: &str) -> ExitCode {
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{failed}: {error}.");
            ExitCode::FAILURE
        }
    }
}
