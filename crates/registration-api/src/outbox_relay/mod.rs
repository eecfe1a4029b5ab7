//! Delivers events from the outbox to the bus: at least once, whatever crashes in between.
//!
//! An event is deleted only after the bus has confirmed it. Events that are claimed but never
//! settled become due again when their lease ends, so the relay may stop at any point without
//! losing one.

mod batch;
mod options;
mod unknown_events;

use std::sync::Arc;
use std::time::Duration;

use domain::ErrorChain;
use domain::ports::{EventPublisher, Outbox, OutboxEntry, OutboxError};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use batch::{Batch, Delivery};
use unknown_events::UnknownEvents;

pub use options::RelayOptions;

/// The relay. Any number of them may share one outbox.
pub struct OutboxRelay {
    outbox: Arc<dyn Outbox>,
    publisher: Arc<dyn EventPublisher>,
    wake: Arc<Notify>,
    options: RelayOptions,
}

impl OutboxRelay {
    /// A relay that looks at `outbox` whenever `wake` is notified.
    pub fn new(
        outbox: Arc<dyn Outbox>,
        publisher: Arc<dyn EventPublisher>,
        wake: Arc<Notify>,
        options: RelayOptions,
    ) -> Self {
        Self { outbox, publisher, wake, options }
    }

    /// Runs until `shutdown` is cancelled, then waits for batches in flight, within the drain
    /// timeout. May be run again after a panic: the events in flight become due at the end of their
    /// lease.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut run = Run::new(self);
        while !shutdown.is_cancelled() {
            let pause = run.step().await;
            tokio::select! {
                () = pause.wait(&self.wake) => {}
                () = shutdown.cancelled() => {}
                // A finished delivery may make room for the next, or show that the bus is down.
                Some(ended) = run.deliveries.join_next() => run.observe(ended),
            }
        }
        // Picks up the events of the last requests.
        run.step().await;
        run.drain().await;
    }
}

/// What one run of the relay knows.
struct Run<'a> {
    relay: &'a OutboxRelay,
    deliveries: JoinSet<Delivery>,
    /// How many times in a row the outbox did not answer.
    outbox_failures: u32,
    bus_is_down: bool,
    unknown_events: UnknownEvents,
}

impl<'a> Run<'a> {
    fn new(relay: &'a OutboxRelay) -> Self {
        let (deliveries, unknown_events) = Default::default();
        Self { relay, deliveries, outbox_failures: 0, bus_is_down: false, unknown_events }
    }

    /// Claims a batch and starts its delivery, if there is room; returns what to wait for next.
    async fn step(&mut self) -> Pause {
        while let Some(ended) = self.deliveries.try_join_next() {
            self.observe(ended);
        }
        if self.deliveries.len() >= self.relay.options.batches_in_flight.max(1) {
            return Pause::UntilDelivered;
        }
        if self.bus_is_down && !self.is_worth_a_try().await {
            return Pause::For(self.relay.options.poll_interval);
        }
        self.unknown_events.count(&*self.relay.outbox).await;
        let options = &self.relay.options;
        // After a failure one event shows whether the bus takes them again.
        let limit = if self.bus_is_down { 1 } else { options.batch_size };
        // The lease begins before the claim, whose answer may be long in coming.
        let deadline = Instant::now() + options.lease;
        match self.relay.outbox.claim(limit, options.lease).await {
            Ok(entries) => self.send(entries, limit, deadline),
            Err(error) => self.back_off(&error),
        }
    }

    fn send(&mut self, entries: Vec<OutboxEntry>, limit: u32, deadline: Instant) -> Pause {
        if self.outbox_failures > 0 {
            self.outbox_failures = 0;
            tracing::info!(event = "outbox.recovered", "the outbox answers again");
        }
        let is_full = u32::try_from(entries.len()).is_ok_and(|length| length >= limit);
        if Instant::now() >= deadline {
            tracing::warn!(
                event = "relay.late",
                events = entries.len(),
                "a claim took longer than its lease"
            );
        } else if !entries.is_empty() {
            let batch = Batch {
                outbox: self.relay.outbox.clone(),
                publisher: self.relay.publisher.clone(),
                options: self.relay.options,
                deadline,
            };
            self.deliveries.spawn(batch.deliver(entries));
        }
        if is_full { Pause::None } else { Pause::UntilWoken(self.relay.options.poll_interval) }
    }

    fn back_off(&mut self, error: &OutboxError) -> Pause {
        // Once per outage.
        if self.outbox_failures == 0 {
            tracing::error!(event = "outbox.down", error = %ErrorChain(error), "the outbox does not answer");
        }
        let delay =
            self.relay.options.first_retry.saturating_mul(1 << self.outbox_failures.min(16));
        self.outbox_failures = self.outbox_failures.saturating_add(1);
        Pause::For(delay.min(self.relay.options.max_retry))
    }

    /// The end of a delivery shows whether the bus is down: that it can be reached shows little.
    fn observe(&mut self, delivery: Result<Delivery, JoinError>) {
        match delivery {
            Ok(Delivery::BusDown { cause }) if !self.bus_is_down => {
                self.bus_is_down = true;
                tracing::error!(event = "bus.down", error = cause, "no event can be delivered");
            }
            Ok(Delivery::BusAnswers) if self.bus_is_down => {
                self.bus_is_down = false;
                tracing::info!(event = "bus.recovered", "events can be delivered again");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(event = "relay.failed", %error, "a delivery panicked; its events become due again");
            }
        }
    }

    /// While the bus is down nothing is claimed, but for one event now and then, so that outages do
    /// not count as attempts.
    async fn is_worth_a_try(&self) -> bool {
        let probe =
            tokio::time::timeout(self.relay.options.lease, self.relay.publisher.probe()).await;
        self.deliveries.is_empty() && matches!(probe, Ok(Ok(())))
    }

    async fn drain(mut self) {
        let all = async { while self.deliveries.join_next().await.is_some() {} };
        if tokio::time::timeout(self.relay.options.drain_timeout, all).await.is_err() {
            tracing::warn!(
                event = "relay.drain_timed_out",
                "deliveries are aborted; their events become due again"
            );
        }
    }
}

/// What the relay waits for.
enum Pause {
    /// Nothing: there are more events.
    None,
    /// The end of a delivery.
    UntilDelivered,
    /// A wake-up, or this long.
    UntilWoken(Duration),
    /// This long, whether or not it is woken.
    For(Duration),
}

impl Pause {
    async fn wait(&self, wake: &Notify) {
        match self {
            Self::None => {}
            Self::UntilDelivered => std::future::pending().await,
            Self::UntilWoken(longest) => {
                let _ = tokio::time::timeout(*longest, wake.notified()).await;
            }
            Self::For(duration) => tokio::time::sleep(*duration).await,
        }
    }
}
