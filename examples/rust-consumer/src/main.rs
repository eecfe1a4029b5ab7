//! Learns from RabbitMQ which accounts are active.
//!
//! A product behind the signup service does three things: it keeps a durable queue of its own, it
//! does what an event asks for at most once per `id`, and it acknowledges an event only when that is
//! done. Whatever crashes in between, the event comes again.

use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

use futures::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties};
use serde::Deserialize;

/// What this product waits for. The routing keys never have a prefix, whatever the types have.
const ROUTING_KEYS: [&str; 2] = ["user.activated", "user.deleted"];
const RECONNECT_DELAY: Duration = Duration::from_secs(1);
/// How many events are in hand at once.
const PREFETCH: u16 = 16;

/// What this product needs of an event; it ignores the rest.
#[derive(Deserialize)]
struct CloudEvent {
    id: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    user_id: String,
}

/// Stands for the product's database. There, the identifiers of events are a table with a unique key,
/// written in the transaction of what the event causes, so that they outlast the process.
#[derive(Default)]
struct Product {
    seen: HashSet<String>,
}

impl Product {
    fn apply(&mut self, routing_key: &str, event: &CloudEvent) {
        let user_id = &event.data.user_id;
        if !self.seen.insert(event.id.clone()) {
            println!("duplicate {}", event.id);
            return;
        }
        match routing_key {
            "user.activated" => println!("active {user_id}"),
            "user.deleted" => println!("deleted {user_id}"),
            other => println!("ignored {other}"),
        }
    }
}

#[tokio::main]
async fn main() {
    let mut product = Product::default();
    loop {
        if let Err(error) = consume(&mut product).await {
            eprintln!("{error}; connecting again");
        }
        tokio::time::sleep(RECONNECT_DELAY).await;
    }
}

/// Takes events until the connection is lost.
async fn consume(product: &mut Product) -> Result<(), Box<dyn Error>> {
    let url = setting("AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/%2f");
    let (exchange, queue) =
        (setting("EXCHANGE", "registration"), setting("QUEUE", "product.registrations"));
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    bind(&channel, &exchange, &queue).await?;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
    let (tag, options) = ("product".into(), BasicConsumeOptions::default());
    let mut deliveries =
        channel.basic_consume(queue.into(), tag, options, FieldTable::default()).await?;
    println!("waiting for events");
    while let Some(delivery) = deliveries.next().await {
        handle(product, &delivery?).await?;
    }
    Err("the connection was lost".into())
}

/// A durable queue keeps the events that come while no consumer runs.
async fn bind(channel: &Channel, exchange: &str, queue: &str) -> lapin::Result<()> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    channel.queue_declare(queue.into(), QueueDeclareOptions::durable(), arguments).await?;
    for key in ROUTING_KEYS {
        let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
        channel.queue_bind(queue.into(), exchange.into(), key.into(), options, arguments).await?;
    }
    Ok(())
}

async fn handle(product: &mut Product, delivery: &Delivery) -> lapin::Result<()> {
    match serde_json::from_slice(&delivery.data) {
        Ok(event) => {
            product.apply(delivery.routing_key.as_str(), &event);
            delivery.ack(BasicAckOptions::default()).await?;
        }
        Err(error) => {
            // Never to be understood: with a dead-letter exchange on the queue it would be kept.
            eprintln!("not an event: {error}");
            delivery.nack(BasicNackOptions::default()).await?;
        }
    }
    Ok(())
}

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}
