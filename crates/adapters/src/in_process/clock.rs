//! Sums of instants that stay in range.

use std::time::Duration;

use tokio::time::Instant;

/// The longest duration that is told from for ever. Keeps sums of instants in range.
pub(super) const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// The instant that comes `duration` after `now`.
pub(super) fn after(now: Instant, duration: Duration) -> Instant {
    now + duration.min(LONGEST)
}
