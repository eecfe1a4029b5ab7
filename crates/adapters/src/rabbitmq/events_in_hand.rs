//! The events that a worker is handling, by id. A connection that is lost takes its deliveries with
//! it, but not the work on them: when such an event is delivered again, the delivery joins the
//! handling that is under way.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use domain::ports::{EventHandler, HandleError};
use domain::{Event, EventId, UserEventError};
use futures::FutureExt;
use lapin::message::Delivery;
use lapin::types::ShortString;
use spans::Span;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::Instrument;

use super::SYSTEM;
use super::failed_messages::{count_failures, describe};
use super::recent_events::RecentEvents;
use crate::cloud_events::{EnvelopeError, decode};
use crate::event_spans::{log_span, process_span};

/// What becomes of a delivery.
#[derive(Clone)]
pub(super) enum Verdict {
    Done,
    Retry,
    /// With the reason.
    Dead(String),
    /// For a newer worker, which knows the type of the event.
    HandBack,
}

/// A verdict that may not have been reached yet.
#[derive(Clone)]
pub(super) struct PendingVerdict(watch::Receiver<Option<Verdict>>);

/// Handles events, up to a number at once. If it is dropped, the events in hand are abandoned.
pub(super) struct EventsInHand {
    handler: Arc<dyn EventHandler>,
    /// Where the events come from.
    queue: ShortString,
    recent: Arc<RecentEvents>,
    permits: Arc<Semaphore>,
    verdicts: HashMap<EventId, PendingVerdict>,
    handlings: JoinSet<()>,
    /// The types of a newer version that have been reported.
    unknown_types: HashSet<String>,
}

impl PendingVerdict {
    fn reached(verdict: Verdict) -> Self {
        Self(watch::Sender::new(Some(verdict)).subscribe())
    }

    /// Waits for the verdict.
    pub(super) async fn wait(mut self) -> Verdict {
        match self.0.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(verdict)) => verdict.clone(),
            Ok(None) | Err(_) => Verdict::Retry,
        }
    }
}

impl EventsInHand {
    pub(super) fn new(
        handler: Arc<dyn EventHandler>,
        queue: ShortString,
        recent: Arc<RecentEvents>,
        most_at_once: u16,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(most_at_once.into()));
        let (verdicts, unknown_types) = Default::default();
        Self { handler, queue, recent, permits, verdicts, handlings: JoinSet::new(), unknown_types }
    }

    /// Starts to handle the event of a delivery, unless that has been done or is under way.
    pub(super) fn take(&mut self, delivery: &Delivery) -> PendingVerdict {
        let event = match decode(&delivery.data) {
            Ok(event) => event,
            Err(error) => return PendingVerdict::reached(self.judge_unreadable(error)),
        };
        self.forget_finished();
        if self.recent.contains(event.id) {
            return PendingVerdict::reached(Verdict::Done);
        }
        if let Some(pending) = self.verdicts.get(&event.id) {
            return pending.clone();
        }
        self.start(event, count_failures(delivery))
    }

    fn judge_unreadable(&mut self, error: EnvelopeError) -> Verdict {
        if let EnvelopeError::Event(UserEventError::UnknownType(kind)) = error {
            // Once: the event comes back until a newer worker takes it.
            if self.unknown_types.insert(kind.clone()) {
                let text = "events of a type that this version does not know are handed back for a newer one";
                tracing::warn!(event = "event.unknown_type", kind, "{text}");
            }
            return Verdict::HandBack;
        }
        let reason = describe(&error);
        tracing::error!(
            event = "message.undecodable",
            reason,
            "a message that is not an event was set aside"
        );
        Verdict::Dead(reason)
    }

    /// Waits until no event is in hand.
    pub(super) async fn finish(&mut self) {
        while self.handlings.join_next().await.is_some() {}
    }

    fn start(&mut self, event: Event, failures: u32) -> PendingVerdict {
        let span = log_span(&event, failures);
        let (sender, receiver) = watch::channel(None);
        let pending = PendingVerdict(receiver);
        self.verdicts.insert(event.id, pending.clone());
        let (handler, permits) = (self.handler.clone(), self.permits.clone());
        let queue = self.queue.clone();
        let handling = async move {
            // An event that is left over from a lost connection still counts as one of those at
            // once.
            let _permit = permits.acquire_owned().await;
            let process = process_span(&event, SYSTEM, &queue);
            sender.send_replace(Some(handle(&*handler, &event, process).await));
        };
        self.handlings.spawn(handling.instrument(span));
        pending
    }

    /// Another delivery of an event that has failed is another attempt.
    fn forget_finished(&mut self) {
        while self.handlings.try_join_next().is_some() {}
        self.verdicts.retain(|event, pending| match &*pending.0.borrow() {
            None => true,
            Some(Verdict::Done) => {
                self.recent.remember(*event);
                false
            }
            Some(_) => false,
        });
    }
}

async fn handle(handler: &dyn EventHandler, event: &Event, span: Span) -> Verdict {
    // A handler that panics must not leave its event unacknowledged until the connection ends.
    match AssertUnwindSafe(span.run(handler.handle(event))).catch_unwind().await {
        Ok(Ok(())) => Verdict::Done,
        Ok(Err(HandleError::Transient(error))) => {
            let reason = describe(&*error);
            tracing::warn!(event = "event.failed", reason, "an event failed and will be retried");
            Verdict::Retry
        }
        Ok(Err(HandleError::Permanent(error))) => {
            let reason = describe(&*error);
            tracing::error!(
                event = "event.set_aside",
                reason,
                "an event failed for good and was set aside"
            );
            Verdict::Dead(reason)
        }
        Err(_) => {
            tracing::error!(
                event = "event.panicked",
                "the handler panicked; the event will be retried"
            );
            Verdict::Retry
        }
    }
}
