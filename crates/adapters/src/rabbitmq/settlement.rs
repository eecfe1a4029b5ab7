//! One delivery, from the verdict on its event to its acknowledgement.

use std::sync::Arc;

use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use tokio::sync::watch;

use super::confirmed_publishing::ConfirmedPublishing;
use super::connection::{Broker, BrokerError};
use super::events_in_hand::{PendingVerdict, Verdict};
use super::failed_messages::{hand_back, to_dead_letter_queue, to_retry_queue};

/// What is needed to settle a delivery.
pub(super) struct Outgoing {
    pub(super) broker: Arc<Broker>,
    pub(super) publishing: ConfirmedPublishing,
}

/// Waits for the verdict and acknowledges the delivery when nothing can be lost any more. Does not wait any longer once
/// the sender of `in_use` is dropped: the broker will deliver the event again.
pub(super) async fn settle(
    outgoing: Arc<Outgoing>,
    delivery: Delivery,
    verdict: PendingVerdict,
    mut in_use: watch::Receiver<()>,
) -> Result<(), BrokerError> {
    let verdict = tokio::select! {
        verdict = verdict.wait() => verdict,
        _ = in_use.changed() => return Ok(()),
    };
    let topology = &outgoing.broker.topology;
    let message = match verdict {
        Verdict::Done => None,
        Verdict::Retry => Some(to_retry_queue(topology, &delivery)),
        Verdict::HandBack => Some(hand_back(topology, &delivery)),
        Verdict::Dead(reason) => Some(to_dead_letter_queue(topology, &delivery, &reason)),
    };
    if let Some(message) = message {
        for outcome in outgoing.publishing.publish(&outgoing.broker, &[message]).await? {
            outcome?;
        }
    }
    // `false` means that the channel is gone: the delivery cannot be acknowledged and will come
    // again.
    outgoing.broker.with_answer_timeout(delivery.ack(BasicAckOptions::default())).await?;
    Ok(())
}
