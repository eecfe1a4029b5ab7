//! What runs behind the requests: a relay and a purge that find nothing to do.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{EventPublisher, Outbox, OutboxEntry, OutboxError, PublishError, PurgeAges};
use domain::{Event, EventId};
use registration_api::outbox_relay::{Destination, OutboxRelay, RelayOptions};
use registration_api::purge::PurgeOptions;

pub(crate) struct EmptyOutbox;

#[async_trait]
impl Outbox for EmptyOutbox {
    async fn count_unknown(&self) -> Result<u64, OutboxError> {
        Ok(0)
    }

    async fn claim(&self, _: u32, _: Duration) -> Result<Vec<OutboxEntry>, OutboxError> {
        Ok(Vec::new())
    }

    async fn delete(&self, _: &[EventId]) -> Result<(), OutboxError> {
        Ok(())
    }

    async fn defer(&self, _: EventId, _: Duration) -> Result<(), OutboxError> {
        Ok(())
    }

    async fn bury(&self, _: EventId, _: &str) -> Result<(), OutboxError> {
        Ok(())
    }
}

struct NoBus;

#[async_trait]
impl EventPublisher for NoBus {
    async fn publish(&self, _: &[Event]) -> Vec<Result<(), PublishError>> {
        Vec::new()
    }

    async fn ping(&self) -> Result<(), PublishError> {
        Ok(())
    }
}

/// A relay that looks at this outbox all the time and has no bus.
pub(crate) fn relay_of(outbox: Arc<dyn Outbox>) -> OutboxRelay {
    let options = RelayOptions {
        destination: Destination::Bus,
        batch_size: 1,
        batches_in_flight: 1,
        lease: Duration::from_secs(5),
        poll_interval: Duration::from_millis(20),
        first_retry: Duration::from_millis(10),
        max_retry: Duration::from_millis(80),
        drain_timeout: Duration::from_secs(5),
    };
    OutboxRelay::new(outbox, Arc::new(NoBus), options)
}

/// A purge all the time.
pub(crate) fn busy_purge() -> PurgeOptions {
    let hour = Duration::from_hours(1);
    let ages = PurgeAges { mailed: hour, unmailed: hour };
    PurgeOptions { ages, interval: Duration::from_millis(20), batch: 1 }
}
