//! Publishes events to RabbitMQ. An event counts as published only once the broker has confirmed
//! it. While the broker is unreachable, publishing fails at once, so that the outbox relay can
//! defer.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use domain::Event;
use domain::ports::{EventPublisher, PublishError, Source};
use lapin::types::FieldTable;
use spans::Span;
use supervisor::supervise;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::SYSTEM;
use super::confirmed_publishing::{ConfirmedPublishing, Message};
use super::connection::{Broker, BrokerError, wait_until_lost};
use super::options::{RabbitmqOptions, RabbitmqOptionsError};
use super::publishing_health::PublishingHealth;
use crate::cloud_events::{CONTENT_TYPE, EventNaming, encode};
use crate::event_spans::publish_span;

/// The routing key of a message that only shows whether the broker takes messages.
const PROBE_KEY: &str = "probe";

/// Publishes events to the exchange. Connects on first use and from then on keeps reconnecting in
/// the background; each batch of events waits for its confirms together.
pub struct RabbitmqPublisher {
    broker: Arc<Broker>,
    naming: EventNaming,
    link: OnceLock<Link>,
    health: PublishingHealth,
}

/// The connection, maintained by a background task.
struct Link {
    state: watch::Receiver<LinkState>,
    keeper: AbortHandle,
}

type PublishOutcome = Result<(), Arc<BrokerError>>;

#[derive(Clone)]
enum LinkState {
    /// The first attempt is under way.
    Connecting,
    Up(Arc<ConfirmedPublishing>),
    /// With the reason.
    Down(String),
}

impl RabbitmqPublisher {
    /// Checks the options; does not connect yet.
    pub fn new(
        options: &RabbitmqOptions,
        naming: EventNaming,
    ) -> Result<Self, RabbitmqOptionsError> {
        let broker = Arc::new(Broker::new(options)?);
        Ok(Self { broker, naming, link: OnceLock::new(), health: PublishingHealth::default() })
    }

    /// The connection, or why there is none. Waits only for the very first attempt.
    async fn connection(&self) -> Result<Arc<ConfirmedPublishing>, BrokerError> {
        let mut state = self.link.get_or_init(|| Link::start(self.broker.clone())).state.clone();
        let settled = state.wait_for(|state| !matches!(state, LinkState::Connecting)).await;
        match settled.as_deref() {
            Ok(LinkState::Up(connection)) => Ok(connection.clone()),
            Ok(LinkState::Down(reason)) => Err(BrokerError::NotConnected(reason.clone())),
            Ok(LinkState::Connecting) | Err(_) => {
                Err(BrokerError::NotConnected("shutting down".into()))
            }
        }
    }

    fn message(&self, event: &Event) -> Message {
        Message {
            exchange: self.broker.topology.exchange.clone(),
            routing_key: event.kind.type_name().into(),
            id: event.id.as_uuid().to_string().into(),
            content_type: CONTENT_TYPE.into(),
            headers: FieldTable::default(),
            mandatory: event.kind.needs_mail(),
            body: encode(event, &self.naming),
        }
    }

    /// Until the broker has confirmed the event.
    fn span(&self, event: &Event) -> Span {
        let exchange = &self.broker.topology.exchange;
        publish_span(event, SYSTEM, &format_args!("{exchange}:{}", event.kind.type_name()))
    }

    async fn publish_all(
        &self,
        messages: &[Message],
    ) -> Result<Vec<PublishOutcome>, Arc<BrokerError>> {
        let connection = self.connection().await?;
        match connection.publish(&self.broker, messages).await {
            Ok(outcomes) => {
                let outcomes: Vec<PublishOutcome> =
                    outcomes.into_iter().map(|outcome| outcome.map_err(Arc::new)).collect();
                self.record(messages, &outcomes);
                Ok(outcomes)
            }
            Err(error) => Err(self.record_failure(error, messages.first())),
        }
    }

    fn record(&self, messages: &[Message], outcomes: &[PublishOutcome]) {
        let failed = |(message, outcome): (&Message, &PublishOutcome)| {
            outcome.as_ref().err().map(|cause| (message.clone(), cause.clone()))
        };
        match messages.iter().zip(outcomes).find_map(failed) {
            Some((message, cause)) => {
                self.health.record_failure(&self.broker, cause, Some(message));
            }
            None => self.health.record_success(),
        }
    }

    fn record_failure(&self, error: BrokerError, message: Option<&Message>) -> Arc<BrokerError> {
        let cause = Arc::new(error);
        self.health.record_failure(&self.broker, cause.clone(), message.cloned());
        cause
    }

