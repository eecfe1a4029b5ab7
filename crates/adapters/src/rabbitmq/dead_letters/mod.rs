//! What an operator can do about events that were set aside: list, replay and discard them.
//!
//! The queue is read page by page, and every message is kept back, unacknowledged, until the end:
//! RabbitMQ puts a message that is given back at the head of the queue, where it would be read
//! again at once. Only what was replayed or discarded is acknowledged; the rest goes back in its
//! order, by the broker's own doing if the command is killed.

mod browser;
mod turn;

use async_trait::async_trait;
use domain::ports::{
    DeadLetter, DeadLetterAction, DeadLetterError, DeadLetterSelection, DeadLetterVisitor,
    DeadLetters,
};
use lapin::message::Delivery;

use self::browser::Browser;
use self::turn::take_turn;
use super::confirmed_publishing::{ConfirmedPublishing, Message};
use super::connection::{Broker, BrokerError};
use super::failed_messages::{read_dead_letter, to_work_queue};
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

    async fn connect_and_apply(
        &self,
        action: DeadLetterAction,
        selection: &DeadLetterSelection,
        visit: &mut DeadLetterVisitor<'_>,
    ) -> Result<(), BrokerError> {
        let connection = self.broker.connect().await?;
        take_turn(&self.broker, &connection).await?;
        // On its own connection: a broker short of memory or disk stops reading from connections
        // that publish, but it must still read the acknowledgements, which free memory.
        let publishing = ConfirmedPublishing::new(self.broker.connect().await?);
        let mut browser = Browser::open(&self.broker, &connection).await?;
        let pages = Pages { broker: &self.broker, publishing: &publishing, action, selection };
        let applied = pages.apply(&mut browser, visit).await;
        let finished = browser.finish().await;
        self.broker.close(publishing.connection()).await;
        self.broker.close(&connection).await;
        applied.and(finished)
    }
}

#[async_trait]
impl DeadLetters for RabbitmqDeadLetters {
    async fn apply(
        &self,
        action: DeadLetterAction,
        selection: &DeadLetterSelection,
        visit: &mut DeadLetterVisitor<'_>,
    ) -> Result<(), DeadLetterError> {
        self.connect_and_apply(action, selection, visit)
            .await
            .map_err(|error| DeadLetterError(error.into()))
    }
}

/// What a command does to one page after the other.
struct Pages<'a> {
    broker: &'a Broker,
    publishing: &'a ConfirmedPublishing,
    action: DeadLetterAction,
    selection: &'a DeadLetterSelection,
}

impl Pages<'_> {
    async fn apply(
        &self,
        browser: &mut Browser<'_>,
        visit: &mut DeadLetterVisitor<'_>,
    ) -> Result<(), BrokerError> {
        loop {
            let page = browser.next_page().await?;
            if page.is_empty() {
                return Ok(());
            }
            let (chosen, letters): (Vec<Delivery>, Vec<DeadLetter>) = page
                .into_iter()
                .map(|delivery| {
                    let letter = read_dead_letter(&delivery);
                    (delivery, letter)
                })
                .filter(|(_, letter)| self.selection.includes(letter))
                .unzip();
            for (letter, outcome) in letters.into_iter().zip(self.act(browser, &chosen).await?) {
                outcome?;
                if visit(letter).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// Does it to each message, and returns what became of it. One that is replayed is removed only
    /// after the broker has confirmed its copy.
    async fn act(
        &self,
        browser: &mut Browser<'_>,
        messages: &[Delivery],
    ) -> Result<Vec<Result<(), BrokerError>>, BrokerError> {
        let outcomes = match self.action {
            DeadLetterAction::List => return Ok(messages.iter().map(|_| Ok(())).collect()),
            DeadLetterAction::Discard => messages.iter().map(|_| Ok(())).collect(),
            DeadLetterAction::Replay => {
                let copy = |message| to_work_queue(&self.broker.topology, message);
                let copies: Vec<Message> = messages.iter().map(copy).collect();
                self.publishing.publish(self.broker, &copies).await?
            }
        };
        for (message, _) in messages.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok()) {
            browser.remove(message).await?;
        }
        Ok(outcomes)
    }
}
