//! Requests another code, which supersedes every earlier one.
//!
//! In conceal mode everybody is told the same, at the same time, whether or not a code follows.

use std::sync::Arc;

use domain::ports::{IdSource, RepositoryError, SaveError};
use domain::{EmailAddress, ErrorChain, Languages, TraceParent, User, UserId};
use tokio::time::Instant;

use super::authenticate::{AuthenticationError, Authenticator, Credentials};
use super::concealment::{ExistingAccount, wait_for_full_step};
use super::event_envelopes::take_events;
use crate::limits::{Action, LimitExceeded, RequestLimits, Spent};
use crate::metrics::CODES_REQUESTED;

/// The outcome of a request for another code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeResent {
    /// Another code is on its way.
    Mailed {
        /// Where to.
        email: EmailAddress,
    },
    /// The request is accepted; its outcome is concealed ([`ExistingAccount::Conceal`]).
    Concealed,
}

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
    /// The task that requests a code was aborted or panicked.
    #[error("the request was cut short")]
    CutShort(#[from] tokio::task::JoinError),
}

/// The use case, with the ports that it needs.
#[derive(Clone)]
pub struct ResendCode {
    /// Verifies passwords.
    pub authenticator: Authenticator,
    /// Generates identifiers.
    pub ids: Arc<dyn IdSource>,
    /// What an answer reveals.
    pub existing_account: ExistingAccount,
}

impl ResendCode {
    /// Has another code mailed to the user with these credentials, in the first of `languages` that
    /// there are texts in, or if none are named, in the language of the mail before.
    pub async fn execute(
        &self,
        credentials: &Credentials,
        languages: Languages,
        trace: TraceParent,
        limits: &RequestLimits,
    ) -> Result<CodeResent, ResendCodeError> {
        limits.check_address(Action::ResendCode, &credentials.email).await?;
        let authenticated = self.authenticator.authenticate(credentials).await;
        let authenticated = authenticated.map(|mut user| {
            user.prefer(languages);
            user
        });
        match self.existing_account {
            ExistingAccount::Reveal => {
                // In a task of its own: if the client disconnects, what is spent must not stay so
                // without a mail.
                let mailed = self.clone().mail_code(authenticated?, trace, limits.clone());
                Ok(CodeResent::Mailed { email: spans::spawn(mailed).await?? })
            }
            ExistingAccount::Conceal => {
                let started = Instant::now();
                match authenticated {
                    Ok(user) => self.mail_code_in_background(user, trace, limits),
                    Err(AuthenticationError::Rejected) => {}
                    Err(unavailable) => return Err(unavailable.into()),
                }
                wait_for_full_step(started).await;
                Ok(CodeResent::Concealed)
            }
        }
    }

    /// Neither the duration of this nor its failure may reveal whose password was right. Done as a
    /// rule before the answer, which waits for a full step.
    fn mail_code_in_background(&self, user: User, trace: TraceParent, limits: &RequestLimits) {
        let mailed = self.clone().mail_code(user, trace, limits.clone());
        let report = async {
            if let Err(error) = mailed.await {
                let error = ErrorChain(&error);
                tracing::warn!(event = "code.not_requested", %error, "no further code is mailed");
            }
        };
        spans::spawn(report);
    }

    /// Has another code mailed to the user, and returns the address it goes to.
    async fn mail_code(
        self,
        mut user: User,
        trace: TraceParent,
        limits: RequestLimits,
    ) -> Result<EmailAddress, ResendCodeError> {
        if user.is_active() {
            return Err(ResendCodeError::AlreadyActive);
        }
        let mail = limits.spend_mail(user.email()).await?;
        if let Err(exceeded) = limits.check_further_code(user.email()).await {
            mail.give_back().await;
            return Err(exceeded.into());
        }
        self.request_code(&mut user, trace, mail).await?;
        Ok(user.email().clone())
    }

    async fn request_code(
        &self,
        user: &mut User,
        trace: TraceParent,
        mail: Spent,
    ) -> Result<(), ResendCodeError> {
        let seen = user.issue();
        user.request_code().map_err(|_| ResendCodeError::AlreadyActive)?;
        let events = take_events(&*self.ids, trace, user);
        let saved = self.authenticator.users.save(user, seen, &events).await;
        if saved.is_err() {
            mail.give_back().await;
        }
        match saved {
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
