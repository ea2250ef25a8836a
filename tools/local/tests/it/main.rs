//! What the local server finds outside: the stores that are started for it. The server itself is tried in
//! `tools/acceptance`, with Evently as a whole.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod embedded_store;
mod redis_server;
