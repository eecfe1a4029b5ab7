//! Turns the errors of ports, credentials and limits into problems. Causes are logged here, once,
//! and go no further.

use std::error::Error;
use std::time::Duration;

use domain::ports::{
    BreachCheckError, BudgetError, CodeStoreError, HashError, HookError, RepositoryError,
};
use domain::{ErrorChain, UnknownCodeKey};
use tokio::task::JoinError;

use super::problem::Problem;
use super::problem_kind::ProblemKind;
use crate::limits::LimitExceeded;
use crate::metrics::PASSWORD_HASH_REFUSALS;
use crate::use_cases::AuthenticationError;

/// How long a client should wait when a dependency is unavailable.
const OUTAGE_RETRY: Duration = Duration::from_secs(5);

impl From<LimitExceeded> for Problem {
    fn from(limit: LimitExceeded) -> Self {
        Self::new(ProblemKind::RateLimited).retry_after(limit.retry_after)
    }
}

impl From<AuthenticationError> for Problem {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::Rejected => Self::invalid_credentials(),
            AuthenticationError::Hashing(error) => error.into(),
            AuthenticationError::Repository(error) => error.into(),
        }
    }
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded { retry_after } => {
                metrics::counter!(PASSWORD_HASH_REFUSALS).increment(1);
                Self::new(ProblemKind::Overloaded).retry_after(retry_after)
            }
            HashError::Unavailable => answer_unavailable(&error),
            HashError::Damaged => answer_internal_error(&error),
        }
    }
}

impl From<RepositoryError> for Problem {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::Unavailable(_) => answer_unavailable(&error),
            RepositoryError::Damaged(_) => answer_internal_error(&error),
        }
    }
}

impl From<CodeStoreError> for Problem {
    fn from(error: CodeStoreError) -> Self {
        answer_unavailable(&error)
    }
}

/// The settings of the services differ: with the same keys everywhere the code can be compared
/// again.
impl From<UnknownCodeKey> for Problem {
    fn from(error: UnknownCodeKey) -> Self {
        answer_unavailable(&error)
    }
}

impl From<BudgetError> for Problem {
    fn from(error: BudgetError) -> Self {
        answer_unavailable(&error)
    }
}

impl From<BreachCheckError> for Problem {
    fn from(error: BreachCheckError) -> Self {
        answer_unavailable(&error)
    }
}

impl From<HookError> for Problem {
    fn from(error: HookError) -> Self {
        answer_unavailable(&error)
    }
}

impl From<JoinError> for Problem {
    fn from(error: JoinError) -> Self {
        answer_internal_error(&error)
    }
}

fn answer_unavailable(error: &(dyn Error + 'static)) -> Problem {
    let error = ErrorChain(error);
    tracing::error!(event = "dependency.unavailable", %error, "a dependency of a request is unavailable");
    Problem::new(ProblemKind::Unavailable).retry_after(OUTAGE_RETRY)
}

pub(super) fn answer_internal_error(error: &(dyn Error + 'static)) -> Problem {
    tracing::error!(event = "request.internal_error", error = %ErrorChain(error), "a request failed");
    Problem::new(ProblemKind::InternalError)
}
