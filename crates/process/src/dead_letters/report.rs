//! What a command prints, and how it ends.

use std::collections::HashSet;
use std::ops::ControlFlow;

use domain::EventId;
use domain::ports::DeadLetter;

use super::layout::Layout;
use crate::error::StartError;
use crate::output::print;

pub(super) struct Report {
    layout: Layout,
    limit: Option<u64>,
    count: u64,
    /// The identifiers that were asked for and have not come up.
    missing: HashSet<EventId>,
    /// Whether it was ended before it was complete.
    is_cut_short: bool,
    failure: Option<StartError>,
}

/// No event with these identifiers was among the selected ones.
#[derive(Debug, thiserror::Error)]
#[error("no such dead letter: {}; `dead-letters list` shows which there are", .0.join(", "))]
struct NotFound(Vec<String>);

impl Report {
    /// A report on the events with these identifiers; on all if there are none.
    pub(super) fn new(layout: Layout, limit: Option<u64>, ids: &[EventId]) -> Self {
        let missing = ids.iter().copied().collect();
        Self { layout, limit, count: 0, missing, is_cut_short: false, failure: None }
    }

    /// How many events it has been told of.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Fails if something could not be printed, or was asked for and not found.
    pub(super) fn finish(self) -> Result<(), StartError> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if self.missing.is_empty() || self.is_cut_short {
            return Ok(());
        }
        let mut missing: Vec<_> = self.missing.iter().map(|id| id.as_uuid().to_string()).collect();
        missing.sort();
        Err(StartError::failed(NotFound(missing)))
    }

    /// Prints an event. Breaks off when enough were printed or nothing can be printed any more; a
    /// reader who has gone away ends only a list.
    pub(super) fn add(&mut self, letter: &DeadLetter, is_listing: bool) -> ControlFlow<()> {
        self.count += 1;
        if let Some(id) = &letter.id {
            self.missing.remove(id);
        }
        let is_wanted = match print(&self.layout.render(letter)) {
            Ok(is_read) => is_read || !is_listing,
            Err(error) => {
                self.failure = Some(error);
                false
            }
        };
        if is_wanted && self.limit.is_none_or(|limit| self.count < limit) {
            return ControlFlow::Continue(());
        }
        self.is_cut_short = true;
        ControlFlow::Break(())
    }
}
