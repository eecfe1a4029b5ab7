//! What an operator does about events that were set aside: look at them, and send them again.

use async_trait::async_trait;
use domain::ports::{DeadLetter, DeadLetterError, DeadLetters};
use lapin::message::BasicGetMessage;
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection};

use super::confirmed::ConfirmedPublishing;
use super::connection::{Broker, BrokerError};
use super::failed::{recorded_reason, replay};
use super::options::{RabbitmqOptions, RabbitmqOptionsError};

/// The dead-letter queue. Connects for each command, and reports a broker that is away as an error.
pub struct RabbitmqDeadLetters {
    broker: Broker,
}

impl RabbitmqDeadLetters {
    /// Checks the options; does not connect yet.
    pub fn new(options: &RabbitmqOptions) -> Result<Self, RabbitmqOptionsError> {
        Ok(Self { broker: Broker::new(options)? })
    }

    async fn open(&self) -> Result<(Connection, Channel), BrokerError> {
        let connection = self.broker.connect().await?;
        let channel = self.broker.open_channel(&connection).await?;
        Ok((connection, channel))
    }

    async fn get(&self, channel: &Channel) -> lapin::Result<Option<BasicGetMessage>> {
        channel.basic_get(self.broker.topology.dead_queue.clone(), BasicGetOptions::default()).await
    }

    /// Holds the messages back from the queue while it reads them, then returns them all.
    async fn read(&self, limit: u32) -> Result<Vec<DeadLetter>, BrokerError> {
        let (connection, channel) = self.open().await?;
        let mut letters = Vec::new();
        let mut last_tag = None;
        while letters.len() < limit as usize
            && let Some(message) = self.get(&channel).await?
        {
            last_tag = Some(message.delivery_tag);
            letters.push(DeadLetter {
                event: String::from_utf8_lossy(&message.data).into_owned(),
                reason: recorded_reason(&message),
            });
        }
        if let Some(tag) = last_tag {
            channel.basic_nack(tag, BasicNackOptions { multiple: true, requeue: true }).await?;
        }
        connection.close(200, "OK".into()).await?;
        Ok(letters)
    }

    /// Moves as many messages as there are at the start: one that fails again at once is not moved
    /// twice. Each is removed only when the broker has confirmed its copy.
    async fn move_all(&self) -> Result<u64, BrokerError> {
        let (connection, channel) = self.open().await?;
        let passive = QueueDeclareOptions::durable().passive();
        let dead_queue = self.broker.topology.dead_queue.clone();
        let waiting =
            channel.queue_declare(dead_queue, passive, FieldTable::default()).await?.message_count();
        let publishing = ConfirmedPublishing::new(connection);
        let mut moved = 0;
        while moved < u64::from(waiting)
            && let Some(message) = self.get(&channel).await?
        {
            let copy = replay(&self.broker.topology, &message);
            for outcome in publishing.publish(&self.broker, &[copy]).await? {
                outcome?;
            }
            message.ack(BasicAckOptions::default()).await?;
            moved += 1;
        }
        publishing.connection().close(200, "OK".into()).await?;
        Ok(moved)
    }
}

#[async_trait]
impl DeadLetters for RabbitmqDeadLetters {
    async fn list(&self, limit: u32) -> Result<Vec<DeadLetter>, DeadLetterError> {
        self.read(limit).await.map_err(|error| DeadLetterError(error.into()))
    }

    async fn replay(&self) -> Result<u64, DeadLetterError> {
        self.move_all().await.map_err(|error| DeadLetterError(error.into()))
    }
}
