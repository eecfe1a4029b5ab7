//! How events get from the outbox to their handler: at least once, in any order.

use async_trait::async_trait;

use super::source::Source;
use crate::event::Event;

/// Delivers events, or hands them to a broker that will.
#[async_trait]
pub trait EventPublisher: Send + Sync {
    /// Publishes each event; the results are in the order of the events. `Ok` means that the
    /// receiver has taken over responsibility for the event.
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>>;

    /// Whether events can be delivered now: what the last delivery has shown. If it has failed, or
    /// there was none, tries it.
    async fn ping(&self) -> Result<(), PublishError>;

    /// Asked after a failed delivery: whether one more event is worth a try. Says no for a while
    /// after each failure, longer each time.
    async fn probe(&self) -> Result<(), PublishError> {
        self.ping().await
    }
}

/// Why an event was not published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// No event can be delivered for now: try again later.
    #[error("events cannot be delivered for now")]
    Unavailable(#[source] Source),
    /// This event cannot be delivered for now, but others may be: try it again later.
    #[error("the event cannot be delivered for now")]
    Deferred(#[source] Source),
    /// The event can never be delivered: retrying is useless.
    #[error("the event cannot be delivered")]
    Rejected(#[source] Source),
}

/// Handles events. Must tolerate duplicates.
#[async_trait]
pub trait EventHandler: Send + Sync {
    /// Returns `Ok` when nothing is left to do for the event.
    async fn handle(&self, event: &Event) -> Result<(), HandleError>;
}

/// Why an event was not handled.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// Deliver it again later.
    #[error("the event cannot be handled for now")]
    Transient(#[source] Source),
    /// Set it aside: delivering it again is useless.
    #[error("the event cannot be handled")]
    Permanent(#[source] Source),
}
