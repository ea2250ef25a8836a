//! What a failure was caused by, for the log.

use std::{error::Error, fmt};

/// Shows the causes of an error, the nearest first. What has none shows itself.
#[derive(Debug)]
pub struct CauseChain<'a>(pub &'a dyn Error);

impl fmt::Display for CauseChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(mut cause) = self.0.source() else { return fmt::Display::fmt(self.0, f) };
        write!(f, "{cause}")?;
        while let Some(next) = cause.source() {
            write!(f, ": {next}")?;
            cause = next;
        }
        Ok(())
    }
}
