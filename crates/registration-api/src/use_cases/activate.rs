//! Activates an account when its code comes back in time.
//!
//! An attempt is spent before anything is compared, so parallel guesses cannot exceed the allowed
//! number (OWASP ASVS 6.6.3), and a code is consumed in one atomic step, so it works once (6.5.1).
//!
//! In conceal mode there is one refusal for everybody but the owner of an active account: who may
//! register any address with a password of its own must not learn by its guesses whether the
//! address was free.

use std::sync::Arc;

use domain::ports::{
    Allowance, Attempt, Budget, BudgetKey, BudgetKind, CodeStore, Consumption, IdSource,
    RepositoryError, SaveError, Spending,
};
use domain::{
    CodeIssue, CodeKeys, CodeLength, EmailAddress, ErrorChain, SubmittedCode, TraceParent, User,
    UserId, UserStatus,
};
use tokio::time::Instant;

use super::activate_error::ActivateError;
use super::authenticate::{AuthenticationError, Authenticator, Credentials};
use super::concealment::{ExistingAccount, wait_for_full_step};
use super::event_envelopes::take_events;
use crate::limits::{Action, RequestLimits};
use crate::metrics::{WRONG_GUESSES, count_activation};

/// An account that has just become active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activated {
    /// The user it belongs to.
    pub user_id: UserId,
    /// Its address, as it was registered.
    pub email: EmailAddress,
}

/// The use case, with the ports that it needs.
#[derive(Clone)]
pub struct Activate {
    /// Verifies passwords.
    pub authenticator: Authenticator,
    /// The windows in which codes are valid.
    pub codes: Arc<dyn CodeStore>,
    /// The guesses left per address.
    pub guesses: Arc<dyn Budget>,
    /// How many guesses an address gets.
    pub guess_allowance: Allowance,
    /// The keys that codes are derived with.
    pub code_keys: Arc<CodeKeys>,
    /// How many digits a code has of which nothing else is recorded.
    pub code_length: CodeLength,
    /// Generates identifiers.
    pub ids: Arc<dyn IdSource>,
    /// What a refusal reveals.
    pub existing_account: ExistingAccount,
}

impl Activate {
    /// Activates the account of `credentials` if `guess` is its code.
    pub async fn execute(
        &self,
        credentials: &Credentials,
        guess: &SubmittedCode,
        trace: TraceParent,
        limits: &RequestLimits,
    ) -> Result<Activated, ActivateError> {
        let authenticated = self.authenticate(credentials, limits).await;
        let started = Instant::now();
        let checked = self.check(authenticated, guess, limits).await;
        let result = match checked {
            // In a task of its own: if the client disconnects now, the code must not stay used with
            // the user still pending.
            Ok(user) => spans::spawn(self.clone().finish(user, trace)).await?,
            Err(error) => Err(error),
        };
        report(credentials, &result);
        match self.existing_account {
            ExistingAccount::Reveal => result,
            ExistingAccount::Conceal => {
                wait_for_full_step(started).await;
                result.map_err(ActivateError::conceal)
            }
        }
    }

    async fn authenticate(
        &self,
        credentials: &Credentials,
        limits: &RequestLimits,
    ) -> Result<User, ActivateError> {
        limits.check_address(Action::Activate, &credentials.email).await?;
        if self.existing_account == ExistingAccount::Conceal {
            // Whoever asks: otherwise only guesses at a claim of one's own would fail without the
            // store.
            self.codes.ping().await.map_err(ActivateError::CodeStoreDown)?;
        }
        Ok(self.authenticator.authenticate(credentials).await?)
    }

    /// Compares the guess of a client that knows the password, and counts a wrong one for the
    /// client. In conceal mode every refusal counts, whoever asks: otherwise what a client has left
    /// would tell it whose password was right.
    async fn check(
        &self,
        authenticated: Result<User, ActivateError>,
        guess: &SubmittedCode,
        limits: &RequestLimits,
    ) -> Result<User, ActivateError> {
        let conceals = self.existing_account == ExistingAccount::Conceal;
        match &authenticated {
            Ok(user) if user.is_active() => return Err(ActivateError::AlreadyActive),
            Ok(_) => {}
            Err(ActivateError::Authentication(AuthenticationError::Rejected)) if conceals => {}
            Err(_) => return authenticated,
        }
        let spent = limits.spend_guess().await.map_err(ActivateError::ClientExhausted)?;
        let checked = match authenticated {
            Ok(user) => self.compare(&user, guess).await.map(|()| user),
            rejected => rejected,
        };
        let counts = match &checked {
            Ok(_) => false,
            Err(ActivateError::CodeInvalid { .. }) => true,
            Err(_) => conceals,
        };
        if !counts {
            spent.give_back().await;
        }
        checked
    }

    /// Spends an attempt and a guess, then compares.
    async fn compare(&self, user: &User, guess: &SubmittedCode) -> Result<(), ActivateError> {
        let (left, derivation) = match self.codes.spend_attempt(user.issue()).await? {
            Attempt::Spent { left, derivation } => (left, derivation),
            Attempt::Exhausted => return Err(ActivateError::AttemptsExhausted),
            Attempt::Consumed => return Err(ActivateError::CodeUsed),
            Attempt::Expired | Attempt::Unknown => {
                return Err(match user.status() {
                    UserStatus::Pending { code_mailed: false } => ActivateError::CodeNotMailed,
                    _ => ActivateError::CodeExpired,
                });
            }
        };
        let derivation = derivation.unwrap_or_else(|| self.code_keys.derivation(self.code_length));
        let code = self.code_keys.derive(user.issue(), derivation)?;
        let key = BudgetKey { kind: BudgetKind::Guesses, subject: user.guess_budget() };
        let spending = self.guesses.spend(&key, &[self.guess_allowance]).await?;
        if let Spending::Refused { retry_after } = spending {
            return Err(ActivateError::GuessesExhausted { retry_after });
        }
        if code.matches(guess.digits()) {
            Ok(())
        } else {
            metrics::counter!(WRONG_GUESSES).increment(1);
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

fn report(credentials: &Credentials, result: &Result<Activated, ActivateError>) {
    let address = credentials.email.masked();
    let outcome = match result {
        Ok(done) => {
            tracing::info!(event = "user.activated", user_id = %done.user_id, address, "activated");
            "activated"
        }
        Err(error) => {
            let outcome = error.outcome();
            tracing::info!(event = "activation.failed", outcome, address, "not activated");
            outcome
        }
    };
    count_activation(outcome);
}
