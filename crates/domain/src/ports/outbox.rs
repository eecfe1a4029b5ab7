//! Events that are recorded but not delivered yet.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::source::Source;
use crate::event::{Event, EventId};

/// The recorded events. [`super::UserRepository`] adds to it, in the transaction of the change
/// itself; the relay empties it. Any number of relays may work at once.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Claims up to `limit` due events, the longest due first, so that none waits forever behind
    /// others that keep failing. They are returned in the order in which they happened; no other
    /// relay gets them for `lease`. An event that is neither deleted nor deferred by then is due
    /// again: its relay has died. Events of types that this version does not know are left for a
    /// newer relay.
    async fn claim(&self, limit: u32, lease: Duration) -> Result<Vec<OutboxEntry>, OutboxError>;

    /// Waits until events are recorded in this process and says what to do about them. Of those that
    /// need no claim it returns up to `limit`. An outbox that nobody in this process writes to waits
    /// for ever.
    async fn recorded(&self, _limit: u32) -> Recorded {
        std::future::pending().await
    }

    /// Whether events are to be handed over at commit from now on. At first they are not.
    fn set_hand_over(&self, _wanted: bool) {}

    /// How many events wait whose type this version does not know.
    async fn count_unknown(&self) -> Result<u64, OutboxError>;

    /// Deletes events that have been delivered.
    async fn delete(&self, events: &[EventId]) -> Result<(), OutboxError>;

    /// Makes an event due again after `delay`.
    async fn defer(&self, event: EventId, delay: Duration) -> Result<(), OutboxError>;

    /// Sets an event aside that can never be delivered, with the reason. It stays until it is
    /// replayed.
    async fn bury(&self, event: EventId, reason: &str) -> Result<(), OutboxError>;
}

/// A claimed event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEntry {
    /// What to deliver.
    pub event: Event,
    /// How often it has been claimed, this time included.
    pub attempts: u32,
}

/// What was recorded in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// Events that were claimed for this process as they were recorded, so that the common path
    /// needs no claim. Each may be delivered until its lease ends.
    HandedOver(Vec<HandedOver>),
    /// Events that are to be claimed.
    Due,
}

/// An event that was claimed as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedOver {
    /// The event, on its first attempt.
    pub entry: OutboxEntry,
    /// From then on another relay may claim it.
    pub lease_ends: Instant,
}

/// Why the outbox could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the outbox is unavailable")]
pub struct OutboxError(#[source] pub Source);
