//! How durations, addresses and limit keys are passed to Redis.

use std::time::Duration;

use sha2::{Digest, Sha256};

/// Longer durations count as this one, so that sums of times stay exact in Lua's numbers.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// Microseconds, the unit of every time in a script.
pub(super) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.min(LONGEST).as_micros()).unwrap_or(u64::MAX)
}

/// Milliseconds, the unit in which keys expire.
pub(super) fn millis(duration: Duration) -> u64 {
    micros(duration) / 1000
}

/// The digest that stands for an address or a limit key.
pub(super) fn hex_digest(text: &str) -> String {
    base16ct::lower::encode_string(&Sha256::digest(text.as_bytes()))
}
