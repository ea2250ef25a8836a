//! Evently's functions as real Lambda processes.
//!
//! - [`samples`]: an invocation for every route and job, good and bad, with its stated answer; `make events` writes them
//!   to `events/`. [`world`] is what they speak of, [`payload`] the form that AWS gives them, [`answer`] holds what came
//!   against what is stated.
//! - [`stores`]: a real Redis and a DynamoDB-compatible store with that world, for the functions to work on.

pub mod answer;
pub mod payload;
pub mod routes;
pub mod samples;
pub mod stores;
pub mod world;

/// Why something can't be done, as a sentence.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
