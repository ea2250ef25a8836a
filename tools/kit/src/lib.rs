//! What several of the tools need, written once.
//!
//! - [`settings`]: from the command line and the environment. [`ending`]: how a tool is broken off, and how it ends.
//! - [`process`]: programs that run beside us and never outlive us, and [`usage`], what they use. [`wait`]: until they
//!   answer.
//! - `http`: a connection to the API. [`sample`]: somebody who asks, and an event to ask for.
//! - `progress` and `plot`: what people see meanwhile and afterwards.

pub mod ending;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "plot")]
pub mod plot;
pub mod process;
#[cfg(feature = "progress")]
pub mod progress;
pub mod sample;
pub mod settings;
pub mod usage;
pub mod wait;

/// Why a tool itself failed, as a sentence.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
