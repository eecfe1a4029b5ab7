//! How a cause is written to the log: the error and everything underneath it, on one line.

use std::error::Error;
use std::fmt;

/// Shows an error with its sources, outermost first. For logs only: a client never reads a cause.
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
