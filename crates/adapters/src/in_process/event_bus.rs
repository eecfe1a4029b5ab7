//! The event bus of a single process: publishing an event is handling it.
//!
//! Nothing is queued in memory. An event counts as published only once its handler has finished;
//! until then the outbox keeps it, so a crash loses nothing.

use std::sync::Arc;

use async_trait::async_trait;
use domain::Event;
use domain::ports::{EventHandler, EventPublisher, HandleError, PublishError};
use futures::future::join_all;
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::event_spans::{log_span, process_span, publish_span};

/// What traces call it, and where its events come from.
const SYSTEM: &str = "in_process";
const DESTINATION: &str = "email";

/// Hands each event that needs a mail to a handler, a bounded number at a time. A transient failure
/// is [`PublishError::Deferred`] and a permanent one [`PublishError::Rejected`], so that the outbox
/// relay defers or sets aside the event.
pub struct InProcessEventBus {
    handler: Arc<dyn EventHandler>,
    permits: Arc<Semaphore>,
}

impl InProcessEventBus {
    /// Handles up to `concurrency` events at once (at least one).
    pub fn new(handler: Arc<dyn EventHandler>, concurrency: usize) -> Self {
        Self { handler, permits: Arc::new(Semaphore::new(concurrency.max(1))) }
    }

    async fn deliver(&self, event: &Event) -> Result<(), PublishError> {
        if !event.kind.needs_mail() {
            return Ok(());
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|error| PublishError::Unavailable(error.into()))?;
        let (handler, event) = (self.handler.clone(), event.clone());
        // In its own task, so that a panic fails only this event. The task goes on even if the
        // caller stops waiting, so it owns the permit.
        let log_span = log_span(&event, 0);
        let handling = async move {
            let _permit = permit;
            process_span(&event, SYSTEM, &DESTINATION).run(handler.handle(&event)).await
        };
        match tokio::spawn(handling.instrument(log_span)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(HandleError::Transient(error))) => Err(PublishError::Deferred(error)),
            Ok(Err(HandleError::Permanent(error))) => Err(PublishError::Rejected(error)),
            Err(panicked) => Err(PublishError::Deferred(panicked.into())),
        }
    }
}

#[async_trait]
impl EventPublisher for InProcessEventBus {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        join_all(events.iter().map(|event| {
            publish_span(event, SYSTEM, &event.kind.type_name()).run(self.deliver(event))
        }))
        .await
    }

    async fn ping(&self) -> Result<(), PublishError> {
        Ok(())
    }
}
