//! Delivers events from the outbox to the bus: at least once, whatever crashes in between.
//!
//! Events of this process are handed over at commit, claimed already; a claim finds what others left
//! behind. An event is deleted only after the bus has confirmed it. Events that are claimed but never
//! settled become due again when their lease ends, so the relay may stop at any point without
//! losing one.

mod batch;
mod deletions;
mod options;
mod run;
mod unknown_events;

use std::sync::Arc;

use domain::ports::{EventPublisher, Outbox};
use tokio_util::sync::CancellationToken;

use run::Run;

pub use options::{Destination, RelayOptions};

/// The relay. Any number of them may share one outbox.
pub struct OutboxRelay {
    outbox: Arc<dyn Outbox>,
    publisher: Arc<dyn EventPublisher>,
    options: RelayOptions,
}

impl OutboxRelay {
    /// A relay from `outbox` to `publisher`.
    pub fn new(
        outbox: Arc<dyn Outbox>,
        publisher: Arc<dyn EventPublisher>,
        options: RelayOptions,
    ) -> Self {
        Self { outbox, publisher, options }
    }

    /// Runs until `shutdown` is cancelled, then waits for batches in flight, within the drain
    /// timeout. May be run again after a panic: the events in flight become due at the end of their
    /// lease.
    pub async fn run(&self, shutdown: CancellationToken) {
        let mut run = Run::new(&self.outbox, &self.publisher, self.options);
        self.outbox.set_hand_over(true);
        while !shutdown.is_cancelled() {
            tokio::select! {
                recorded = run.recorded() => run.take(recorded),
                () = run.time_to_claim() => run.claim().await,
                () = run.deletions.time_to_delete() => run.deletions.begin(),
                // A finished delivery may make room for the next, or show that the bus is down.
                Some(ended) = run.deliveries.join_next() => run.observe(ended),
                () = shutdown.cancelled() => {}
            }
        }
        run.drain().await;
    }
}
