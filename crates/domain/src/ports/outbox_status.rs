//! What an operator can learn about the outbox.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::outbox::OutboxError;

/// Looks into the outbox and changes nothing.
#[async_trait]
pub trait OutboxMonitor: Send + Sync {
    /// How many events there are, and in which state.
    async fn status(&self) -> Result<OutboxStatus, OutboxError>;
}

/// The events in the outbox. Each is part of the depth, buried, or of an unknown type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OutboxStatus {
    /// How many events wait for their delivery.
    pub depth: u64,
    /// How long ago the oldest of the waiting events was recorded.
    pub oldest_age: Option<Duration>,
    /// The waiting events that are not due: a relay has claimed them, or has deferred them after a
    /// failure.
    pub leased: u64,
    /// Events that were set aside because they can never be delivered.
    pub buried: u64,
    /// Events that are left for a newer version, by type.
    pub unknown: BTreeMap<String, u64>,
}
