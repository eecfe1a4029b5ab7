//! Counts requests and mails, in the primary counters or in their fallback.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::ErrorChain;
use domain::ports::{Budget, LimitKey, LimitOutcome, Quota, RateLimiter};

use super::charges::{Charge, Spent, spend_all};
use super::exceeded::LimitExceeded;
use super::quotas::Quotas;
use crate::metrics::RATE_LIMITER_FAILURES;

/// What counts.
#[derive(Clone)]
pub struct Counters {
    /// Counts requests.
    pub limiter: Arc<dyn RateLimiter>,
    /// Counts mails and guesses.
    pub budget: Arc<dyn Budget>,
}

/// The limits that all requests share.
pub struct Limits {
    pub(super) quotas: Quotas,
    primary: Counters,
    fallback: Option<Counters>,
    primary_is_down: AtomicBool,
}

impl Limits {
    /// Limits counted by `primary`, or by `fallback` while the primary does not answer.
    pub fn new(quotas: Quotas, primary: Counters, fallback: Option<Counters>) -> Self {
        Self { quotas, primary, fallback, primary_is_down: AtomicBool::new(false) }
    }

    /// Counts one request; `None` if neither limiter answers.
    pub(super) async fn count(&self, key: &LimitKey, quota: Quota) -> Option<LimitOutcome> {
        let counted = self.primary.limiter.check(key, quota).await;
        if let Some(outcome) = self.unless_down(counted) {
            return Some(outcome);
        }
        self.fallback.as_ref()?.limiter.check(key, quota).await.ok()
    }

    /// Takes the count of a request back that another limit has refused. Best effort: what stays
    /// counted makes a limit tighter for a moment.
    pub(super) async fn give_back(&self, key: &LimitKey, quota: Quota) {
        let given_back = self.primary.limiter.give_back(key, quota).await;
        if self.unless_down(given_back).is_none()
            && let Some(fallback) = &self.fallback
        {
            // A key that is not counted there is left alone.
            let _ = fallback.limiter.give_back(key, quota).await;
        }
    }

    /// Pays all charges or none. Nothing is spent if neither budget answers.
    pub(super) async fn spend(&self, charges: &[Charge]) -> Result<Spent, LimitExceeded> {
        let spent = spend_all(&self.primary.budget, charges).await;
        if let Some(outcome) = self.unless_down(spent) {
            return outcome;
        }
        let Some(fallback) = &self.fallback else { return Ok(Spent::default()) };
        spend_all(&fallback.budget, charges).await.unwrap_or_else(|_| Ok(Spent::default()))
    }

    /// The answer of a primary counter, if there is one.
    fn unless_down<T, E: std::error::Error + 'static>(&self, result: Result<T, E>) -> Option<T> {
        match result {
            Ok(answer) => {
                if self.primary_is_down.swap(false, Ordering::Relaxed) {
                    tracing::info!(event = "limiter.recovered", "the rate limiter answers again");
                }
                Some(answer)
            }
            Err(error) => {
                metrics::counter!(RATE_LIMITER_FAILURES).increment(1);
                // Once per outage: a line for each request would bury everything else.
                if !self.primary_is_down.swap(true, Ordering::Relaxed) {
                    let cause = ErrorChain(&error);
                    tracing::warn!(event = "limiter.down", error = %cause, "the rate limiter does not answer");
                }
                None
            }
        }
    }
}
