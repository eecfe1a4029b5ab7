//! Whether the exchange and the queues are what this version declares.
//!
//! Only an active declaration compares the arguments, and it creates what is missing: so a passive
//! one, which never does, goes first.

use domain::Finding;
use lapin::options::QueueDeclareOptions;
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection};

use super::super::connection::{Broker, BrokerError};
use super::super::topology::Queue;
use super::reply_code::{ACCESS_REFUSED, NOT_FOUND, PRECONDITION_FAILED, reply_code};

const EXCHANGE: &str = "rabbitmq.exchange";
const QUEUES: &str = "rabbitmq.queues";
const BACKLOG: &str = "rabbitmq.backlog";
const DEAD_LETTERS: &str = "rabbitmq.dead_letters";

/// What a queue holds.
struct Content {
    messages: u32,
    consumers: u32,
}

/// Judges the exchange, each queue, and what is in them.
pub(super) async fn judge(broker: &Broker, connection: &Connection) -> Vec<Finding> {
    let exchange = &broker.topology.exchange;
    let mut findings = vec![match look_at_exchange(broker, connection).await {
        Ok(()) => Finding::ok(EXCHANGE, format!("{exchange} is as declared")),
        Err(error) if reply_code(&error) == Some(NOT_FOUND) => missing(EXCHANGE, exchange.as_str()),
        Err(error) if reply_code(&error) == Some(ACCESS_REFUSED) => {
            forbidden(EXCHANGE, exchange.as_str())
        }
        Err(error) => deviation(EXCHANGE, exchange, &error),
    }];
    let queues = broker.topology.queues();
    let mut deviations = Vec::new();
    let [mut absent, mut refused] = [const { Vec::<&str>::new() }; 2];
    for queue in &queues {
        match look_at_queue(broker, connection, queue).await {
            Ok(content) => findings.extend(judge_content(broker, queue, &content)),
            Err(error) if reply_code(&error) == Some(NOT_FOUND) => absent.push(queue.name.as_str()),
            Err(error) if reply_code(&error) == Some(ACCESS_REFUSED) => {
                refused.push(queue.name.as_str());
            }
            Err(error) => deviations.push(deviation(QUEUES, &queue.name, &error)),
        }
    }
    if !absent.is_empty() {
        deviations.push(missing(QUEUES, &absent.join(", ")));
    }
    if !refused.is_empty() {
        deviations.push(forbidden(QUEUES, &refused.join(", ")));
    }
    if deviations.is_empty() {
        deviations.push(Finding::ok(QUEUES, format!("all {} are as declared", queues.len())));
    }
    findings.extend(deviations);
    findings
}

async fn look_at_exchange(broker: &Broker, connection: &Connection) -> Result<(), BrokerError> {
    let looked = async {
        let channel = connection.create_channel().await?;
        broker.topology.declare_exchange(&channel, true).await?;
        broker.topology.declare_exchange(&channel, false).await
    };
    broker.with_answer_timeout(looked).await
}

async fn look_at_queue(
    broker: &Broker,
    connection: &Connection,
    queue: &Queue,
) -> Result<Content, BrokerError> {
    let looked = async {
        // Of its own: a refusal closes the channel.
        let channel = connection.create_channel().await?;
        find(&channel, queue).await?;
        queue.declare(&channel).await
    };
    let declared = broker.with_answer_timeout(looked).await?;
    Ok(Content { messages: declared.message_count(), consumers: declared.consumer_count() })
}

async fn find(channel: &Channel, queue: &Queue) -> lapin::Result<lapin::Queue> {
    let passive = QueueDeclareOptions::durable().passive();
    channel.queue_declare(queue.name.clone(), passive, FieldTable::default()).await
}

fn missing(check: &'static str, names: &str) -> Finding {
    let message = format!("not there yet: {names}");
    Finding::warning(check, message, "start the API or the worker, which declares it")
}

fn forbidden(check: &'static str, names: &str) -> Finding {
    let advice = "give the user of rabbitmq.url the permissions to configure, write and read it";
    Finding::error(check, format!("the user may not declare {names}"), advice)
}

fn deviation(check: &'static str, name: &ShortString, error: &BrokerError) -> Finding {
    match reply_code(error) {
        Some(PRECONDITION_FAILED) => Finding::error(
            check,
            format!("{name} was declared differently: {error}"),
            "delete it once it is empty, and restart the API, which declares it anew; or set \
             rabbitmq.exchange to another name",
        ),
        _ => Finding::error(check, format!("{name}: {error}"), "see the log of the broker"),
    }
}

fn judge_content(broker: &Broker, queue: &Queue, content: &Content) -> Option<Finding> {
    if queue.name == broker.topology.work_queue {
        Some(judge_backlog(content))
    } else if queue.name == broker.topology.dead_queue {
        Some(judge_dead_letters(content))
    } else {
        None
    }
}

fn judge_backlog(content: &Content) -> Finding {
    let Content { messages, consumers } = content;
    if *messages > 0 && *consumers == 0 {
        let message = format!("{messages} events wait for a mail, and no worker takes them");
        return Finding::warning(BACKLOG, message, "start the e-mail worker");
    }
    Finding::ok(BACKLOG, format!("{messages} events wait, consumers: {consumers}"))
}

fn judge_dead_letters(content: &Content) -> Finding {
    match content.messages {
        0 => Finding::ok(DEAD_LETTERS, "there are none"),
        messages => Finding::warning(
            DEAD_LETTERS,
            format!("{messages} events were set aside and will not be mailed"),
            "look at them with `email-worker dead-letters list`",
        ),
    }
}
