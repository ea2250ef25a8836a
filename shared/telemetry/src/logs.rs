//! Logs: one JSON object a line for machines that read them, as in Lambda, or plain lines for people.
//! `RUST_LOG` chooses what is shown.
//!
//! Our own lines tell ids and never a password, a token or an email address, at any level; a test looks for them. The
//! AWS SDK shows whole requests if `RUST_LOG` asks for its traces.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{Layer, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

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
    let asked = std::env::var("RUST_LOG").ok().and_then(|asked| shown_by(&asked));
    let filter = asked.or_else(|| shown_by(shown)).unwrap_or_default();
    let lines = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal()).with_target(false);
    let lines = match format {
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
        LogFormat::Text => lines.boxed(),
    };
    // An error means that logging runs already.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// What is shown of which module, as in `info`, `warn,stores=debug`, or `stores` for all of that one. Nothing is chosen by spans and their fields, which would take
/// regular expressions into every function.
fn shown_by(asked: &str) -> Option<Targets> {
    asked.parse().ok().filter(|_| !asked.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn what_is_shown_can_differ_from_module_to_module() {
        let shown = shown_by("warn,stores=debug,dynoxide=off").unwrap();
        for (target, level, is_shown) in [
            ("booking", Level::WARN, true),
            ("booking", Level::INFO, false),
            ("stores::redis", Level::DEBUG, true),
            ("dynoxide", Level::ERROR, false),
        ] {
            assert_eq!(shown.would_enable(target, &level), is_shown, "{target} {level}");
        }
        for none in ["", " ", "stores=loudly"] {
            assert_eq!(shown_by(none), None, "{none}");
        }
    }
}
