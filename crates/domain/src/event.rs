//! What happened to a user, as other parts of the system are told. Events carry identifiers only:
//! no address, no password, no code.

use uuid::Uuid;

use crate::{CodeIssue, UserId};

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

/// A W3C Trace Context `traceparent`, version 00: which request something belongs to.
///
/// ```
/// use domain::{TraceParent, TraceParentError};
///
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let trace: TraceParent = header.parse()?;
/// assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert_eq!(trace.to_string(), header);
/// assert_eq!("request 17".parse::<TraceParent>(), Err(TraceParentError));
/// # Ok::<(), TraceParentError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

/// Not a `traceparent` of version 00 with identifiers that are not zero.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a W3C traceparent")]
pub struct TraceParentError;

impl TraceParent {
    /// A trace that starts here, named after a random identifier.
    pub fn start(id: Uuid) -> Self {
        let (_, low) = id.as_u64_pair();
        Self { trace_id: id.as_u128(), span_id: low, flags: 0 }
    }

    /// The trace identifier, as logs show it: 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

impl std::str::FromStr for TraceParent {
    type Err = TraceParentError;

    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        let is_lower_hex = |part: &str, length| {
            part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let parts: Vec<&str> = text.split('-').collect();
        let [version, trace_id, span_id, flags] = parts[..] else { return Err(TraceParentError) };
        let well_formed = version == "00"
            && is_lower_hex(trace_id, 32)
            && is_lower_hex(span_id, 16)
            && is_lower_hex(flags, 2);
        if !well_formed {
            return Err(TraceParentError);
        }
        let parsed = Self {
            trace_id: u128::from_str_radix(trace_id, 16).map_err(|_| TraceParentError)?,
            span_id: u64::from_str_radix(span_id, 16).map_err(|_| TraceParentError)?,
            flags: u8::from_str_radix(flags, 16).map_err(|_| TraceParentError)?,
        };
        if parsed.trace_id == 0 || parsed.span_id == 0 {
            return Err(TraceParentError);
        }
        Ok(parsed)
    }
}

impl std::fmt::Display for TraceParent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn traceparent_survives_the_journey() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parsed: TraceParent = text.parse().unwrap();
        assert_eq!(parsed.to_string(), text);
        assert_eq!(parsed.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn anything_else_is_no_traceparent() {
        for text in [
            "",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(text.parse::<TraceParent>(), Err(TraceParentError), "{text}");
        }
    }
}
