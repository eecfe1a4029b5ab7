//! Requests another code, which supersedes every earlier one.

use std::sync::Arc;

use domain::ports::{IdSource, RepositoryError, SaveError};
use domain::{EmailAddress, TraceParent, User, UserId};

use super::authenticate::{AuthenticationError, Authenticator, Credentials};
use super::event_envelopes::take_events;
use crate::limits::{Action, LimitExceeded, RequestLimits};
use crate::metrics::CODES_REQUESTED;

/// Why no further code is mailed.
#[derive(Debug, thiserror::Error)]
pub enum ResendCodeError {
    /// Too many requests about this address, or too many codes for it.
    #[error(transparent)]
    Limited(#[from] LimitExceeded),
    /// The credentials were not accepted, or could not be checked.
    #[error(transparent)]
    Authentication(#[from] AuthenticationError),
    /// The account needs no code.
    #[error("the account is already active")]
    AlreadyActive,
    /// The user could not be read or stored.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// The use case, with the ports that it needs.
#[derive(Clone)]
pub struct ResendCode {
    /// Verifies passwords.
    pub authenticator: Authenticator,
    /// Generates identifiers.
    pub ids: Arc<dyn IdSource>,
}

impl ResendCode {
    /// Has another code mailed to the user, and returns the address it goes to.
    pub async fn execute(
        &self,
        credentials: &Credentials,
        trace: TraceParent,
        limits: &RequestLimits,
    ) -> Result<EmailAddress, ResendCodeError> {
        limits.check_address(Action::ResendCode, &credentials.email).await?;
        let mut user = self.authenticator.authenticate(credentials).await?;
        if user.is_active() {
            return Err(ResendCodeError::AlreadyActive);
        }
        limits.check_further_code(user.email()).await?;
        self.request_code(&mut user, trace).await?;
        Ok(user.email().clone())
    }

    async fn request_code(&self, user: &mut User, trace: TraceParent) -> Result<(), ResendCodeError> {
        let seen = user.issue();
        user.request_code().map_err(|_| ResendCodeError::AlreadyActive)?;
        let events = take_events(&*self.ids, trace, user);
        match self.authenticator.users.save(user, seen, &events).await {
            Ok(()) => {
                metrics::counter!(CODES_REQUESTED).increment(1);
                tracing::info!(event = "user.code_requested", user_id = %user.id(), "another code is requested");
                Ok(())
            }
            Err(SaveError::Stale) => self.explain_stale(user.id()).await,
            Err(SaveError::Repository(error)) => Err(error.into()),
        }
    }

    /// Another request was faster. If it requested a code too, that one is on its way, which is
    /// what was wanted.
    async fn explain_stale(&self, id: UserId) -> Result<(), ResendCodeError> {
        match self.authenticator.users.find(id).await? {
            Some(user) if user.is_active() => Err(ResendCodeError::AlreadyActive),
            Some(_) => Ok(()),
            None => Err(AuthenticationError::Rejected.into()),
        }
    }
}
