//! The refusal of a limit.

use std::time::Duration;

/// The request exceeds a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit {policy} is exceeded")]
pub struct LimitExceeded {
    /// The name of the limit.
    pub policy: &'static str,
    /// How long until the next request is allowed.
    pub retry_after: Duration,
}
