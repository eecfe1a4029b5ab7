//! Publishing that counts only what the broker has confirmed.
//!
//! Each batch has its own channel while it is in flight. That is not for speed: the broker returns
//! an unroutable message separately from its confirmation, and lapin attaches the returned message
//! to whichever confirmation comes next on the channel. So returned messages are identified by
//! message id, once every confirmation of the batch has arrived. A channel whose batch was cut
//! short is closed and never reused.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use futures::future::try_join_all;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, PublisherConfirm};

use super::connection::{Broker, BrokerError, OpenConnection};

/// Survives a restart of the broker (AMQP 0-9-1, `basic` class, delivery-mode).
const PERSISTENT: u8 = 2;

/// A message to publish.
#[derive(Clone)]
pub(super) struct Message {
    pub(super) exchange: ShortString,
    pub(super) routing_key: ShortString,
    pub(super) id: ShortString,
    pub(super) content_type: ShortString,
    pub(super) headers: FieldTable,
    /// Whether the message has to reach a queue.
    pub(super) mandatory: bool,
    pub(super) body: Vec<u8>,
}

/// The channels in confirm mode of one connection.
pub(super) struct ConfirmedPublishing {
    connection: OpenConnection,
    idle: Mutex<Vec<Channel>>,
}

impl ConfirmedPublishing {
    pub(super) fn new(connection: OpenConnection) -> Self {
        Self { connection, idle: Mutex::default() }
    }

    pub(super) fn connection(&self) -> &OpenConnection {
        &self.connection
    }

    /// Publishes all messages at once; the results are in the order of the messages. An error
    /// concerns them all: each may or may not have arrived.
    pub(super) async fn publish(
        &self,
        broker: &Broker,
        messages: &[Message],
    ) -> Result<Vec<Result<(), BrokerError>>, BrokerError> {
        let timeout = broker.options.confirm_timeout;
        let given_up = async {
            tokio::time::sleep(timeout).await;
            if self.is_blocked() {
                BrokerError::Blocked
            } else {
                BrokerError::AnswerTimeout(timeout)
            }
        };
        self.publish_until(given_up, broker, messages).await
    }

    /// The same, until `given_up` says why not to wait any longer.
    pub(super) async fn publish_until(
        &self,
        given_up: impl Future<Output = BrokerError>,
        broker: &Broker,
        messages: &[Message],
    ) -> Result<Vec<Result<(), BrokerError>>, BrokerError> {
        tokio::select! {
            outcomes = self.publish_on_a_channel(broker, messages) => outcomes,
            error = given_up => Err(error),
        }
    }

    /// Whether the broker has suspended publishing.
    pub(super) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Opens a channel, which declares everything anew: fails where publishing would.
    pub(super) async fn declare(&self, broker: &Broker) -> Result<(), BrokerError> {
        let channel = self.open_channel(broker).await?;
        let mut idle = self.lock_idle();
        if idle.is_empty() {
            idle.push(channel);
        }
        Ok(())
    }

    async fn publish_on_a_channel(
        &self,
        broker: &Broker,
        messages: &[Message],
    ) -> Result<Vec<Result<(), BrokerError>>, BrokerError> {
        let channel = self.take_channel(broker).await?;
        let sent = try_join_all(messages.iter().map(|message| message.send(&channel))).await?;
        let outcomes = match_confirmations(messages, try_join_all(sent).await?);
        if outcomes.iter().any(|result| matches!(result, Err(BrokerError::Unroutable))) {
            // A queue or a binding was deleted: declare it again for the next attempt.
            broker.topology.declare(&channel).await?;
        }
        self.lock_idle().push(channel);
        Ok(outcomes)
    }

    async fn take_channel(&self, broker: &Broker) -> Result<Channel, BrokerError> {
        let idle = self.lock_idle().pop();
        if let Some(channel) = idle.filter(|channel| channel.status().connected()) {
            return Ok(channel);
        }
        self.open_channel(broker).await
    }

    async fn open_channel(&self, broker: &Broker) -> Result<Channel, BrokerError> {
        let channel = broker.open_channel(&self.connection).await?;
        broker.with_answer_timeout(channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(channel)
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Channel>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Message {
    async fn send(&self, channel: &Channel) -> lapin::Result<PublisherConfirm> {
        let properties = BasicProperties::default()
            .with_content_type(self.content_type.clone())
            .with_delivery_mode(PERSISTENT)
            .with_message_id(self.id.clone())
            .with_headers(self.headers.clone());
        let options = BasicPublishOptions { mandatory: self.mandatory, ..Default::default() };
        let (exchange, routing_key) = (self.exchange.clone(), self.routing_key.clone());
        channel.basic_publish(exchange, routing_key, options, &self.body, properties).await
    }
}

/// What the confirmations, in the order of the messages, say about each message.
fn match_confirmations(
    messages: &[Message],
    confirmations: Vec<Confirmation>,
) -> Vec<Result<(), BrokerError>> {
    let accepted: Vec<bool> = confirmations.iter().map(Confirmation::is_ack).collect();
    let returned: HashSet<ShortString> = confirmations
        .into_iter()
        .filter_map(Confirmation::take_message)
        .filter_map(|message| message.properties.message_id().clone())
        .collect();
    let result = |(message, accepted): (&Message, bool)| match accepted {
        _ if returned.contains(&message.id) => Err(BrokerError::Unroutable),
        true => Ok(()),
        false => Err(BrokerError::Refused),
    };
    messages.iter().zip(accepted).map(result).collect()
}
