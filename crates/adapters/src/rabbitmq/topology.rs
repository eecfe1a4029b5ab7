//! The exchange and the queues: one definition, declared by every client, so that the order of
//! starts does not matter and an event that needs a mail always finds a queue.
//!
//! ```text
//! registration ──(types that need a mail)──► registration.email ──► worker
//!                                               ▲                    │ transient failure
//!                                               │ TTL                ▼ or unknown type
//!                                    registration.email.retry.<delay in ms>
//!                                    registration.email.dead ◄────── permanent failure
//! ```
//!
//! All queues are quorum queues, and none of them may drop a message:
//! - The worker publishes a failed event to a retry queue itself and acknowledges the delivery only
//!   when the broker has confirmed that. Rejecting it into a dead-letter exchange would be shorter,
//!   but could neither choose the delay by the number of failures nor record the reason.
//! - Events leave a retry queue by dead-lettering when their TTL expires. By default RabbitMQ does
//!   that at most once; `at-least-once` (3.10 and later) makes the retry queue keep each event
//!   until the work queue has confirmed it, and requires `reject-publish`.
//! - `x-delivery-limit`: since RabbitMQ 4.0, quorum queues by default drop a message at its 21st
//!   return. A worker that is killed repeatedly causes returns, and so does listing the dead
//!   letters. 4.0 accepts -1 for "no limit", which 3.x refuses; a very large number works on both.

use std::time::Duration;

use domain::UserEvent;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};

pub(super) struct Topology {
    pub(super) exchange: ShortString,
    /// What the worker consumes.
    pub(super) work_queue: ShortString,
    /// For events that will never succeed.
    pub(super) dead_queue: ShortString,
    retry_queues: Vec<RetryQueue>,
}

/// How many messages are in the queues that no consumer has been given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueDepths {
    /// Events for the worker.
    pub work: u64,
    /// Events that wait to be tried again, over all retry queues.
    pub retry: u64,
    /// Dead letters.
    pub dead: u64,
}

struct RetryQueue {
    name: ShortString,
    delay: Duration,
}

impl Topology {
    /// `retry_delays` must not be empty.
    pub(super) fn new(exchange: &str, retry_delays: &[Duration]) -> Self {
        let retry_queue = |delay: &Duration| RetryQueue {
            // The delay is part of the name, because a queue's TTL cannot change: when another
            // delay is configured, the events in the old queue still come back.
            name: format!("{exchange}.email.retry.{}", delay.as_millis()).into(),
            delay: *delay,
        };
        Self {
            exchange: exchange.into(),
            work_queue: format!("{exchange}.email").into(),
            dead_queue: format!("{exchange}.email.dead").into(),
            retry_queues: retry_delays.iter().map(retry_queue).collect(),
        }
    }

    /// The retry queue of an event that has failed `failures` times (from 1). The delays grow and
    /// the last one repeats: the handler says when an event is given up.
    pub(super) fn retry_queue(&self, failures: u32) -> ShortString {
        let step = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
        self.retry_queues[step.min(self.retry_queues.len() - 1)].name.clone()
    }

    /// The retry queue in which an event waits longest.
    pub(super) fn longest_retry_queue(&self) -> ShortString {
        let longest = self.retry_queues.iter().max_by_key(|queue| queue.delay);
        longest.map_or_else(|| self.retry_queue(u32::MAX), |queue| queue.name.clone())
    }

    /// How many messages of each kind of queue no consumer has been given.
    pub(super) async fn count_ready(&self, channel: &Channel) -> lapin::Result<QueueDepths> {
        let mut retry = 0;
        for queue in &self.retry_queues {
            retry += count_ready(channel, &queue.name).await?;
        }
        Ok(QueueDepths {
            work: count_ready(channel, &self.work_queue).await?,
            retry,
            dead: count_ready(channel, &self.dead_queue).await?,
        })
    }

    /// Creates what is missing. Fails if something of the same name was declared differently.
    pub(super) async fn declare(&self, channel: &Channel) -> lapin::Result<()> {
        let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
        channel
            .exchange_declare(
                self.exchange.clone(),
                ExchangeKind::Topic,
                durable,
                FieldTable::default(),
            )
            .await?;
        declare_queue(channel, &self.work_queue, quorum()).await?;
        declare_queue(channel, &self.dead_queue, quorum()).await?;
        for retry in &self.retry_queues {
            declare_queue(channel, &retry.name, retry.arguments(&self.work_queue)).await?;
        }
        for key in UserEvent::MAIL_TYPES {
            let (queue, exchange) = (self.work_queue.clone(), self.exchange.clone());
            channel
                .queue_bind(
                    queue,
                    exchange,
                    key.into(),
                    QueueBindOptions::default(),
                    FieldTable::default(),
                )
                .await?;
        }
        Ok(())
    }
}

impl RetryQueue {
    fn arguments(&self, work_queue: &ShortString) -> FieldTable {
        let milliseconds = i64::try_from(self.delay.as_millis()).unwrap_or(i64::MAX);
        let mut arguments = quorum();
        arguments.insert("x-message-ttl".into(), AMQPValue::LongLongInt(milliseconds));
        for (name, value) in [
            ("x-dead-letter-exchange", ""),
            ("x-dead-letter-routing-key", work_queue.as_str()),
            ("x-dead-letter-strategy", "at-least-once"),
            ("x-overflow", "reject-publish"),
        ] {
            arguments.insert(name.into(), AMQPValue::LongString(value.into()));
        }
        arguments
    }
}

fn quorum() -> FieldTable {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-delivery-limit".into(), AMQPValue::LongInt(i32::MAX));
    arguments
}

async fn declare_queue(
    channel: &Channel,
    name: &ShortString,
    arguments: FieldTable,
) -> lapin::Result<()> {
    channel.queue_declare(name.clone(), QueueDeclareOptions::durable(), arguments).await?;
    Ok(())
}

async fn count_ready(channel: &Channel, queue: &ShortString) -> lapin::Result<u64> {
    let passive = QueueDeclareOptions::durable().passive();
    let queue = channel.queue_declare(queue.clone(), passive, FieldTable::default()).await?;
    Ok(queue.message_count().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_the_last_one_repeats() {
        let topology = Topology::new("x", &[1, 5, 30].map(Duration::from_secs));
        let names = [1, 2, 3, 4, 1_000, u32::MAX].map(|failures| topology.retry_queue(failures));
        let expected =
            [1000, 5000, 30000, 30000, 30000, 30000].map(|ms| format!("x.email.retry.{ms}"));
        assert_eq!(names.map(String::from), expected);
        let unordered = Topology::new("x", &[5, 30, 1].map(Duration::from_secs));
        assert_eq!(unordered.longest_retry_queue().as_str(), "x.email.retry.30000");
    }
}
