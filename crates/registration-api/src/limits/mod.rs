//! How often one client, or anybody about one mail address, may ask for something.
//!
//! Checked before any password is hashed (OWASP ASVS 2.4.1, 6.3.1). A limiter that does not answer must never
//! turn users away: then the fallback counts, and without one the request passes.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::EmailAddress;
use domain::ports::{LimitKey, LimitOutcome, Quota, RateLimiter};

use domain::ErrorChain;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Claiming an address.
    Register,
    /// Sending a code back.
    Activate,
    /// Asking for another code.
    ResendCode,
}

/// The quotas of one action; `None` turns a limit off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ActionQuotas {
    /// Per client address: an IPv4 address or an IPv6 /64, which is what one customer gets.
    pub client: Option<Quota>,
    /// Per mail address, whether or not it is registered.
    pub address: Option<Quota>,
}

/// Every limit of the API. By default all are off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quotas {
    /// For [`Action::Register`].
    pub register: ActionQuotas,
    /// For [`Action::Activate`].
    pub activate: ActionQuotas,
    /// For [`Action::ResendCode`], whoever asks.
    pub resend_code: ActionQuotas,
    /// How many further codes are mailed to one address. Only askers who know the password of its registration count.
    pub further_codes: Option<Quota>,
}

/// A limit was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit {policy} is exceeded")]
pub struct LimitExceeded {
    /// The name of the limit, as the `RateLimit` headers give it.
    pub policy: &'static str,
    /// Its size.
    pub quota: Quota,
    /// When the next request is let through.
    pub retry_after: Duration,
    /// When the quota is whole again.
    pub reset_after: Duration,
}

/// Checks the quotas.
pub struct Limits {
    quotas: Quotas,
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

    /// Counts a request of a client.
    pub async fn check_client(&self, action: Action, client: IpAddr) -> Result<(), LimitExceeded> {
        let (quota, policy) = match action {
            Action::Register => (self.quotas.register.client, "register-client"),
            Action::Activate => (self.quotas.activate.client, "activate-client"),
            Action::ResendCode => (self.quotas.resend_code.client, "resend-code-client"),
        };
        let result = self.check(policy, quota, &subnet(client)).await;
        if result.is_err() {
            tracing::warn!(event = "limit.exceeded", policy, client = %client, "a client hit a limit");
        }
        result
    }

    /// Counts a request about a mail address.
    pub async fn check_address(&self, action: Action, address: &EmailAddress) -> Result<(), LimitExceeded> {
        let (quota, policy) = match action {
            Action::Register => (self.quotas.register.address, "register-address"),
            Action::Activate => (self.quotas.activate.address, "activate-address"),
            Action::ResendCode => (self.quotas.resend_code.address, "resend-code-address"),
        };
        self.check_for(policy, quota, address).await
    }

    /// Counts a further code that is about to be mailed to an address.
    pub async fn check_further_code(&self, address: &EmailAddress) -> Result<(), LimitExceeded> {
        self.check_for("further-codes", self.quotas.further_codes, address).await
    }

    async fn check_for(
        &self,
        policy: &'static str,
        quota: Option<Quota>,
        address: &EmailAddress,
    ) -> Result<(), LimitExceeded> {
        let result = self.check(policy, quota, &address.lookup_key()).await;
        if result.is_err() {
            let address = address.masked();
            tracing::warn!(event = "limit.exceeded", policy, address, "an address hit a limit");
        }
        result
    }

    async fn check(
        &self,
        policy: &'static str,
        quota: Option<Quota>,
        subject: &str,
    ) -> Result<(), LimitExceeded> {
        let Some(quota) = quota else { return Ok(()) };
        match self.count(&LimitKey::new(policy, subject), quota).await {
            LimitOutcome::Allowed { .. } => Ok(()),
            LimitOutcome::Refused { retry_after, reset_after } => {
                metrics::counter!("rate_limit_refusals_total", "policy" => policy).increment(1);
                Err(LimitExceeded { policy, quota, retry_after, reset_after })
            }
        }
    }

    async fn count(&self, key: &LimitKey, quota: Quota) -> LimitOutcome {
        match self.primary.check(key, quota).await {
            Ok(outcome) => {
                if self.primary_is_down.swap(false, Ordering::Relaxed) {
                    tracing::info!(event = "limiter.recovered", "the rate limiter answers again");
                }
                return outcome;
            }
            Err(error) => {
                metrics::counter!("rate_limiter_failures_total").increment(1);
                // Once an outage: a line for each request would bury everything else.
                if !self.primary_is_down.swap(true, Ordering::Relaxed) {
                    let cause = ErrorChain(&error);
                    tracing::warn!(event = "limiter.down", error = %cause, "the rate limiter does not answer");
                }
            }
        }
        let passed = LimitOutcome::Allowed { remaining: 0, reset_after: Duration::ZERO };
        match &self.fallback {
            Some(fallback) => fallback.check(key, quota).await.unwrap_or(passed),
            None => passed,
        }
    }
}

/// Whom a client address stands for: an IPv4 address, or the /64 that an IPv6 customer moves in freely.
fn subnet(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn asvs_6_3_1_an_ipv6_customer_is_one_client() {
        let of = |text: &str| subnet(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
    }
}
