//! The one-minute windows in which a code is valid.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::source::Source;
use crate::code::CodeIssue;
use crate::code_keys::Derivation;

/// Keeps one window per registration, by user id: which code is current, how it is derived, how
/// many attempts are left and when it ends by the store's own clock. Every operation is one atomic
/// step. Holds no code.
///
/// A window is remembered for a day after it was last opened, so that reopening a code does not
/// give it fresh attempts.
#[async_trait]
pub trait CodeStore: Send + Sync {
    /// Takes the lease to send a code's mail, from now until `lease` has passed, or renews it.
    /// While it lasts, nobody but this sender gets it.
    async fn lease_sending(
        &self,
        issue: CodeIssue,
        sender: Uuid,
        lease: Duration,
    ) -> Result<SendingLease, CodeStoreError>;

    /// Gives the lease back before it ends. Does nothing when the sender does not hold it.
    async fn release_sending(&self, issue: CodeIssue, sender: Uuid) -> Result<(), CodeStoreError>;

    /// Opens the window of a code for `window` from now. A known code gets the whole window again
    /// and keeps its derivation and its remaining attempts; a greater number replaces a smaller
    /// one. The window of a code whose mail was accepted is left alone.
    async fn open(
        &self,
        issue: CodeIssue,
        window: Duration,
        attempts: u32,
        derivation: Derivation,
    ) -> Result<Opening, CodeStoreError>;

    /// Opens the window as [`Self::open`] does and remembers that the mail server has accepted the
    /// code's mail: from then on [`Self::open`] answers [`Opening::Accepted`]. The derivation is
    /// that of the mailed code, for a store that has forgotten it since.
    async fn mark_accepted(
        &self,
        issue: CodeIssue,
        window: Duration,
        attempts: u32,
        derivation: Derivation,
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

/// The result of asking for the lease to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendingLease {
    /// The sender holds it.
    Held,
    /// Another sender holds it.
    HeldByAnother,
}

/// The result of opening a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// The window is open.
    Opened {
        /// How the code was derived when its window was first opened, and has to be now.
        derivation: Derivation,
    },
    /// The code's mail was accepted before, which started its window.
    Accepted {
        /// How long the window stays open; zero if it has run out.
        left: Duration,
    },
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
        /// How the code was derived; unknown if a worker of the previous version opened the window.
        derivation: Option<Derivation>,
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
