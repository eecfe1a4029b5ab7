//! Limits that are checked before anything expensive.

use std::time::Duration;

use async_trait::async_trait;

use super::source::Source;

/// Limits how often something happens per key, by the generic cell rate algorithm. One atomic step.
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Counts one event against the key and returns whether it is within the quota.
    async fn check(&self, key: &LimitKey, quota: Quota) -> Result<LimitOutcome, RateLimitError>;

    /// Takes the count of an allowed event back, because another limit has refused it. A key for
    /// which nothing else was counted is forgotten.
    async fn give_back(&self, key: &LimitKey, quota: Quota) -> Result<(), RateLimitError>;
}

/// The limited action and its subject, e.g. `register-client:203.0.113.7`. Adapters store a digest
/// of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LimitKey(String);

impl LimitKey {
    /// A key for one action of one subject, such as a client address or a mail address.
    pub fn new(action: &str, subject: &str) -> Self {
        Self(format!("{action}:{subject}"))
    }

    /// The key in full.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `burst` at once, and as many again spread evenly over `period`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// How many may come at once; at least 1.
    pub burst: u32,
    /// How long it takes until a used-up burst is fully available again.
    pub period: Duration,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitOutcome {
    /// Within the quota, and counted.
    Allowed {
        /// How many more may follow at once.
        remaining: u32,
        /// How long until the full burst is available again.
        reset_after: Duration,
    },
    /// Over the quota, and not counted.
    Refused {
        /// How long until the next one is allowed.
        retry_after: Duration,
        /// How long until the full burst is available again.
        reset_after: Duration,
    },
}

/// The limiter did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the rate limiter is unavailable")]
pub struct RateLimitError(#[source] pub Source);
