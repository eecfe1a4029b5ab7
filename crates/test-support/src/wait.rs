//! Waiting for something to happen, never forever.

use std::time::Duration;

use tokio::time::{sleep, timeout};

/// How long a test waits for what has no deadline of its own. Generous, because the machine may be
/// busy: only a failing test takes that long.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(90);

const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Asks again and again until there is an answer. Panics with `what` after [`WAIT_TIMEOUT`].
pub async fn eventually<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(WAIT_TIMEOUT, what, ask).await
}

/// Asks again and again until there is an answer. Panics with `what` after `limit`, even if a
/// question is still being answered.
pub async fn eventually_within<T>(
    limit: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            sleep(POLL_INTERVAL).await;
        }
    };
    soon_within(limit, what, asking).await
}

/// Waits for an event. Panics with `what` after [`WAIT_TIMEOUT`].
pub async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    soon_within(WAIT_TIMEOUT, what, event).await
}

/// Waits for an event. Panics with `what` after `limit`.
pub async fn soon_within<T>(limit: Duration, what: &str, event: impl Future<Output = T>) -> T {
    timeout(limit, event).await.unwrap_or_else(|_| panic!("waited {limit:?} in vain for {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_answer_is_returned_as_soon_as_there_is_one() {
        let mut asked = 0;
        let answer = eventually("the third answer", async || {
            asked += 1;
            (asked == 3).then_some(asked)
        });
        assert_eq!(answer.await, 3);
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "waited 90s in vain for a miracle")]
    async fn what_never_happens_is_named() {
        eventually("a miracle", async || None::<()>).await;
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "waited 90s in vain for a word")]
    async fn a_question_that_is_never_answered_is_named() {
        eventually("a word", async || std::future::pending::<Option<()>>().await).await;
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "waited 1s in vain for a miracle")]
    async fn an_event_that_never_comes_is_named() {
        soon_within(Duration::from_secs(1), "a miracle", std::future::pending::<()>()).await;
    }
}
