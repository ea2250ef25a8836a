//! The sample invocations, in this process: through the same adapter as in Lambda, on real stores.
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod samples;
mod watch;
