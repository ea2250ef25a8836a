//! Keeps two local servers out of one data folder.
//!
//! Neither SQLite nor Redis would notice the other, and both would damage the files. The lock belongs to
//! an open file, so the system takes it back however its holder ends.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The right to use some files, until it is dropped.
#[derive(Debug)]
pub struct DirLock {
    file: File,
}

/// Why a lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else has it.
    #[error("another process is using the data in {}: stop it first, or choose another DATA_DIR", .0.display())]
    Held(PathBuf),
    /// The folder or the lock file cannot be made or opened.
    #[error("the data folder {} cannot be used: {cause}", folder.display())]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

impl DirLock {
    /// Makes the folder if need be and takes the lock of that name in it, without waiting.
    ///
    /// # Errors
    /// When somebody else holds it, or the folder cannot be written.
    pub fn take(folder: &Path, name: &str) -> Result<Self, LockError> {
        let unusable = |cause| LockError::Unusable { folder: folder.to_owned(), cause };
        fs::create_dir_all(folder).map_err(unusable)?;
        let file = File::options().create(true).append(true).open(folder.join(name)).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(folder.to_owned())),
            Err(TryLockError::Error(cause)) => Err(unusable(cause)),
        }
    }

    /// A second handle to the same lock, for a child process: the lock lasts until both have let go.
    ///
    /// # Errors
    /// When the process has no file handle left.
    pub fn share(&self) -> io::Result<File> {
        self.file.try_clone()
    }
}
