//! Passwords: Argon2id with OWASP's minimum (19 MiB, 2 passes, 1 lane; Password Storage Cheat Sheet), which are
//! the crate's defaults. Hashing takes tens of milliseconds of CPU, so it runs off the async threads.

use std::sync::LazyLock;

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use shared::Error;
use tokio::{sync::Semaphore, task::spawn_blocking};

/// Characters of a password at least.
pub(crate) const PASSWORD_CHARS_MIN: usize = 8;
/// Characters of a password at most.
pub(crate) const PASSWORD_CHARS_MAX: usize = 128;

/// Hashes computed at once in one process: each takes 19 MiB and a core.
const HASHES_AT_ONCE: usize = 4;
static HASHING: Semaphore = Semaphore::const_new(HASHES_AT_ONCE);

/// A hash that no password has, verified when there is no account, so that the answer takes as long.
static NOBODYS_HASH: LazyLock<String> = LazyLock::new(|| hash_now("").unwrap_or_default());

/// The password's hash in PHC string form, with a salt of its own.
pub(crate) async fn hash(password: String) -> Result<String, Error> {
    off_thread(move || hash_now(&password)).await?
}

/// Whether the password is the one that was hashed. Without a hash the answer is no, and takes as long.
pub(crate) async fn verify(password: String, hash: Option<String>) -> Result<bool, Error> {
    off_thread(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODYS_HASH.clone());
        let hash = PasswordHash::new(&hash).map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && known)
    })
    .await?
}

fn hash_now(password: &str) -> Result<String, Error> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| Error::Internal(Box::new(error)))
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let _turn = HASHING.acquire().await.map_err(|error| Error::Internal(Box::new(error)))?;
    spawn_blocking(work).await.map_err(|error| Error::Internal(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let hashed = hash("correct horse".into()).await.unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(verify("correct horse".into(), Some(hashed.clone())).await.unwrap());
        assert!(!verify("wrong horse".into(), Some(hashed)).await.unwrap());
    }

    #[tokio::test]
    async fn without_an_account_no_password_is_right() {
        assert!(!verify(String::new(), None).await.unwrap());
    }
}
