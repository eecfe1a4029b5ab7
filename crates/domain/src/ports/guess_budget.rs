//! How often codes of one address may be guessed, however many codes are requested.

use std::time::Duration;

use async_trait::async_trait;

use super::source::Source;
use crate::email_address::EmailAddress;

/// Counts guesses per address (case-insensitively) in a sliding period. One atomic step.
#[async_trait]
pub trait GuessBudget: Send + Sync {
    /// Counts a guess before it is compared. In any span of `allowance.period`, at most
    /// `allowance.guesses` calls for one address get [`Guess::Allowed`].
    async fn spend_guess(
        &self,
        address: &EmailAddress,
        allowance: GuessAllowance,
    ) -> Result<Guess, GuessBudgetError>;
}

/// The size of the budget: 20 guesses per 24 hours by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuessAllowance {
    /// How many guesses are allowed per period; at least 1.
    pub guesses: u32,
    /// How long a guess counts.
    pub period: Duration,
}

/// The result of spending a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// Counted: the code may be compared now, once.
    Allowed,
    /// The budget is used up.
    Refused {
        /// How long until the oldest guess stops counting.
        retry_after: Duration,
    },
}

/// The budget did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the guess budget is unavailable")]
pub struct GuessBudgetError(#[source] pub Source);
