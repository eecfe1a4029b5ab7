//! Verifies a claimed address and password.
//!
//! An unknown address and a wrong password must look the same in answer and time (OWASP ASVS
//! 6.3.8), so a hash is computed either way.

use std::error::Error;
use std::sync::Arc;

use domain::ports::{HashError, PasswordHasher, RepositoryError, UserRepository, Verification};
use domain::{EmailAddress, ErrorChain, Password, PasswordHash, User};

/// The address and password that a client presents.
#[derive(Debug)]
pub struct Credentials {
    /// The address.
    pub email: EmailAddress,
    /// The password.
    pub password: Password,
}

/// Why credentials were not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticationError {
    /// The address is unknown or the password is wrong; which of the two is never revealed.
    #[error("the address or the password is wrong")]
    Rejected,
    /// The password could not be verified.
    #[error(transparent)]
    Hashing(#[from] HashError),
    /// The user could not be looked up.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// Looks users up and verifies their passwords.
#[derive(Clone)]
pub struct Authenticator {
    /// Stores the users.
    pub users: Arc<dyn UserRepository>,
    /// Verifies passwords.
    pub hasher: Arc<dyn PasswordHasher>,
}

impl Authenticator {
    /// Returns the user with these credentials. A hash made with outdated parameters, or of a
    /// password that was not normalised, is replaced.
    pub async fn authenticate(
        &self,
        credentials: &Credentials,
    ) -> Result<User, AuthenticationError> {
        let user = self.users.find_by_email(&credentials.email).await?;
        let hash = user.as_ref().map(|user| user.password_hash().clone());
        let verification = self.verify(&credentials.password, hash).await?;
        let (Some(user), Verification::Match { outdated }) = (user, verification) else {
            let address = credentials.email.masked();
            tracing::info!(event = "authentication.failed", address, "wrong address or password");
            return Err(AuthenticationError::Rejected);
        };
        if outdated {
            self.upgrade_hash(&user, credentials.password.clone()).await;
        }
        Ok(user)
    }

    /// A password that normalisation changed is verified once more as it was received, since
    /// earlier versions hashed it so. Whether it is depends on the request alone: an unknown
    /// address takes the same time.
    async fn verify(
        &self,
        password: &Password,
        hash: Option<PasswordHash>,
    ) -> Result<Verification, HashError> {
        let verification = self.hasher.verify(password.clone(), hash.clone()).await?;
        let (Verification::Mismatch, Some(received)) = (verification, password.as_received())
        else {
            return Ok(verification);
        };
        Ok(match self.hasher.verify(received, hash).await? {
            Verification::Match { .. } => Verification::Match { outdated: true },
            Verification::Mismatch => Verification::Mismatch,
        })
    }

    /// The old hash remains valid, so a failure is only logged.
    async fn upgrade_hash(&self, user: &User, password: Password) {
        let hash = match self.hasher.hash(password).await {
            Ok(hash) => hash,
            Err(error) => {
                report_failed_upgrade(user, &error);
                return;
            }
        };
        match self.users.upgrade_password_hash(user.id(), user.password_hash(), &hash).await {
            Ok(()) => {
                tracing::info!(event = "password_hash.upgraded", user_id = %user.id(), "a password is rehashed");
            }
            Err(error) => report_failed_upgrade(user, &error),
        }
    }
}

fn report_failed_upgrade(user: &User, error: &(dyn Error + 'static)) {
    let (user_id, error) = (user.id(), ErrorChain(error));
    tracing::warn!(event = "password_hash.not_upgraded", %user_id, %error, "a password keeps its outdated hash");
}
