//! Wraps user events in their envelopes.

use domain::ports::IdSource;
use domain::{Event, EventId, TraceParent, User, UserEvent};

/// Wraps one event in its envelope.
pub(super) fn wrap_event(ids: &dyn IdSource, trace: TraceParent, kind: UserEvent) -> Event {
    Event { id: EventId::from_uuid(ids.next_id()), trace, kind }
}

/// Takes the events that a user has recorded, in their envelopes.
pub(super) fn take_events(ids: &dyn IdSource, trace: TraceParent, user: &mut User) -> Vec<Event> {
    user.take_events().into_iter().map(|kind| wrap_event(ids, trace, kind)).collect()
}
