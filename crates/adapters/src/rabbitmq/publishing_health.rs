//! What publishing has shown last. That a connection is open says little: the broker may refuse to
//! declare, refuse messages, or leave them unconfirmed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::connection::{Broker, BrokerError};
use super::reconnect_delays::ReconnectDelays;

/// The outcome of the last attempt to publish.
#[derive(Default)]
pub(super) struct PublishingHealth(Mutex<State>);

#[derive(Default)]
enum State {
    /// Nothing has been published yet.
    #[default]
    Unknown,
    Good,
    Failed(Failure),
}

struct Failure {
    cause: Arc<BrokerError>,
    delays: ReconnectDelays,
    retry_at: Instant,
}

impl PublishingHealth {
    /// Whether nothing has been published yet.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(*self.lock(), State::Unknown)
    }

    /// Why the last attempt failed, if it did.
    pub(super) fn failure(&self) -> Option<Arc<BrokerError>> {
        match &*self.lock() {
            State::Failed(failure) => Some(failure.cause.clone()),
            State::Unknown | State::Good => None,
        }
    }

    /// The same, but `None` as soon as another attempt may be made.
    pub(super) fn recent_failure(&self) -> Option<Arc<BrokerError>> {
        match &*self.lock() {
            State::Failed(failure) if failure.retry_at > Instant::now() => {
                Some(failure.cause.clone())
            }
            _ => None,
        }
    }

    pub(super) fn record_success(&self) {
        *self.lock() = State::Good;
    }

    /// Each failure in a row makes the wait for the next attempt longer.
    pub(super) fn record_failure(&self, broker: &Broker, cause: Arc<BrokerError>) {
        let mut state = self.lock();
        let mut delays = match std::mem::take(&mut *state) {
            State::Failed(failure) => failure.delays,
            State::Unknown | State::Good => broker.reconnect_delays(),
        };
        let retry_at = Instant::now() + delays.next_delay();
        *state = State::Failed(Failure { cause, delays, retry_at });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
