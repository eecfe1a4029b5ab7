//! One batch of claimed events: publishes them, then defers or buries what was not delivered.

use std::sync::Arc;
use std::time::Duration;

use domain::ports::{EventPublisher, Outbox, OutboxEntry, OutboxError, PublishError, Source};
use domain::{ErrorChain, Event, EventId};
use tokio::time::{Instant, sleep, timeout_at};

use super::options::RelayOptions;

/// How long the relay waits before it repeats a failed update of the outbox.
const UPDATE_RETRY_DELAY: Duration = Duration::from_millis(200);

/// What came of a batch.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) bus: Bus,
    /// What may be deleted now.
    pub(super) delivered: Vec<EventId>,
    /// When the lease ends.
    pub(super) deadline: Instant,
}

/// What a batch shows about the bus.
#[derive(Debug)]
pub(super) enum Bus {
    /// It accepted events, or rejected them one by one.
    Answers,
    /// It accepted none.
    Down {
        /// Why not.
        cause: String,
    },
}

/// What the delivery of a batch needs.
pub(super) struct Batch {
    pub(super) outbox: Arc<dyn Outbox>,
    pub(super) publisher: Arc<dyn EventPublisher>,
    pub(super) options: RelayOptions,
    /// The end of the lease: from then on another relay may claim the events.
    pub(super) deadline: Instant,
}

impl Batch {
    pub(super) async fn deliver(self, entries: Vec<OutboxEntry>) -> Delivery {
        let events: Vec<Event> = entries.iter().map(|entry| entry.event.clone()).collect();
        let Ok(results) = timeout_at(self.deadline, self.publisher.publish(&events)).await else {
            tracing::warn!(
                event = "relay.slow",
                destination = self.options.destination.name(),
                events = events.len(),
                "a batch took longer than its lease"
            );
            let bus = Bus::Down { cause: "the batch took longer than its lease".into() };
            return Delivery { bus, delivered: Vec::new(), deadline: self.deadline };
        };
        let bus = judge(&results);
        let mut delivered = Vec::new();
        for (entry, result) in entries.iter().zip(results) {
            match result {
                Ok(()) => delivered.push(entry.event.id),
                Err(PublishError::Unavailable(source) | PublishError::Deferred(source)) => {
                    self.defer(entry, source).await;
                }
                Err(PublishError::Rejected(source)) => self.bury(entry, source).await,
            }
        }
        metrics::counter!(self.options.destination.delivered()).increment(delivered.len() as u64);
        Delivery { bus, delivered, deadline: self.deadline }
    }

    async fn defer(&self, entry: &OutboxEntry, source: Source) {
        metrics::counter!(self.options.destination.deferred()).increment(1);
        let OutboxEntry { event, attempts } = entry;
        let (event_id, error) = (event.id.as_uuid(), ErrorChain(&*source).to_string());
        let trace_id = event.trace.trace_id();
        tracing::debug!(event = "relay.deferred", %event_id, trace_id, attempts, error, "an event is deferred");
        let delay = retry_delay(entry, &self.options);
        repeat_until(self.deadline, "defer", || self.outbox.defer(event.id, delay)).await;
    }

    async fn bury(&self, entry: &OutboxEntry, source: Source) {
        metrics::counter!(self.options.destination.buried()).increment(1);
        let (id, trace_id) = (entry.event.id, entry.event.trace.trace_id());
        let reason = ErrorChain(&*source).to_string();
        let destination = self.options.destination.name();
        tracing::error!(event = "relay.buried", destination, event_id = %id.as_uuid(), trace_id, error = reason, "an event is buried");
        repeat_until(self.deadline, "bury", || self.outbox.bury(id, &reason)).await;
    }
}

/// Repeats an operation on the outbox until it succeeds or the lease ends.
pub(super) async fn repeat_until<F>(
    deadline: Instant,
    operation: &'static str,
    attempt: impl Fn() -> F,
) where
    F: Future<Output = Result<(), OutboxError>>,
{
    while let Err(error) = attempt().await {
        if Instant::now() + UPDATE_RETRY_DELAY >= deadline {
            let cause = ErrorChain(&error);
            tracing::error!(event = "outbox.down", operation, error = %cause, "an event will be delivered again");
            return;
        }
        sleep(UPDATE_RETRY_DELAY).await;
    }
}

fn judge(results: &[Result<(), PublishError>]) -> Bus {
    let cause = |result: &Result<(), PublishError>| match result {
        Err(PublishError::Unavailable(source)) => Some(ErrorChain(&**source).to_string()),
        _ => None,
    };
    let causes: Option<Vec<String>> = results.iter().map(cause).collect();
    match causes.and_then(|causes| causes.into_iter().next()) {
        Some(cause) => Bus::Down { cause },
        None => Bus::Answers,
    }
}

/// Doubles with each attempt up to the maximum, minus a jitter of up to a half. The jitter comes
/// from the random bits of the event's identifier and keeps events that failed together from being
/// retried together.
fn retry_delay(entry: &OutboxEntry, options: &RelayOptions) -> Duration {
    let doublings = entry.attempts.saturating_sub(1).min(16);
    let delay = options.first_retry.saturating_mul(1 << doublings).min(options.max_retry);
    let (_, random) = entry.event.id.as_uuid().as_u64_pair();
    let share = u32::try_from(random.rotate_left(entry.attempts) & 0xff).unwrap_or(0);
    delay.saturating_sub(delay / 2 * share / 256)
}

#[cfg(test)]
mod tests {
    use super::super::options::Destination;
    use super::*;
    use domain::{CodeIssue, TraceParent, UserEvent, UserId};
    use uuid::Uuid;

    fn entry(random: u128, attempts: u32) -> OutboxEntry {
        let issue = CodeIssue { user_id: UserId::from_uuid(Uuid::from_u128(1)), number: 1 };
        let event = Event {
            id: EventId::from_uuid(Uuid::from_u128(random)),
            trace: TraceParent::start(Uuid::from_u128(1)),
            kind: UserEvent::CodeRequested { issue },
        };
        OutboxEntry { event, attempts }
    }

    #[test]
    fn delays_grow_within_bounds() {
        let options = RelayOptions {
            destination: Destination::Bus,
            batch_size: 1,
            batches_in_flight: 1,
            lease: Duration::from_mins(1),
            poll_interval: Duration::from_secs(1),
            first_retry: Duration::from_millis(500),
            max_retry: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(1),
        };
        for attempts in 1..100 {
            for random in [0, 0x55, 0xff, u128::MAX] {
                let delay = retry_delay(&entry(random, attempts), &options);
                assert!(
                    delay >= options.first_retry / 2 && delay <= options.max_retry,
                    "{delay:?}"
                );
            }
        }
        let first = retry_delay(&entry(0, 1), &options);
        assert_eq!(
            [first, first * 2, first * 4],
            [1, 2, 3].map(|n| retry_delay(&entry(0, n), &options))
        );
        assert_eq!(retry_delay(&entry(0, 100), &options), options.max_retry);
        assert_ne!(retry_delay(&entry(1, 3), &options), retry_delay(&entry(2, 3), &options));
    }
}
