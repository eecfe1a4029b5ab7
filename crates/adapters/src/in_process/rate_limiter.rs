//! The generic cell rate algorithm in memory: one instant per key, at which its full burst is
//! available again.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{LimitKey, LimitOutcome, Quota, RateLimitError, RateLimiter};
use tokio::time::Instant;

use super::clock::LONGEST;
use super::expiring_map::{DEFAULT_CAPACITY, ExpiringMap, lock};
use super::key_digest::{KeyDigest, digest};

/// A [`RateLimiter`] for one process.
pub struct InProcessRateLimiter {
    /// What the algorithm calls the theoretical arrival time. A key whose instant has passed is
    /// equivalent to one that was never seen.
    whole_at: Mutex<ExpiringMap<KeyDigest, Instant>>,
}

impl InProcessRateLimiter {
    /// A limiter that remembers 100,000 keys.
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// A limiter that remembers at most `keys` keys. When it is full, it forgets the key whose full
    /// burst is available soonest: among keys with the same quota, made-up keys rather than busy
    /// ones. A quota with a short period may lose busy keys to one with a long period.
    pub fn with_capacity(keys: usize) -> Self {
        Self { whole_at: Mutex::new(ExpiringMap::new(keys)) }
    }
}

impl Default for InProcessRateLimiter {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl RateLimiter for InProcessRateLimiter {
    async fn check(&self, key: &LimitKey, quota: Quota) -> Result<LimitOutcome, RateLimitError> {
        let key = digest(key.as_str());
        let mut keys = lock(&self.whole_at);
        let now = Instant::now();
        keys.sweep(now);
        let whole_at = keys.get_mut(&key, now).map_or(now, |whole_at| *whole_at);
        let (outcome, whole_at) = check(whole_at, now, quota);
        if let Some(whole_at) = whole_at {
            keys.insert(key, whole_at, whole_at, |_| true)
                .map_err(|full| RateLimitError(full.into()))?;
        }
        Ok(outcome)
    }

    async fn give_back(&self, key: &LimitKey, quota: Quota) -> Result<(), RateLimitError> {
        let key = digest(key.as_str());
        let mut keys = lock(&self.whole_at);
        let now = Instant::now();
        if let Some(whole_at) = keys.remove(&key)
            && let Some(earlier) =
                whole_at.checked_sub(interval(quota)).filter(|earlier| *earlier > now)
        {
            keys.insert(key, earlier, earlier, |_| true)
                .map_err(|full| RateLimitError(full.into()))?;
        }
        Ok(())
    }
}

/// How long it takes until one more event is allowed.
fn interval(quota: Quota) -> Duration {
    (quota.period.min(LONGEST) / quota.burst.max(1)).max(Duration::from_nanos(1))
}

/// One step of the algorithm: the outcome and, when the event counts, the key's new instant.
fn check(whole_at: Instant, now: Instant, quota: Quota) -> (LimitOutcome, Option<Instant>) {
    let interval = interval(quota);
    // Not `quota.period`: the remainder of the division could let one more event through.
    let capacity = interval * quota.burst.max(1);
    let next = whole_at + interval;
    let reserved = next - now;
    let Some(room) = capacity.checked_sub(reserved) else {
        let retry_after = reserved.saturating_sub(capacity);
        return (LimitOutcome::Refused { retry_after, reset_after: whole_at - now }, None);
    };
    let remaining = u32::try_from(room.as_nanos() / interval.as_nanos()).unwrap_or(u32::MAX);
    (LimitOutcome::Allowed { remaining, reset_after: reserved }, Some(next))
}
