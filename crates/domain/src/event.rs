//! What happened to a user, as other parts of the system are told. Events carry identifiers only:
//! no address, no password, no code.

use uuid::Uuid;

use crate::code::CodeIssue;
use crate::trace_parent::TraceParent;
use crate::user_id::UserId;

/// Something that happened to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserEvent {
    /// An address was claimed; its first code is to be mailed.
    UserRegistered {
        /// The code to mail.
        issue: CodeIssue,
    },
    /// Another code was asked for; it is to be mailed.
    CodeRequested {
        /// The code to mail.
        issue: CodeIssue,
    },
    /// The code came back in time.
    UserActivated {
        /// Whose account is active now.
        user_id: UserId,
    },
    /// Somebody tried to register the address of an active account while registration conceals which
    /// addresses exist; the owner is to be told by mail.
    RegistrationRepeated {
        /// Whose address it was.
        user_id: UserId,
    },
}

impl UserEvent {
    /// Whom the event is about.
    pub fn user_id(&self) -> UserId {
        match self {
            Self::UserRegistered { issue } | Self::CodeRequested { issue } => issue.user_id,
            Self::UserActivated { user_id } | Self::RegistrationRepeated { user_id } => *user_id,
        }
    }

    /// Whether a mail has to follow, so that the event must not be published into the void.
    pub fn needs_mail(&self) -> bool {
        !matches!(self, Self::UserActivated { .. })
    }
}

/// Identifies an event (UUIDv7, RFC 9562): the same one at every delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Uuid);

impl EventId {
    /// Wraps an identifier made by [`crate::ports::IdSource`] or read from a store.
    pub fn from_uuid(id: Uuid) -> Self {
        Self(id)
    }

    /// The identifier itself. Its first 48 bits are when the event happened, in Unix milliseconds.
    pub fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

/// An event on its way: recorded with the change itself, delivered at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Tells deliveries of one event from deliveries of another.
    pub id: EventId,
    /// The request that caused it, so that one trace leads from it to the mail.
    pub trace: TraceParent,
    /// What happened.
    pub kind: UserEvent,
}
