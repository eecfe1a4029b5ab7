//! What happened to a user, for other parts of the system. Events carry identifiers only: no
//! address, no password, no code.

use std::time::Duration;

use uuid::Uuid;

use crate::code::CodeIssue;
use crate::trace_parent::TraceParent;
use crate::user_id::UserId;

/// Something that happened to a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserEvent {
    /// An address was claimed; its first code must be mailed.
    UserRegistered {
        /// The code to mail.
        issue: CodeIssue,
    },
    /// Another code was requested; it must be mailed.
    CodeRequested {
        /// The code to mail.
        issue: CodeIssue,
    },
    /// The account was activated with its code.
    UserActivated {
        /// The user whose account is active now.
        user_id: UserId,
    },
    /// Somebody tried to register the address of an active account while registration conceals
    /// which addresses exist; the owner must be told by mail.
    RegistrationRepeated {
        /// The user whose address it was.
        user_id: UserId,
    },
    /// The account was deleted.
    UserDeleted {
        /// The user that was deleted.
        user_id: UserId,
    },
}

const USER_REGISTERED: &str = "user.registered";
const CODE_REQUESTED: &str = "user.code_requested";
const USER_ACTIVATED: &str = "user.activated";
const REGISTRATION_REPEATED: &str = "user.registration_repeated";
const USER_DELETED: &str = "user.deleted";

/// Why a type name and identifiers are not an event.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum UserEventError {
    /// No event has this type.
    #[error("unknown event type {0:?}")]
    UnknownType(String),
    /// An event of this type is about a code, and the number of the code is missing.
    #[error("{0} needs the number of its code")]
    NoIssueNumber(&'static str),
}

impl UserEvent {
    /// The type names of all events of this version. A newer one may have more.
    pub const TYPES: [&'static str; 5] =
        [USER_REGISTERED, CODE_REQUESTED, USER_ACTIVATED, REGISTRATION_REPEATED, USER_DELETED];

    /// The type names of the events that [`Self::needs_mail`].
    pub const MAIL_TYPES: [&'static str; 3] =
        [USER_REGISTERED, CODE_REQUESTED, REGISTRATION_REPEATED];

    /// The event that [`Self::type_name`], [`Self::user_id`] and the number of [`Self::issue`]
    /// describe.
    ///
    /// ```
    /// # use domain::{UserEvent, UserId};
    /// # let user_id = UserId::from_uuid(uuid::Uuid::from_u128(7));
    /// let event = UserEvent::from_parts("user.registered", user_id, Some(1)).unwrap();
    /// assert_eq!(event.type_name(), "user.registered");
    /// assert!(UserEvent::from_parts("user.of_the_future", user_id, None).is_err());
    /// ```
    pub fn from_parts(
        type_name: &str,
        user_id: UserId,
        issue_number: Option<u32>,
    ) -> Result<Self, UserEventError> {
        let issue = |type_name| {
            let number = issue_number.ok_or(UserEventError::NoIssueNumber(type_name))?;
            Ok(CodeIssue { user_id, number })
        };
        match type_name {
            USER_REGISTERED => Ok(Self::UserRegistered { issue: issue(USER_REGISTERED)? }),
            CODE_REQUESTED => Ok(Self::CodeRequested { issue: issue(CODE_REQUESTED)? }),
            USER_ACTIVATED => Ok(Self::UserActivated { user_id }),
            REGISTRATION_REPEATED => Ok(Self::RegistrationRepeated { user_id }),
            USER_DELETED => Ok(Self::UserDeleted { user_id }),
            unknown => Err(UserEventError::UnknownType(unknown.to_owned())),
        }
    }

    /// The name of the event's type, as stores and messages hold it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::UserRegistered { .. } => USER_REGISTERED,
            Self::CodeRequested { .. } => CODE_REQUESTED,
            Self::UserActivated { .. } => USER_ACTIVATED,
            Self::RegistrationRepeated { .. } => REGISTRATION_REPEATED,
            Self::UserDeleted { .. } => USER_DELETED,
        }
    }

    /// The user that the event is about.
    pub fn user_id(&self) -> UserId {
        match self {
            Self::UserRegistered { issue } | Self::CodeRequested { issue } => issue.user_id,
            Self::UserActivated { user_id }
            | Self::RegistrationRepeated { user_id }
            | Self::UserDeleted { user_id } => *user_id,
        }
    }

    /// The code to mail, for the events that are about one.
    pub fn issue(&self) -> Option<CodeIssue> {
        match self {
            Self::UserRegistered { issue } | Self::CodeRequested { issue } => Some(*issue),
            Self::UserActivated { .. }
            | Self::RegistrationRepeated { .. }
            | Self::UserDeleted { .. } => None,
        }
    }

    /// Whether a mail must follow, so that the event must reach a queue.
    pub fn needs_mail(&self) -> bool {
        !matches!(self, Self::UserActivated { .. } | Self::UserDeleted { .. })
    }
}

/// Identifies an event (UUIDv7, RFC 9562): the same at every delivery.
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

    /// When the event happened, since the Unix epoch, to the millisecond. `None` if this is not a
    /// `UUIDv7`.
    pub fn happened_at(&self) -> Option<Duration> {
        let (high, _) = self.0.as_u64_pair();
        (self.0.get_version_num() == 7).then(|| Duration::from_millis(high >> 16))
    }
}

/// An event to deliver: recorded together with the change, delivered at least once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Identifies the event, so that duplicates can be recognised.
    pub id: EventId,
    /// The trace of the request that caused it, so that one trace leads from the request to the
    /// mail.
    pub trace: TraceParent,
    /// What happened.
    pub kind: UserEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_tells_when_its_event_happened() {
        let time = |text: &str| EventId::from_uuid(text.parse().unwrap()).happened_at();
        // The example of appendix A.6.
        assert_eq!(
            time("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"),
            Some(Duration::from_secs(1_645_557_742))
        );
        assert_eq!(time("919108f7-52d1-4320-9bac-f847db4148a8"), None);
    }

    #[test]
    fn every_event_is_described_by_its_parts() {
        let user_id = UserId::from_uuid(Uuid::from_u128(7));
        let issue = CodeIssue { user_id, number: u32::MAX };
        for event in [
            UserEvent::UserRegistered { issue },
            UserEvent::CodeRequested { issue },
            UserEvent::UserActivated { user_id },
            UserEvent::RegistrationRepeated { user_id },
            UserEvent::UserDeleted { user_id },
        ] {
            let number = event.issue().map(|issue| issue.number);
            assert_eq!(
                UserEvent::from_parts(event.type_name(), event.user_id(), number).as_ref(),
                Ok(&event)
            );
            assert!(UserEvent::TYPES.contains(&event.type_name()));
            assert_eq!(UserEvent::MAIL_TYPES.contains(&event.type_name()), event.needs_mail());
            let without_number = UserEvent::from_parts(event.type_name(), user_id, None);
            assert_eq!(without_number.is_err(), event.issue().is_some());
        }
        let unknown = UserEvent::from_parts("user.of_the_future", user_id, Some(1));
        assert_eq!(unknown, Err(UserEventError::UnknownType("user.of_the_future".into())));
    }
}
