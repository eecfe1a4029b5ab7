//! Reads a queue once through, with a bounded number of messages in memory.

use std::time::Duration;

use futures::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions,
    BasicQosOptions, QueueDeclareOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Consumer};

use super::super::connection::{Broker, BrokerError, OpenConnection};

/// How many messages are in memory at once. The broker sends no more than that ahead.
const PAGE_SIZE: u16 = 500;

/// How long nothing has to arrive before the queue is asked whether it is empty.
const SILENCE: Duration = Duration::from_secs(1);

/// How often it is looked whether all messages are back.
const RETURN_POLL: Duration = Duration::from_millis(10);

pub(super) struct Browser<'a> {
    broker: &'a Broker,
    channel: Channel,
    /// How many of the messages that were there at the start have not been read.
    unread: u32,
    pages: u32,
    /// How many messages were read and not removed.
    held: u32,
}

impl<'a> Browser<'a> {
    /// Begins with the messages that wait in the dead-letter queue now.
    pub(super) async fn open(
        broker: &'a Broker,
        connection: &OpenConnection,
    ) -> Result<Self, BrokerError> {
        let channel = broker.open_channel(connection).await?;
        let mut browser = Self { broker, channel, unread: 0, pages: 0, held: 0 };
        browser.unread = browser.count_waiting().await?;
        Ok(browser)
    }

    /// The next messages, which stay with this channel until they are removed or the browser
    /// finishes. None once every message that was there at the start has been read.
    pub(super) async fn next_page(&mut self) -> Result<Vec<Delivery>, BrokerError> {
        let size = u16::try_from(self.unread).unwrap_or(u16::MAX).min(PAGE_SIZE);
        if size == 0 {
            return Ok(Vec::new());
        }
        let mut messages = self.consume(size).await?;
        let mut page = self.receive(&mut messages, size).await?;
        let cancel = self.channel.basic_cancel(messages.tag(), BasicCancelOptions::default());
        self.broker.with_answer_timeout(cancel).await?;
        // What arrived before the cancellation.
        while let Some(message) = messages.next().await {
            page.push(message?);
        }
        let read = u32::try_from(page.len()).unwrap_or(u32::MAX);
        self.held += read;
        self.unread = if read < size.into() { 0 } else { self.unread.saturating_sub(read) };
        Ok(page)
    }

    /// Removes a message from the queue.
    pub(super) async fn remove(&mut self, message: &Delivery) -> Result<(), BrokerError> {
        // `false` means that the channel is gone, and with it the message back in the queue.
        let removed = message.ack(BasicAckOptions::default());
        if !self.broker.with_answer_timeout(removed).await? {
            return Err(BrokerError::NotConnected("the channel was closed".into()));
        }
        self.held -= 1;
        Ok(())
    }

    /// Gives back what was read and not removed, and waits until the queue has taken note of
    /// everything: what the broker still has in hand when a channel closes is forgotten.
    pub(super) async fn finish(mut self) -> Result<(), BrokerError> {
        // The channel holds acknowledgements back once 32 of them are under way to the queue
        // (`quorum_commands_soft_limit`). The first request comes after those under way, whose
        // receipts release the rest, and the second one after these.
        for _ in 0..2 {
            self.held += u32::from(self.get().await?.is_some());
        }
        // 0 stands for all (AMQP 0-9-1, `basic.nack`).
        let all = BasicNackOptions { multiple: true, requeue: true };
        self.broker.with_answer_timeout(self.channel.basic_nack(0, all)).await?;
        let timeout = self.broker.options.confirm_timeout;
        match tokio::time::timeout(timeout, self.wait_until_returned()).await {
            Ok(returned) => returned,
            // Somebody else has taken some.
            Err(_) => Ok(()),
        }
    }

    async fn wait_until_returned(&self) -> Result<(), BrokerError> {
        while self.count_waiting().await? < self.held {
            tokio::time::sleep(RETURN_POLL).await;
        }
        Ok(())
    }

    /// How many messages nobody has been given.
    async fn count_waiting(&self) -> Result<u32, BrokerError> {
        let passive = QueueDeclareOptions::durable().passive();
        let declare = self.channel.queue_declare(self.queue(), passive, FieldTable::default());
        Ok(self.broker.with_answer_timeout(declare).await?.message_count())
    }

    /// A consumer of its own for each page: its prefetch is the size of the page, and once it is
    /// cancelled the messages that are held do not count against the next one's.
    async fn consume(&mut self, size: u16) -> Result<Consumer, BrokerError> {
        let limit = self.channel.basic_qos(size, BasicQosOptions::default());
        self.broker.with_answer_timeout(limit).await?;
        self.pages += 1;
        // The broker gives messages back in the order of these tags.
        let tag = format!("page-{:09}", self.pages).into();
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let consume = self.channel.basic_consume(self.queue(), tag, options, arguments);
        self.broker.with_answer_timeout(consume).await
    }

    /// Receives a page, or less if somebody else has taken messages and the queue is empty.
    async fn receive(
        &self,
        messages: &mut Consumer,
        size: u16,
    ) -> Result<Vec<Delivery>, BrokerError> {
        let mut page = Vec::with_capacity(size.into());
        while page.len() < size.into() {
            match tokio::time::timeout(SILENCE, messages.next()).await {
                Ok(Some(message)) => page.push(message?),
                Ok(None) => return Err(BrokerError::Cancelled),
                Err(_) => match self.get().await? {
                    Some(message) => page.push(message),
                    None => break,
                },
            }
        }
        Ok(page)
    }

    async fn get(&self) -> Result<Option<Delivery>, BrokerError> {
        let get = self.channel.basic_get(self.queue(), BasicGetOptions::default());
        Ok(self.broker.with_answer_timeout(get).await?.map(|message| message.delivery))
    }

    fn queue(&self) -> ShortString {
        self.broker.topology.dead_queue.clone()
    }
}
