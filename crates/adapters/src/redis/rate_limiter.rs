//! The generic cell rate algorithm in Redis: one instant per key, at which its full burst is
//! available again.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{LimitKey, LimitOutcome, Quota, RateLimitError, RateLimiter};
use redis::Script;

use super::connection::Connection;
use super::script_arguments::{hex_digest, micros};

/// A [`RateLimiter`] that every replica shares.
pub struct RedisRateLimiter {
    connection: Connection,
    prefix: String,
    check_limit: Script,
}

impl RedisRateLimiter {
    /// A limiter whose keys are `<prefix>:limit:<digest of the limit key>`.
    pub fn new(connection: Connection, prefix: &str) -> Self {
        Self {
            connection,
            prefix: format!("{prefix}:limit:"),
            check_limit: Script::new(include_str!("check_limit.lua")),
        }
    }
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn check(&self, key: &LimitKey, quota: Quota) -> Result<LimitOutcome, RateLimitError> {
        let burst = quota.burst.max(1);
        let interval = (micros(quota.period) / u64::from(burst)).max(1);
        let mut script = self.check_limit.key(format!("{}{}", self.prefix, hex_digest(key.as_str())));
        script.arg(interval).arg(burst);
        let (allowed, remaining_or_wait, until_whole): (bool, u64, u64) =
            self.connection.invoke(&script).await.map_err(|error| RateLimitError(error.into()))?;
        let reset_after = Duration::from_micros(until_whole);
        Ok(if allowed {
            let remaining = u32::try_from(remaining_or_wait).unwrap_or(u32::MAX);
            LimitOutcome::Allowed { remaining, reset_after }
        } else {
            LimitOutcome::Refused { retry_after: Duration::from_micros(remaining_or_wait), reset_after }
        })
    }
}
