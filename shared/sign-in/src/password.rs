//! Passwords. Before anything else they are prepared, so that the same one is the same from every keyboard: RFC 8265's
//! `OpaqueString` (section 4.2) makes one space of all, composes what is apart, and knows no control characters. Releases before
//! hashed what was typed. So that is tried, too, but only where it is another text.
//!
//! Then comes Argon2id with OWASP's minimum (19 MiB, 2 passes, 1 lane; Password Storage Cheat Sheet), which are
//! the crate's defaults. Hashing takes tens of milliseconds of CPU, so it runs off the async threads, and few hashes at
//! once; whoever would wait for long is told to try again.
//!
//! Those few share as much memory, which is kept. Allocated for each hash, it would stay with the allocator, for each thread
//! that ever hashed: hundreds of megabytes after some dozens of sign-ins.

use std::{mem, time::Duration};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::{
        self,
        phc::{Output, ParamsString, PasswordHash as ParsedHash, Salt},
        try_generate_salt,
    },
};
use domain::{
    error::{Error, GaveUp},
    field_error::Wrong,
    user::PasswordHash,
};
use http_api::fields::{Value, text};
use parking_lot::Mutex;
use precis_core::profile::PrecisFastInvocation;
use precis_profiles::OpaqueString;
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use telemetry::names;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    task::spawn_blocking,
    time::timeout,
};

/// Hashes computed at once in one process: each takes a core, and 19 MiB that are kept. Two are some hundred sign-ins a second;
/// with more of them a container would need more memory for what it seldom does than for all else.
const HASHES_AT_ONCE: usize = 2;
static HASHING: Semaphore = Semaphore::const_new(HASHES_AT_ONCE);

/// What they are computed in, as far as nobody has it. Whoever has a turn takes one or makes it, so there are never more than
/// turns.
static MEMORIES: Mutex<Vec<Vec<Block>>> = Mutex::new(Vec::new());

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

/// What a password is read from.
pub(crate) fn secret(value: Value) -> Result<SecretString, Wrong> {
    text(value).map(SecretString::from)
}

/// The password as it is hashed; `None` if it has characters that none has.
pub(crate) fn prepared(password: &SecretString) -> Option<SecretString> {
    let typed = password.expose_secret();
    if !typed.is_empty() && typed.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Some(password.clone());
    }
    OpaqueString::enforce(typed).ok().map(|prepared| SecretString::from(prepared.into_owned()))
}

/// What may have been hashed for it: as it is prepared, then as it was typed.
fn spellings(password: &SecretString) -> Vec<SecretString> {
    let typed = || password.clone();
    match prepared(password) {
        Some(prepared) if prepared.expose_secret() == password.expose_secret() => vec![prepared],
        Some(prepared) => vec![prepared, typed()],
        None => vec![typed()],
    }
}

/// Whether two passwords are the same, in constant time.
pub(crate) fn are_same(one: &SecretString, other: &SecretString) -> bool {
    let is_equal = |one: &SecretString, other: &SecretString| {
        one.expose_secret().as_bytes().ct_eq(other.expose_secret().as_bytes())
    };
    let or_typed = |password: &SecretString| prepared(password).unwrap_or_else(|| password.clone());
    (is_equal(one, other) | is_equal(&or_typed(one), &or_typed(other))).into()
}

/// The password's hash, with a salt of its own. `GaveUp` if too many others are waiting.
pub(crate) async fn hash(password: SecretString) -> Result<PasswordHash, Error> {
    let password = prepared(&password).unwrap_or(password);
    off_thread(move |argon| argon.hash(&password)).await
}

/// What no password has as its hash, made of 43 characters of Base64 by chance.
pub(crate) fn nobodys(chance: String) -> PasswordHash {
    let output = chance.replace('-', "+").replace('_', "/");
    PasswordHash::new(format!("$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdA${output}"))
}

