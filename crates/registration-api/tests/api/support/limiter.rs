//! Counts without forgetting.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{LimitKey, LimitOutcome, Quota, RateLimitError, RateLimiter};

use super::broken;

#[derive(Default)]
pub(crate) struct Limiter {
    counts: Mutex<HashMap<String, u32>>,
    pub(crate) is_down: AtomicBool,
}

impl Limiter {
    /// Every key that was counted, sorted.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.counts.lock().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    }
}

#[async_trait]
impl RateLimiter for Limiter {
    async fn check(&self, key: &LimitKey, quota: Quota) -> Result<LimitOutcome, RateLimitError> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(RateLimitError(broken()));
        }
        let mut counts = self.counts.lock().unwrap();
        let count = counts.entry(key.as_str().to_owned()).or_default();
        let reset_after = quota.period;
        if *count >= quota.burst {
            return Ok(LimitOutcome::Refused {
                retry_after: Duration::from_millis(6_001),
                reset_after,
            });
        }
        *count += 1;
        Ok(LimitOutcome::Allowed { remaining: quota.burst - *count, reset_after })
    }

    async fn give_back(&self, key: &LimitKey, _: Quota) -> Result<(), RateLimitError> {
        let mut counts = self.counts.lock().unwrap();
        let count = counts.get_mut(key.as_str()).expect("nothing is counted");
        *count -= 1;
        if *count == 0 {
            counts.remove(key.as_str());
        }
        Ok(())
    }
}
