//! Activates an account when its code comes back in time.
//!
//! An attempt is spent before anything is compared, so parallel guesses cannot exceed the allowed
//! number (OWASP ASVS 6.6.3), and a code is consumed in one atomic step, so it works once (6.5.1).

use std::sync::Arc;
use std::time::Duration;

use domain::ports::{
    Attempt, CodeStore, CodeStoreError, Consumption, Guess, GuessAllowance, GuessBudget, GuessBudgetError,
    IdSource, RepositoryError, SaveError,
};
use domain::{
    CodeIssue, CodeKey, CodeLength, EmailAddress, ErrorChain, TraceParent, User, UserId, UserStatus,
};
use tracing::Instrument;

use super::authenticate::{AuthenticationError, Authenticator, Credentials};
use super::event_envelopes::take_events;
use crate::limits::{Action, LimitExceeded, RequestLimits};
use crate::metrics::ACTIVATIONS;

/// An account that has just become active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activated {
    /// The user it belongs to.
    pub user_id: UserId,
    /// Its address, as it was registered.
    pub email: EmailAddress,
}

/// Why an account was not activated.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// Too many requests about this address.
    #[error(transparent)]
    Limited(#[from] LimitExceeded),
    /// The credentials were not accepted, or could not be checked.
    #[error(transparent)]
    Authentication(#[from] AuthenticationError),
    /// The account needs no activation.
    #[error("the account is already active")]
    AlreadyActive,
    /// Another request has used the code and is activating the account, or failed while doing so.
    #[error("the code has already been used")]
    CodeUsed,
    /// The code is wrong, or has been replaced by a newer one.
    #[error("the code is wrong")]
    CodeInvalid {
        /// How many more times the current code may be tried, if known.
        attempts_left: Option<u32>,
    },
    /// No mail server has accepted the mail with the code yet.
    #[error("the code has not been mailed yet")]
    CodeNotMailed,
    /// The window of the code has ended.
    #[error("the code has expired")]
    CodeExpired,
    /// Every attempt at this code has been spent.
    #[error("the code was tried too often")]
    AttemptsExhausted,
    /// The address has used up its guesses across all its codes.
    #[error("too many codes were guessed for this address")]
    GuessesExhausted {
        /// How long until the next guess is possible.
        retry_after: Duration,
    },
    /// The user could not be read or stored.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// Attempts could not be counted.
    #[error(transparent)]
    CodeStore(#[from] CodeStoreError),
    /// Guesses could not be counted.
    #[error(transparent)]
    GuessBudget(#[from] GuessBudgetError),
    /// The task that completes an activation was aborted or panicked.
    #[error("the activation was cut short")]
    CutShort(#[from] tokio::task::JoinError),
}

/// The use case, with the ports that it needs.
#[derive(Clone)]
pub struct Activate {
    /// Verifies passwords.
    pub authenticator: Authenticator,
    /// The windows in which codes are valid.
    pub codes: Arc<dyn CodeStore>,
    /// The guesses left per address.
    pub guesses: Arc<dyn GuessBudget>,
    /// How many guesses an address gets.
    pub guess_allowance: GuessAllowance,
    /// The key that codes are derived from.
    pub code_key: Arc<CodeKey>,
    /// How many digits a code has.
    pub code_length: CodeLength,
    /// Generates identifiers.
    pub ids: Arc<dyn IdSource>,
}

impl Activate {
    /// Activates the account of `credentials` if `guess` is its code.
    pub async fn execute(
        &self,
        credentials: &Credentials,
        guess: &str,
        trace: TraceParent,
        limits: &RequestLimits,
    ) -> Result<Activated, ActivateError> {
        let result = self.try_activate(credentials, guess, trace, limits).await;
        let outcome = name_outcome(&result);
        metrics::counter!(ACTIVATIONS, "outcome" => outcome).increment(1);
        let address = credentials.email.masked();
        if let Ok(done) = &result {
            tracing::info!(event = "user.activated", user_id = %done.user_id, address, "activated");
        } else {
            tracing::info!(event = "activation.failed", outcome, address, "not activated");
        }
        result
    }

    async fn try_activate(
        &self,
        credentials: &Credentials,
        guess: &str,
        trace: TraceParent,
        limits: &RequestLimits,
    ) -> Result<Activated, ActivateError> {
        limits.check_address(Action::Activate, &credentials.email).await?;
        let user = self.authenticator.authenticate(credentials).await?;
        if user.is_active() {
            return Err(ActivateError::AlreadyActive);
        }
        self.compare(&user, guess).await?;
        let finish = self.clone().finish(user, trace);
        // In a task of its own: if the client disconnects now, the code must not stay used with the
        // user still pending.
        tokio::spawn(finish.in_current_span()).await?
    }

    /// Spends an attempt and a guess, then compares.
    async fn compare(&self, user: &User, guess: &str) -> Result<(), ActivateError> {
        let left = match self.codes.spend_attempt(user.issue()).await? {
            Attempt::Spent { left } => left,
            Attempt::Exhausted => return Err(ActivateError::AttemptsExhausted),
            Attempt::Consumed => return Err(ActivateError::CodeUsed),
            Attempt::Expired | Attempt::Unknown => {
                return Err(match user.status() {
                    UserStatus::Pending { code_mailed: false } => ActivateError::CodeNotMailed,
                    _ => ActivateError::CodeExpired,
                });
            }
        };
        if let Guess::Refused { retry_after } =
            self.guesses.spend_guess(user.email(), self.guess_allowance).await?
        {
            return Err(ActivateError::GuessesExhausted { retry_after });
        }
        if self.code_key.derive(user.issue(), self.code_length).matches(guess) {
            Ok(())
        } else {
            Err(ActivateError::CodeInvalid { attempts_left: Some(left) })
        }
    }

    /// Consumes the code and stores the active user; releases the code if that fails.
    async fn finish(self, mut user: User, trace: TraceParent) -> Result<Activated, ActivateError> {
        let issue = user.issue();
        match self.codes.consume(issue).await {
            Ok(Consumption::Won) => {}
            Ok(Consumption::AlreadyConsumed) => return Err(ActivateError::CodeUsed),
            Ok(Consumption::Gone) => return Err(ActivateError::CodeExpired),
            Err(error) => {
                // The store may have consumed it although the answer was lost.
                self.release_code(issue).await;
                return Err(error.into());
            }
        }
        user.activate().map_err(|_| ActivateError::AlreadyActive)?;
        let events = take_events(&*self.ids, trace, &mut user);
        match self.authenticator.users.save(&user, issue, &events).await {
            Ok(()) => Ok(Activated { user_id: user.id(), email: user.email().clone() }),
            Err(SaveError::Stale) => Err(self.explain_stale(user.id()).await?),
            Err(SaveError::Repository(error)) => {
                self.release_code(issue).await;
                Err(error.into())
            }
        }
    }

    /// Makes a code usable again after its activation failed. Harmless if another request has used
    /// it: only a pending user can be activated.
    async fn release_code(&self, issue: CodeIssue) {
        if let Err(error) = self.codes.release(issue).await {
            let cause = ErrorChain(&error);
            let user_id = issue.user_id;
            tracing::warn!(event = "code.not_released", %user_id, error = %cause, "a used code is not released");
        }
    }

    /// The user changed while the code was being used: activated, sent a newer code, or claimed
    /// again.
    async fn explain_stale(&self, id: UserId) -> Result<ActivateError, RepositoryError> {
        Ok(match self.authenticator.users.find(id).await? {
            Some(user) if user.is_active() => ActivateError::AlreadyActive,
            Some(_) => ActivateError::CodeInvalid { attempts_left: None },
            None => AuthenticationError::Rejected.into(),
        })
    }
}

/// The outcome for metrics and logs, out of a fixed set.
fn name_outcome(result: &Result<Activated, ActivateError>) -> &'static str {
    let Err(error) = result else { return "activated" };
    match error {
        ActivateError::Limited(_) => "limited",
        ActivateError::Authentication(AuthenticationError::Rejected) => "invalid-credentials",
        ActivateError::AlreadyActive | ActivateError::CodeUsed => "already-active",
        ActivateError::CodeInvalid { .. } | ActivateError::CodeNotMailed => "code-invalid",
        ActivateError::CodeExpired => "code-expired",
        ActivateError::AttemptsExhausted | ActivateError::GuessesExhausted { .. } => "too-many-attempts",
        ActivateError::Authentication(_)
        | ActivateError::Repository(_)
        | ActivateError::CodeStore(_)
        | ActivateError::GuessBudget(_) => "unavailable",
        ActivateError::CutShort(_) => "internal-error",
    }
}
