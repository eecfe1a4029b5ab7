//! The generic cell rate algorithm in Redis: one instant per key, at which its full burst is
//! available again.

use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{LimitKey, LimitOutcome, Quota, RateLimitError, RateLimiter};
use redis::Script;

use super::command::Command;
use super::connection::Connection;
use super::error::ConnectionError;
use super::script_arguments::{hex_digest, micros};

/// A [`RateLimiter`] that every replica shares.
pub struct RedisRateLimiter {
    connection: Connection,
    prefix: String,
    check_limit: Script,
    give_back: Script,
}

impl RedisRateLimiter {
    /// A limiter whose keys are `<prefix>:limit:<digest of the limit key>`.
    pub fn new(connection: Connection, prefix: &str) -> Self {
        Self {
            connection,
            prefix: format!("{prefix}:limit:"),
            check_limit: Script::new(include_str!("check_limit.lua")),
            give_back: Script::new(include_str!("give_back.lua")),
        }
    }

    /// Prepares a script for one key: its name, and as the first argument how long it takes until
    /// one more event is allowed.
    fn prepare<'a>(&self, script: &'a Script, key: &LimitKey, quota: Quota) -> Command<'a> {
        let interval = (micros(quota.period) / u64::from(quota.burst.max(1))).max(1);
        let name = format!("{}{}", self.prefix, hex_digest(key.as_str()));
        Command::call(script, name).arg(interval)
    }
}

impl From<ConnectionError> for RateLimitError {
    fn from(error: ConnectionError) -> Self {
        Self(error.into())
    }
}

#[async_trait]
impl RateLimiter for RedisRateLimiter {
    async fn check(&self, key: &LimitKey, quota: Quota) -> Result<LimitOutcome, RateLimitError> {
        let check = self.prepare(&self.check_limit, key, quota).arg(quota.burst.max(1));
        let (allowed, remaining_or_wait, until_whole): (bool, u64, u64) =
            self.connection.query(&check).await?;
        let reset_after = Duration::from_micros(until_whole);
        Ok(if allowed {
            let remaining = u32::try_from(remaining_or_wait).unwrap_or(u32::MAX);
            LimitOutcome::Allowed { remaining, reset_after }
        } else {
            LimitOutcome::Refused {
                retry_after: Duration::from_micros(remaining_or_wait),
                reset_after,
            }
        })
    }

    async fn give_back(&self, key: &LimitKey, quota: Quota) -> Result<(), RateLimitError> {
        Ok(self.connection.query(&self.prepare(&self.give_back, key, quota)).await?)
    }
}
