//! One delivery, from the verdict on its event until it may be acknowledged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use lapin::message::Delivery;
use tokio::sync::watch;

use super::confirmed_publishing::{ConfirmedPublishing, Message};
use super::connection::{Broker, BrokerError};
use super::events_in_hand::{PendingVerdict, Verdict};
use super::failed_messages::{hand_back, to_dead_letter_queue, to_retry_queue};

/// How often a settlement looks whether the broker takes messages again.
const BLOCKED_POLL: Duration = Duration::from_secs(1);

/// What is needed to settle the deliveries of a session.
pub(super) struct Outgoing {
    pub(super) broker: Arc<Broker>,
    pub(super) publishing: ConfirmedPublishing,
    /// Counts the events that were handed back.
    pub(super) handed_back: Arc<AtomicU64>,
}

/// Whether the session goes on. If the sender is dropped, the connection is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Consuming,
    WindingUp,
}

/// Waits for the verdict and returns the tag of the delivery when nothing can be lost any more, so
/// that it may be acknowledged. Once the connection is lost it does not wait any longer: the broker
/// will deliver the event again.
pub(super) async fn settle(
    outgoing: Arc<Outgoing>,
    delivery: Delivery,
    verdict: PendingVerdict,
    mut phase: watch::Receiver<Phase>,
) -> Result<Option<u64>, BrokerError> {
    let verdict = tokio::select! {
        verdict = verdict.wait() => verdict,
        _ = phase.wait_for(|_| false) => return Ok(None),
    };
    let topology = &outgoing.broker.topology;
    let is_handed_back = matches!(verdict, Verdict::HandBack);
    let message = match verdict {
        Verdict::Done => None,
        Verdict::Retry => Some(to_retry_queue(topology, &delivery)),
        Verdict::HandBack => Some(hand_back(topology, &delivery)),
        Verdict::Dead(reason) => Some(to_dead_letter_queue(topology, &delivery, &reason)),
    };
    if let Some(message) = message {
        outgoing.publish(&message, &phase).await?;
    }
    if is_handed_back {
        outgoing.handed_back.fetch_add(1, Ordering::Relaxed);
    }
    Ok(Some(delivery.delivery_tag))
}

impl Outgoing {
    /// Publishes a message. While the broker is short of memory or disk it waits for it: to lose
    /// the connection instead would bring the same event back, and have it handled, again and
    /// again.
    async fn publish(
        &self,
        message: &Message,
        phase: &watch::Receiver<Phase>,
    ) -> Result<(), BrokerError> {
        let is_blocked = || self.publishing.is_blocked() && *phase.borrow() == Phase::Consuming;
        let message = std::slice::from_ref(message);
        loop {
            self.wait_while_blocked(phase).await?;
            match self.publishing.publish_until(self.give_up(phase), &self.broker, message).await {
                // No channel could be opened, so nothing was published.
                Err(BrokerError::AnswerTimeout(_)) if is_blocked() => {}
                outcomes => return outcomes?.into_iter().collect(),
            }
        }
    }

    async fn wait_while_blocked(&self, phase: &watch::Receiver<Phase>) -> Result<(), BrokerError> {
        while self.publishing.is_blocked() {
            if has_ended(phase) {
                return Err(BrokerError::Blocked);
            }
            tokio::time::sleep(BLOCKED_POLL).await;
        }
        Ok(())
    }

    /// Returns when the broker has had its time to confirm. The time during which it reads nothing
    /// does not count.
    async fn give_up(&self, phase: &watch::Receiver<Phase>) -> BrokerError {
        let timeout = self.broker.options.confirm_timeout;
        loop {
            tokio::time::sleep(timeout).await;
            if !self.publishing.is_blocked() {
                return BrokerError::AnswerTimeout(timeout);
            }
            if has_ended(phase) {
                return BrokerError::Blocked;
            }
        }
    }
}

fn has_ended(phase: &watch::Receiver<Phase>) -> bool {
    phase.has_changed().is_err() || *phase.borrow() == Phase::WindingUp
}
