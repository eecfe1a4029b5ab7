//! Counts requests, in the primary limiter or in its fallback.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::ErrorChain;
use domain::ports::{LimitKey, LimitOutcome, Quota, RateLimiter};

use super::quotas::Quotas;
use crate::metrics::RATE_LIMITER_FAILURES;

/// The limits that all requests share.
pub struct Limits {
    pub(super) quotas: Quotas,
    primary: Arc<dyn RateLimiter>,
    fallback: Option<Arc<dyn RateLimiter>>,
    primary_is_down: AtomicBool,
}

impl Limits {
    /// Limits counted by `primary`, or by `fallback` while the primary does not answer.
    pub fn new(
        quotas: Quotas,
        primary: Arc<dyn RateLimiter>,
        fallback: Option<Arc<dyn RateLimiter>>,
    ) -> Self {
        Self { quotas, primary, fallback, primary_is_down: AtomicBool::new(false) }
    }

    /// Counts one request; `None` if neither limiter answers.
    pub(super) async fn count(&self, key: &LimitKey, quota: Quota) -> Option<LimitOutcome> {
        match self.primary.check(key, quota).await {
            Ok(outcome) => {
                if self.primary_is_down.swap(false, Ordering::Relaxed) {
                    tracing::info!(event = "limiter.recovered", "the rate limiter answers again");
                }
                return Some(outcome);
            }
            Err(error) => {
                metrics::counter!(RATE_LIMITER_FAILURES).increment(1);
                // Once per outage: a line for each request would bury everything else.
                if !self.primary_is_down.swap(true, Ordering::Relaxed) {
                    let cause = ErrorChain(&error);
                    tracing::warn!(event = "limiter.down", error = %cause, "the rate limiter does not answer");
                }
            }
        }
        self.fallback.as_ref()?.check(key, quota).await.ok()
    }
}
