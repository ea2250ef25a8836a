//! Finds a Redis-compatible server to run, by a script that `make redis` asks, too.

use std::{
    env,
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use super::RedisError;

const SCRIPT: &str = include_str!("find.sh");
/// What the script ends with when `REDIS_SERVER` names no server.
const NAMED_IN_VAIN: i32 = 1;

/// The server to run, as the script says it. It is tried once in the life of this process.
pub(super) fn find() -> Result<PathBuf, RedisError> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    match FOUND.get() {
        Some(found) => Ok(found.clone()),
        None => ask().map(|found| FOUND.get_or_init(|| found).clone()),
    }
}

fn ask() -> Result<PathBuf, RedisError> {
    let mut script = Command::new("sh");
    script.args(["-c", SCRIPT, "find"]).args(folders_with_tools()).stdin(Stdio::null());
    let answer = script.output().map_err(RedisError::NoShell)?;
    let said = String::from_utf8_lossy(&answer.stderr).trim().to_owned();
    if !answer.status.success() {
        return Err(match answer.status.code() {
            Some(NAMED_IN_VAIN) => RedisError::NamedInVain(said),
            _ if said.is_empty() => RedisError::NoServer,
            _ => RedisError::NoOtherServer(said),
        });
    }
    if !said.is_empty() {
        // `make run` and `make test` have said so already.
        tracing::debug!("{said}");
    }
    let path = answer.stdout.strip_suffix(b"\n").unwrap_or(&answer.stdout);
    Ok(PathBuf::from(OsString::from_vec(path.to_owned())))
}

/// The folders that may have `.tools` in them. The built program may have been moved away from the sources: then it is run
/// from their top folder.
fn folders_with_tools() -> Vec<PathBuf> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize();
    sources.into_iter().chain(env::current_dir()).collect()
}
