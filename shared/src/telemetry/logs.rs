//! Logs: one JSON object a line in Lambda, where CloudWatch reads them; plain lines for people elsewhere.
//! `RUST_LOG` chooses what is shown.
//!
//! Our own lines tell ids and never a password, a token or an email address, at any level; a test looks for them. The
//! AWS SDK shows whole requests if `RUST_LOG` asks for its traces.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt};

pub(super) fn init(shown: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(shown));
    let in_lambda = std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some();
    let logs = fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false);
    // An error means that logging runs already.
    let _ = if in_lambda {
        logs.json().flatten_event(true).with_current_span(true).with_span_list(false).try_init()
    } else {
        logs.try_init()
    };
}