    /// Declares what publishing needs.
    async fn declare(&self, connection: &ConfirmedPublishing) -> Result<(), Arc<BrokerError>> {
        let declared = connection.declare(&self.broker).await;
        declared.map_err(|error| self.record_failure(error, None))
    }

    /// Publishes what the broker did not take, once more: only that shows whether the queues take
    /// it now. Events are delivered at least once, so that another one does no harm. If there is
    /// none, a message that no queue is bound for.
    async fn attempt(&self, connection: &ConfirmedPublishing) -> Result<(), Arc<BrokerError>> {
        self.declare(connection).await?;
        let message = self.health.failed_message().unwrap_or_else(|| Message {
            exchange: self.broker.topology.exchange.clone(),
            routing_key: PROBE_KEY.into(),
            id: PROBE_KEY.into(),
            content_type: "text/plain".into(),
            headers: FieldTable::default(),
            mandatory: false,
            body: Vec::new(),
        });
        self.publish_all(&[message]).await?.into_iter().collect()
    }

    /// The connection, if the broker takes messages over it.
    async fn usable_connection(&self) -> Result<Arc<ConfirmedPublishing>, BrokerError> {
        let connection = self.connection().await?;
        if connection.is_blocked() {
            return Err(BrokerError::Blocked);
        }
        if !connection.connection().status().connected() {
            return Err(BrokerError::NotConnected("the connection was lost".into()));
        }
        Ok(connection)
    }
}

#[async_trait]
impl EventPublisher for RabbitmqPublisher {
    async fn publish(&self, events: &[Event]) -> Vec<Result<(), PublishError>> {
        if events.is_empty() {
            return Vec::new();
        }
        let messages: Vec<Message> = events.iter().map(|event| self.message(event)).collect();
        let spans: Vec<Span> = events.iter().map(|event| self.span(event)).collect();
        let outcomes: Vec<Result<(), PublishError>> = match self.publish_all(&messages).await {
            Ok(outcomes) => {
                outcomes.into_iter().map(|outcome| outcome.map_err(unavailable)).collect()
            }
            Err(error) => events.iter().map(|_| Err(unavailable(error.clone()))).collect(),
        };
        spans.into_iter().zip(&outcomes).for_each(|(span, outcome)| span.end_with(outcome));
        outcomes
    }

    /// Before anything was published, and while the last attempt has failed, another attempt shows
    /// it, at growing intervals: an API that has nothing to publish recovers too.
    async fn ping(&self) -> Result<(), PublishError> {
        let connection = self.usable_connection().await.map_err(unavailable)?;
        if self.health.is_good() {
            return Ok(());
        }
        if let Some(cause) = self.health.recent_failure() {
            return Err(unavailable(cause));
        }
        self.attempt(&connection).await.map_err(unavailable)
    }

    async fn probe(&self) -> Result<(), PublishError> {
        let connection = self.usable_connection().await.map_err(unavailable)?;
        if let Some(cause) = self.health.recent_failure() {
            return Err(unavailable(cause));
        }
        self.declare(&connection).await.map_err(unavailable)
    }
}

fn unavailable(error: impl Into<Source>) -> PublishError {
    PublishError::Unavailable(error.into())
}

impl Link {
    fn start(broker: Arc<Broker>) -> Self {
        let (sender, state) = watch::channel(LinkState::Connecting);
        let keeper = supervise("rabbitmq-publisher", move || {
            let (broker, sender) = (broker.clone(), sender.clone());
            async move { keep_up(&broker, &sender).await }
        });
        Self { state, keeper: keeper.abort_handle() }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Connects, and connects again whenever the connection is lost.
async fn keep_up(broker: &Broker, state: &watch::Sender<LinkState>) {
    let mut delays = broker.reconnect_delays();
    let mut is_reported = false;
    loop {
        match broker.connect().await {
            Ok(connection) => {
                let exchange = &broker.options.exchange;
                tracing::info!(event = "publisher.connected", exchange, "connected to RabbitMQ");
                delays = broker.reconnect_delays();
                is_reported = false;
                let connection = Arc::new(ConfirmedPublishing::new(connection));
                state.send_replace(LinkState::Up(connection.clone()));
                wait_until_lost(connection.connection()).await;
                tracing::warn!(
                    event = "publisher.connection_lost",
                    "lost the connection to RabbitMQ"
                );
                state.send_replace(LinkState::Down("the connection was lost".into()));
            }
            Err(error) => {
                // Once per outage.
                if !is_reported {
                    tracing::warn!(event = "publisher.unreachable", %error, "cannot connect to RabbitMQ");
                    is_reported = true;
                }
                state.send_replace(LinkState::Down(error.to_string()));
            }
        }
        tokio::time::sleep(delays.next_delay()).await;
    }
}
