//! Dead letters as a test looks at them, and the contract that every implementation of the port
//! passes.

pub(crate) mod contract;

use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use domain::ports::{
    DeadLetter, DeadLetterAction, DeadLetterError, DeadLetterSelection, DeadLetters,
};
use domain::{Event, EventId, TraceParent, UserEvent, UserId};
use test_support::unique_id;

/// Where events are set aside, empty at the start.
#[async_trait(?Send)]
pub(crate) trait Shelf {
    /// What looks after them.
    fn letters(&self) -> &dyn DeadLetters;

    /// Sets events aside.
    async fn put(&self, entries: &[Entry]);

    /// Takes what is to be delivered now.
    async fn delivered(&self) -> Vec<EventId>;
}

/// An event that is set aside.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) event: Event,
    pub(crate) reason: &'static str,
    pub(crate) failed_at: SystemTime,
}

/// The nth entry fails n seconds after the first one.
pub(crate) fn failed_at(n: usize) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + n as u64)
}

/// That many entries in the order in which they happened; their reasons take turns.
pub(crate) fn entries(count: usize, reasons: &[&'static str]) -> Vec<Entry> {
    let mut ids: Vec<_> = (0..count).map(|_| unique_id()).collect();
    ids.sort();
    let entry = |(n, id)| Entry {
        event: Event {
            id: EventId::from_uuid(id),
            trace: TraceParent::start(id),
            kind: UserEvent::UserActivated { user_id: UserId::from_uuid(id) },
        },
        reason: reasons[n % reasons.len()],
        failed_at: failed_at(n),
    };
    ids.into_iter().enumerate().map(entry).collect()
}

/// The identifiers of those with this reason.
pub(crate) fn ids_with(entries: &[Entry], reason: &str) -> Vec<EventId> {
    entries.iter().filter(|entry| entry.reason == reason).map(|entry| entry.event.id).collect()
}

pub(crate) fn ids(letters: &[DeadLetter]) -> Vec<EventId> {
    letters.iter().filter_map(|letter| letter.id).collect()
}

/// Does it to the selected ones, and returns them.
pub(crate) async fn apply(
    letters: &dyn DeadLetters,
    action: DeadLetterAction,
    selection: &DeadLetterSelection,
) -> Result<Vec<DeadLetter>, DeadLetterError> {
    let mut visited = Vec::new();
    let mut visit = |letter| {
        visited.push(letter);
        ControlFlow::Continue(())
    };
    letters.apply(action, selection, &mut visit).await?;
    Ok(visited)
}

/// Does it to all of them, and returns them.
pub(crate) async fn act(letters: &dyn DeadLetters, action: DeadLetterAction) -> Vec<DeadLetter> {
    apply(letters, action, &DeadLetterSelection::default()).await.unwrap()
}

/// All of them.
pub(crate) async fn listed(letters: &dyn DeadLetters) -> Vec<DeadLetter> {
    act(letters, DeadLetterAction::List).await
}
