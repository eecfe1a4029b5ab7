//! What publishing has shown last. That a connection is open says little: the broker may refuse to
//! declare, refuse messages, or leave them unconfirmed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::confirmed_publishing::Message;
use super::connection::{Broker, BrokerError};
use super::reconnect_delays::ReconnectDelays;

/// The longest wait between two attempts: after an outage nothing is held up for longer.
const LONGEST_DELAY: Duration = Duration::from_secs(5);

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
    /// What the broker did not take, if it came to that.
    message: Option<Box<Message>>,
    delays: ReconnectDelays,
    retry_at: Instant,
}

impl PublishingHealth {
    /// Whether the last attempt succeeded.
    pub(super) fn is_good(&self) -> bool {
        matches!(*self.lock(), State::Good)
    }

    /// Why the last attempt failed, until another one may be made.
    pub(super) fn recent_failure(&self) -> Option<Arc<BrokerError>> {
        match &*self.lock() {
            State::Failed(failure) if failure.retry_at > Instant::now() => {
                Some(failure.cause.clone())
            }
            _ => None,
        }
    }

    /// The message that the broker did not take.
    pub(super) fn failed_message(&self) -> Option<Message> {
        match &*self.lock() {
            State::Failed(failure) => failure.message.as_deref().cloned(),
            State::Unknown | State::Good => None,
        }
    }

    pub(super) fn record_success(&self) {
        *self.lock() = State::Good;
    }

    /// Each failure in a row makes the wait for the next attempt longer.
    pub(super) fn record_failure(
        &self,
        broker: &Broker,
        cause: Arc<BrokerError>,
        message: Option<Message>,
    ) {
        let mut state = self.lock();
        let (mut delays, earlier) = match std::mem::take(&mut *state) {
            State::Failed(failure) => (failure.delays, failure.message),
            State::Unknown | State::Good => (broker.retry_delays(LONGEST_DELAY), None),
        };
        let (message, retry_at) =
            (message.map(Box::new).or(earlier), Instant::now() + delays.next_delay());
        *state = State::Failed(Failure { cause, message, delays, retry_at });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
