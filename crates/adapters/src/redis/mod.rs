//! What the services share through Redis: code windows, guess budgets, rate limits.
//!
//! Every operation is one Lua script on one key, and so one atomic step, on a node of a Redis Cluster too. But the
//! client speaks to one server: it does not follow a cluster's redirections. The only clock is the server's. No key
//! and no value may hold a code or an address: addresses and limit keys appear as SHA-256 digests.
//!
//! Needs Redis 5, the first whose scripts may read the clock before they write.
//! A server that evicts keys (`maxmemory-policy` other than `noeviction`) or loses them at a restart
//! (`appendonly no`) forgets windows, which then count as unknown, and guesses, which are then allowed again.

mod code_store;
mod connection;
mod guess_budget;
mod options;
mod rate_limiter;

pub use code_store::RedisCodeStore;
pub use connection::{Connection, ConnectionError, connect};
pub use guess_budget::RedisGuessBudget;
pub use options::{RedisOptions, RedisOptionsError};
pub use rate_limiter::RedisRateLimiter;

use std::fmt::Write;
use std::time::Duration;

use domain::ports::CodeStoreError;
use sha2::{Digest, Sha256};

/// The longest duration that is told from for ever. Keeps sums of times exact in Lua's numbers.
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// Microseconds, the unit of every time in a script.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.min(LONGEST).as_micros()).unwrap_or(u64::MAX)
}

impl From<ConnectionError> for CodeStoreError {
    fn from(error: ConnectionError) -> Self {
        Self(error.into())
    }
}

/// The digest that stands for an address or a limit key.
fn hex_digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
