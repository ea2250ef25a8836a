//! A user's idempotency key and what it was sent with, so that the same request again does nothing more.

use jiff::SignedDuration;
use sha2::{Digest, Sha256};

use super::id::UserId;

/// How long a key is remembered.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// An idempotency key of a user's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// Whose key it is: another user's is another key.
    pub user: UserId,
    /// A hash of the key, always as short.
    pub hash: String,
    /// A hash of the request: the same key with another one is a mistake.
    pub fingerprint: String,
}

impl RequestKey {
    /// The key of a request. `request` is what it says, written the same way each time.
    pub fn new(user: UserId, key: &str, request: &[u8]) -> Self {
        Self { user, hash: hash(key.as_bytes()), fingerprint: hash(request) }
    }
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
