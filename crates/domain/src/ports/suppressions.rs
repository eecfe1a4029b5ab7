//! Addresses that are not mailed.

use std::time::SystemTime;

use async_trait::async_trait;

use super::user_repository::RepositoryError;
use crate::email_address::EmailAddress;

/// The addresses that an operator keeps mails from, because mails to them have bounced. Clients
/// cannot tell: only the mail is left out. Addresses are compared case-insensitively.
#[async_trait]
pub trait Suppressions: Send + Sync {
    /// The suppression of the address: if there is one, it is not to be mailed.
    async fn find(&self, email: &EmailAddress) -> Result<Option<Suppression>, RepositoryError>;

    /// Suppresses mails to the address. Returns whether it was not suppressed before.
    async fn add(&self, email: &EmailAddress) -> Result<bool, RepositoryError>;

    /// Lets the address be mailed again. Returns whether it was suppressed.
    async fn remove(&self, email: &EmailAddress) -> Result<bool, RepositoryError>;

    /// Up to `limit` suppressions whose addresses come after `after`, in the order of addresses.
    async fn page(
        &self,
        after: Option<&EmailAddress>,
        limit: u32,
    ) -> Result<Vec<Suppression>, RepositoryError>;
}

/// A suppressed address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The address in lower case.
    pub email: EmailAddress,
    /// Since when it is not mailed, to the millisecond.
    pub since: SystemTime,
}
