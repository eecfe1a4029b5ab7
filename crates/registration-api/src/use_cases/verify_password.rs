//! Tells the product whether a password is right.
//!
//! A password is counted before it is compared, and only a wrong one stays counted. An unknown
//! address and a wrong password look the same (OWASP ASVS 6.3.8).

use std::net::IpAddr;
use std::sync::Arc;

use domain::Account;
use domain::ports::{Accounts, RepositoryError};

use super::authenticate::{AuthenticationError, Authenticator, Credentials};
use crate::limits::{LimitExceeded, Limits};
use crate::metrics::count_verification;

/// Why a password was not confirmed.
#[derive(Debug, thiserror::Error)]
pub enum VerifyPasswordError {
    /// Too many passwords were wrong, for this address or of this client.
    #[error(transparent)]
    Limited(#[from] LimitExceeded),
    /// The credentials are wrong, or could not be checked.
    #[error(transparent)]
    Authentication(#[from] AuthenticationError),
    /// The password is right, but the account waits for its code.
    #[error("the account is not active")]
    NotActive,
    /// The account could not be read.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// The use case, with the ports that it needs.
#[derive(Clone)]
pub struct VerifyPassword {
    /// Verifies passwords, after everybody else's.
    pub authenticator: Authenticator,
    /// Describes the account.
    pub accounts: Arc<dyn Accounts>,
    /// Counts the wrong ones.
    pub limits: Arc<Limits>,
}

impl VerifyPassword {
    /// Returns the active account with these credentials. `client` is the person's address, as far
    /// as the product tells it.
    pub async fn execute(
        &self,
        credentials: &Credentials,
        client: Option<IpAddr>,
    ) -> Result<Account, VerifyPasswordError> {
        let result = self.verify(credentials, client).await;
        count_verification(match &result {
            Ok(_) => "verified",
            Err(VerifyPasswordError::NotActive) => "not-active",
            Err(VerifyPasswordError::Authentication(AuthenticationError::Rejected)) => {
                "wrong-credentials"
            }
            Err(VerifyPasswordError::Limited(_)) => "limited",
            Err(_) => "unavailable",
        });
        result
    }

    async fn verify(
        &self,
        credentials: &Credentials,
        client: Option<IpAddr>,
    ) -> Result<Account, VerifyPasswordError> {
        let spent = self.limits.spend_password(&credentials.email, client).await?;
        let authenticated = self.authenticator.authenticate(credentials).await;
        if !matches!(authenticated, Err(AuthenticationError::Rejected)) {
            spent.give_back().await;
        }
        let id = authenticated?.id();
        // Deleted or claimed anew meanwhile: its password is no longer right.
        let account = self.accounts.find(id).await?.ok_or(AuthenticationError::Rejected)?;
        if account.is_active() { Ok(account) } else { Err(VerifyPasswordError::NotActive) }
    }
}
