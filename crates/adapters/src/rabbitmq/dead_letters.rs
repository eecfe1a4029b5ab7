//! What an operator can do about events that were set aside: list and replay them.

use async_trait::async_trait;
use domain::ports::{DeadLetter, DeadLetterError, DeadLetters};
use lapin::Channel;
use lapin::message::{BasicGetMessage, Delivery};
use lapin::options::{BasicAckOptions, BasicGetOptions, BasicNackOptions, QueueDeclareOptions};
use lapin::types::FieldTable;

use super::confirmed_publishing::ConfirmedPublishing;
use super::connection::{Broker, BrokerError, OpenConnection};
use super::failed_messages::{read_reason, to_work_queue};
use super::options::{RabbitmqOptions, RabbitmqOptionsError};

/// The dead-letter queue. Connects for each command; an unreachable broker is an error.
pub struct RabbitmqDeadLetters {
    broker: Broker,
}

impl RabbitmqDeadLetters {
    /// Checks the options; does not connect yet.
    pub fn new(options: &RabbitmqOptions) -> Result<Self, RabbitmqOptionsError> {
        Ok(Self { broker: Broker::new(options)? })
    }

    async fn open(&self) -> Result<(OpenConnection, Channel), BrokerError> {
        let connection = self.broker.connect().await?;
        let channel = self.broker.open_channel(&connection).await?;
        Ok((connection, channel))
    }

    async fn get(&self, channel: &Channel) -> Result<Option<BasicGetMessage>, BrokerError> {
        let queue = self.broker.topology.dead_queue.clone();
        self.broker.with_answer_timeout(channel.basic_get(queue, BasicGetOptions::default())).await
    }

    /// Takes all messages off the queue, then returns them. It has to read them all, because
    /// messages that were returned before come after those that never left the queue.
    async fn read(&self, limit: u32) -> Result<Vec<DeadLetter>, BrokerError> {
        let (connection, channel) = self.open().await?;
        let mut messages = Vec::new();
        while let Some(message) = self.get(&channel).await? {
            messages.push(message);
        }
        if let Some(last) = messages.last() {
            let all = BasicNackOptions { multiple: true, requeue: true };
            self.broker.with_answer_timeout(channel.basic_nack(last.delivery_tag, all)).await?;
        }
        self.broker.close(&connection).await;
        // Message ids are UUIDv7, which sort by time; a message without one was never one of our
        // events.
        messages.sort_by_cached_key(|message| {
            message.properties.message_id().clone().map(String::from)
        });
        Ok(messages.iter().take(limit as usize).map(|message| read_dead_letter(message)).collect())
    }

    /// Moves as many messages as there are at the start, so that one that fails again at once is
    /// not moved twice. Each is removed only after the broker has confirmed its copy.
    async fn move_all(&self) -> Result<u64, BrokerError> {
        let (connection, channel) = self.open().await?;
        let passive = QueueDeclareOptions::durable().passive();
        let dead_queue = self.broker.topology.dead_queue.clone();
        let declared = channel.queue_declare(dead_queue, passive, FieldTable::default());
        let waiting = self.broker.with_answer_timeout(declared).await?.message_count();
        let publishing = ConfirmedPublishing::new(connection);
        let mut moved = 0;
        while moved < u64::from(waiting)
            && let Some(message) = self.get(&channel).await?
        {
            let copy = to_work_queue(&self.broker.topology, &message);
            for outcome in publishing.publish(&self.broker, &[copy]).await? {
                outcome?;
            }
            self.broker.with_answer_timeout(message.ack(BasicAckOptions::default())).await?;
            moved += 1;
        }
        self.broker.close(publishing.connection()).await;
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

fn read_dead_letter(message: &Delivery) -> DeadLetter {
    DeadLetter {
        event: String::from_utf8_lossy(&message.data).into_owned(),
        reason: read_reason(message),
    }
}
