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
use super::reply_code::{ACCESS_REFUSED, NOT_FOUND, reply_code};
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
    let mut findings = Vec::new();
    for (action, outcome) in [
        ("declare a queue (configure)", trial.declare().await),
        ("bind a queue (read the exchange, write the queue)", trial.bind().await),
        ("take from a queue (read)", trial.read().await),
    ] {
        findings.extend(outcome.err().and_then(|error| judge_refusal(action, &error)));
    }
    findings.extend(judge_publishing(&trial).await);
    if !findings.iter().any(|finding| finding.check == PERMISSIONS) {
        let message = "the user may configure, write and read";
        findings.push(Finding::ok(PERMISSIONS, message));
    }
    findings
}

/// Comes last: a broker that suspends publishing hears nothing more on this connection.
async fn judge_publishing(trial: &Trial<'_>) -> Option<Finding> {
    let exchange = trial.broker.topology.exchange.clone();
    for (action, exchange) in [
        ("publish to the exchange (write)", exchange),
        // As retries are published.
        ("publish to a queue by its name (write amq.default)", ShortString::default()),
    ] {
        if let Err(error) = trial.publish_to(exchange).await {
            return judge_refusal(action, &error);
        }
    }
    Some(Finding::ok(PUBLISHING, "messages are taken and confirmed"))
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

    async fn publish_to(&self, exchange: ShortString) -> Result<(), BrokerError> {
        let published = self.on_a_channel(async |channel| {
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            let properties = BasicProperties::default().with_expiration(LIFETIME.into());
            let (key, options) = (self.queue.clone(), BasicPublishOptions::default());
            channel.basic_publish(exchange, key, options, b"", properties).await?.await.map(drop)
        });
        match published.await {
            Err(BrokerError::AnswerTimeout(_)) if self.connection.status().blocked() => {
                Err(BrokerError::Blocked)
            }
            outcome => outcome,
        }
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
fn judge_refusal(action: &str, error: &BrokerError) -> Option<Finding> {
    match reply_code(error) {
        Some(NOT_FOUND) => None,
        Some(ACCESS_REFUSED) => Some(Finding::error(
            PERMISSIONS,
            format!("the user may not {action}: {error}"),
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
