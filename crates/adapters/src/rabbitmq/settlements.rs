//! All deliveries of a session, from their arrival to their acknowledgement.

use std::sync::Arc;

use lapin::Channel;
use lapin::message::Delivery;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use super::acknowledgements::{Acknowledgements, send};
use super::connection::BrokerError;
use super::events_in_hand::PendingVerdict;
use super::settlement::{Outgoing, Phase, settle};

/// Bounded by the prefetch: the broker sends no more without an acknowledgement.
pub(super) struct Settlements {
    channel: Channel,
    outgoing: Arc<Outgoing>,
    /// Each returns the tag of its delivery, if that may be acknowledged.
    settling: JoinSet<Result<Option<u64>, BrokerError>>,
    acknowledgements: Acknowledgements,
    /// At most one: what comes later must not arrive earlier.
    sending: JoinSet<Result<(), BrokerError>>,
}

impl Settlements {
    pub(super) fn new(channel: Channel, outgoing: Arc<Outgoing>) -> Self {
        let acknowledgements = Acknowledgements::new(outgoing.broker.options.prefetch);
        let (settling, sending) = Default::default();
        Self { channel, outgoing, settling, acknowledgements, sending }
    }

    /// Settles a delivery as soon as there is a verdict on its event.
    pub(super) fn begin(
        &mut self,
        delivery: Delivery,
        verdict: PendingVerdict,
        phase: watch::Receiver<Phase>,
    ) {
        self.acknowledgements.add(delivery.delivery_tag);
        self.settling.spawn(settle(self.outgoing.clone(), delivery, verdict, phase));
    }

    /// Takes the next step with one or several deliveries; none once there is nothing left to do.
    /// An error concerns the session. Can be dropped at any time.
    pub(super) async fn settle_next(&mut self) -> Option<Result<(), BrokerError>> {
        let may_send = self.sending.is_empty() && !self.acknowledgements.is_empty();
        let step = tokio::select! {
            Some(settled) = self.settling.join_next() => completed(settled).map(|tag| {
                tag.into_iter().for_each(|tag| self.acknowledgements.settle(tag));
            }),
            Some(sent) = self.sending.join_next() => completed(sent),
            () = self.acknowledgements.time_to_send(), if may_send => {
                self.begin_to_send();
                Ok(())
            }
            else => return None,
        };
        Some(step)
    }

    fn begin_to_send(&mut self) {
        let acknowledgements = self.acknowledgements.take();
        let (channel, outgoing) = (self.channel.clone(), self.outgoing.clone());
        self.sending.spawn(async move {
            outgoing.broker.with_answer_timeout(send(&channel, acknowledgements)).await
        });
    }
}

/// A task that panicked leaves a delivery that is neither acknowledged nor given back, except with
/// the connection.
fn completed<T>(ended: Result<Result<T, BrokerError>, JoinError>) -> Result<T, BrokerError> {
    ended.unwrap_or(Err(BrokerError::Panicked))
}
