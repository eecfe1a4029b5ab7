//! Sums of instants that stay in range.

use std::time::Duration;

use tokio::time::Instant;

/// Longer durations count as this one, so that sums of instants stay in range.
pub(super) const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// The instant `duration` after `now`.
pub(super) fn after(now: Instant, duration: Duration) -> Instant {
    now + duration.min(LONGEST)
}
