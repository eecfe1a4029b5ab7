//! Background tasks that outlive their own panics.
//!
//! A panic ends the task it happens in and nothing else: without supervision a loop that everything
//! depends on would be dead while the process looks well.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use tokio::task::JoinHandle;

/// The metric that counts panics, by `task`: at zero from the start of each.
pub const PANICS: &str = "registration_task_panics_total";

/// The wait before a task is started again, so that one that always panics does not take a core.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// Runs the future that `start` makes until it ends. One that panics is logged, counted and started
/// afresh. Must be called within a tokio runtime.
pub fn supervise<F>(task: &'static str, start: impl Fn() -> F + Send + 'static) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let panics = metrics::counter!(PANICS, "task" => task);
    tokio::spawn(async move {
        // What a panicking future leaves behind is dropped with it; the next one starts from
        // nothing.
        while AssertUnwindSafe(start()).catch_unwind().await.is_err() {
            panics.increment(1);
            tracing::error!(
                event = "task.panicked",
                task,
                "a background task panicked and is started again"
            );
            tokio::time::sleep(RESTART_DELAY).await;
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_started_again_until_it_ends() {
        let starts = Arc::new(AtomicU32::new(0));
        let counted = starts.clone();
        let task = supervise("test", move || {
            let counted = counted.clone();
            async move { assert!(counted.fetch_add(1, Ordering::Relaxed) == 2, "not yet") }
        });
        task.await.unwrap();
        assert_eq!(starts.load(Ordering::Relaxed), 3);
    }
}
