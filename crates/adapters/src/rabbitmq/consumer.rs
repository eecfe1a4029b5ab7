//! Events out of RabbitMQ. A delivery is acknowledged only when nothing can be lost any more: the
//! event is dealt with, or the broker has confirmed that it waits in a retry queue or lies in the
//! dead-letter queue. Whatever is cut short before that comes again.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::ports::EventHandler;
use futures::StreamExt;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, Consumer};
use tokio::task::JoinSet;

use super::confirmed_publishing::ConfirmedPublishing;
use super::connection::{Broker, BrokerError};
use super::options::{RabbitmqOptions, RabbitmqOptionsError};
use super::recent_events::RecentEvents;
use super::settlement::{Outgoing, settle};

/// Feeds the events that need a mail to a handler, up to `prefetch` at once.
pub struct RabbitmqConsumer {
    broker: Arc<Broker>,
    recent_events: Arc<RecentEvents>,
    is_consuming: AtomicBool,
}

/// No events come in for now: the consumer is not connected, or was asked to stop.
#[derive(Debug, thiserror::Error)]
#[error("the consumer is not connected to RabbitMQ")]
pub struct NotConsuming;

enum Ended {
    ShutDown,
    Lost(BrokerError),
}

impl RabbitmqConsumer {
    /// Checks the options; does not connect yet.
    pub fn new(options: &RabbitmqOptions) -> Result<Self, RabbitmqOptionsError> {
        Ok(Self {
            broker: Arc::new(Broker::new(options)?),
            recent_events: Arc::default(),
            is_consuming: AtomicBool::new(false),
        })
    }

    /// Whether events come in.
    pub fn ping(&self) -> Result<(), NotConsuming> {
        if self.is_consuming.load(Ordering::Relaxed) { Ok(()) } else { Err(NotConsuming) }
    }

    /// Consumes until `shutdown` is done; then finishes what is in hand, takes nothing more and
    /// returns. Reconnects for ever; before it does, it finishes what is in hand, so that no event
    /// is in hand twice.
    ///
    /// When the future is dropped instead, what is in hand is abandoned and delivered again.
    pub async fn run(&self, handler: Arc<dyn EventHandler>, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        // A run before this one may have panicked.
        self.is_consuming.store(false, Ordering::Relaxed);
        let mut delays = self.broker.reconnect_delays();
        loop {
            let connected = tokio::select! {
                () = &mut shutdown => return,
                connected = self.connect() => connected,
            };
            let error = match connected {
                Ok(session) => {
                    let queue = &self.broker.topology.work_queue;
                    tracing::info!(event = "consumer.connected", %queue, "consuming from RabbitMQ");
                    delays = self.broker.reconnect_delays();
                    self.is_consuming.store(true, Ordering::Relaxed);
                    let ended = session.consume(&handler, shutdown.as_mut()).await;
                    self.is_consuming.store(false, Ordering::Relaxed);
                    match ended {
                        Ended::ShutDown => return,
                        Ended::Lost(error) => error,
                    }
                }
                Err(error) => error,
            };
            tracing::warn!(event = "consumer.disconnected", %error, "not consuming from RabbitMQ");
            tokio::select! {
                () = &mut shutdown => return,
                () = tokio::time::sleep(delays.next_delay()) => {}
            }
        }
    }

    async fn connect(&self) -> Result<Session, BrokerError> {
        let connection = self.broker.connect().await?;
        let channel = self.broker.open_channel(&connection).await?;
        let prefetch = self.broker.options.prefetch;
        self.broker.with_answer_timeout(channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
        let queue = self.broker.topology.work_queue.clone();
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let consume = channel.basic_consume(queue, "".into(), options, arguments);
        let deliveries = self.broker.with_answer_timeout(consume).await?;
        // On a connection of its own: a broker short of memory or disk stops reading from the
        // connections that publish, and must still be able to read the acknowledgements that help it.
        let publishing = ConfirmedPublishing::new(self.broker.connect().await?);
        let (broker, recent_events) = (self.broker.clone(), self.recent_events.clone());
        let outgoing = Arc::new(Outgoing { broker, recent_events, publishing });
        Ok(Session { connection, channel, deliveries, outgoing })
    }
}

/// One connection's worth of consuming.
struct Session {
    connection: Connection,
    channel: Channel,
    deliveries: Consumer,
    outgoing: Arc<Outgoing>,
}

impl Session {
    async fn consume<F: Future<Output = ()>>(
        mut self,
        handler: &Arc<dyn EventHandler>,
        mut shutdown: Pin<&mut F>,
    ) -> Ended {
        // Bounded by the prefetch: the broker sends no more than that without acknowledgement.
        let mut in_hand: JoinSet<Result<(), BrokerError>> = JoinSet::new();
        let ended = loop {
            tokio::select! {
                () = &mut shutdown => break Ended::ShutDown,
                Some(settled) = in_hand.join_next() => match settled {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => break Ended::Lost(error),
                    // Its delivery is neither acknowledged nor given back, except with the connection.
                    Err(_) => break Ended::Lost(BrokerError::Panicked),
                },
                delivery = self.deliveries.next() => match delivery {
                    Some(Ok(delivery)) => {
                        in_hand.spawn(settle(self.outgoing.clone(), handler.clone(), delivery));
                    }
                    Some(Err(error)) => break Ended::Lost(error.into()),
                    None => break Ended::Lost(BrokerError::Cancelled),
                },
            }
        };
        self.wind_up(in_hand).await;
        ended
    }

    /// Takes no more deliveries, finishes those in hand and closes the connection, which gives back
    /// to the queue what was sent but not taken.
    async fn wind_up(self, mut in_hand: JoinSet<Result<(), BrokerError>>) {
        let broker = &self.outgoing.broker;
        if self.connection.status().connected() {
            let cancel =
                self.channel.basic_cancel(self.deliveries.tag(), BasicCancelOptions { nowait: true });
            if let Err(error) = broker.with_answer_timeout(cancel).await {
                tracing::debug!(event = "consumer.not_cancelled", %error, "the consumer could not be cancelled");
            }
        }
        while in_hand.join_next().await.is_some() {}
        broker.close(&self.connection).await;
    }
}
