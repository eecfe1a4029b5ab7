//! Why an account was not activated.

use std::error::Error;
use std::time::Duration;

use domain::ports::{BudgetError, CodeStoreError, RepositoryError};
use domain::{ErrorChain, UnknownCodeKey};

use super::authenticate::AuthenticationError;
use crate::limits::LimitExceeded;

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
    /// The client has used up its wrong guesses across all codes.
    #[error(transparent)]
    ClientExhausted(LimitExceeded),
    /// Address, password or code were not accepted; which of them is concealed.
    #[error("the address, the password or the code was not accepted")]
    Concealed,
    /// The user could not be read or stored.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The code store did not answer before anybody's code was looked at.
    #[error(transparent)]
    CodeStoreDown(CodeStoreError),
    /// Attempts could not be counted.
    #[error(transparent)]
    CodeStore(#[from] CodeStoreError),
    /// The code was derived with a key that is not at hand.
    #[error(transparent)]
    UnknownKey(#[from] UnknownCodeKey),
    /// Guesses could not be counted.
    #[error(transparent)]
    Budget(#[from] BudgetError),
    /// The task that completes an activation was aborted or panicked.
    #[error("the activation was cut short")]
    CutShort(#[from] tokio::task::JoinError),
}

impl ActivateError {
    /// The error as everybody may see it. What happens to all alike, and what only the owner of an
    /// account or of its code can see, remains as it is; everything else becomes one refusal. A
    /// store that fails after it has answered is part of that, and so is a key that is not at hand:
    /// only a claim of one's own gets as far.
    pub(super) fn conceal(self) -> Self {
        match &self {
            Self::CodeStore(CodeStoreError(cause)) | Self::Budget(BudgetError(cause)) => {
                conceal_unavailable(&**cause)
            }
            Self::UnknownKey(error) => conceal_unavailable(error),
            Self::Authentication(AuthenticationError::Rejected)
            | Self::CodeUsed
            | Self::CodeInvalid { .. }
            | Self::CodeNotMailed
            | Self::CodeExpired
            | Self::AttemptsExhausted
            | Self::GuessesExhausted { .. } => Self::Concealed,
            Self::Limited(_)
            | Self::ClientExhausted(_)
            | Self::Authentication(_)
            | Self::AlreadyActive
            | Self::Concealed
            | Self::Repository(_)
            | Self::CodeStoreDown(_)
            | Self::CutShort(_) => self,
        }
    }

    /// The outcome for metrics and logs, out of a fixed set.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Limited(_) => "limited",
            Self::Authentication(AuthenticationError::Rejected) | Self::Concealed => {
                "invalid-credentials"
            }
            Self::AlreadyActive | Self::CodeUsed => "already-active",
            Self::CodeInvalid { .. } | Self::CodeNotMailed => "code-invalid",
            Self::CodeExpired => "code-expired",
            Self::AttemptsExhausted | Self::GuessesExhausted { .. } | Self::ClientExhausted(_) => {
                "too-many-attempts"
            }
            Self::Authentication(_)
            | Self::Repository(_)
            | Self::CodeStoreDown(_)
            | Self::CodeStore(_)
            | Self::UnknownKey(_)
            | Self::Budget(_) => "unavailable",
            Self::CutShort(_) => "internal-error",
        }
    }
}

/// The answer tells nothing, but the log does.
fn conceal_unavailable(cause: &(dyn Error + 'static)) -> ActivateError {
    let error = ErrorChain(cause);
    tracing::error!(event = "dependency.unavailable", %error, "a dependency of a request is unavailable");
    ActivateError::Concealed
}
