//! What is left once all clients are through.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::evidence::Leftover;

/// The tables of events that are still to be delivered, and of those that were set aside.
pub const OUTBOXES: [&str; 2] = ["outbox", "webhook_outbox"];

/// Counts every so often until nothing is left, or until patience ends; returns what is left then.
pub async fn in_the_end(
    patience: Duration,
    every: Duration,
    count: impl AsyncFn() -> Vec<Leftover>,
) -> Vec<Leftover> {
    let deadline = Instant::now() + patience;
    loop {
        let leftovers = count().await;
        if leftovers.iter().all(|leftover| leftover.count == 0) || Instant::now() > deadline {
            return leftovers;
        }
        sleep(every).await;
    }
}
