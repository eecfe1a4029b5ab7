//! How full the queues are, as the broker itself says, without its management plugin.

use domain::ports::Source;
use lapin::Channel;
use tokio::sync::Mutex;

use super::connection::{Broker, BrokerError, OpenConnection};
use super::options::{RabbitmqOptions, RabbitmqOptionsError};
use super::topology::QueueDepths;

/// Counts the messages in the queues. Connects at the first question, and again after a failure.
pub struct RabbitmqQueues {
    broker: Broker,
    open: Mutex<Option<(OpenConnection, Channel)>>,
}

/// The broker did not say how full the queues are.
#[derive(Debug, thiserror::Error)]
#[error("the messages in the queues cannot be counted")]
pub struct QueuesUnavailable(#[source] Source);

impl RabbitmqQueues {
    /// Checks the options; does not connect yet.
    pub fn new(options: &RabbitmqOptions) -> Result<Self, RabbitmqOptionsError> {
        Ok(Self { broker: Broker::new(options)?, open: Mutex::default() })
    }

    /// How full the queues are now. Takes at most as long as it takes to connect and to answer;
    /// a future that is dropped before that may leave its connection behind.
    pub async fn depths(&self) -> Result<QueueDepths, QueuesUnavailable> {
        self.count().await.map_err(|error| QueuesUnavailable(error.into()))
    }

    async fn count(&self) -> Result<QueueDepths, BrokerError> {
        let mut open = self.open.lock().await;
        // A connection that fails is closed, for a question costs the channel its life.
        let (connection, channel) = match open.take() {
            Some(open) if open.0.status().connected() && open.1.status().connected() => open,
            _ => self.connect().await?,
        };
        let counted = self.broker.topology.count_ready(&channel);
        let depths = self.broker.with_answer_timeout(counted).await?;
        *open = Some((connection, channel));
        Ok(depths)
    }

    async fn connect(&self) -> Result<(OpenConnection, Channel), BrokerError> {
        let connection = self.broker.connect().await?;
        let channel = self.broker.open_channel(&connection).await?;
        Ok((connection, channel))
    }
}
