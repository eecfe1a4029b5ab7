//! What one run of the relay knows and does.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use domain::ErrorChain;
use domain::ports::{EventPublisher, HandedOver, Outbox, OutboxEntry, OutboxError, Recorded};
use futures::FutureExt;
use tokio::task::{JoinError, JoinSet, unconstrained};
use tokio::time::{Instant, sleep_until, timeout};

use super::batch::{Batch, Bus, Delivery};
use super::deletions::Deletions;
use super::options::RelayOptions;
use super::unknown_events::UnknownEvents;

/// While a batch is on its way, the events of this long go together: a batch costs the broker and
/// this process little more than an event. On its own an event waits for nothing.
const GATHERING: Duration = Duration::from_millis(5);

pub(super) struct Run<'a> {
    outbox: &'a Arc<dyn Outbox>,
    publisher: &'a Arc<dyn EventPublisher>,
    options: RelayOptions,
    pub(super) deliveries: JoinSet<Delivery>,
    pub(super) deletions: Deletions,
    /// When a batch was last sent.
    sent_at: Instant,
    claim_at: Instant,
    /// How many times in a row the outbox did not answer.
    outbox_failures: u32,
    bus_is_down: bool,
    unknown_events: UnknownEvents,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        outbox: &'a Arc<dyn Outbox>,
        publisher: &'a Arc<dyn EventPublisher>,
        options: RelayOptions,
    ) -> Self {
        let now = Instant::now();
        Self {
            outbox,
            publisher,
            options,
            deliveries: JoinSet::new(),
            deletions: Deletions::new(Arc::clone(outbox)),
            sent_at: now,
            claim_at: now,
            outbox_failures: 0,
            bus_is_down: false,
            unknown_events: UnknownEvents::default(),
        }
    }

    fn has_room(&self) -> bool {
        self.deliveries.len() < self.options.batches_in_flight.max(1)
    }

    /// Waits for events of this process. While the bus is down they are left to be claimed.
    pub(super) fn recorded(&self) -> impl Future<Output = Recorded> + use<'a> {
        let (outbox, limit) = (self.outbox, self.options.batch_size);
        let is_ready = !self.bus_is_down && self.has_room();
        let is_busy = !self.deliveries.is_empty();
        let gathered_at = self.sent_at + GATHERING;
        async move {
            if !is_ready {
                pending::<()>().await;
            }
            if is_busy {
                sleep_until(gathered_at).await;
            }
            outbox.recorded(limit).await
        }
    }

    pub(super) fn take(&mut self, recorded: Recorded) {
        match recorded {
            Recorded::HandedOver(events) => self.send_in_time(events),
            // An outbox that does not answer is not asked more often.
            Recorded::Due if self.outbox_failures == 0 => self.claim_at = Instant::now(),
            Recorded::Due => {}
        }
    }

    /// Sends events that were handed over. What has waited for half its lease is left to the next
    /// claim, since its delivery takes time too.
    fn send_in_time(&mut self, events: Vec<HandedOver>) {
        let latest = Instant::now() + self.options.lease / 2;
        let in_time = |event: &HandedOver| Instant::from_std(event.lease_ends) > latest;
        let (events, late): (Vec<_>, Vec<_>) = events.into_iter().partition(in_time);
        if !late.is_empty() {
            tracing::warn!(
                event = "relay.late",
                events = late.len(),
                "events have waited too long in memory"
            );
        }
        let Some(deadline) = events.iter().map(|event| event.lease_ends).min() else { return };
        let entries = events.into_iter().map(|event| event.entry).collect();
        self.send(entries, Instant::from_std(deadline));
    }

    /// Waits until it is time for a claim, and there is room for what it finds.
    pub(super) fn time_to_claim(&self) -> impl Future<Output = ()> + use<> {
        let (has_room, claim_at) = (self.has_room(), self.claim_at);
        async move {
            if !has_room {
                pending::<()>().await;
            }
            sleep_until(claim_at).await;
        }
    }

    /// Claims a batch and starts its delivery.
    pub(super) async fn claim(&mut self) {
        let options = self.options;
        self.claim_at = Instant::now() + options.poll_interval;
        if self.bus_is_down && !self.is_worth_a_try().await {
            return;
        }
        self.unknown_events.count(&**self.outbox).await;
        // After a failure one event shows whether the bus takes them again.
        let limit = if self.bus_is_down { 1 } else { options.batch_size };
        // The lease begins before the claim, whose answer may be long in coming.
        let deadline = Instant::now() + options.lease;
        match self.outbox.claim(limit, options.lease).await {
            Ok(entries) => self.send_claimed(entries, limit, deadline),
            Err(error) => self.back_off(&error),
        }
    }

    fn send_claimed(&mut self, entries: Vec<OutboxEntry>, limit: u32, deadline: Instant) {
        if self.outbox_failures > 0 {
            self.outbox_failures = 0;
            tracing::info!(event = "outbox.recovered", "the outbox answers again");
        }
        let count = entries.len();
        let now = Instant::now();
        let is_full = u32::try_from(count).is_ok_and(|count| count >= limit);
        self.claim_at = if is_full { now } else { now + self.options.poll_interval };
        if now >= deadline {
            tracing::warn!(
                event = "relay.late",
                events = count,
                "a claim took longer than its lease"
            );
        } else if count > 0 {
            self.send(entries, deadline);
        }
    }

    fn send(&mut self, entries: Vec<OutboxEntry>, deadline: Instant) {
        let (outbox, publisher) = (Arc::clone(self.outbox), Arc::clone(self.publisher));
        let options = self.options;
        self.sent_at = Instant::now();
        self.deliveries.spawn(Batch { outbox, publisher, options, deadline }.deliver(entries));
    }

    fn back_off(&mut self, error: &OutboxError) {
        // Once per outage.
        if self.outbox_failures == 0 {
            tracing::error!(event = "outbox.down", error = %ErrorChain(error), "the outbox does not answer");
        }
        let options = self.options;
        let delay = options.first_retry.saturating_mul(1 << self.outbox_failures.min(16));
        self.outbox_failures = self.outbox_failures.saturating_add(1);
        self.claim_at = Instant::now() + delay.min(options.max_retry);
    }

    /// The end of a delivery shows whether the bus is down: that it can be reached shows little.
    pub(super) fn observe(&mut self, delivery: Result<Delivery, JoinError>) {
        match delivery {
            Ok(Delivery { bus, delivered, deadline }) => {
                self.deletions.add(delivered, deadline);
                self.observe_bus(bus);
            }
            Err(error) => {
                tracing::error!(event = "relay.failed", %error, "a delivery panicked; its events become due again");
            }
        }
    }

    fn observe_bus(&mut self, bus: Bus) {
        let destination = self.options.destination.name();
        match bus {
            Bus::Down { cause } if !self.bus_is_down => {
                self.bus_is_down = true;
                tracing::error!(
                    event = "bus.down",
                    destination,
                    error = cause,
                    "no event can be delivered"
                );
            }
            Bus::Answers if self.bus_is_down => {
                self.bus_is_down = false;
                self.claim_at = Instant::now();
                tracing::info!(
                    event = "bus.recovered",
                    destination,
                    "events can be delivered again"
                );
            }
            _ => return,
        }
        // What is recorded during an outage is due at once when it ends.
        self.outbox.set_hand_over(!self.bus_is_down);
    }

    /// While the bus is down nothing is claimed, but for one event now and then, so that outages do
    /// not count as attempts.
    async fn is_worth_a_try(&self) -> bool {
        let probe = timeout(self.options.lease, self.publisher.probe()).await;
        self.deliveries.is_empty() && matches!(probe, Ok(Ok(())))
    }

    /// Picks up the events of the last requests, then waits for what is on its way.
    pub(super) async fn drain(mut self) {
        self.outbox.set_hand_over(false);
        if !self.bus_is_down {
            let limit = self.options.batch_size;
            // All of them, not only as many as one turn of a task may take.
            let recorded = || unconstrained(self.outbox.recorded(limit)).now_or_never();
            while let Some(recorded) = recorded() {
                self.take(recorded);
            }
        }
        if self.has_room() {
            self.claim().await;
        }
        let longest = self.options.drain_timeout;
        let all = async {
            while let Some(ended) = self.deliveries.join_next().await {
                self.observe(ended);
            }
            self.deletions.finish().await;
        };
        if timeout(longest, all).await.is_err() {
            tracing::warn!(
                event = "relay.drain_timed_out",
                "deliveries are aborted; their events become due again"
            );
        }
    }
}
