//! Reads a queue once through, with a bounded number of messages in memory.

use std::time::Duration;

use futures::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions,
    BasicQosOptions, QueueDeclareOptions,
};
use lapin::types::{DeliveryTag, FieldTable, ShortString};
use lapin::{Channel, Consumer};

use super::super::connection::{Broker, BrokerError, OpenConnection};

/// How many messages are in memory at once. The broker sends no more than that ahead.
const PAGE_SIZE: u16 = 500;

/// How long nothing has to arrive before the queue is asked whether it is empty.
const SILENCE: Duration = Duration::from_secs(1);

/// How many messages are given back by one command to the queue. It keeps the order of no more than
/// that (Erlang sorts the keys of small maps only).
const RETURNED_TOGETHER: usize = 32;

/// How many of these commands may be under way. The channel would merge them once there are 32
/// (`quorum_commands_soft_limit`).
const RETURNS_UNDER_WAY: usize = 16;

/// How often it is looked whether the messages are back.
const RETURN_POLL: Duration = Duration::from_millis(10);

pub(super) struct Browser<'a> {
    broker: &'a Broker,
    channel: Channel,
    /// How many of the messages that were there at the start have not been read.
    unread: u32,
    pages: u32,
    /// What is left of the last page.
    page: Vec<DeliveryTag>,
    /// What is left of the pages before: how many messages, and the last one of each group that is
    /// given back together.
    held: Vec<(u32, DeliveryTag)>,
}

impl<'a> Browser<'a> {
    /// Begins with the messages that wait in the dead-letter queue now.
    pub(super) async fn open(
        broker: &'a Broker,
        connection: &OpenConnection,
    ) -> Result<Self, BrokerError> {
        let channel = broker.open_channel(connection).await?;
        let (page, held) = (Vec::new(), Vec::new());
        let mut browser = Self { broker, channel, unread: 0, pages: 0, page, held };
        browser.unread = browser.count_waiting().await?;
        Ok(browser)
    }

    /// The next messages, which stay with this channel until they are removed or the browser
    /// finishes. None once every message that was there at the start has been read.
    pub(super) async fn next_page(&mut self) -> Result<Vec<Delivery>, BrokerError> {
        self.hold_page();
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
        self.page.extend(page.iter().map(|message| message.delivery_tag));
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
        self.page.retain(|tag| *tag != message.delivery_tag);
        Ok(())
    }

    /// Gives back what was read and not removed, in its order, and waits until the queue has taken
    /// note of everything: what a channel still has in hand when it is closed is lost or reordered.
    pub(super) async fn finish(mut self) -> Result<(), BrokerError> {
        // The channel holds acknowledgements back, too, once 32 of them are under way to the queue.
        // The first request comes after those, whose receipts release the rest, and the second one
        // after that.
        for _ in 0..2 {
            self.page.extend(self.get().await?.map(|message| message.delivery_tag));
        }
        self.hold_page();
        let mut returned = 0;
        for groups in self.held.chunks(RETURNS_UNDER_WAY) {
            for (count, last) in groups {
                let group = BasicNackOptions { multiple: true, requeue: true };
                self.broker.with_answer_timeout(self.channel.basic_nack(*last, group)).await?;
                returned += count;
            }
            let waiting = self.wait_until_returned(returned);
            match tokio::time::timeout(self.broker.options.confirm_timeout, waiting).await {
                Ok(outcome) => outcome?,
                // Somebody else has taken some. The rest goes back with the channel.
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn hold_page(&mut self) {
        for group in self.page.chunks(RETURNED_TOGETHER) {
            if let (Ok(count), Some(last)) = (u32::try_from(group.len()), group.last()) {
                self.held.push((count, *last));
            }
        }
        self.page.clear();
    }

    async fn wait_until_returned(&self, count: u32) -> Result<(), BrokerError> {
        while self.count_waiting().await? < count {
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
        let tag = format!("page-{}", self.pages).into();
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
