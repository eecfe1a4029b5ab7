//! RabbitMQ's messages.

use lapin::message::BasicGetMessage;
use lapin::options::{
    BasicGetOptions, BasicNackOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use test_support::eventually;

use crate::environment::required;
use crate::system::System;

/// Reads the messages on the exchange of a distributed system and in its queues.
pub struct Tap {
    _connection: Connection,
    channel: Channel,
    exchange: String,
    queue: ShortString,
}

impl Tap {
    /// Receives a copy of everything that is published from now on.
    pub async fn open(system: &System) -> Self {
        let exchange = system.setting("rabbitmq.exchange").to_owned();
        let (connection, channel) = open_channel().await;
        let exclusive = QueueDeclareOptions { exclusive: true, ..Default::default() };
        let declared =
            channel.queue_declare("".into(), exclusive, FieldTable::default()).await.unwrap();
        let queue = declared.name().clone();
        let (source, options) = (exchange.as_str().into(), QueueBindOptions::default());
        channel
            .queue_bind(queue.clone(), source, "#".into(), options, FieldTable::default())
            .await
            .unwrap();
        Self { _connection: connection, channel, exchange, queue }
    }

    /// Everything that was published since.
    pub async fn messages(&self) -> Vec<String> {
        let mut messages = Vec::new();
        while let Some(message) = self.get(self.queue.clone()).await {
            messages.push(written_out(&message));
        }
        messages
    }

    /// Waits for a message in the queue `<exchange>.<suffix>`, reads it and leaves it there.
    pub async fn wait_for_message_in(&self, suffix: &str) -> String {
        let name = format!("{}.{suffix}", self.exchange);
        eventually(&format!("a message in {name}"), async || {
            let message = self.get(name.as_str().into()).await?;
            let put_back = BasicNackOptions { requeue: true, ..Default::default() };
            message.acker.nack(put_back).await.unwrap();
            Some(written_out(&message))
        })
        .await
    }

    async fn get(&self, queue: ShortString) -> Option<BasicGetMessage> {
        self.channel.basic_get(queue, BasicGetOptions::default()).await.unwrap()
    }
}

/// The exchange of a system.
pub fn exchange_of(system: &System) -> &str {
    system.setting("rabbitmq.exchange")
}

/// Puts a queue of another kind in the place of a system's queue `<exchange>.<suffix>`: whoever
/// declares that again is refused.
pub async fn replace_queue(system: &System, suffix: &str) {
    remove_queue(system, suffix).await;
    let (_connection, channel) = open_channel().await;
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(queue_of(system, suffix), options, FieldTable::default()).await.unwrap();
}

/// Deletes a system's queue `<exchange>.<suffix>` with all that is in it.
pub async fn remove_queue(system: &System, suffix: &str) {
    let (_connection, channel) = open_channel().await;
    channel.queue_delete(queue_of(system, suffix), QueueDeleteOptions::default()).await.unwrap();
}

/// Publishes a message on a system's exchange.
pub async fn publish(system: &System, routing_key: &str, body: &[u8]) {
    let exchange = system.setting("rabbitmq.exchange").to_owned();
    let (_connection, channel) = open_channel().await;
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let sent =
        channel.basic_publish(exchange.into(), routing_key.into(), options, body, properties).await;
    let confirmed = sent.unwrap().await.unwrap();
    assert!(confirmed.is_ack(), "the broker did not take it");
}

fn queue_of(system: &System, suffix: &str) -> ShortString {
    format!("{}.{suffix}", system.setting("rabbitmq.exchange")).into()
}

/// Around the proxy, which a test may cut.
async fn open_channel() -> (Connection, Channel) {
    let url = required("TEST_AMQP_URL");
    let connection =
        Connection::connect(&url, ConnectionProperties::default()).await.expect("RabbitMQ");
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

/// Routing key, headers, properties and body.
fn written_out(message: &BasicGetMessage) -> String {
    let delivery = &message.delivery;
    let headers = headers(&delivery.properties);
    let body = String::from_utf8_lossy(&delivery.data);
    format!("{} {headers} {:?} {body}", delivery.routing_key, delivery.properties)
}

fn headers(properties: &BasicProperties) -> String {
    let headers = properties.headers().iter().flat_map(FieldTable::inner);
    let texts = headers.map(|(name, value)| match value {
        // Its debug form is a list of bytes.
        AMQPValue::LongString(text) => format!("{name}: {text}"),
        other => format!("{name}: {other:?}"),
    });
    texts.collect::<Vec<_>>().join(", ")
}
