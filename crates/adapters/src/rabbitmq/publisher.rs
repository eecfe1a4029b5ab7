//! Publishes events to RabbitMQ. An event counts as published only once the broker has confirmed
//! it. While the broker is unreachable, publishing fails at once, so that the outbox relay can
//! defer.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use domain::Event;
use domain::ports::{EventPublisher, PublishError, Source};
use lapin::types::FieldTable;
use supervisor::supervise;
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::confirmed_publishing::{ConfirmedPublishing, Message};
use super::connection::{Broker, BrokerError, wait_until_lost};
use super::envelope::{CONTENT_TYPE, encode};
use super::options::{RabbitmqOptions, RabbitmqOptionsError};
use super::publishing_health::PublishingHealth;

/// Publishes events to the exchange. Connects on first use and from then on keeps reconnecting in
/// the background; each batch of events waits for its confirms together.
pub struct RabbitmqPublisher {
    broker: Arc<Broker>,
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
    pub fn new(options: &RabbitmqOptions) -> Result<Self, RabbitmqOptionsError> {
        let broker = Arc::new(Broker::new(options)?);
        Ok(Self { broker, link: OnceLock::new(), health: PublishingHealth::default() })
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
            body: encode(event),
        }
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
                match outcomes.iter().find_map(|outcome| outcome.as_ref().err()) {
                    Some(cause) => self.health.record_failure(&self.broker, cause.clone()),
                    None => self.health.record_success(),
                }
                Ok(outcomes)
            }
            Err(error) => Err(self.record_failure(error)),
        }
    }

    fn record_failure(&self, error: BrokerError) -> Arc<BrokerError> {
        let cause = Arc::new(error);
        self.health.record_failure(&self.broker, cause.clone());
        cause
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
        match self.publish_all(&messages).await {
            Ok(outcomes) => {
                outcomes.into_iter().map(|outcome| outcome.map_err(unavailable)).collect()
            }
            Err(error) => events.iter().map(|_| Err(unavailable(error.clone()))).collect(),
        }
    }

    /// Before anything was published, what publishing needs is declared.
    async fn ping(&self) -> Result<(), PublishError> {
        let connection = self.usable_connection().await.map_err(unavailable)?;
        if self.health.is_unknown() {
            match connection.declare(&self.broker).await {
                Ok(()) => self.health.record_success(),
                Err(error) => return Err(unavailable(self.record_failure(error))),
            }
        }
        self.health.failure().map_or(Ok(()), |cause| Err(unavailable(cause)))
    }

    async fn probe(&self) -> Result<(), PublishError> {
        let connection = self.usable_connection().await.map_err(unavailable)?;
        if let Some(cause) = self.health.recent_failure() {
            return Err(unavailable(cause));
        }
        connection
            .declare(&self.broker)
            .await
            .map_err(|error| unavailable(self.record_failure(error)))
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
