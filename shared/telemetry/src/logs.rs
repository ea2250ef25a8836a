//! Logs: one JSON object a line for machines that read them, as in Lambda, or plain lines for people.
//! `RUST_LOG` chooses what is shown.
//!
//! Our own lines tell ids and never a password, a token or an email address, at any level; a test looks for them. The
//! AWS SDK shows whole requests if `RUST_LOG` asks for its traces, and `hyper` the hosts of endpoints.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

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
///
/// # Errors
/// When `RUST_LOG` can't be read: a sentence that says so.
pub fn init_logs(shown: &str, format: LogFormat) -> Result<(), String> {
    let asked = std::env::var("RUST_LOG").unwrap_or_default();
    let asked = if asked.trim().is_empty() { shown } else { &asked };
    let filter = shown_by(asked).ok_or_else(|| {
        format!("setting RUST_LOG must be like `info` or `warn,stores=debug`, but is {asked:?}")
    })?;
    let lines = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal()).with_target(false);
    let lines = match format {
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
        LogFormat::Text => lines.boxed(),
    };
    // An error means that logging runs already.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    Ok(())
}

/// What is shown of which module, as in `info` or `warn,stores=debug`. A word alone is a level: one that is mistyped would be a module
/// that nobody has, and nothing would be shown. Nothing is chosen by spans and their fields, which would take regular expressions into
/// every function.
fn shown_by(asked: &str) -> Option<Targets> {
    // Nothing at all would be a level, too.
    let is_clear = |part: &str| {
        part.contains('=') || !part.trim().is_empty() && part.trim().parse::<LevelFilter>().is_ok()
    };
    asked.split(',').all(is_clear).then(|| asked.parse().ok()).flatten()
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
        for none in ["", " ", "stores=loudly", "infos", "warn,stores", "warn,,", "warn=stores=debug"] {
            assert_eq!(shown_by(none), None, "{none}");
        }
        for level in ["info", "OFF", "trace", "warn, stores=debug"] {
            assert!(shown_by(level).is_some(), "{level}");
        }
    }
}
