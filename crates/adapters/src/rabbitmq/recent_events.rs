//! Events that this worker has dealt with. One whose acknowledgement was lost with a connection, or that was published
//! twice, comes again; it must not be dealt with twice, for its mail is on its way.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use domain::EventId;

/// Many times what can be on its way over one connection.
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
