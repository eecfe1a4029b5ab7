//! Events that were delivered and are still to be deleted: together, since nobody waits for it and
//! each statement costs the database as much as many rows do.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use domain::EventId;
use domain::ports::Outbox;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::batch::repeat_until;

/// How long delivered events are gathered. Those that a process leaves behind when it is killed are
/// delivered again, and their mails are not sent again.
const GATHERING: Duration = Duration::from_millis(100);

/// From so many on nothing is gained by waiting.
const ENOUGH: usize = 200;

/// What waits to be deleted, and the deletions under way.
pub(super) struct Deletions {
    outbox: Arc<dyn Outbox>,
    delivered: Vec<EventId>,
    /// When the first of them was delivered.
    since: Instant,
    /// When the last lease of them ends.
    deadline: Instant,
    running: JoinSet<()>,
}

impl Deletions {
    pub(super) fn new(outbox: Arc<dyn Outbox>) -> Self {
        let now = Instant::now();
        let (delivered, running) = Default::default();
        Self { outbox, delivered, since: now, deadline: now, running }
    }

    /// Adds events whose lease ends at `deadline`.
    pub(super) fn add(&mut self, delivered: Vec<EventId>, deadline: Instant) {
        if self.delivered.is_empty() {
            self.since = Instant::now();
        }
        self.delivered.extend(delivered);
        self.deadline = self.deadline.max(deadline);
    }

    pub(super) async fn time_to_delete(&self) {
        match self.delivered.len() {
            0 => pending().await,
            ENOUGH.. => {}
            _ => sleep_until(self.since + GATHERING).await,
        }
    }

    /// Starts to delete what has been gathered. An event that is not deleted is delivered again.
    pub(super) fn begin(&mut self) {
        while self.running.try_join_next().is_some() {}
        if self.delivered.is_empty() {
            return;
        }
        let delivered = std::mem::take(&mut self.delivered);
        let (outbox, deadline) = (Arc::clone(&self.outbox), self.deadline);
        self.running.spawn(async move {
            repeat_until(deadline, "delete", || outbox.delete(&delivered)).await;
        });
    }

    /// Deletes everything.
    pub(super) async fn finish(&mut self) {
        self.begin();
        while self.running.join_next().await.is_some() {}
    }
}
