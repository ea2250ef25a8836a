//! Passwords: Argon2id with OWASP's minimum (19 MiB, 2 passes, 1 lane; Password Storage Cheat Sheet), which are
//! the crate's defaults. Hashing takes tens of milliseconds of CPU, so it runs off the async threads, and few hashes at
//! once; whoever would wait for long is told to try again.

use std::time::Duration;

use argon2::{
    Argon2, Params, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash as ParsedHash,
};
use domain::{
    error::{Error, GaveUp},
    user::PasswordHash,
};
use secrecy::{ExposeSecret, SecretString};
use telemetry::names;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::spawn_blocking,
    time::timeout,
};

/// Hashes computed at once in one process: each takes 19 MiB and a core. Of a function's 512 MB they take 15 %.
const HASHES_AT_ONCE: usize = 4;
static HASHING: Semaphore = Semaphore::const_new(HASHES_AT_ONCE);

/// How long a request waits for its turn: well below what a request may take in all.
const WAIT_MAX: Duration = Duration::from_secs(3);

/// What is to be said of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// It is the one that was hashed.
    pub(crate) is_right: bool,
    /// It was hashed with less than what is asked for now.
    pub(crate) is_weak: bool,
}

/// The password's hash, with a salt of its own. `GaveUp` if too many others are waiting.
pub(crate) async fn hash(password: SecretString) -> Result<PasswordHash, Error> {
    off_thread(move |argon| argon.hash(&password)).await
}

/// Whether the password is the one that was hashed. Without a hash the answer is no, and takes as long. `GaveUp`
/// if too many others are waiting.
pub(crate) async fn verify(password: &SecretString, hash: Option<PasswordHash>) -> Result<Verdict, Error> {
    let password = password.clone();
    off_thread(move |argon| match hash {
        Some(hash) => argon.verify(&password, &hash),
        None => argon.hash(&password).map(|_| Verdict { is_right: false, is_weak: false }),
    })
    .await
}

/// Computes hashes, and counts them.
struct Argon {
    argon2: Argon2<'static>,
    hashes: u64,
}

impl Argon {
    fn hash(&mut self, password: &SecretString) -> Result<PasswordHash, Error> {
        self.hashes += 1;
        let hash = self.argon2.hash_password(password.expose_secret().as_bytes());
        let hash = hash.map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(PasswordHash::new(hash.to_string()))
    }

    fn verify(&mut self, password: &SecretString, hash: &PasswordHash) -> Result<Verdict, Error> {
        let hash = ParsedHash::new(hash.as_str()).map_err(|error| Error::Internal(Box::new(error)))?;
        self.hashes += 1;
        // With the hash's own parameters.
        let is_right = self.argon2.verify_password(password.expose_secret().as_bytes(), &hash).is_ok();
        Ok(Verdict { is_right, is_weak: is_weak(&hash) })
    }
}

/// Whether a hash was made with less memory or fewer passes, or by another algorithm or version.
fn is_weak(hash: &ParsedHash) -> bool {
    let asked = Params::default();
    match Params::try_from(hash) {
        Ok(had) => {
            hash.algorithm.as_str() != "argon2id"
                || hash.version != Some(argon2::Version::default().into())
                || had.m_cost() < asked.m_cost()
                || had.t_cost() < asked.t_cost()
        }
        Err(_) => true,
    }
}

async fn off_thread<T: Send + 'static>(
    work: impl FnOnce(&mut Argon) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let turn = take_turn().await?;
    let done = spawn_blocking(move || {
        // Until the work is done, though the request may be given up before.
        let _turn = turn;
        let mut argon = Argon { argon2: Argon2::default(), hashes: 0 };
        (work(&mut argon), argon.hashes)
    });
    let (result, hashes) = done.await.map_err(|error| Error::Internal(Box::new(error)))?;
    metrics::counter!(names::PASSWORDS_HASHED).increment(hashes);
    result
}

async fn take_turn() -> Result<SemaphorePermit<'static>, Error> {
    match timeout(WAIT_MAX, HASHING.acquire()).await {
        Ok(turn) => turn.map_err(|error| Error::Internal(Box::new(error))),
        Err(_) => Err(Error::GaveUp(GaveUp::Hashing)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(password: &str) -> SecretString {
        password.into()
    }

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let hashed = hash(secret("correct horse")).await.unwrap();
        assert!(hashed.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "at OWASP's minimum");
        let right = verify(&secret("correct horse"), Some(hashed.clone())).await.unwrap();
        assert_eq!(right, Verdict { is_right: true, is_weak: false });
        assert!(!verify(&secret("wrong horse"), Some(hashed)).await.unwrap().is_right);
    }

    #[tokio::test]
    async fn without_an_account_no_password_is_right() {
        assert!(!verify(&secret(""), None).await.unwrap().is_right);
    }

    #[tokio::test]
    async fn hashes_made_with_less_are_weak() {
        use argon2::{Algorithm, Version};
        for (algorithm, version, memory, passes, weak) in [
            (Algorithm::Argon2id, Version::V0x13, 19_456, 2, false),
            (Algorithm::Argon2id, Version::V0x13, 47_104, 2, false),
            (Algorithm::Argon2id, Version::V0x13, 12_288, 3, true),
            (Algorithm::Argon2id, Version::V0x13, 19_456, 1, true),
            (Algorithm::Argon2id, Version::V0x10, 19_456, 2, true),
            (Algorithm::Argon2i, Version::V0x13, 19_456, 2, true),
        ] {
            let argon2 = Argon2::new(algorithm, version, Params::new(memory, passes, 1, None).unwrap());
            let hashed = argon2.hash_password(b"correct horse").unwrap().to_string();
            let verdict = verify(&secret("correct horse"), Some(PasswordHash::new(hashed.clone()))).await;
            assert_eq!(verdict.unwrap(), Verdict { is_right: true, is_weak: weak }, "{hashed}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_for_long_is_told_to_try_again() {
        let all = HASHING.acquire_many(HASHES_AT_ONCE.try_into().unwrap()).await.unwrap();
        let refused = take_turn().await;
        assert!(matches!(refused, Err(Error::GaveUp(GaveUp::Hashing))));
        drop(all);
        assert!(take_turn().await.is_ok());
    }
}
