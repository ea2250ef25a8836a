//! Evently as a whole, over HTTP, on a real Redis and the embedded store through the AWS SDK. One test program, so
//! that the stores are started once and linked once.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod bad_days;
mod common;
mod journey;
mod lua_contracts;
mod reconcile;
mod rush;
mod scripts;
mod shape;
