//! Consumes events from RabbitMQ. A delivery is acknowledged only when nothing can be lost any
//! more: the event was handled, or the broker has confirmed that it is in a retry queue or in the
//! dead-letter queue. A delivery that is cut short before that is redelivered.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use domain::ports::EventHandler;
use futures::StreamExt;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Consumer};
use supervisor::supervise;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::confirmed_publishing::ConfirmedPublishing;
use super::connection::{Broker, BrokerError, OpenConnection};
use super::events_in_hand::EventsInHand;
use super::options::{RabbitmqOptions, RabbitmqOptionsError};
use super::recent_events::RecentEvents;
use super::settlement::{Outgoing, Phase};
use super::settlements::Settlements;

/// Passes the events that need a mail to a handler, up to `prefetch` at once.
pub struct RabbitmqConsumer {
    broker: Arc<Broker>,
    recent_events: Arc<RecentEvents>,
    is_consuming: AtomicBool,
    handed_back: Arc<AtomicU64>,
}

/// No events are arriving: the consumer is not connected, or was asked to stop.
#[derive(Debug, thiserror::Error)]
#[error("the consumer is not connected to RabbitMQ")]
pub struct NotConsuming;

enum Ended {
    ShutDown,
    Lost {
        error: BrokerError,
        /// How long events were arriving.
        after: Duration,
    },
}

impl RabbitmqConsumer {
    /// Checks the options; does not connect yet.
    pub fn new(options: &RabbitmqOptions) -> Result<Self, RabbitmqOptionsError> {
        Ok(Self {
            broker: Arc::new(Broker::new(options)?),
            recent_events: Arc::default(),
            is_consuming: AtomicBool::new(false),
            handed_back: Arc::default(),
        })
    }

    /// How often an event was handed back because this version does not know its type.
    pub fn handed_back(&self) -> u64 {
        self.handed_back.load(Ordering::Relaxed)
    }

    /// Whether events are arriving.
    pub fn ping(&self) -> Result<(), NotConsuming> {
        if self.is_consuming.load(Ordering::Relaxed) { Ok(()) } else { Err(NotConsuming) }
    }

    /// Consumes in the background until the future that `shutdown` makes completes; then finishes
    /// the events in hand, takes no more and ends. Should it panic, it starts afresh.
    ///
    /// Reconnects at once whenever it loses the broker, and goes on handling the events in hand
    /// meanwhile: when they are delivered again, that is joined rather than repeated. If the task
    /// is aborted, the events in hand are abandoned and redelivered.
    pub fn start<F>(
        self: &Arc<Self>,
        handler: Arc<dyn EventHandler>,
        shutdown: impl Fn() -> F + Send + 'static,
    ) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let consumer = self.clone();
        supervise("consumer", move || {
            let (consumer, handler, shutdown) = (consumer.clone(), handler.clone(), shutdown());
            async move { consumer.run(handler, shutdown).await }
        })
    }

    async fn run(&self, handler: Arc<dyn EventHandler>, shutdown: impl Future<Output = ()> + Send) {
        let prefetch = self.broker.options.prefetch;
        let (queue, recent) = (self.broker.topology.work_queue.clone(), self.recent_events.clone());
        let mut events = EventsInHand::new(handler, queue, recent, prefetch);
        self.consume_until(pin!(shutdown), &mut events).await;
        events.finish().await;
    }

    async fn consume_until<F: Future<Output = ()>>(
        &self,
        mut shutdown: Pin<&mut F>,
        events: &mut EventsInHand,
    ) {
        // A run before this one may have panicked.
        self.is_consuming.store(false, Ordering::Relaxed);
        let mut delays = self.broker.reconnect_delays();
        let mut is_reported = false;
        let Broker { options, .. } = &*self.broker;
        // A broker that lets a worker connect and then takes nothing is still out of order.
        let settled = options.reconnect_max.max(3 * options.confirm_timeout);
        while let Ended::Lost { error, after } = self.consume_once(shutdown.as_mut(), events).await
        {
            if after > settled {
                delays = self.broker.reconnect_delays();
                is_reported = false;
            }
            // Once per outage.
            if !is_reported {
                tracing::warn!(event = "consumer.disconnected", %error, "not consuming from RabbitMQ");
                is_reported = true;
            }
            tokio::select! {
                () = &mut shutdown => return,
                () = tokio::time::sleep(delays.next_delay()) => {}
            }
        }
    }

    async fn consume_once<F: Future<Output = ()>>(
        &self,
        mut shutdown: Pin<&mut F>,
        events: &mut EventsInHand,
    ) -> Ended {
        let connected = tokio::select! {
            () = &mut shutdown => return Ended::ShutDown,
            connected = self.connect() => connected,
        };
        match connected {
            Ok(session) => {
                let queue = &self.broker.topology.work_queue;
                tracing::info!(event = "consumer.connected", %queue, "consuming from RabbitMQ");
                self.is_consuming.store(true, Ordering::Relaxed);
                session.consume(events, shutdown, &self.is_consuming).await
            }
            Err(error) => Ended::Lost { error, after: Duration::ZERO },
        }
    }

    async fn connect(&self) -> Result<Session, BrokerError> {
        let connection = self.broker.connect().await?;
        let channel = self.broker.open_channel(&connection).await?;
        let prefetch = self.broker.options.prefetch;
        self.broker
            .with_answer_timeout(channel.basic_qos(prefetch, BasicQosOptions::default()))
            .await?;
        let queue = self.broker.topology.work_queue.clone();
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let consume = channel.basic_consume(queue, "".into(), options, arguments);
        let deliveries = self.broker.with_answer_timeout(consume).await?;
        // On its own connection: a broker short of memory or disk stops reading from connections
        // that publish, but it must still read the acknowledgements, which free memory.
        let publishing = ConfirmedPublishing::new(self.broker.connect().await?);
        let (broker, handed_back) = (self.broker.clone(), self.handed_back.clone());
        let outgoing = Arc::new(Outgoing { broker, publishing, handed_back });
        Ok(Session { connection, channel, deliveries, outgoing })
    }
}

