//! The clock that all observations of a run share.

use std::time::Instant;

use crate::evidence::At;

/// Counts from the start of the run; a copy shows the same time.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// Starts counting.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub fn now(&self) -> At {
        self.0.elapsed()
    }

    /// A moment on this clock.
    pub fn at(&self, moment: Instant) -> At {
        moment.saturating_duration_since(self.0)
    }
}
