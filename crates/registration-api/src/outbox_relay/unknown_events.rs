//! Events of a newer version, which this one leaves in the outbox: reported once.

use std::time::Duration;

use domain::ports::Outbox;
use tokio::time::Instant;

/// How often they are counted: they matter only if nobody takes them for long.
const INTERVAL: Duration = Duration::from_mins(1);

/// What is known of them.
#[derive(Default)]
pub(super) struct UnknownEvents {
    counted_at: Option<Instant>,
    count: u64,
}

impl UnknownEvents {
    /// Counts them, if that was long ago.
    pub(super) async fn count(&mut self, outbox: &dyn Outbox) {
        if self.counted_at.is_some_and(|counted_at| counted_at.elapsed() < INTERVAL) {
            return;
        }
        // An outbox that does not answer is reported by whoever claims from it.
        let Ok(count) = outbox.count_unknown().await else { return };
        self.counted_at = Some(Instant::now());
        match (self.count, count) {
            (0, 1..) => tracing::warn!(
                event = "outbox.unknown_events",
                count,
                "events of types that this version does not know are left for a newer one"
            ),
            (1.., 0) => {
                tracing::info!(event = "outbox.no_unknown_events", "a newer version took them");
            }
            _ => {}
        }
        self.count = count;
    }
}
