//! Whether this user may do what the services do, by doing it: with a queue that is named like the
//! others, belongs to this connection alone and ends with it.

use domain::Finding;
use domain::ports::IdSource;
use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel};

use super::super::connection::{Broker, BrokerError, OpenConnection};
use super::{ACCESS_REFUSED, NOT_FOUND, reply_code};
use crate::system_ids::SystemIds;

const PERMISSIONS: &str = "rabbitmq.permissions";
const PUBLISHING: &str = "rabbitmq.publishing";

/// How long a message lasts in a queue that somebody has bound to every key of the exchange, in
/// milliseconds.
const LIFETIME: &str = "1000";

/// Judges the permissions, and whether messages are taken at all.
pub(super) async fn judge(broker: &Broker, connection: &OpenConnection) -> Vec<Finding> {
    let queue = format!("{}.doctor.{}", broker.topology.work_queue, SystemIds.next_id());
    let trial = Trial { broker, connection, queue: queue.into() };
    let mut findings: Vec<_> = [trial.declare().await, trial.bind().await, trial.read().await]
        .into_iter()
        .filter_map(|outcome| judge_refusal(&outcome.err()?))
        .collect();
    // Last: a broker that suspends publishing hears nothing more on this connection.
    match trial.publish().await {
        Ok(()) => findings.push(Finding::ok(PUBLISHING, "messages are taken and confirmed")),
        Err(error) => findings.extend(judge_refusal(&error)),
    }
    if !findings.iter().any(|finding| finding.check == PERMISSIONS) {
        let message = "the user may configure, write and read";
        findings.push(Finding::ok(PERMISSIONS, message));
    }
    findings
}

/// What the services do, on a queue that nobody misses.
struct Trial<'a> {
    broker: &'a Broker,
    connection: &'a OpenConnection,
    queue: ShortString,
}

impl Trial<'_> {
    async fn declare(&self) -> Result<(), BrokerError> {
        let options =
            QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
        self.on_a_channel(async |channel| {
            channel.queue_declare(self.queue.clone(), options, FieldTable::default()).await
        })
        .await
        .map(drop)
    }

    async fn bind(&self) -> Result<(), BrokerError> {
        let exchange = self.broker.topology.exchange.clone();
        self.on_a_channel(async |channel| {
            let (queue, key) = (self.queue.clone(), self.queue.clone());
            let options = QueueBindOptions::default();
            channel.queue_bind(queue, exchange, key, options, FieldTable::default()).await
        })
        .await
    }

    async fn read(&self) -> Result<(), BrokerError> {
        self.on_a_channel(async |channel| {
            channel.basic_get(self.queue.clone(), BasicGetOptions { no_ack: true }).await
        })
        .await
        .map(drop)
    }

    /// To the exchange, and to a queue by its name, as retries are published.
    async fn publish(&self) -> Result<(), BrokerError> {
        for exchange in [self.broker.topology.exchange.clone(), ShortString::default()] {
            let published =
                self.on_a_channel(async |channel| self.publish_to(&channel, exchange).await);
            match published.await {
                Err(BrokerError::AnswerTimeout(_)) if self.connection.status().blocked() => {
                    return Err(BrokerError::Blocked);
                }
                outcome => outcome?,
            }
        }
        Ok(())
    }

    async fn publish_to(&self, channel: &Channel, exchange: ShortString) -> lapin::Result<()> {
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        let properties = BasicProperties::default().with_expiration(LIFETIME.into());
        let (key, options) = (self.queue.clone(), BasicPublishOptions::default());
        channel.basic_publish(exchange, key, options, b"", properties).await?.await.map(drop)
    }

    /// Each on a channel of its own: a refusal closes it.
    async fn on_a_channel<T>(
        &self,
        work: impl AsyncFnOnce(Channel) -> lapin::Result<T>,
    ) -> Result<T, BrokerError> {
        let worked = async { work(self.connection.create_channel().await?).await };
        self.broker.with_answer_timeout(worked).await
    }
}

/// Nothing where only the trial's own queue or the exchange is missing, which is said elsewhere.
fn judge_refusal(error: &BrokerError) -> Option<Finding> {
    match reply_code(error) {
        Some(NOT_FOUND) => None,
        Some(ACCESS_REFUSED) => Some(Finding::error(
            PERMISSIONS,
            format!("the user lacks a permission: {error}"),
            "rabbitmqctl set_permissions: the user has to configure, write and read everything \
             that is named after rabbitmq.exchange, and to write amq.default",
        )),
        _ if matches!(error, BrokerError::Blocked) => Some(Finding::error(
            PUBLISHING,
            error.to_string(),
            "free memory or disk of the broker, or move its watermarks: mails wait until then",
        )),
        _ => Some(Finding::error(PUBLISHING, error.to_string(), "see the log of the broker")),
    }
}
