//! Makes any task panic without a word of it in the task: at the line that it logs.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default, set_global_default};
use tracing::{Event, Metadata, Subscriber};

/// A log that panics the first time that an event is logged, on the thread that installs it, until
/// it is dropped. So a test with a task to break needs the current-thread runtime.
pub struct PanickingLog {
    panics: Arc<AtomicUsize>,
    _installed: DefaultGuard,
}

impl PanickingLog {
    /// Panics once at the event with this dotted name.
    pub fn at(event: &'static str) -> Self {
        // Where there is no other log, `tracing` asks the thread that logs a line first whether anybody
        // wants it, and remembers the answer for all threads: a test beside this one would say no.
        // If there is one already, it does as well.
        let _ = set_global_default(Log { event: "", panics: Arc::default() });
        let panics = Arc::<AtomicUsize>::default();
        let installed = set_default(Log { event, panics: panics.clone() });
        Self { panics, _installed: installed }
    }

    /// How often it has panicked: once, or never.
    pub fn panics(&self) -> usize {
        self.panics.load(Ordering::SeqCst)
    }
}

struct Log {
    event: &'static str,
    panics: Arc<AtomicUsize>,
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut is_it = IsIt { name: self.event, found: false };
        event.record(&mut is_it);
        let is_first = is_it.found && self.panics.swap(1, Ordering::SeqCst) == 0;
        assert!(!is_first, "the log panics at {}, as the test wants", self.event);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Whether an event has a name.
struct IsIt {
    name: &'static str,
    found: bool,
}

impl Visit for IsIt {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "event" && value == self.name {
            self.found = true;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
