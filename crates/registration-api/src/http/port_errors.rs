//! What a client reads when an operation fails. Causes are logged here, once, and go no further.

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use domain::ports::{HashError, RepositoryError};

use super::problem::{FieldError, Problem};
use super::problem_kind::ProblemKind;
use crate::limits::LimitExceeded;
use crate::password_policy::PasswordRefused;
use crate::use_cases::{ActivateError, AuthenticationError, RegisterError, ResendCodeError};
use domain::ErrorChain;

/// When it is worth trying again after a store did not answer.
const OUTAGE_RETRY: Duration = Duration::from_secs(5);

impl From<LimitExceeded> for Problem {
    fn from(limit: LimitExceeded) -> Self {
        Self::rate_limited(&limit)
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Limited(limit) => limit.into(),
            RegisterError::EmailTaken => Self::new(ProblemKind::EmailTaken),
            RegisterError::Password(refused) => refused.into(),
            RegisterError::Hashing(error) => error.into(),
            RegisterError::Repository(error) => error.into(),
        }
    }
}

impl From<PasswordRefused> for Problem {
    fn from(refused: PasswordRefused) -> Self {
        let code = match &refused {
            PasswordRefused::Common => "password-common",
            PasswordRefused::Breached => "password-breached",
            PasswordRefused::Unchecked(error) => return unavailable(error),
        };
        Self::validation_failed(vec![FieldError { pointer: "/password", code, detail: refused.to_string() }])
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

impl From<ResendCodeError> for Problem {
    fn from(error: ResendCodeError) -> Self {
        match error {
            ResendCodeError::Limited(limit) => limit.into(),
            ResendCodeError::Authentication(error) => error.into(),
            ResendCodeError::AlreadyActive => Self::new(ProblemKind::AlreadyActive),
            ResendCodeError::Repository(error) => error.into(),
        }
    }
}

impl Problem {
    /// What a failed activation is answered with. `code_window` is when a code that was tried too often is
    /// dead in any case.
    pub(crate) fn of_activation(error: ActivateError, code_window: Duration) -> Self {
        match error {
            ActivateError::Limited(limit) => limit.into(),
            ActivateError::Authentication(error) => error.into(),
            ActivateError::AlreadyActive => Self::new(ProblemKind::AlreadyActive),
            ActivateError::CodeUsed => Self::with_detail(
                ProblemKind::AlreadyActive,
                "The code has already been used. Should the account not be active in a moment, ask for another.",
            ),
            ActivateError::CodeInvalid { attempts_left } => {
                Self::with_detail(ProblemKind::CodeInvalid, wrong_code(attempts_left))
            }
            ActivateError::CodeNotMailed => {
                Self::with_detail(ProblemKind::CodeInvalid, "The mail with the code is still on its way.")
            }
            ActivateError::CodeExpired => Self::new(ProblemKind::CodeExpired),
            ActivateError::AttemptsExhausted => {
                let detail = "The code was tried too often and is worth nothing now. Ask for another one.";
                Self::with_detail(ProblemKind::TooManyAttempts, detail).retry_after(code_window)
            }
            ActivateError::GuessesExhausted { retry_after } => {
                let detail = "Codes of this address were guessed too often. Wait before the next one.";
                Self::with_detail(ProblemKind::TooManyAttempts, detail).retry_after(retry_after)
            }
            ActivateError::Repository(error) => error.into(),
            ActivateError::CodeStore(error) => unavailable(&error),
            ActivateError::CutShort(error) => internal_error(&error),
        }
    }
}

fn wrong_code(attempts_left: Option<u32>) -> Cow<'static, str> {
    match attempts_left {
        None => "The code is wrong: a newer one was asked for.".into(),
        Some(0) => "The code is wrong. It cannot be tried again: ask for another one.".into(),
        Some(1) => "The code is wrong. It can be tried once more.".into(),
        Some(left) => format!("The code is wrong. It can be tried {left} more times.").into(),
    }
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded { retry_after } => {
                metrics::counter!("password_hashing_overloads_total").increment(1);
                Self::new(ProblemKind::Overloaded).retry_after(retry_after)
            }
            HashError::Unavailable => unavailable(&error),
            HashError::Damaged => internal_error(&error),
        }
    }
}

impl From<RepositoryError> for Problem {
    fn from(error: RepositoryError) -> Self {
        match error {
            RepositoryError::Unavailable(_) => unavailable(&error),
            RepositoryError::Damaged(_) => internal_error(&error),
        }
    }
}

fn unavailable(error: &(dyn Error + 'static)) -> Problem {
    tracing::error!(event = "dependency.unavailable", error = %ErrorChain(error), "a request is not served");
    Problem::new(ProblemKind::Unavailable).retry_after(OUTAGE_RETRY)
}

fn internal_error(error: &(dyn Error + 'static)) -> Problem {
    tracing::error!(event = "internal_error", error = %ErrorChain(error), "a request failed");
    Problem::new(ProblemKind::InternalError)
}
