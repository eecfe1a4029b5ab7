//! Checks the limits for one request, and records the outcomes for the response headers.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::EmailAddress;
use domain::ports::{Allowance, BudgetKey, BudgetKind, LimitKey, LimitOutcome, Quota};
use spans::{Kind, Span};

use super::charges::{Charge, Spent, charge_client};
use super::client_counting::count_client;
use super::client_networks::site;
use super::counting::Limits;
use super::exceeded::LimitExceeded;
use super::quotas::Action;
use crate::metrics::count_refusal;

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

/// The span of a look at the counters of a limit.
fn limit_span(policy: &'static str) -> Span {
    Span::part("limit", Kind::Internal).with("registration.limit.policy", policy)
}

/// The limits of one request. Clones belong to the same request.
#[derive(Clone)]
pub struct RequestLimits {
    limits: Arc<Limits>,
    client: IpAddr,
    checks: Arc<Mutex<Vec<LimitCheck>>>,
}

impl RequestLimits {
    /// For a request of `client` that has not been checked yet.
    pub fn new(limits: Arc<Limits>, client: IpAddr) -> Self {
        Self { limits, client, checks: Arc::default() }
    }

    /// Who has sent the request.
    pub fn client(&self) -> IpAddr {
        self.client
    }

    /// Every check so far, in order.
    pub fn checks(&self) -> Vec<LimitCheck> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counts the request against its client.
    pub async fn check_client(&self, action: Action) -> Result<(), LimitExceeded> {
        let quotas = &self.limits.quotas;
        let (quota, policy) = match action {
            Action::Register => (quotas.register.client, "register-client"),
            Action::Activate => (quotas.activate.client, "activate-client"),
            Action::ResendCode => (quotas.resend_code.client, "resend-code-client"),
        };
        let Some(quota) = quota else { return Ok(()) };
        let counted = count_client(&self.limits, policy, quota, self.client);
        let counted = limit_span(policy).around(counted).await;
        let Some((quota, outcome)) = counted else { return Ok(()) };
        let result = self.record(LimitCheck { policy, scope: LimitScope::Client, quota, outcome });
        if result.is_err() {
            tracing::warn!(event = "limit.exceeded", policy, client = %self.client, "a client exceeded a limit");
        }
        result
    }

    /// Counts the request against the mail address it is about.
    pub async fn check_address(
        &self,
        action: Action,
        address: &EmailAddress,
    ) -> Result<(), LimitExceeded> {
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

    /// Counts a mail that is about to be caused, against its mailbox and against the part of it
    /// that the network of this client may use up. What is spent is given back if no mail follows.
    pub async fn spend_mail(&self, address: &EmailAddress) -> Result<Spent, LimitExceeded> {
        let mailbox = address.mailbox();
        let quotas = &self.limits.quotas;
        let of_network = format!("{} {mailbox}", site(self.client));
        let charges = [
            Charge {
                policy: "network-mails",
                key: BudgetKey { kind: BudgetKind::MailsOfNetwork, subject: of_network },
                allowances: quotas.mails_per_mailbox_and_network.clone(),
            },
            Charge {
                policy: "mails",
                key: BudgetKey { kind: BudgetKind::Mails, subject: mailbox },
                allowances: quotas.mails_per_mailbox.clone(),
            },
        ];
        let result = self.spend(&charges).await;
        if let Err(LimitExceeded { policy, .. }) = result {
            let (client, address) = (self.client, address.masked());
            tracing::warn!(event = "limit.exceeded", policy, %client, address, "a mailbox gets no further mail");
        }
        result
    }

    /// Counts a guess that may turn out wrong, before it is compared, against the networks of its
    /// client. What is spent is given back if it does not.
    pub async fn spend_guess(&self) -> Result<Spent, LimitExceeded> {
        let policy = "client-guesses";
        let Some(quota) = self.limits.quotas.wrong_guesses_per_client else {
            return Ok(Spent::default());
        };
        let charges = charge_client(policy, BudgetKind::GuessesOfClient, quota, self.client);
        let result = self.spend(&charges.collect::<Vec<_>>()).await;
        if result.is_err() {
            let client = self.client;
            tracing::warn!(event = "limit.exceeded", policy, %client, "a client guessed too many codes wrong");
        }
        result
    }

    /// Uses up a solved challenge that is valid for this long: another request with it is refused.
    pub async fn spend_challenge(
        &self,
        digest: &str,
        expiry: Duration,
    ) -> Result<(), LimitExceeded> {
        let charge = Charge {
            policy: "solved-challenges",
            key: BudgetKey { kind: BudgetKind::SolvedChallenges, subject: digest.to_owned() },
            allowances: vec![Allowance { amount: 1, period: expiry }],
        };
        // Never given back: a solution pays for an attempt, whatever comes of it.
        self.spend(&[charge]).await.map(drop)
    }

    async fn spend(&self, charges: &[Charge]) -> Result<Spent, LimitExceeded> {
        let policy = charges.first().map_or("none", |charge| charge.policy);
        let result = limit_span(policy).around(self.limits.spend(charges)).await;
        if let Err(LimitExceeded { policy, .. }) = result {
            count_refusal(policy);
        }
        result
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
            tracing::warn!(
                event = "limit.exceeded",
                policy,
                address,
                "an address exceeded a limit"
            );
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
        let key = LimitKey::new(policy, subject);
        let counted = limit_span(policy).around(self.limits.count(&key, quota)).await;
        let Some(outcome) = counted else { return Ok(()) };
        self.record(LimitCheck { policy, scope, quota, outcome })
    }

    /// Keeps the check for the fields of the answer.
    fn record(&self, check: LimitCheck) -> Result<(), LimitExceeded> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).push(check);
        let policy = check.policy;
        match check.outcome {
            LimitOutcome::Allowed { .. } => Ok(()),
            LimitOutcome::Refused { retry_after, .. } => {
                count_refusal(policy);
                Err(LimitExceeded { policy, retry_after })
            }
        }
    }
}
