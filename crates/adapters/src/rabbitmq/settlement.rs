//! One delivery, from its arrival to its acknowledgement.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use domain::Event;
use domain::ports::{EventHandler, HandleError};
use futures::FutureExt;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use tracing::Instrument;

use super::confirmed_publishing::ConfirmedPublishing;
use super::connection::{Broker, BrokerError};
use super::envelope::decode;
use super::failed_messages::{count_failures, describe, to_dead_letter_queue, to_retry_queue};
use super::recent_events::RecentEvents;

/// What becomes of a delivery.
enum Verdict {
    Done,
    Retry,
    /// With the reason.
    Dead(String),
}

/// What is needed to settle a delivery.
pub(super) struct Outgoing {
    pub(super) broker: Arc<Broker>,
    pub(super) recent_events: Arc<RecentEvents>,
    pub(super) publishing: ConfirmedPublishing,
}

/// Handles a delivery and acknowledges it when nothing can be lost any more.
pub(super) async fn settle(
    outgoing: Arc<Outgoing>,
    handler: Arc<dyn EventHandler>,
    delivery: Delivery,
) -> Result<(), BrokerError> {
    let topology = &outgoing.broker.topology;
    let message = match judge(&*handler, &outgoing.recent_events, &delivery).await {
        Verdict::Done => None,
        Verdict::Retry => Some(to_retry_queue(topology, &delivery)),
        Verdict::Dead(reason) => Some(to_dead_letter_queue(topology, &delivery, &reason)),
    };
    if let Some(message) = message {
        for outcome in outgoing.publishing.publish(&outgoing.broker, &[message]).await? {
            outcome?;
        }
    }
    // `false` means that the channel is gone: the delivery cannot be acknowledged and will come
    // again.
    outgoing.broker.with_answer_timeout(delivery.ack(BasicAckOptions::default())).await?;
    Ok(())
}

async fn judge(handler: &dyn EventHandler, recent_events: &RecentEvents, delivery: &Delivery) -> Verdict {
    let event = match decode(&delivery.data) {
        Ok(event) => event,
        Err(error) => {
            let reason = describe(&error);
            tracing::error!(
                event = "message.undecodable",
                reason,
                "a message that is not an event was set aside"
            );
            return Verdict::Dead(reason);
        }
    };
    if recent_events.contains(event.id) {
        return Verdict::Done;
    }
    let span = tracing::info_span!(
        "event",
        event.id = %event.id.as_uuid(),
        event.type = event.kind.type_name(),
        trace_id = event.trace.trace_id(),
        failures = count_failures(delivery),
    );
    let verdict = judge_event(handler, &event).instrument(span).await;
    if matches!(verdict, Verdict::Done) {
        recent_events.remember(event.id);
    }
    verdict
}

async fn judge_event(handler: &dyn EventHandler, event: &Event) -> Verdict {
    // A handler that panics must not leave its event unacknowledged until the connection ends.
    match AssertUnwindSafe(handler.handle(event)).catch_unwind().await {
        Ok(Ok(())) => Verdict::Done,
        Ok(Err(HandleError::Transient(error))) => {
            let reason = describe(&*error);
            tracing::warn!(event = "event.failed", reason, "an event failed and will be retried");
            Verdict::Retry
        }
        Ok(Err(HandleError::Permanent(error))) => {
            let reason = describe(&*error);
            tracing::error!(event = "event.set_aside", reason, "an event failed for good and was set aside");
            Verdict::Dead(reason)
        }
        Err(_) => {
            tracing::error!(event = "event.panicked", "the handler panicked; the event will be retried");
            Verdict::Retry
        }
    }
}
