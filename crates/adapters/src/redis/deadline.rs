//! Until when an operation has to be answered, over all the servers that it is sent to.

use std::time::Duration;

use tokio::time::Instant;

use super::error::ConnectionError;

/// Until when an operation has to be answered.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    pub(super) end: Instant,
    limit: Duration,
}

impl Deadline {
    /// From now on.
    pub(super) fn within(limit: Duration) -> Self {
        Self { end: Instant::now() + limit, limit }
    }

    /// What is said when it has passed.
    pub(super) fn exceeded(self) -> ConnectionError {
        ConnectionError::TimedOut(self.limit)
    }
}
