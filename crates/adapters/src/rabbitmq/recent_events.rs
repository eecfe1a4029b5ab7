//! Events that this worker has handled. An event whose acknowledgement was lost with a connection,
//! or that was published twice, is delivered again; it must not be handled twice, because its mail
//! has already been sent.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use domain::EventId;

/// Many times what can be in flight over one connection.
const CAPACITY: usize = 1_000;

#[derive(Default)]
pub(super) struct RecentEvents(Mutex<VecDeque<EventId>>);

impl RecentEvents {
    pub(super) fn remember(&self, event: EventId) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() == CAPACITY {
            events.pop_front();
        }
        events.push_back(event);
    }

    pub(super) fn contains(&self, event: EventId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&event)
    }
}
