//! What the last delivery has shown, and when the next attempt is due: a receiver that is down is
//! asked less and less often, with one event at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::error::DeliveryError;

const FIRST_DELAY: Duration = Duration::from_millis(500);
/// After an outage nothing is held up for longer, unless the receiver asks for it.
const LONGEST_DELAY: Duration = Duration::from_secs(30);
/// The longest that a receiver may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);

/// The outcome of the last delivery.
#[derive(Default)]
pub(super) struct ReceiverHealth(Mutex<Option<Outage>>);

struct Outage {
    cause: Arc<DeliveryError>,
    failures: u32,
    retry_at: Instant,
}

impl ReceiverHealth {
    pub(super) fn record_success(&self) {
        *self.lock() = None;
    }

    /// Each failure in a row makes the wait longer.
    pub(super) fn record_failure(&self, cause: Arc<DeliveryError>, retry_after: Option<Duration>) {
        let mut outage = self.lock();
        let failures = outage.as_ref().map_or(0, |outage| outage.failures);
        let growing = FIRST_DELAY.saturating_mul(1 << failures.min(16)).min(LONGEST_DELAY);
        let asked_for = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        let retry_at = Instant::now() + growing.max(asked_for);
        *outage = Some(Outage { cause, failures: failures.saturating_add(1), retry_at });
    }

    /// Why the last delivery failed, if it did.
    pub(super) fn failure(&self) -> Option<Arc<DeliveryError>> {
        self.lock().as_ref().map(|outage| outage.cause.clone())
    }

    /// The same, until another attempt is due.
    pub(super) fn recent_failure(&self) -> Option<Arc<DeliveryError>> {
        let outage = self.lock();
        let outage = outage.as_ref().filter(|outage| outage.retry_at > Instant::now());
        outage.map(|outage| outage.cause.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Outage>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn wait_after(health: &ReceiverHealth, retry_after: Option<Duration>) -> Duration {
        let failed_at = Instant::now();
        health.record_failure(Arc::new(DeliveryError::Status(503)), retry_after);
        while health.recent_failure().is_some() {
            tokio::time::sleep(FIRST_DELAY / 2).await;
        }
        failed_at.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_receiver_that_is_down_is_asked_less_and_less_often() {
        let health = ReceiverHealth::default();
        for delay in [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] {
            assert_eq!(wait_after(&health, None).await, Duration::from_millis(delay));
            assert!(health.failure().is_some(), "it is down until it has taken an event");
        }
        assert_eq!(wait_after(&health, Some(Duration::from_mins(2))).await, Duration::from_mins(2));
        assert_eq!(wait_after(&health, Some(Duration::MAX)).await, LONGEST_RETRY_AFTER);
        health.record_success();
        assert!(health.failure().is_none());
        assert_eq!(wait_after(&health, None).await, FIRST_DELAY);
    }
}
