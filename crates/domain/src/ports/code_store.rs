//! The one-minute windows in which a code is valid, and which mails were sent.

use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::source::Source;
use crate::code::CodeIssue;
use crate::code_keys::Derivation;
use crate::event::EventId;

/// How long a code store remembers a window after it was last opened, and a notice after its mail
/// was accepted.
pub const CODE_STORE_MEMORY: Duration = Duration::from_hours(24);

/// Keeps one window per registration, by user id: which code is current, how it is derived, how
/// many attempts are left and when it ends by the store's own clock. Also knows which mails are
/// being sent or were accepted, so that none is sent twice. Every operation is one atomic step.
/// Holds no code.
///
/// A window is remembered for a day after it was last opened, so that reopening a code does not
/// give it fresh attempts.
#[async_trait]
pub trait CodeStore: Send + Sync {
    /// Takes the lease to send a mail, from now until `lease` has passed, or renews it. While it
    /// lasts, nobody but this sender gets it.
    async fn lease_sending(
        &self,
        mail: MailKey,
        sender: Uuid,
        lease: Duration,
    ) -> Result<SendingLease, CodeStoreError>;

    /// Gives the lease back before it ends. Does nothing when the sender does not hold it.
    async fn release_sending(&self, mail: MailKey, sender: Uuid) -> Result<(), CodeStoreError>;

    /// Opens the window of a code, for its whole length from now. A known code keeps its derivation
    /// and its remaining attempts; a greater number replaces a smaller one. Once the window of a
    /// code was opened for [`MailState::Accepted`], it is left alone, and the answer is
    /// [`Opening::Accepted`].
    async fn open(
        &self,
        issue: CodeIssue,
        window: NewWindow,
        mail: MailState,
    ) -> Result<Opening, CodeStoreError>;

    /// Takes the lease to send the mail with a code, as [`Self::lease_sending`] does, and then opens
    /// its window for [`MailState::Unsent`]: two steps in this order, in one round trip where a
    /// store can do that. None if another sender holds the lease. The window may be open then all
    /// the same, which makes no difference: the other sender opens it too.
    async fn lease_and_open(
        &self,
        issue: CodeIssue,
        window: NewWindow,
        sender: Uuid,
        lease: Duration,
    ) -> Result<Option<Opening>, CodeStoreError> {
        match self.lease_sending(MailKey::Code(issue), sender, lease).await? {
            SendingLease::Held => self.open(issue, window, MailState::Unsent).await.map(Some),
            SendingLease::HeldByAnother => Ok(None),
        }
    }

    /// Remembers for a day that the mail server has accepted the mail of a notice.
    async fn mark_notice_accepted(&self, notice: EventId) -> Result<(), CodeStoreError>;

    /// Whether the mail of a notice is known to have been accepted.
    async fn is_notice_accepted(&self, notice: EventId) -> Result<bool, CodeStoreError>;

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

/// What identifies a mail at every attempt to send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MailKey {
    /// The mail with a code.
    Code(CodeIssue),
    /// The notice that an event asks for.
    Notice(EventId),
}

/// A window to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewWindow {
    /// How long the code counts.
    pub length: Duration,
    /// How many guesses a new code allows.
    pub attempts: u32,
    /// How the code is derived, if the store does not know.
    pub derivation: Derivation,
}

impl NewWindow {
    /// How long a store remembers the window from when it was opened last.
    pub fn memory(&self) -> Duration {
        self.length.max(CODE_STORE_MEMORY)
    }
}

/// Why a window is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailState {
    /// The mail with the code is about to be sent.
    Unsent,
    /// The mail server has just accepted it.
    Accepted,
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
