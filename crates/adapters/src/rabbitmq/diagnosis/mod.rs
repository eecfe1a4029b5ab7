//! What an operator should know about RabbitMQ: each problem with its remedy. Nothing is declared
//! that is not there, but for a queue that ends with the connection.

mod permissions;
mod queues;
mod reply_code;

use domain::Finding;
use lapin::uri::{AMQPScheme, AMQPUri};

use super::connection::{Broker, BrokerError, OpenConnection};
use super::nodes;
use super::options::RabbitmqOptions;
use crate::diagnosis::judge_encryption;
use reply_code::{ACCESS_REFUSED, NOT_ALLOWED, reply_code};

const CONNECTION: &str = "rabbitmq.connection";

/// Looks at the connection to each node, the exchange and the queues, and what this user may do with them.
pub async fn diagnose(options: RabbitmqOptions) -> Vec<Finding> {
    let broker = match Broker::new(&options) {
        Ok(broker) => broker,
        Err(error) => {
            let advice = "correct the section [rabbitmq]";
            return vec![Finding::error(CONNECTION, error.to_string(), advice)];
        }
    };
    let (mut findings, connection) = connect_to_each(&broker).await;
    if let Some(connection) = connection {
        findings.extend(examine(&broker, &connection).await);
        broker.close(&connection).await;
    }
    findings
}

/// Connects to each node. Those that do not answer are a warning while another does.
async fn connect_to_each(broker: &Broker) -> (Vec<Finding>, Option<OpenConnection>) {
    let (mut findings, mut refusals, mut first) = (Vec::new(), Vec::new(), None);
    for node in broker.nodes() {
        match broker.connect_to(node).await {
            Ok(connection) => {
                findings.push(Finding::ok(CONNECTION, format!("connected to {}", target(node))));
                match &first {
                    None => first = Some(connection),
                    Some(_) => broker.close(&connection).await,
                }
            }
            Err(error) => refusals.push((node, error)),
        }
    }
    findings.extend(refusals.iter().map(|(node, error)| refusal(node, error, first.is_some())));
    (findings, first)
}

async fn examine(broker: &Broker, connection: &OpenConnection) -> Vec<Finding> {
    let advice = "write amqps:// in rabbitmq.url";
    let tls = broker.nodes().iter().map(|node| {
        let is_encrypted = node.scheme == AMQPScheme::AMQPS;
        judge_encryption("rabbitmq.tls", &node.authority.host, is_encrypted, advice)
    });
    // All are encrypted or none is: one finding is enough, the worst.
    let mut findings: Vec<Finding> =
        tls.max_by_key(|finding| finding.severity).into_iter().collect();
    findings.extend(queues::judge(broker, connection).await);
    findings.extend(permissions::judge(broker, connection).await);
    findings
}

/// Host, port and virtual host, without user and password.
fn target(node: &AMQPUri) -> String {
    format!("{}, virtual host {}", nodes::address(node), node.vhost)
}

fn refusal(node: &AMQPUri, error: &BrokerError, another_answers: bool) -> Finding {
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
    let message = format!("no connection to {}: {error}", target(node));
    if another_answers {
        return Finding::warning(CONNECTION, format!("{message}; another node answers"), remedy);
    }
    Finding::error(CONNECTION, message, remedy)
}
