//! Whether a password is known from a data breach.

use async_trait::async_trait;

use super::source::Source;
use crate::password::Password;

/// A collection of passwords that were found in breaches (OWASP ASVS 6.2.12).
#[async_trait]
pub trait BreachedPasswords: Send + Sync {
    /// Whether the collection contains the password. Must not reveal it to anybody.
    async fn contains(&self, password: &Password) -> Result<bool, BreachCheckError>;
}

/// The collection did not answer, or not in time.
#[derive(Debug, thiserror::Error)]
#[error("the collection of breached passwords is unavailable")]
pub struct BreachCheckError(#[source] pub Source);