/// Consuming over one connection.
struct Session {
    connection: OpenConnection,
    channel: Channel,
    deliveries: Consumer,
    outgoing: Arc<Outgoing>,
}

impl Session {
    async fn consume<F: Future<Output = ()>>(
        mut self,
        events: &mut EventsInHand,
        mut shutdown: Pin<&mut F>,
        is_consuming: &AtomicBool,
    ) -> Ended {
        let mut settlements = Settlements::new(self.channel.clone(), self.outgoing.clone());
        let phase = watch::Sender::new(Phase::Consuming);
        let started = Instant::now();
        let lost = |error| Ended::Lost { error, after: started.elapsed() };
        let ended = loop {
            tokio::select! {
                () = &mut shutdown => break Ended::ShutDown,
                Some(settled) = settlements.settle_next() => if let Err(error) = settled {
                    break lost(error);
                },
                delivery = self.deliveries.next() => match delivery {
                    Some(Ok(delivery)) => {
                        let verdict = events.take(&delivery);
                        settlements.begin(delivery, verdict, phase.subscribe());
                    }
                    Some(Err(error)) => break lost(error.into()),
                    None => break lost(BrokerError::Cancelled),
                },
            }
        };
        is_consuming.store(false, Ordering::Relaxed);
        match ended {
            Ended::ShutDown => {
                phase.send_replace(Phase::WindingUp);
                self.wind_up(settlements).await;
            }
            Ended::Lost { .. } => {
                // What has its verdict may still be settled; nothing waits for the rest, nor for
                // that.
                drop(phase);
                tokio::spawn(self.wind_up(settlements));
            }
        }
        ended
    }

    /// Takes no more deliveries, settles those in hand and closes the connection, which returns the
    /// rest to the queue.
    async fn wind_up(self, mut settlements: Settlements) {
        let broker = &self.outgoing.broker;
        if self.connection.status().connected() {
            let cancel = self
                .channel
                .basic_cancel(self.deliveries.tag(), BasicCancelOptions { nowait: true });
            if let Err(error) = broker.with_answer_timeout(cancel).await {
                tracing::debug!(event = "consumer.not_cancelled", %error, "the consumer could not be cancelled");
            }
        }
        while settlements.settle_next().await.is_some() {}
        broker.close(&self.connection).await;
    }
}
