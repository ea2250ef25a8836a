//! What nobody else on this machine may read: the data, which has hashes of passwords, and the secret that signs tokens.
//!
//! What an earlier release made is tightened. Where that can't be done (a file system without permissions, another's
//! folder), the server starts all the same: it is there to try things.

use std::{
    fs::{self, DirBuilder, File, Metadata, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// Makes the folder, with those above it, for its owner only. One that is there is tightened, but not one that is meant
/// for everybody, like `/tmp`.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    let mut new = DirBuilder::new();
    new.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut new, 0o700);
    new.create(path)?;
    tighten(path, &fs::metadata(path)?);
    Ok(())
}

/// Reads a file as text, and tightens it.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    tighten(path, &fs::metadata(path)?);
    fs::read_to_string(path)
}

/// Writes a new file, which its owner alone can read from the beginning.
pub(crate) fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file: File = options.open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(unix)]
fn tighten(path: &Path, found: &Metadata) {
    use std::os::unix::fs::PermissionsExt;

    const STICKY: u32 = 0o1000;
    const OTHERS: u32 = 0o077;
    let mode = found.permissions().mode();
    if mode & OTHERS != 0 && mode & STICKY == 0 {
        let tightened = fs::set_permissions(path, PermissionsExt::from_mode(mode & 0o7700));
        if let Err(error) = tightened {
            tracing::warn!(path = %path.display(), %error, "others on this machine may read the data");
        }
    }
}

#[cfg(not(unix))]
fn tighten(_: &Path, _: &Metadata) {}
