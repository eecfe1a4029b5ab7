//! Sees every event that is published, beside the workers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use faults::clock::Clock;
use faults::evidence::At;
use futures::StreamExt;
use lapin::options::{BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use tokio::task::JoinHandle;

use crate::stage::Addresses;

/// A consumer with a queue of its own.
pub(crate) struct Observer {
    seen: Arc<Mutex<Vec<Seen>>>,
    _connection: Connection,
    consuming: JoinHandle<()>,
}

struct Seen {
    message_id: String,
    kind: String,
    at: Instant,
}

impl Observer {
    /// Sees what is published from now on; the exchange has to exist.
    pub(crate) async fn start(addresses: &Addresses) -> Self {
        let url = addresses.rabbitmq.first().expect("a node");
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        let exclusive = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare("".into(), exclusive, FieldTable::default());
        let queue = queue.await.unwrap().name().clone();
        let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
        let exchange = addresses.name.as_str().into();
        let bound = channel.queue_bind(queue.clone(), exchange, "#".into(), options, arguments);
        bound.await.unwrap();
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let deliveries = channel.basic_consume(queue, "".into(), options, FieldTable::default());
        let mut deliveries = deliveries.await.unwrap();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let noted = seen.clone();
        let consuming = tokio::spawn(async move {
            while let Some(Ok(delivery)) = deliveries.next().await {
                let message_id = delivery.properties.message_id().clone().unwrap_or_default();
                let (message_id, kind) = (message_id.to_string(), delivery.routing_key.to_string());
                noted.lock().unwrap().push(Seen { message_id, kind, at: Instant::now() });
            }
        });
        Self { seen, _connection: connection, consuming }
    }

    /// How many messages with this routing key were published.
    pub(crate) fn count_of(&self, kind: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|seen| seen.kind == kind).count()
    }

    /// When each event was published, by its identifier.
    pub(crate) fn copies(&self, clock: &Clock) -> Vec<(String, Vec<At>)> {
        let mut copies: BTreeMap<String, Vec<At>> = BTreeMap::new();
        for seen in self.seen.lock().unwrap().iter().filter(|seen| seen.kind != "probe") {
            copies.entry(seen.message_id.clone()).or_default().push(clock.at(seen.at));
        }
        copies.into_iter().collect()
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.consuming.abort();
    }
}
