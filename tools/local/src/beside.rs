//! The local server as a process of its own, beside the tools that start some.

use std::{path::Path, process::Command};

use kit::{Failure, process::Process};

use crate::settings;

/// The command that runs the server on that port with that folder, and with no setting of whoever runs us.
///
/// # Errors
/// When the program was not built.
pub fn command(port: u16, data: &Path) -> Result<Command, Failure> {
    Ok(command_of(&kit::process::program("local")?, port, data))
}

/// The same of another release's server.
pub fn command_of(program: &Path, port: u16, data: &Path) -> Command {
    let mut command = Process::supervised(program);
    for name in settings::names() {
        command.env_remove(name);
    }
    command.env("PORT", port.to_string()).env("DATA_DIR", data);
    command
}
