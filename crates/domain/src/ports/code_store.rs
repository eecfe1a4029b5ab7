//! The one-minute windows in which a code is valid.

use std::time::Duration;

use async_trait::async_trait;

use super::source::Source;
use crate::code::CodeIssue;

/// Keeps one window per registration, by user id: which code is current, how many attempts are left
/// and when it ends by the store's own clock. Every operation is one atomic step. Holds no code.
///
/// A window is remembered for a day after it was last opened, so that reopening a code does not
/// give it fresh attempts.
#[async_trait]
pub trait CodeStore: Send + Sync {
    /// Opens the window of a code for `window` from now. A known code gets the whole window again
    /// and keeps its remaining attempts; a greater number replaces a smaller one.
    async fn open(
        &self,
        issue: CodeIssue,
        window: Duration,
        attempts: u32,
    ) -> Result<Opening, CodeStoreError>;

    /// Counts one attempt against the code, before anything is compared.
    async fn spend_attempt(&self, issue: CodeIssue) -> Result<Attempt, CodeStoreError>;

    /// Uses the code up. Of any number of calls, exactly one gets [`Consumption::Won`].
    async fn consume(&self, issue: CodeIssue) -> Result<Consumption, CodeStoreError>;

    /// Undoes a consumption, for a winner that could not finish the activation. The window keeps
    /// its end and its attempts. Does nothing when the code was not consumed.
    async fn release(&self, issue: CodeIssue) -> Result<(), CodeStoreError>;

    /// Whether the store takes writes.
    async fn ping(&self) -> Result<(), CodeStoreError>;
}

/// The result of opening a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// The window is open.
    Opened,
    /// A later code of the same registration is known: this one is no longer valid.
    Superseded,
    /// The code has been used.
    Consumed,
}

/// The result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Counted: the code may be compared now, once.
    Spent {
        /// How many attempts remain after this one.
        left: u32,
    },
    /// Every attempt has been spent. Nothing may be compared.
    Exhausted,
    /// The window has run out.
    Expired,
    /// The code has been used.
    Consumed,
    /// The store knows no such code: never opened, superseded, or forgotten.
    Unknown,
}

/// The result of using a code up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumption {
    /// This call, and no other, used the code.
    Won,
    /// Another call was first.
    AlreadyConsumed,
    /// The window ran out, or the code was superseded or forgotten, before the call.
    Gone,
}

/// The store did not answer.
#[derive(Debug, thiserror::Error)]
#[error("the code store is unavailable")]
pub struct CodeStoreError(#[source] pub Source);
