//! What the service does for its users, one module an operation, free of HTTP.
//!
//! Each operation has its own error enum, which says what the user did wrong and which port failed. No text in
//! here may contain a password, a code or a full address.

mod activate;
mod authenticate;
mod register;
mod resend_code;

pub use activate::{Activate, ActivateError, Activated};
pub use authenticate::{AuthenticationError, Authenticator, Credentials};
pub use register::{ExistingAccount, Register, RegisterError, Registered};
pub use resend_code::{ResendCode, ResendCodeError};

use domain::ports::IdSource;
use domain::{Event, EventId, TraceParent, User, UserEvent};

/// Puts what happened into its envelope.
fn event(ids: &dyn IdSource, trace: TraceParent, kind: UserEvent) -> Event {
    Event { id: EventId::from_uuid(ids.next_id()), trace, kind }
}

/// The events that a user has recorded, in their envelopes.
fn recorded_events(ids: &dyn IdSource, trace: TraceParent, user: &mut User) -> Vec<Event> {
    user.take_events().into_iter().map(|kind| event(ids, trace, kind)).collect()
}