/// Whether the password is the one that was hashed. Without a hash the answer is no, and takes as long. `GaveUp`
/// if too many others are waiting.
pub(crate) async fn verify(password: &SecretString, hash: Option<PasswordHash>) -> Result<Verdict, Error> {
    let spellings = spellings(password);
    off_thread(move |argon| {
        let mut verdict = Verdict { is_right: false, is_weak: false };
        for password in spellings {
            match &hash {
                Some(hash) => verdict = argon.verify(&password, hash)?,
                None => drop(argon.hash(&password)?),
            }
            if verdict.is_right {
                break;
            }
        }
        Ok(verdict)
    })
    .await
}

/// Computes hashes, and counts them.
struct Argon {
    memory: Vec<Block>,
    hashes: u64,
}

impl Argon {
    fn new() -> Self {
        Self { memory: MEMORIES.lock().pop().unwrap_or_default(), hashes: 0 }
    }

    fn hash(&mut self, password: &SecretString) -> Result<PasswordHash, Error> {
        let (algorithm, version, params) = (Algorithm::default(), Version::default(), Params::default());
        let hash = || {
            let salt = Salt::new(&try_generate_salt()?)?;
            Ok::<_, password_hash::Error>(ParsedHash {
                algorithm: algorithm.ident(),
                version: Some(version.into()),
                params: ParamsString::try_from(&params)?,
                hash: Some(self.compute(&Argon2::new(algorithm, version, params), password, &salt)?),
                salt: Some(salt),
            })
        };
        let hash = hash().map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(PasswordHash::new(hash.to_string()))
    }

    /// With the hash's own parameters.
    fn verify(&mut self, password: &SecretString, hash: &PasswordHash) -> Result<Verdict, Error> {
        let hash = ParsedHash::new(hash.as_str()).map_err(|error| Error::Internal(Box::new(error)))?;
        let is_right = self.is_right(password, &hash).unwrap_or(false);
        Ok(Verdict { is_right, is_weak: is_weak(&hash) })
    }

    fn is_right(&mut self, password: &SecretString, hash: &ParsedHash) -> password_hash::Result<bool> {
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return Ok(false) };
        let algorithm = Algorithm::try_from(hash.algorithm.as_str())?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from)?;
        let argon2 = Argon2::new(algorithm, version, Params::try_from(hash)?);
        // Outputs are compared in constant time.
        Ok(self.compute(&argon2, password, salt)? == *expected)
    }

    fn compute(
        &mut self,
        argon2: &Argon2<'_>,
        password: &SecretString,
        salt: &Salt,
    ) -> password_hash::Result<Output> {
        self.hashes += 1;
        let params = argon2.params();
        // What is asked for now at least, which is what comes most. It is never shorter than what came before.
        let blocks = params.block_count().max(Params::default().block_count());
        if self.memory.len() < blocks {
            // Nothing is copied of what another password left.
            self.memory = Vec::new();
            self.memory = vec![Block::new(); blocks];
        }
        let mut output = [0; Output::MAX_LENGTH];
        let output = &mut output[..params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
        let password = password.expose_secret().as_bytes();
        argon2.hash_password_into_with_memory(password, salt, output, &mut self.memory[..])?;
        Ok(Output::new(output)?)
    }
}

/// The memory is for the next one, unless it had to be larger, for a hash of other settings.
impl Drop for Argon {
    fn drop(&mut self) {
        let memory = mem::take(&mut self.memory);
        if memory.len() == Params::default().block_count() {
            MEMORIES.lock().push(memory);
        }
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
        let mut argon = Argon::new();
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
    use argon2::PasswordHasher;

    use super::*;

    fn typed(password: &str) -> SecretString {
        password.into()
    }

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let hashed = hash(typed("correct horse")).await.unwrap();
        assert!(hashed.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "at OWASP's minimum");
        let right = verify(&typed("correct horse"), Some(hashed.clone())).await.unwrap();
        assert_eq!(right, Verdict { is_right: true, is_weak: false });
        assert!(!verify(&typed("wrong horse"), Some(hashed)).await.unwrap().is_right);
    }

