//! Waiting for something to become true, with an end to the patience.

use std::time::{Duration, Instant};

/// How long anything may take that has no time limit of its own. Generous: the machine may be busy, and the
/// system under test is as patient (see `system`).
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Asks again and again until there is an answer; panics with `what` when patience runs out.
pub async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, ask).await
}

/// The same with a patience of its own.
pub async fn eventually_within<T>(patience: Duration, what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(began.elapsed() < patience, "waited {patience:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
}
