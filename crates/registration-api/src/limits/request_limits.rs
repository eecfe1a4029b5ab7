//! Checks the limits for one request, and records the outcomes for the response headers.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::EmailAddress;
use domain::ports::{LimitKey, LimitOutcome, Quota};
use ipnet::Ipv6Net;

use super::counting::Limits;
use super::quotas::Action;
use crate::metrics::RATE_LIMIT_REFUSALS;

/// Which requests a limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitScope {
    /// Requests from one client address.
    Client,
    /// Requests about one mail address, registered or not.
    Address,
    /// Requests from the owner of one account.
    Account,
}

/// A limit that a request was checked against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitCheck {
    /// The name of the limit, as the `RateLimit` fields give it.
    pub policy: &'static str,
    /// Which requests it counts together.
    pub scope: LimitScope,
    /// Its size.
    pub quota: Quota,
    /// The outcome of the check.
    pub outcome: LimitOutcome,
}

/// The request exceeds a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit {policy} is exceeded")]
pub struct LimitExceeded {
    /// The name of the limit.
    pub policy: &'static str,
    /// How long until the next request is allowed.
    pub retry_after: Duration,
}

/// The limits of one request. Clones belong to the same request.
#[derive(Clone)]
pub struct RequestLimits {
    limits: Arc<Limits>,
    checks: Arc<Mutex<Vec<LimitCheck>>>,
}

impl RequestLimits {
    /// For a request that has not been checked yet.
    pub fn new(limits: Arc<Limits>) -> Self {
        Self { limits, checks: Arc::default() }
    }

    /// Every check so far, in order.
    pub fn checks(&self) -> Vec<LimitCheck> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts the request against its client.
    pub async fn check_client(&self, action: Action, client: IpAddr) -> Result<(), LimitExceeded> {
        let quotas = &self.limits.quotas;
        let (quota, policy) = match action {
            Action::Register => (quotas.register.client, "register-client"),
            Action::Activate => (quotas.activate.client, "activate-client"),
            Action::ResendCode => (quotas.resend_code.client, "resend-code-client"),
        };
        let result = self.check(LimitScope::Client, policy, quota, &client_key(client)).await;
        if result.is_err() {
            tracing::warn!(event = "limit.exceeded", policy, client = %client, "a client exceeded a limit");
        }
        result
    }

    /// Counts the request against the mail address it is about.
    pub async fn check_address(&self, action: Action, address: &EmailAddress) -> Result<(), LimitExceeded> {
        let quotas = &self.limits.quotas;
        let (quota, policy) = match action {
            Action::Register => (quotas.register.address, "register-address"),
            Action::Activate => (quotas.activate.address, "activate-address"),
            Action::ResendCode => (quotas.resend_code.address, "resend-code-address"),
        };
        self.check_by_address(LimitScope::Address, policy, quota, address).await
    }

    /// Counts a further code that is about to be mailed to an address.
    pub async fn check_further_code(&self, address: &EmailAddress) -> Result<(), LimitExceeded> {
        let quota = self.limits.quotas.further_codes;
        self.check_by_address(LimitScope::Account, "further-codes", quota, address).await
    }

    async fn check_by_address(
        &self,
        scope: LimitScope,
        policy: &'static str,
        quota: Option<Quota>,
        address: &EmailAddress,
    ) -> Result<(), LimitExceeded> {
        let result = self.check(scope, policy, quota, &address.lookup_key()).await;
        if result.is_err() {
            let address = address.masked();
            tracing::warn!(event = "limit.exceeded", policy, address, "an address exceeded a limit");
        }
        result
    }

    async fn check(
        &self,
        scope: LimitScope,
        policy: &'static str,
        quota: Option<Quota>,
        subject: &str,
    ) -> Result<(), LimitExceeded> {
        let Some(quota) = quota else { return Ok(()) };
        let counted = self.limits.count(&LimitKey::new(policy, subject), quota).await;
        let Some(outcome) = counted else { return Ok(()) };
        let check = LimitCheck { policy, scope, quota, outcome };
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).push(check);
        match outcome {
            LimitOutcome::Allowed { .. } => Ok(()),
            LimitOutcome::Refused { retry_after, .. } => {
                metrics::counter!(RATE_LIMIT_REFUSALS, "policy" => policy).increment(1);
                Err(LimitExceeded { policy, retry_after })
            }
        }
    }
}

/// The key of a client: its IPv4 address, or its IPv6 /64, within which one customer chooses
/// addresses freely.
fn client_key(client: IpAddr) -> String {
    match client.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, 64).trunc().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asvs_6_3_1_an_ipv6_customer_is_one_client() {
        let of = |text: &str| client_key(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:203.0.113.7"), of("203.0.113.7"));
        assert_ne!(of("203.0.113.7"), of("203.0.113.8"));
    }
}
