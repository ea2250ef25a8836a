//! Evently's functions as real Lambda processes.
//!
//! - [`samples`]: an invocation for every route and job, good and bad, with its stated answer; `make events` writes them
//!   to `events/`. [`world`] is what they speak of, [`payload`] the form that AWS gives them, [`answer`] holds what came
//!   against what is stated.
//! - [`stores`]: a real Redis and a DynamoDB-compatible store with that world, for the functions to work on.
//! - [`docker`]: the functions in SAM's containers. [`emulator`]: the same programs where there is no Docker, and
//!   [`front`], API Gateway before them.
//! - [`trial`]: `make test-lambda`.

pub mod answer;
pub mod docker;
pub mod emulator;
pub mod front;
pub mod glibc;
pub mod payload;
pub mod process;
pub mod routes;
pub mod samples;
pub mod stores;
pub mod trial;
pub mod world;
