//! A service of the operator that has a say in who may register.

use std::net::IpAddr;

use async_trait::async_trait;

use super::source::Source;
use crate::email_address::EmailAddress;

/// Is asked before an address is registered. Implementations never learn the password.
#[async_trait]
pub trait RegistrationHook: Send + Sync {
    /// Decides about one registration of a client.
    async fn decide(&self, email: &EmailAddress, client: IpAddr)
    -> Result<HookDecision, HookError>;
}

/// What the hook has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookDecision {
    /// The address may be registered.
    Allow,
    /// It may not.
    Refuse,
}

/// The hook did not answer, not in time, or not as it should.
#[derive(Debug, thiserror::Error)]
#[error("the registration hook is unavailable")]
pub struct HookError(#[source] pub Source);
