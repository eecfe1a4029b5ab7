//! The events that were set aside, and what an operator can do about them.

use std::ops::ControlFlow;
use std::time::SystemTime;

use async_trait::async_trait;

use super::source::Source;
use crate::event::EventId;

/// The events that were set aside. Any number of commands may work on them at once: nothing is lost,
/// and no event is replayed twice.
#[async_trait]
pub trait DeadLetters: Send + Sync {
    /// Does `action` to each selected event that is there at the start, the oldest first as far as
    /// the store keeps their order, and calls `visit` with it once that is done. Holds a bounded
    /// number of events in memory. Ends early when `visit` breaks off.
    async fn apply(
        &self,
        action: DeadLetterAction,
        selection: &DeadLetterSelection,
        visit: &mut DeadLetterVisitor<'_>,
    ) -> Result<(), DeadLetterError>;
}

/// Is told about one event after the other.
pub type DeadLetterVisitor<'a> = dyn FnMut(DeadLetter) -> ControlFlow<()> + Send + 'a;

/// What happens to the selected events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetterAction {
    /// They stay where they are.
    List,
    /// They are delivered again, as if they had never failed.
    Replay,
    /// They are deleted.
    Discard,
}

/// Which events are meant: those that meet every condition. The default selects all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeadLetterSelection {
    /// Its identifier is one of these, unless there are none.
    pub ids: Vec<EventId>,
    /// The reason contains this text.
    pub reason: Option<String>,
    /// It was set aside at this time or later.
    pub since: Option<SystemTime>,
}

/// An event that was set aside. Holds identifiers only: no address, no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The event's identifier. A message that is not an event may have none.
    pub id: Option<EventId>,
    /// The event's type, if there is one.
    pub kind: Option<String>,
    /// Why it was set aside.
    pub reason: String,
    /// When it was set aside. Earlier versions did not record that everywhere.
    pub failed_at: Option<SystemTime>,
    /// How often it had been tried by then, if that was recorded.
    pub attempts: Option<u64>,
    /// The event as it is stored.
    pub event: String,
}

impl DeadLetterSelection {
    /// Whether the event is meant. If it is not known when it was set aside, the time at which it
    /// happened counts: it cannot have been set aside earlier.
    pub fn includes(&self, letter: &DeadLetter) -> bool {
        let is_named = self.ids.is_empty() || letter.id.is_some_and(|id| self.ids.contains(&id));
        let has_reason = self.reason.as_ref().is_none_or(|text| letter.reason.contains(text));
        let happened_at = || Some(SystemTime::UNIX_EPOCH + letter.id?.happened_at()?);
        let is_recent = self.since.is_none_or(|since| {
            letter.failed_at.or_else(happened_at).is_some_and(|time| time >= since)
        });
        is_named && has_reason && is_recent
    }
}

/// The dead letters could not be read or moved.
#[derive(Debug, thiserror::Error)]
#[error("the dead letters are unavailable")]
pub struct DeadLetterError(#[source] pub Source);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use uuid::Uuid;

    use super::*;

    /// Happened at 1 s.
    fn letter(failed_at: Option<u64>) -> DeadLetter {
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, 1, 0));
        DeadLetter {
            id: Some(EventId::from_uuid(id)),
            kind: Some("user.registered".into()),
            reason: "refused: 550".into(),
            failed_at: failed_at.map(at),
            attempts: Some(1),
            event: String::new(),
        }
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn every_condition_has_to_be_met() {
        let letter = letter(Some(5));
        let ids = vec![letter.id.unwrap()];
        let others = vec![EventId::from_uuid(Uuid::nil())];
        let all = DeadLetterSelection::default();
        let exact = DeadLetterSelection { ids, reason: Some("550".into()), since: Some(at(5)) };
        for selection in [all, exact.clone()] {
            assert!(selection.includes(&letter), "{selection:?}");
        }
        for selection in [
            DeadLetterSelection { ids: others, ..exact.clone() },
            DeadLetterSelection { reason: Some("551".into()), ..exact.clone() },
            DeadLetterSelection { since: Some(at(6)), ..exact },
        ] {
            assert!(!selection.includes(&letter), "{selection:?}");
        }
    }

    #[test]
    fn an_event_without_a_time_of_failure_counts_from_when_it_happened() {
        let since =
            |seconds| DeadLetterSelection { since: Some(at(seconds)), ..Default::default() };
        assert!(since(1).includes(&letter(None)));
        assert!(!since(2).includes(&letter(None)));
        let anonymous = DeadLetter { id: None, ..letter(None) };
        assert!(!since(0).includes(&anonymous));
    }
}