    #[tokio::test]
    async fn a_password_is_the_same_from_every_keyboard() {
        let hashed = hash(typed("Zoe\u{301} und\u{a0}das Meer")).await.unwrap();
        for (text, is_right) in [
            ("Zoé und das Meer", true),
            ("Zoe\u{301} und\u{3000}das\u{2003}Meer", true),
            ("zoé und das Meer", false),
            ("Zoe und das Meer", false),
            ("Zoé und das Meer ", false),
        ] {
            let verdict = verify(&typed(text), Some(hashed.clone())).await.unwrap();
            assert_eq!(verdict.is_right, is_right, "{text}");
        }
    }

    #[tokio::test]
    async fn what_releases_before_hashed_as_it_was_typed_is_right_as_it_was_typed() {
        for text in ["Zoe\u{301} und\u{a0}das Meer", "tab\tand null\0", "👩\u{200d}🚀 to the moon"] {
            let hashed = Argon2::default().hash_password(text.as_bytes()).unwrap().to_string();
            let hashed = PasswordHash::new(hashed);
            let verdict = verify(&typed(text), Some(hashed.clone())).await.unwrap();
            assert_eq!(verdict, Verdict { is_right: true, is_weak: false }, "{text}");
            assert!(!verify(&typed("Zoé und das Meer"), Some(hashed)).await.unwrap().is_right);
        }
    }

    #[test]
    fn only_a_password_that_is_typed_otherwise_costs_a_second_hash() {
        for (text, hashes) in
            [("correct horse", 1), ("Zoé", 1), ("Zoe\u{301}", 2), ("a\u{a0}b", 2), ("\0", 1), ("", 1)]
        {
            assert_eq!(spellings(&typed(text)).len(), hashes, "{text:?}");
        }
    }

    #[test]
    fn the_admins_password_may_be_typed_otherwise_than_it_is_set() {
        for (one, other, expected) in [
            ("Zoé und das Meer", "Zoe\u{301} und\u{a0}das Meer", true),
            ("tab\tand null\0", "tab\tand null\0", true),
            ("tab\tand null\0", "tab and null", false),
            ("a", "A", false),
        ] {
            assert_eq!(are_same(&typed(one), &typed(other)), expected, "{one:?}");
        }
    }

    #[tokio::test]
    async fn without_an_account_no_password_is_right() {
        assert!(!verify(&typed(""), None).await.unwrap().is_right);
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
            let verdict = verify(&typed("correct horse"), Some(PasswordHash::new(hashed.clone()))).await;
            assert_eq!(verdict.unwrap(), Verdict { is_right: true, is_weak: weak }, "{hashed}");
        }
    }

    #[tokio::test]
    async fn hashes_of_any_size_are_computed_in_what_is_kept_and_no_more_is_kept_than_is_used_at_once() {
        for (memory, passes, lanes, output) in
            [(19_456, 2, 1, 32), (64, 3, 4, 16), (65_536, 1, 2, 64), (19_456, 2, 1, 32), (8, 1, 1, 32)]
        {
            let params = Params::new(memory, passes, lanes, Some(output)).unwrap();
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            // By the library alone.
            let hashed = PasswordHash::new(argon2.hash_password(b"correct horse").unwrap().to_string());
            let verify = |password: &'static str| {
                let hashed = hashed.clone();
                async move { verify(&typed(password), Some(hashed)).await.unwrap().is_right }
            };
            assert!(verify("correct horse").await && !verify("wrong horse").await, "{memory} KiB");
        }
        let kept = MEMORIES.lock();
        assert!((1..=HASHES_AT_ONCE).contains(&kept.len()), "{}", kept.len());
        assert!(kept.iter().all(|memory| memory.len() == Params::default().block_count()));
    }

    #[tokio::test]
    async fn a_hash_of_no_known_kind_is_nobodys() {
        for unknown in ["$argon2id$v=18$m=19456,t=2,p=1$c29tZXNhbHQ$", "$scrypt$ln=4$c29tZXNhbHQ$"] {
            let hash = PasswordHash::new(format!("{unknown}{}", "A".repeat(43)));
            assert!(!verify(&typed("correct horse"), Some(hash)).await.unwrap().is_right, "{unknown}");
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
