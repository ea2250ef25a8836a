//! Logs: one JSON object a line for machines that read them, as in Lambda, or plain lines for people.
//! `RUST_LOG` chooses what is shown.
//!
//! Our own lines tell ids and never a password, a token or an email address, at any level; a test looks for them. The
//! AWS SDK shows whole requests if `RUST_LOG` asks for its traces.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt};

/// What is shown where `RUST_LOG` does not say it.
pub const SHOWN: &str = "info";

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging to standard error, showing `shown` unless `RUST_LOG` says otherwise. Later calls change nothing.
pub fn init_logs(shown: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(shown));
    let logs = fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false);
    // An error means that logging runs already.
    let _ = match format {
        LogFormat::Json => {
            logs.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
        }
        LogFormat::Text => logs.try_init(),
    };
}
