//! What an operator should know about RabbitMQ: each problem with its remedy. Nothing is declared
//! that is not there, but for a queue that ends with the connection.

mod permissions;
mod queues;
mod reply_code;

use domain::Finding;

use super::connection::{Broker, BrokerError, OpenConnection};
use super::options::RabbitmqOptions;
use crate::diagnosis::judge_encryption;
use reply_code::{ACCESS_REFUSED, NOT_ALLOWED, reply_code};

const CONNECTION: &str = "rabbitmq.connection";

/// Looks at the connection, the exchange and the queues, and what this user may do with them.
pub async fn diagnose(options: RabbitmqOptions) -> Vec<Finding> {
    let broker = match Broker::new(&options) {
        Ok(broker) => broker,
        Err(error) => {
            let advice = "correct the section [rabbitmq]";
            return vec![Finding::error(CONNECTION, error.to_string(), advice)];
        }
    };
    let connection = match broker.connect().await {
        Ok(connection) => connection,
        Err(error) => return vec![refusal(&broker, &error)],
    };
    let findings = examine(&broker, &connection).await;
    broker.close(&connection).await;
    findings
}

async fn examine(broker: &Broker, connection: &OpenConnection) -> Vec<Finding> {
    let advice = "write amqps:// in rabbitmq.url";
    let mut findings = vec![
        Finding::ok(CONNECTION, format!("connected to {}", broker.target())),
        judge_encryption("rabbitmq.tls", broker.host(), broker.is_encrypted(), advice),
    ];
    findings.extend(queues::judge(broker, connection).await);
    findings.extend(permissions::judge(broker, connection).await);
    findings
}

fn refusal(broker: &Broker, error: &BrokerError) -> Finding {
    let remedy = match reply_code(error) {
        Some(ACCESS_REFUSED) => "check user and password in rabbitmq.url",
        Some(NOT_ALLOWED) => {
            "create the virtual host that ends rabbitmq.url, and give the user permissions in it"
        }
        _ => {
            "start the broker, or correct rabbitmq.url: amqps:// is for TLS, amqp:// for none; \
             check the firewalls in between"
        }
    };
    Finding::error(CONNECTION, format!("no connection to {}: {error}", broker.target()), remedy)
}
