//! RabbitMQ that takes no messages, or has nowhere to put them.

use std::time::Duration;

use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use test_servers::Permission;
use tokio::time::timeout;

use super::effect::Effect;
use crate::schedule::Part;
use crate::system::{EXCHANGE, System};

/// What is routed to the queue for mails.
const KEYS: [&str; 2] = ["user.registered", "user.code_requested"];

/// How long a broker may take to confirm a message while all is well.
const CONFIRM: Duration = Duration::from_secs(1);

impl System {
    pub(super) async fn raise_memory_alarm(&self) -> Effect {
        let raised = self.servers().rabbitmq.with(|rabbitmq| rabbitmq.set_memory_alarm(true)).await;
        raised.map_err(|error| error.to_string())?;
        self.expect_no_confirmation().await
    }

    pub(super) async fn end_memory_alarm(&self) {
        let ended = self.servers().rabbitmq.with(|rabbitmq| rabbitmq.set_memory_alarm(false)).await;
        ended.unwrap_or_else(|error| panic!("{error}"));
    }

    pub(super) async fn take_permission(&self) -> Effect {
        let taken =
            self.servers().rabbitmq.with(|rabbitmq| rabbitmq.forbid(Permission::Write)).await;
        taken.map_err(|error| error.to_string())?;
        self.expect_no_confirmation().await
    }

    pub(super) async fn give_permission(&self) {
        let given = self.servers().rabbitmq.with(|rabbitmq| rabbitmq.allow_everything()).await;
        given.unwrap_or_else(|error| panic!("{error}"));
    }

    /// The product declares its bindings again once a message had nowhere to go.
    pub(super) async fn unbind_queue(&self) -> Effect {
        let unbound = async {
            let (_connection, channel) = self.broker_channel().await?;
            for key in KEYS {
                let (queue, exchange) = (format!("{EXCHANGE}.email").into(), EXCHANGE.into());
                channel.queue_unbind(queue, exchange, key.into(), FieldTable::default()).await?;
            }
            lapin::Result::Ok(())
        };
        match unbound.await {
            Ok(()) => Ok("the broker confirmed that the bindings are gone".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Publishes to a queue that nobody has, which a broker that is well confirms at once.
    async fn expect_no_confirmation(&self) -> Effect {
        let published = async {
            let (_connection, channel) = self.broker_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            let (options, properties) =
                (BasicPublishOptions::default(), BasicProperties::default());
            let (exchange, key) = (EXCHANGE.into(), "nobody".into());
            channel.basic_publish(exchange, key, options, b"probe", properties).await?.await
        };
        match timeout(CONFIRM, published).await {
            Err(_) => Ok("a message was not confirmed".to_owned()),
            Ok(Err(error)) => Ok(format!("a message was refused: {error}")),
            Ok(Ok(_)) => Err("a message was confirmed".to_owned()),
        }
    }

    async fn broker_channel(&self) -> lapin::Result<(Connection, Channel)> {
        let url = self.servers().url(Part::Rabbitmq).as_str();
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        Ok((connection, channel))
    }
}
